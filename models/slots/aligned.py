"""The slots of one shard of series: filled by partial counts, closed by the watermark, told in order.

*Timers decide when we tell, never what we tell*: what is told of a series follows from the lines alone, however they
were cut into batches and in whatever order the sources' batches came.

- A slot is closed once the watermark has passed its end: since the watermark is the smallest clock of all live sources,
  less the allowed lateness, each of them has passed it then.
- From the first slot with lines on, a series has every slot: those without lines are told as noughts, until
  :data:`MOST_EMPTY` in a row have been. Then the series *sleeps* and begins anew with its next line.
- A series that detectors look at is *silent* then and goes on for them until it sleeps after a week without lines: they
  have to know its nights and weekends.
- At the end of all input there is no clock to tell how long it was silent; so each series goes on as far as the clocks
  of the sources did when they ended, or the last of its own lines.
- Parts that come after their slot was closed are *late*. That happens where a source was not waited for any more; and
  lines behind their own source's clock were told to be late before they came here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.batches import BatchError, pack_columns, unpack_columns, unpack_head
from models.detection import FAR_FUTURE_MS
from models.slots.cells import Cell
from models.slots.counts import CELL_COLUMNS, SlotCounts, cells_to_columns, columns_to_cells
from models.slots.series import SeriesKey, SlotWatch

MOST_EMPTY = 120
"""So many slots without lines are told in a row."""

SILENT_MS = 7 * 86_400_000
"""After so long without lines a series that is detected sleeps."""

MOST_SILENT = 10_080
"""It sleeps after so many slots without lines at the latest: a week of minutes."""

_NOTHING = Cell()

_VERSION = 2
_BEFORE_DETECTORS = 1
"""The version whose records hold nothing of detectors; it can still be read."""
_KIND = "slot state"
_BEGINNING = -(2**63)
END_MS = FAR_FUTURE_MS - 1
"""Flink's watermark is one below the clock that it is drawn from."""


@dataclass(slots=True, frozen=True)
class ClosedSlot:
    """A slot that is closed: nothing is added to it any more.

    Attributes:
        key: the series.
        begin_ms: where it begins, epoch ms; it ends before ``begin_ms + key.slot_ms``.
        cell: what was counted.
        first: the series begins here, or begins anew after it slept or was silent.
        begins: it begins here, and the slot may have begun before it.
        silent: it is told to detectors alone.
        sleeps: nothing more comes of the series until it begins anew.
        complete: its sources had all passed it, and none has ended within.
    """

    key: SeriesKey
    begin_ms: int
    cell: Cell
    first: bool
    begins: bool = False
    silent: bool = False
    sleeps: bool = False
    complete: bool = True

    @property
    def end_ms(self) -> int:
        """One past its last millisecond, epoch ms."""
        return self.begin_ms + self.key.slot_ms


@dataclass(slots=True, frozen=True)
class LateLines:
    """Lines that came after their slot was closed; ``begin_ms`` is where the slot begins."""

    key: SeriesKey
    begin_ms: int
    lines: int


@dataclass(slots=True)
class _Series:
    """A series in which slots are open or noughts are told.

    Attributes:
        cells: its open slots with lines, by their begin.
        next_ms: the slot to be closed next; None before the first of them.
        empty: how many slots before that one were told without lines.
    """

    cells: dict[int, Cell]
    next_ms: int | None = None
    empty: int = 0


