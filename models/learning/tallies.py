"""What the second pass counts beside visits: values of fields, by time. Mergeable and bounded as its parts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.batches import pack_columns, unpack_columns
from models.learning.series_tally import SeriesReading, SeriesTally
from models.mining.categories import Candidate, CategoryTally, stable_categories
from models.mining.values import PARTS, ValueCounts, count_values, value_sets
from models.parser import Parsed
from models.series.correlation.pair import Correlation
from models.source_reader import Events


@dataclass(frozen=True, slots=True)
class TallyReading:
    """What is counted.

    Attributes:
        closable: places of templates, and the fields of each that may take a few values and no others.
        shared: fields whose shares of values may be stable.
        span_ms: the first and the last time of all events, epoch ms.
        series: the series that may go together; None where the model watches none.
    """

    closable: tuple[tuple[int, tuple[str, ...]], ...]
    shared: tuple[Candidate, ...]
    span_ms: tuple[int, int]
    series: SeriesReading | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.closable or self.shared or self.series)

    def fields(self) -> dict[int, tuple[str, ...]]:
        """The fields that have to be cut out of the lines, by the place of their template."""
        found = {template: list(names) for template, names in self.closable}
        for candidate in self.shared:
            found.setdefault(candidate.template, []).append(candidate.field)
        for template, field in () if self.series is None else self.series.fields():
            found.setdefault(template, []).append(field)
        return {template: tuple(dict.fromkeys(names)) for template, names in found.items()}


class FieldTallies:
    """Counts of the lines added so far.

    Args:
        reading: what is counted; the same for all that are to be merged.
    """

    VERSION = 1

    def __init__(self, reading: TallyReading) -> None:
        self._reading = reading
        self._closable = dict(reading.closable)
        self._values = ValueCounts()
        self._shares = CategoryTally(reading.shared)
        self._series = None if reading.series is None else SeriesTally(reading.series)

    def add(self, events: Events, parsed: Parsed, wanted: Sequence[Sequence[str]]) -> None:
        """Count events of a source.

        Args:
            events: the events.
            parsed: the same, parsed.
            wanted: for each template the names of the fields that the parser cuts out, those of
                :meth:`TallyReading.fields` among them.
        """
        if not len(events):
            return
        if self._closable:
            first, last = self._reading.span_ms
            part = np.clip((events.event_ms - first) * PARTS // max(1, last - first + 1), 0, PARTS - 1)
            count_values(self._values, events.data, parsed, wanted, part, self._closable)
        if self._reading.shared:
            self._shares.add(events, parsed, wanted)
        if self._series is not None:
            self._series.add(events, parsed, wanted)

    def merge(self, other: FieldTallies) -> None:
        """Add all that another has counted."""
        self._values.merge(other._values)
        self._shares.merge(other._shares)
        if self._series is not None and other._series is not None:
            self._series.merge(other._series)

    def sections(self, templates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The sections ``values`` and ``categories`` of a model with these templates; empty ones are left out."""
        values = value_sets(self._values, templates)
        categories = [c.to_json() for c in stable_categories(self._shares, [str(t["id"]) for t in templates])]
        return ({"values": values} if values else {}) | ({"categories": categories} if categories else {})

    def pairs(self) -> list[Correlation]:
        """The series that go together; none where series are not watched."""
        return [] if self._series is None else self._series.pairs()

    def to_record(self) -> bytes:
        """The counts as one plain, versioned record."""
        blocks = self._shares.blocks
        head: dict[str, object] = {
            "values": [[*key, counts] for key, counts in self._values.counts()],
            "blocks": [sorted(own) for own in blocks],
        }
        columns = [own[number].astype(np.int64).tobytes() for own in blocks for number in sorted(own)]
        if self._series is not None:
            head["series"], more = self._series.to_columns()
            columns += more
        return pack_columns(self.VERSION, head, columns)

    @classmethod
    def from_record(cls, record: bytes, reading: TallyReading) -> FieldTallies:
        """Undo :meth:`to_record`; raises :class:`~models.batches.BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        head: dict[str, Any] = found
        made = cls(reading)
        for template, name, counts in head["values"]:
            made._values.put((template, name), counts)
        at = iter(columns)
        for candidate, own, numbers in zip(reading.shared, made._shares.blocks, head["blocks"], strict=True):
            for number in numbers:
                own[number] = np.frombuffer(next(at), np.int64).reshape(-1, len(candidate.values) + 1)
        if made._series is not None:
            made._series.read_columns(head["series"], at)
        return made
