"""Which series go together: counted slot by slot in the second pass, as the job counts them. Mergeable and bounded.

Slots are kept in blocks of :data:`BLOCK`. Of a longer log than fits, the blocks with the smallest checksums stay: the
choice is the same whatever was seen first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.mining.categories import Candidate
from models.parser import Parsed
from models.series.correlation.fit import learn_pairs
from models.series.correlation.pair import CATEGORY, LINES, METRIC, Correlation, SeriesRef
from models.slots.counting import SlotCounter
from models.slots.exact import ExactSum
from models.slots.series import SeriesKey, SlotWatch
from models.slots.settings import SeriesSettings
from models.source_reader import Events

BLOCK = 240
MOST_SERIES = 4000
MOST_CELLS = 20_000_000
"""Slots times series that are held: 80 MB."""

_MOST_BLOCKS = 60
_MOST_VALUES = 10
_SAME = 0.9
"""A value that so many of its template's lines have says what their number says."""

Block = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SeriesReading:
    """What is counted.

    Attributes:
        slot_ms: length of the slots.
        templates: ids of the templates, as their Grok stands in the plan.
        series: all series; those of the templates with most lines where there are too many.
    """

    slot_ms: int
    templates: tuple[str, ...]
    series: tuple[SeriesRef, ...]

    @classmethod
    def of(
        cls, settings: SeriesSettings, templates: Sequence[tuple[str, int]], candidates: Sequence[Candidate]
    ) -> SeriesReading:
        """All that may go together.

        Args:
            settings: the length of slots, and the metrics.
            templates: id and number of lines of each.
            candidates: the fields of few values.
        """
        ids = tuple(name for name, _ in templates)
        busy = sorted(range(len(ids)), key=lambda at: (-templates[at][1], ids[at]))
        series = [SeriesRef(m.template, METRIC, m.field) for m in settings.metrics if m.template in ids]
        series += [SeriesRef(ids[at]) for at in busy]
        series += [
            SeriesRef(ids[one.template], CATEGORY, one.field, value)
            for one in candidates
            for value in one.values[:_MOST_VALUES]
        ]
        return cls(settings.slot_ms, ids, tuple(sorted(series[:MOST_SERIES])))

    def fields(self) -> Iterator[tuple[int, str]]:
        """The fields that have to be cut out of the lines, each with the place of its template."""
        place = {name: at for at, name in enumerate(self.templates)}
        for ref in self.series:
            if ref.field:
                yield place[ref.template], ref.field

    def watch(self) -> SlotWatch:
        """The series as the job would count them."""
        known: dict[SeriesKey, set[str]] = {}
        for ref in self.series:
            key = SeriesKey(ref.template, ref.kind, ref.field, self.slot_ms)
            known.setdefault(key, set()).update({ref.value} if ref.kind == CATEGORY else ())
        return SlotWatch(tuple(sorted(known)), {key: frozenset(values) for key, values in known.items()})


