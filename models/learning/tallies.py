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
from models.parser import LineParser
from models.series.correlation.pair import Correlation
from models.source_reader import Events


@dataclass(frozen=True, slots=True)
class TallyReading:
    """What is counted.

    Attributes:
        groks: Grok of each template.
        patterns: Grok patterns of the model's own.
        closable: places of templates, and the fields of each that may take a few values and no others.
        shared: fields whose shares of values may be stable.
        span_ms: the first and the last time of all events, epoch ms.
        series: the series that may go together; None where the model watches none.
    """

    groks: tuple[str, ...]
    patterns: tuple[tuple[str, str], ...]
    closable: tuple[tuple[int, tuple[str, ...]], ...]
    shared: tuple[Candidate, ...]
    span_ms: tuple[int, int]
    series: SeriesReading | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.closable or self.shared or self.series)


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
        templates = range(len(reading.groks))
        patterns = dict(reading.patterns)
        self._value_parser = LineParser(reading.groks, [self._closable.get(at, ()) for at in templates], patterns)
        self._series = None if reading.series is None else SeriesTally(reading.series, reading.groks, patterns)
        self._share_parser = LineParser(reading.groks, self._shares.fields(len(reading.groks)), patterns)

    def add(self, events: Events) -> None:
        """Count events of a source."""
        if not len(events):
            return
        spans = events.data, events.starts, events.ends, events.time_starts, events.time_ends
        if self._closable:
            first, last = self._reading.span_ms
            part = np.clip((events.event_ms - first) * PARTS // max(1, last - first + 1), 0, PARTS - 1)
            count_values(self._values, events.data, self._value_parser.parse(*spans), part, self._closable)
        if self._reading.shared:
            self._shares.add(events, self._share_parser.parse(*spans))
        if self._series is not None:
            self._series.add(events)

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
