"""The distinct folds of lines with how often each occurs and one line that has it: mergeable and bounded.

Of more distinct folds than may be held, some are left out, so that what is held depends on the lines alone and not on
their order or on how they were spread over shards. Folds stand in groups by how they begin and how many words they
have: free text makes its own group large and no other. Of each group the ``k`` folds with the smallest hash are held; a
fold among these was among them from its first line on, so that its count is exact. ``k`` is halved until all groups
fit; where even one fold a group is too much, whole groups are left out by their hash (bottom-k sampling, Cohen and
Kaplan, "Summarizing data using bottom-k sketches", PODC 2007).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator

import numpy as np

from models.batches import Int64, columns_to_strings, pack_columns, strings_to_columns, unpack_columns
from models.folding import Bytes, fold
from models.parser import content_of, content_ranges
from models.source_reader import Events

_GROUP_WORDS, _MOST_WORDS = 3, 20
_HASH_BITS = 64


class FoldSummary:
    """The folds of the lines added so far.

    Attributes:
        lines: how many lines were added.

    Args:
        most: how many distinct folds are held, at least 1.
    """

    VERSION = 1

    def __init__(self, most: int) -> None:
        self.lines = 0
        self._most = most
        self._level = 0
        self._held: dict[bytes, _Held] = {}
        self._groups: dict[bytes, list[tuple[int, bytes]]] = {}

    def __len__(self) -> int:
        """How many distinct folds are held."""
        return len(self._held)

    @property
    def left_out(self) -> int:
        """How many lines have a fold that is not held."""
        return self.lines - sum(each.count for each in self._held.values())

    def contents(self) -> tuple[list[str], list[int], list[str]]:
        """Of each fold, in the order of their bytes, one content, the number of lines, and the line of that content."""
        held = [self._held[key] for key in sorted(self._held)]
        return (
            [each.content() for each in held],
            [each.count for each in held],
            [(each.shown or each.line).decode("utf-8", "replace") for each in held],
        )

    def add(self, events: Events, rows: Int64 | None = None) -> None:
        """Add events.

        Args:
            events: of any source.
            rows: int64, ascending: which of them; None: all.
        """
        spans = [
            events.starts,
            events.ends,
            events.time_starts,
            events.time_ends,
            events.text_starts,
            events.first_ends,
        ]
        event_ms = events.event_ms
        if rows is not None:
            spans, event_ms = [span[rows] for span in spans], event_ms[rows]
        starts, ends, time_starts, time_ends, *shown = spans
        self.lines += len(starts)
        if not len(starts):
            return
        begins, marks = content_ranges(events.data, starts, ends, time_starts, time_ends)
        keys, codes = fold(events.data, begins, ends, marks, time_ends).distinct()
        batch = _Batch(events.data, starts, ends, time_starts, time_ends, event_ms)
        if events.raw is not events.data:
            batch.raw, batch.shown = events.raw, (shown[0], shown[1])
        order = np.lexsort((event_ms, codes))
        bounds = np.flatnonzero(np.r_[True, codes[order][1:] != codes[order][:-1], True])
        for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            rows_of = order[first:last]
            key = keys[int(codes[rows_of[0]])]
            known = self._held.get(key)
            least_ms = int(event_ms[rows_of[0]])
            if known is not None and least_ms > known.event_ms:
                known.count += last - first
            else:
                self._take(key, last - first, batch.least(rows_of))

    def merge(self, other: FoldSummary) -> None:
        """Add all that another summary with the same bound holds."""
        self._raise_to(other._level)
        self.lines += other.lines
        for key, each in other._held.items():
            self._take(key, each.count, each)

    def _take(self, key: bytes, count: int, line: _Held) -> None:
        known = self._held.get(key)
        if known is not None:
            known.count += count
            if line.before(known):
                known.event_ms, known.line, known.time, known.shown = line.event_ms, line.line, line.time, line.shown
            return
        name = _group_of(key)
        room, floor = self._rule()
        if floor and _hash(name) >= floor:
            return
        group = self._groups.setdefault(name, [])
        entry = -_hash(key), key
        if len(group) < room:
            heapq.heappush(group, entry)
        else:
            _, gone = heapq.heappushpop(group, entry)
            if gone == key:
                return
            del self._held[gone]
        self._held[key] = _Held(count, line.event_ms, line.line, line.time, line.shown)
        while len(self._held) > self._most:
            self._raise_to(self._level + 1)

    def _rule(self) -> tuple[int, int]:
        """How many folds of a group are held, and the hash from which on groups are left out (0: none is)."""
        halvings = self._most.bit_length() - 1
        return max(1, self._most >> self._level), 0 if self._level <= halvings else (
            1 << max(0, _HASH_BITS - (self._level - halvings))
        )

    def _raise_to(self, level: int) -> None:
        if level <= self._level:
            return
        self._level = level
        room, floor = self._rule()
        for name in [name for name in self._groups if floor and _hash(name) >= floor]:
            for _, key in self._groups.pop(name):
                del self._held[key]
        for group in self._groups.values():
            while len(group) > room:
                _, key = heapq.heappop(group)
                del self._held[key]

    def to_record(self) -> bytes:
        """The summary as one plain, versioned record."""
        return next(self.to_records(len(self._held) or 1))

    def to_records(self, most: int) -> Iterator[bytes]:
        """The summary in records of at most so many folds each; merged, they are the summary."""
        keys = sorted(self._held)
        for at in range(0, max(len(keys), 1), most):
            some = keys[at : at + most]
            held = [self._held[key] for key in some]
            head: dict[str, object] = {"most": self._most, "level": self._level, "lines": 0 if at else self.lines}
            yield pack_columns(
                self.VERSION,
                head,
                [
                    np.array([(e.count, e.event_ms, *e.time) for e in held], np.int64).tobytes(),
                    *strings_to_columns(some),
                    *strings_to_columns([e.line for e in held]),
                    *strings_to_columns([e.shown for e in held]),
                ],
            )

    @classmethod
    def from_record(cls, record: bytes) -> FoldSummary:
        """Undo :meth:`to_record`; raises :class:`~models.batches.BatchError`."""
        head, (numbers, *strings) = unpack_columns(record, cls.VERSION)
        made = cls(int(str(head["most"])))
        made._level, made.lines = int(str(head["level"])), int(str(head["lines"]))
        table = np.frombuffer(numbers, np.int64).reshape(-1, 4).tolist()
        keys, lines, shown = (columns_to_strings(strings[at], strings[at + 1]) for at in (0, 2, 4))
        for key, line, text, (count, event_ms, begin, end) in zip(keys, lines, shown, table, strict=True):
            made._take(key, count, _Held(count, event_ms, line, (begin, end), text))
        return made


class _Held:
    """A fold: how often it occurred, and the earliest line that has it, of equally early ones the smallest."""

    __slots__ = ("count", "event_ms", "line", "shown", "time")

    def __init__(self, count: int, event_ms: int, line: bytes, time: tuple[int, int], shown: bytes = b"") -> None:
        """``shown``: the line as it stands in the log, where that is not the one that is parsed."""
        self.count, self.event_ms, self.line, self.time, self.shown = count, event_ms, line, time, shown

    def before(self, other: _Held) -> bool:
        return (self.event_ms, self.line) < (other.event_ms, other.line)

    def content(self) -> str:
        data = np.frombuffer(self.line, np.uint8)
        begin, end = (np.array([at], np.int64) for at in self.time)
        size = len(self.line)
        starts, marks = content_ranges(data, np.zeros(1, np.int64), np.array([size], np.int64), begin, end)
        return content_of(data, int(starts[0]), size, int(marks[0]), int(end[0]))


class _Batch:
    """The lines of a batch."""

    def __init__(self, data: Bytes, starts: Int64, ends: Int64, begins: Int64, stops: Int64, event_ms: Int64) -> None:
        self._data, self._event_ms = data, event_ms
        self._starts, self._ends, self._time = starts, ends, (begins, stops)
        self.raw: Bytes = data
        self.shown: tuple[Int64, Int64] | None = None

    def least(self, rows: Int64) -> _Held:
        """The line to keep of these, which are ascending by time."""
        times = self._event_ms[rows]
        ties = rows[: int(np.searchsorted(times, times[0], side="right"))].tolist()
        row = min(ties, key=self._line) if len(ties) > 1 else ties[0]
        start = int(self._starts[row])
        begin, end = (int(at[row]) - start for at in self._time)
        shown = b"" if self.shown is None else self.raw[self.shown[0][row] : self.shown[1][row]].tobytes()
        return _Held(0, int(times[0]), self._line(row), (begin, end), shown)

    def _line(self, row: int) -> bytes:
        return self._data[self._starts[row] : self._ends[row]].tobytes()


def _group_of(key: bytes) -> bytes:
    words = key.split()
    return b"%d %b" % (min(len(words), _MOST_WORDS), b" ".join(words[:_GROUP_WORDS]))


def _hash(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=_HASH_BITS // 8).digest(), "big")