class SeriesTally:
    """Slots of the events added so far.

    Args:
        reading: what is counted; the same for all that are to be merged.
    """

    def __init__(self, reading: SeriesReading) -> None:
        self._reading = reading
        self._counter: SlotCounter | None = None
        self._places: dict[SeriesKey, list[tuple[int, str]]] = {}
        for at, ref in enumerate(reading.series):
            key = SeriesKey(ref.template, ref.kind, ref.field, reading.slot_ms)
            self._places.setdefault(key, []).append((at, ref.value))
        self._most = max(1, min(_MOST_BLOCKS, MOST_CELLS // (BLOCK * max(1, len(reading.series)))))
        self.blocks: dict[int, Block] = {}
        self.sums: dict[tuple[int, int], ExactSum] = {}
        """Of metrics: (series, slot) → sum of the numbers; their count stands in the block."""
        self.span: tuple[int, int] | None = None
        """First and last slot of all events."""

    def add(self, events: Events, parsed: Parsed, wanted: Sequence[Sequence[str]]) -> None:
        """Count events of a source; those that would be late in the job are left out as there.

        Args:
            events: the events.
            parsed: the same, parsed.
            wanted: for each template the names of the fields that the parser cuts out, always the same ones, those of
                :meth:`SeriesReading.fields` among them.
        """
        if not len(events):
            return
        if self._counter is None:
            self._counter = SlotCounter(self._reading.watch(), self._reading.templates, wanted)
        slot_ms = self._reading.slot_ms
        for part in self._counter.count(events, parsed, "", 0):
            for (key, begin), cell in part.cells.items():
                number = begin // slot_ms
                self._reach(number, number)
                block = self._block(number // BLOCK)
                for at, value in self._places[key]:
                    block[at, number % BLOCK] += cell.values.get(value, 0) if key.kind == CATEGORY else cell.lines
                    if cell.numbers is not None:
                        self._sum(at, number, cell.numbers.total)
        self._thin_out()

    def _block(self, number: int) -> Block:
        block = self.blocks.get(number)
        if block is None:
            block = self.blocks[number] = np.zeros((len(self._reading.series), BLOCK), np.int32)
        return block

    def _sum(self, at: int, number: int, total: ExactSum) -> None:
        self.sums[at, number] = self.sums.get((at, number), ExactSum()).plus(total)

    def _reach(self, first: int, last: int) -> None:
        self.span = (first, last) if self.span is None else (min(self.span[0], first), max(self.span[1], last))

    def _thin_out(self) -> None:
        if len(self.blocks) <= self._most:
            return
        order = sorted(self.blocks, key=lambda number: (zlib.crc32(str(number).encode()), number))
        for number in order[self._most :]:
            del self.blocks[number]
        self.sums = {place: total for place, total in self.sums.items() if place[1] // BLOCK in self.blocks}

    def merge(self, other: SeriesTally) -> None:
        """Add what another tally of the same series has counted."""
        for number, block in other.blocks.items():
            self._block(number)[:] += block
        for (at, number), total in other.sums.items():
            self._sum(at, number, total)
        if other.span is not None:
            self._reach(*other.span)
        self._thin_out()

    def pairs(self) -> list[Correlation]:
        """The series that go together."""
        if self.span is None:
            return []
        series = self._reading.series
        slots = np.concatenate([np.arange(number * BLOCK, (number + 1) * BLOCK) for number in sorted(self.blocks)])
        values = np.concatenate([self.blocks[number].T for number in sorted(self.blocks)]).astype(np.float64)
        # The log begins and ends within its first and last slot.
        whole = (slots > self.span[0]) & (slots < self.span[1])
        row = {number: at for at, number in enumerate(slots.tolist())}
        for at, ref in enumerate(series):
            if ref.kind == METRIC:
                lines = values[:, at].copy()
                values[:, at] = np.nan
                for (own, number), total in self.sums.items():
                    if own == at and lines[row[number]]:
                        values[row[number], at] = total.value() / lines[row[number]]
        kept = np.array(self._telling(values[whole].sum(axis=0)), np.int64)
        named = [series[at] for at in kept]

        def allowed(a: int, b: int) -> bool:
            return named[a].template != named[b].template or not (named[a].counts and named[b].counts)

        return learn_pairs(values[whole][:, kept], slots[whole], named, self._reading.slot_ms, allowed)

    def _telling(self, totals: npt.NDArray[np.float64]) -> list[int]:
        """The series that say something of their own: not the value that nearly all lines of a template have."""
        lines = {ref.template: totals[at] for at, ref in enumerate(self._reading.series) if ref.kind == LINES}
        return [
            at
            for at, ref in enumerate(self._reading.series)
            if ref.kind != CATEGORY or totals[at] < _SAME * lines.get(ref.template, np.inf)
        ]

    def to_columns(self) -> tuple[dict[str, Any], list[bytes]]:
        """The counts as JSON data and columns."""
        numbers = sorted(self.blocks)
        head = {
            "blocks": numbers,
            "span": self.span,
            "sums": [[*place, *total] for place, total in sorted(self.sums.items())],
        }
        return head, [self.blocks[number].tobytes() for number in numbers]

    def read_columns(self, head: Mapping[str, Any], columns: Iterator[memoryview]) -> None:
        """Undo :meth:`to_columns` into an empty tally."""
        for number in head["blocks"]:
            self._block(number)[:] = np.frombuffer(next(columns), np.int32).reshape(-1, BLOCK)
        self.sums = {(at, number): ExactSum(*total) for at, number, *total in head["sums"]}
        self.span = None if head["span"] is None else (head["span"][0], head["span"][1])