class SlotState:
    """The open slots of one shard.

    Args:
        watch: what the model watches; parts of other series are left out.

    Attributes:
        watermark: the largest watermark seen.
        until_ms: the latest clock of the sources that have ended.
    """

    def __init__(self, watch: SlotWatch) -> None:
        self.watermark = _BEGINNING
        self.until_ms = _BEGINNING
        self._follow(watch)
        self._series: dict[SeriesKey, _Series] = {}
        self._shard: int | None = None
        self._leaving: set[SeriesKey] = set()

    def _follow(self, watch: SlotWatch) -> None:
        self._watch = watch
        self._watched = frozenset(watch.series)

    def follow(self, watch: SlotWatch) -> None:
        """Go on under another model; series that it does not watch are forgotten.

        A series that the other model counts in another shard is told here as far as it was counted here.
        """
        before = self._watch
        self._follow(watch)
        self._series = {key: series for key, series in self._series.items() if key in self._watched}
        for key, series in list(self._series.items()):
            home = watch.shard_of(key.template)
            if home == self._shard:
                self._leaving.discard(key)
            elif self._shard is not None and home != before.shard_of(key.template):
                self._leaving.add(key)
                if not series.cells:
                    del self._series[key]
        self._leaving &= self._series.keys()

    @property
    def empty(self) -> bool:
        """Whether no series waits for anything."""
        return not self._series

    @property
    def open_slots(self) -> int:
        """How many slots with lines are open."""
        return sum(len(series.cells) for series in self._series.values())

    def add(self, counts: SlotCounts) -> list[LateLines]:
        """Take in partial counts; what of it came too late."""
        self._shard = counts.shard
        late = [LateLines(key, begin, n) for (key, begin), n in counts.late.items() if key in self._watched]
        for (key, begin), cell in counts.cells.items():
            if key not in self._watched:
                continue
            if begin + key.slot_ms <= self.watermark:
                late.append(LateLines(key, begin, cell.lines))
                continue
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = _Series({})
            some = series.cells.get(begin)
            if some is None:
                some = series.cells[begin] = Cell()
            some.add(cell, self._watch.known.get(key, ()))
        if counts.until_ms is not None:
            self.until_ms = max(self.until_ms, counts.until_ms)
        return late

    def next_timer(self) -> int | None:
        """The earliest watermark at which :meth:`advance` has something to tell, epoch ms; None if nothing waits."""
        ends = [self._next_of(series) + key.slot_ms for key, series in self._series.items()]
        return min(ends, default=None)

    def advance(self, watermark: int) -> list[ClosedSlot]:
        """Close all slots that end at ``watermark`` or before it; in order of their ends, then of their series.

        A watermark below an earlier one changes nothing. That of a clock at :data:`~models.detection.FAR_FUTURE_MS` is
        the end of all input.
        """
        if watermark <= self.watermark:
            return []
        self.watermark = watermark
        closed: list[ClosedSlot] = []
        for key in list(self._series):
            series = self._series[key]
            limit = watermark
            known_until = None
            if watermark >= END_MS:
                known_until = self.until_ms
                last = max(series.cells, default=_BEGINNING)
                limit = max(last, self.until_ms // key.slot_ms * key.slot_ms) + key.slot_ms
            if not self._close(key, series, limit, known_until, closed) or watermark >= END_MS:
                del self._series[key]
        closed.sort(key=lambda slot: (slot.end_ms, slot.key))
        return closed

    @staticmethod
    def _next_of(series: _Series) -> int:
        return min(series.cells) if series.next_ms is None else series.next_ms

    def _close(
        self, key: SeriesKey, series: _Series, limit: int, known_until: int | None, closed: list[ClosedSlot]
    ) -> bool:
        """Close the slots of a series that end at ``limit`` or before; whether something of it still waits.

        ``known_until``: slots that end after it are not complete; None: all are.
        """
        most = most_empty(key, self._watch)
        while True:
            begins = series.next_ms is None
            begin = self._next_of(series)
            end = begin + key.slot_ms
            if end > limit:
                return True
            cell = series.cells.pop(begin, None)
            long_empty = series.empty >= MOST_EMPTY
            series.empty = 0 if cell else series.empty + 1
            series.next_ms = end
            leaves = key in self._leaving and not series.cells
            closed.append(
                ClosedSlot(
                    key,
                    begin,
                    cell or _NOTHING,
                    first=begins or (cell is not None and long_empty),
                    begins=begins,
                    silent=cell is None and long_empty,
                    sleeps=leaves or series.empty >= most,
                    complete=known_until is None or end <= known_until,
                )
            )
            if leaves:
                self._leaving.discard(key)
                return False
            if series.empty >= most:
                series.empty = 0
                series.next_ms = None
                if not series.cells:
                    return False

    def snapshot(self, more: dict[str, Any] | None = None, columns: Sequence[bytes] = ()) -> bytes:
        """The whole state as one record; ``more`` is JSON data that rests with it, and so are further ``columns``."""
        keys = sorted(self._series)
        cells = {(key, begin): cell for key in keys for begin, cell in sorted(self._series[key].cells.items())}
        head: dict[str, object] = {
            "kind": _KIND,
            "watermark": self.watermark,
            "until_ms": self.until_ms,
            "shard": self._shard,
            "leaving": [list(key) for key in sorted(self._leaving)],
            "series": [[list(key), self._series[key].next_ms, self._series[key].empty] for key in keys],
        }
        own = [*cells_to_columns(cells, keys), json.dumps(more or {}).encode()]
        return pack_columns(_VERSION, head, [*own, *columns])

    @classmethod
    def restore(cls, record: bytes, watch: SlotWatch) -> tuple[SlotState, dict[str, Any], list[memoryview]]:
        """The state that goes on where :meth:`snapshot` left off, under a model, and what rested with it.

        Raises:
            BatchError: the record is no such state, or of a version that this one does not know.
        """
        found, columns = unpack_columns(record, _version_of(record))
        head: dict[str, Any] = found
        if head.get("kind") != _KIND or len(columns) <= CELL_COLUMNS:
            raise BatchError("a record is not the state of a shard of series")
        state = cls(watch)
        state.watermark, state.until_ms = head["watermark"], head["until_ms"]
        keys = [SeriesKey(*key) for key, _, _ in head["series"]]
        for key, (_, next_ms, empty) in zip(keys, head["series"], strict=True):
            state._series[key] = _Series({}, next_ms, empty)
        for (key, begin), cell in columns_to_cells(columns[:CELL_COLUMNS], keys).items():
            state._series[key].cells[begin] = cell
        state._shard = head.get("shard")
        state._leaving = {SeriesKey(*key) for key in head.get("leaving", ())}
        state.follow(watch)
        more: dict[str, Any] = json.loads(bytes(columns[CELL_COLUMNS]))
        return state, more, columns[CELL_COLUMNS + 1 :]


def most_empty(key: SeriesKey, watch: SlotWatch) -> int:
    """After so many slots without lines in a row a series sleeps."""
    if key not in watch.detected:
        return MOST_EMPTY
    return max(MOST_EMPTY, min(SILENT_MS // key.slot_ms, MOST_SILENT))


def _version_of(record: bytes) -> int:
    """The version to read a record as: its own, if it can be read at all."""
    try:
        unpack_head(record, _BEFORE_DETECTORS)
    except BatchError:
        return _VERSION
    return _BEFORE_DETECTORS
