"""Which series a model watches: what of each is counted, and in slots of which length."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from models.document import ModelDocument
from models.series.correlation.pair import CATEGORY, LINES, METRIC, leaders

__all__ = ["CATEGORY", "LINES", "METRIC", "SERIES_SHARDS", "SeriesKey", "SlotWatch", "series_key", "watches_slots"]

SERIES_SHARDS = 4
"""Virtual partitions of the series of a model; fixed for the life of a state. A series says little however long the log
is, so a few are enough to share the work out."""


class SeriesKey(NamedTuple):
    """A series of a model; the order is that in which slots of the same time are told.

    Attributes:
        template: id of the template.
        kind: ``LINES``, ``CATEGORY`` or ``METRIC``.
        field: the field; "" for ``LINES``.
        slot_ms: length of its slots, ms. Slots begin at multiples of it, epoch ms.
    """

    template: str
    kind: str
    field: str
    slot_ms: int

    @property
    def shard(self) -> int:
        """The virtual partition of a template that no correlation names: one for all its series."""
        return shard_of_series(self.template)


def shard_of_series(template: str) -> int:
    """The virtual partition of a template's series: stable over processes and versions (CRC-32)."""
    return zlib.crc32(template.encode()) % SERIES_SHARDS


def series_key(model: str, shard: int) -> str:
    """The key of a shard of series in keyed state. Ids of models hold no slash."""
    return f"{model}/{shard}"


def watches_slots(document: str) -> bool:
    """Whether the model in a JSON text watches any series."""
    found = json.loads(document)
    return bool(found.get("categories")) or bool(found.get("series", {}).get("enabled"))


def named_values(model: ModelDocument, template: str, field: str) -> frozenset[str]:
    """The values of a field that a model names, in its categories or its sets of values."""
    found = {s.value for c in model.categories if (c.template, c.field) == (template, field) for s in c.shares}
    found |= {v.value for s in model.values if (s.template, s.field) == (template, field) for v in s.values}
    return frozenset(found)


@dataclass(slots=True, frozen=True)
class SlotWatch:
    """The series that a model watches.

    Attributes:
        series: all of them, in order.
        known: of a category, the values that are told one by one whatever else occurs.
        detected: those that detectors look at: they are not to fall asleep over a weekend.
        leaders: of templates whose series are correlated, the one in whose virtual partition they meet.
    """

    series: tuple[SeriesKey, ...] = ()
    known: Mapping[SeriesKey, frozenset[str]] = field(default_factory=dict)
    detected: frozenset[SeriesKey] = frozenset()
    leaders: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is watched."""
        return bool(self.series)

    def shard_of(self, template: str) -> int:
        """The virtual partition of a template's series: the same for all templates that correlations connect."""
        return shard_of_series(self.leaders.get(template, template))

    def fields(self, template: str) -> tuple[str, ...]:
        """The fields of a template that have to be cut out of its lines, each once."""
        return tuple(dict.fromkeys(key.field for key in self.series if key.template == template and key.field))

    @classmethod
    def of(cls, model: ModelDocument) -> SlotWatch:
        """What a model watches: the fields of its categories, and its series if they are enabled."""
        settings = model.series
        categories = {SeriesKey(c.template, CATEGORY, c.field, c.slot_ms) for c in model.categories}
        fields = {SeriesKey(f.template, CATEGORY, f.field, settings.slot_ms) for f in settings.fields}
        keys = set(categories)
        if settings.enabled:
            keys |= {SeriesKey(t.id, LINES, "", settings.slot_ms) for t in model.templates}
            keys |= fields
            keys |= {SeriesKey(f.template, METRIC, f.field, settings.slot_ms) for f in settings.metrics}
            refs = [ref for pair in settings.correlations for ref in pair.key]
            keys |= {SeriesKey(ref.template, ref.kind, ref.field, settings.slot_ms) for ref in refs}
        known = {key: named_values(model, key.template, key.field) for key in keys if key.kind == CATEGORY}
        own = {key for key in keys if key.slot_ms == settings.slot_ms} if settings.enabled and settings.detect else ()
        return cls(
            tuple(sorted(keys)), known, frozenset(own), leaders(settings.correlations) if settings.enabled else {}
        )
