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


@dataclass(slots=True, frozen=True)
class SlotWatch:
    """The series that a model watches.

    Attributes:
        series: all of them, in order.
        known: of a category, the values that are told one by one whatever else occurs.
        leaders: of templates whose series are correlated, the one in whose virtual partition they meet.
    """

    series: tuple[SeriesKey, ...] = ()
    known: Mapping[SeriesKey, frozenset[str]] = field(default_factory=dict)
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
        known = {
            SeriesKey(c.template, CATEGORY, c.field, c.slot_ms): frozenset(s.value for s in c.shares)
            for c in model.categories
        }
        keys = set(known)
        settings = model.series
        if settings.enabled:
            keys |= {SeriesKey(t.id, LINES, "", settings.slot_ms) for t in model.templates}
            keys |= {SeriesKey(f.template, CATEGORY, f.field, settings.slot_ms) for f in settings.fields}
            keys |= {SeriesKey(f.template, METRIC, f.field, settings.slot_ms) for f in settings.metrics}
            refs = [ref for pair in settings.correlations for ref in pair.key]
            keys |= {SeriesKey(ref.template, ref.kind, ref.field, settings.slot_ms) for ref in refs}
            for ref in refs:
                if ref.kind == CATEGORY:
                    key = SeriesKey(ref.template, CATEGORY, ref.field, settings.slot_ms)
                    known[key] = known.get(key, frozenset()) | {ref.value}
            return cls(tuple(sorted(keys)), known, leaders(settings.correlations))
        return cls(tuple(sorted(keys)), known)
