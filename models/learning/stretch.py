"""The lines at the beginning of each source, as a sample for what has to be seen line beside line: mergeable, bounded.

Identifiers show in lines that follow each other, so that the sample takes whole stretches. All sources have the same
share of what may be held, and those that need less leave it to the others: of each source the first lines are held,
until their cost reaches a *level*, the largest at which all of them fit. Adding lines only lowers the level, and what
stands behind a line that is left out is left out too; so it does not matter when, or in which shard, a line is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.batches import Int64, columns_to_strings, pack_columns, strings_to_columns, unpack_columns
from models.folding import Bytes
from models.source_reader import Events

_BYTES_A_UNIT = 256
_SLACK = 2
_FAR = 1 << 62


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines in order of (order time, source, position); arrays as in :class:`~models.source_reader.Events`.

    Attributes:
        data: uint8[m], the lines, each followed by a line end.
        starts, ends, time_starts, time_ends: int64[n], byte ranges of ``data``.
        event_ms, order_ms: int64[n], epoch ms.
    """

    data: Bytes
    starts: Int64
    ends: Int64
    time_starts: Int64
    time_ends: Int64
    event_ms: Int64
    order_ms: Int64

    def __len__(self) -> int:
        return len(self.starts)


class StretchSummary:
    """The beginnings of all sources.

    Args:
        most: what lines may cost together; a line costs 1, and 1 more for each 256 bytes.
    """

    VERSION = 1

    def __init__(self, most: int) -> None:
        self._most = most
        self._costs: dict[str, int] = {}
        self._stops: dict[str, int] = {}
        """Of each source the position from which on nothing is held."""
        self._held: dict[str, list[_Lines]] = {}
        self._held_cost = 0

    def add(self, source: str, events: Events) -> None:
        """Add events of a source."""
        if not len(events):
            return
        cost = 1 + (events.ends - events.starts) // _BYTES_A_UNIT
        self._costs[source] = self._costs.get(source, 0) + int(cost.sum())
        held = self._held.setdefault(source, [])
        # Usually lines come in order, and nothing behind a full stretch can matter any more.
        room = self._level() - sum(each.total for each in held if each.last < int(events.line[0]))
        size = int(np.searchsorted(np.cumsum(cost), room, side="right"))
        if size < len(events):
            self._stop(source, int(events.line[size]))
        size = int(np.searchsorted(events.line[:size], self._stops.get(source, _FAR)))
        if size:
            self._keep(source, _Lines.of(events, np.arange(size), cost[:size]))
        if self._held_cost > _SLACK * self._most:
            self._trim()

    def merge(self, other: StretchSummary) -> None:
        """Add all that another summary with the same bound holds."""
        for source, cost in other._costs.items():
            self._costs[source] = self._costs.get(source, 0) + cost
        for source, stop in other._stops.items():
            self._stop(source, stop)
        for source, pieces in other._held.items():
            for piece in pieces:
                self._keep(source, piece)
        if self._held_cost > _SLACK * self._most:
            self._trim()

    def stretch(self) -> Stretch:
        """The sample."""
        self._trim()
        pieces = [(number, piece) for number, name in enumerate(sorted(self._held)) for piece in self._held[name]]
        lines = [line for _, piece in pieces for line in piece.lines]
        table = [np.column_stack((p.numbers, np.full(len(p.lines), number))) for number, p in pieces]
        numbers = np.concatenate(table) if table else np.empty((0, 6), np.int64)
        order = np.lexsort((numbers[:, 0], numbers[:, 5], numbers[:, 2]))
        lines = [lines[at] for at in order.tolist()]
        _, event_ms, order_ms, begin, end, _ = numbers[order].T
        sizes = np.fromiter(map(len, lines), np.int64, len(lines))
        starts = np.cumsum(sizes + 1) - sizes - 1
        data = np.frombuffer(b"".join([each + b"\n" for each in lines]), np.uint8)
        return Stretch(data, starts, starts + sizes, starts + begin, starts + end, event_ms.copy(), order_ms.copy())

    def to_record(self) -> bytes:
        """The summary as one plain, versioned record."""
        return next(self.to_records(1 << 62))

    def to_records(self, most: int) -> Iterator[bytes]:
        """The summary in records of about so many lines; merged, they are the summary."""
        self._trim()
        totals = self._costs, self._stops
        sources: list[tuple[str, _Lines]] = []
        size = 0
        for source in sorted(self._held):
            for piece in self._held[source]:
                for part in piece.parts(most):
                    if size and size + len(part.lines) > most:
                        yield self._record(*totals, sources)
                        totals, sources, size = ({}, {}), [], 0
                    sources.append((source, part))
                    size += len(part.lines)
        yield self._record(*totals, sources)

    def _record(self, costs: dict[str, int], stops: dict[str, int], sources: Sequence[tuple[str, _Lines]]) -> bytes:
        head: dict[str, object] = {
            "most": self._most,
            "costs": costs,
            "stops": stops,
            "sources": [(source, len(piece.lines)) for source, piece in sources],
        }
        columns: list[bytes] = []
        for _, piece in sources:
            columns += [piece.numbers.tobytes(), piece.cost.tobytes(), *strings_to_columns(piece.lines)]
        return pack_columns(self.VERSION, head, columns)

    @classmethod
    def from_record(cls, record: bytes) -> StretchSummary:
        """Undo :meth:`to_record`; raises :class:`~models.batches.BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        head: dict[str, Any] = found
        made = cls(int(str(head["most"])))
        made._costs, made._stops = head["costs"], head["stops"]
        for at, (source, _) in enumerate(head["sources"]):
            numbers, cost, lengths, joined = columns[4 * at : 4 * at + 4]
            made._keep(
                source,
                _Lines(
                    np.frombuffer(numbers, np.int64).reshape(-1, 5),
                    np.frombuffer(cost, np.int64),
                    columns_to_strings(lengths, joined),
                ),
            )
        return made

    def _keep(self, source: str, lines: _Lines) -> None:
        if len(lines.lines):
            self._held.setdefault(source, []).append(lines)
            self._held_cost += lines.total

    def _stop(self, source: str, position: int) -> None:
        self._stops[source] = min(position, self._stops.get(source, _FAR))

    def _level(self) -> int:
        """The largest cost a source may have so that all fit."""
        left, level = self._most, 0
        costs = sorted(self._costs.values())
        for at, cost in enumerate(costs):
            share = left // (len(costs) - at)
            if cost > share:
                return max(level, share)
            level = cost
            left -= cost
        return self._most

    def _trim(self) -> None:
        level = self._level()
        self._held_cost = 0
        for source, pieces in self._held.items():
            whole = _Lines.join(pieces)
            joined = whole.up_to(level, self._stops.get(source, _FAR))
            if len(joined.lines) < len(whole.lines):
                self._stop(source, int(whole.numbers[len(joined.lines), 0]))
            self._held[source] = [joined] if len(joined.lines) else []
            self._held_cost += joined.total


class _Lines:
    """Some lines of a source.

    Attributes:
        numbers: int64[n, 5]: position, event time, order time, and the range of the timestamp in the line.
        cost: int64[n].
        lines: n lines.
        total: their cost.
        last: the last position.
    """

    __slots__ = ("cost", "last", "lines", "numbers", "total")

    def __init__(self, numbers: Int64, cost: Int64, lines: list[bytes]) -> None:
        self.numbers, self.cost, self.lines = numbers, cost, lines
        self.total = int(cost.sum())
        self.last = int(numbers[:, 0].max()) if len(lines) else -1

    @classmethod
    def of(cls, events: Events, rows: Int64, cost: Int64) -> _Lines:
        starts = events.starts[rows]
        numbers = np.column_stack(
            (
                events.line[rows],
                events.event_ms[rows],
                events.order_ms[rows],
                events.time_starts[rows] - starts,
                events.time_ends[rows] - starts,
            )
        )
        raw = events.data.tobytes()
        lines = [raw[a:b] for a, b in zip(starts.tolist(), events.ends[rows].tolist(), strict=True)]
        return cls(numbers, cost, lines)

    @classmethod
    def join(cls, pieces: Sequence[_Lines]) -> _Lines:
        """All of them, in order of position."""
        if not pieces:
            return cls(np.empty((0, 5), np.int64), np.empty(0, np.int64), [])
        numbers = np.concatenate([piece.numbers for piece in pieces])
        cost = np.concatenate([piece.cost for piece in pieces])
        lines = [line for piece in pieces for line in piece.lines]
        order = np.argsort(numbers[:, 0], kind="stable")
        return cls(numbers[order], cost[order], [lines[at] for at in order.tolist()])

    def up_to(self, level: int, stop: int) -> _Lines:
        """The first lines that together cost no more than ``level`` and stand before position ``stop``."""
        size = int(np.searchsorted(np.cumsum(self.cost), level, side="right"))
        size = int(np.searchsorted(self.numbers[:size, 0], stop))
        return _Lines(self.numbers[:size], self.cost[:size], self.lines[:size])

    def parts(self, most: int) -> Iterator[_Lines]:
        """The same in parts of at most so many lines."""
        for at in range(0, len(self.lines), most):
            part = slice(at, at + most)
            yield _Lines(self.numbers[part], self.cost[part], self.lines[part])
