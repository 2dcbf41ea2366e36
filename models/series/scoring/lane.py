"""Series whose slots are equally long: points are put into slots, and slots that are missing are judged as such.

The slots of a series are counted from its first point, and a point belongs to the slot whose begin is next to it, so
that timestamps may jitter by half a slot. Each slot takes one point, the first. A point far ahead is believed once
three in a row agree, as with lines of logs: one wrong clock would else make all that follow too old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.batches import BatchError, pack_columns, unpack_columns
from models.series.detectors.columns import Floats, Ints
from models.series.fleet import Fleet, Judged
from models.series.incidents import Preset
from models.series.scoring.scored import Scored, Turn

VERSION = 1
KIND = "weirwatch.series_lane"

MOST_GAP_SLOTS = 1_000
"""Of a longer gap so many missing slots are judged, the last one among them."""

_NEVER = -(1 << 62)
_AGREEING = 3
_LEAP_SLOTS, _LEAP_MS = 100, 86_400_000
_COLUMNS = ("origin", "last", "leapt", "leaps")

OLD = "it is not later than the slot of the point before it in its series"
LEAP = "its time is far ahead of its series; such a time is believed once three points in a row agree"


class Lane:
    """Series with slots of one length.

    Args:
        slot_ms: the length, ms.
        preset: when incidents begin and end.
    """

    def __init__(self, slot_ms: int, preset: Preset) -> None:
        self.slot_ms = slot_ms
        self._fleet = Fleet(slot_ms, 0, preset)
        self._leap = max(_LEAP_SLOTS, _LEAP_MS // slot_ms)
        # Begin of the first slot, ms; numbers of the last slot and of the last leap; how many leaps in a row agree.
        self._origin, self._last, self._leapt, self._leaps = (np.empty(0, np.int64) for _ in range(4))

    @property
    def rows(self) -> int:
        """How many series it has."""
        return self._fleet.rows

    def add(self, count: int) -> int:
        """Watch so many more series; gives the number of the first."""
        first = self._fleet.add(count)
        firsts = (0, _NEVER, 0, 0)
        self._origin, self._last, self._leapt, self._leaps = (
            np.concatenate([column, np.full(count, value, np.int64)])
            for column, value in zip(self._columns(), firsts, strict=True)
        )
        return first

    def set_limit(self, row: int, limit: float | None) -> None:
        """Set the limit of a series of whose reaching it is to warn, or take it away."""
        self._fleet.set_limit(row, limit)

    def take(self, rows: Ints, time_ms: Ints, values: Floats, places: Ints, replays: int, found: Scored) -> None:
        """Judge points, in the order of each series, and learn from them.

        Args:
            rows: number of the series of each point.
            time_ms: its time, ms since 1970.
            values: NaN for none.
            places: of each point in its batch.
            replays: so many points at the beginning were told of before: only what turns with them is told.
            found: takes what is said of the others.
        """
        shown = np.arange(len(rows)) >= replays
        for at in _rounds(rows):
            self._round(rows[at], time_ms[at], values[at], places[at], shown[at], found)

    def _round(self, rows: Ints, time_ms: Ints, values: Floats, places: Ints, shown: Any, found: Scored) -> None:
        """One point of each of some series, ascending."""
        fresh = self._last[rows] == _NEVER
        if fresh.any():
            self._origin[rows[fresh]] = time_ms[fresh]
            self._last[rows[fresh]] = -1
        slots = (time_ms - self._origin[rows] + self.slot_ms // 2) // self.slot_ms
        ahead = slots - self._last[rows]
        good = self._believed(rows, slots, ahead)
        if not good.all():
            for at in np.flatnonzero(~good).tolist():
                if shown[at]:
                    found.refused[int(places[at])] = OLD if ahead[at] <= 0 else LEAP
            rows, slots, ahead, values, places, shown = (
                column[good] for column in (rows, slots, ahead, values, places, shown)
            )
        if not len(rows):
            return
        missing = ahead - 1
        if missing.any():
            self._judge_missing(rows, slots, missing, places, found)
        self._last[rows] = slots
        judged = self._fleet.update(rows, self._origin[rows] + slots * self.slot_ms, values)
        to = places[shown]
        found.scores[to] = judged.scores[shown]
        found.expected[to], found.lower[to], found.upper[to] = (
            column[shown] for column in (judged.expected, judged.lower, judged.upper)
        )
        self._tell(judged, rows, places, found)

    def _believed(self, rows: Ints, slots: Ints, ahead: Ints) -> Any:
        """Which points are taken."""
        far = ahead > self._leap
        if not far.any() and not self._leaps[rows].any():
            return ahead > 0
        agrees = (self._leaps[rows] > 0) & (slots > self._leapt[rows]) & (slots <= self._leapt[rows] + self._leap)
        leaps = np.where(far, np.where(agrees, self._leaps[rows] + 1, 1), np.where(ahead > 0, 0, self._leaps[rows]))
        taken = np.where(far, leaps >= _AGREEING, ahead > 0)
        self._leapt[rows] = np.where(far, slots, self._leapt[rows])
        self._leaps[rows] = np.where(taken, 0, leaps)
        return taken

    def _judge_missing(self, rows: Ints, slots: Ints, missing: Ints, places: Ints, found: Scored) -> None:
        for number in range(min(int(missing.max()), MOST_GAP_SLOTS)):
            at = np.flatnonzero(missing > number)
            one = rows[at]
            slot = self._last[one] + 1 + number
            if number == MOST_GAP_SLOTS - 1:
                slot = slots[at] - 1
            judged = self._fleet.update(one, self._origin[one] + slot * self.slot_ms, np.full(len(one), np.nan))
            self._tell(judged, one, places[at], found)

    def _tell(self, judged: Judged, rows: Ints, places: Ints, found: Scored) -> None:
        for told in judged.told:
            place = int(places[np.searchsorted(rows, told.row)])
            found.turns.append(Turn(place, told.stage, self.slot_ms, told.incident))
            if told.stage == "begin":
                found.alarm[place] = True

    def _columns(self) -> Sequence[Ints]:
        return self._origin, self._last, self._leapt, self._leaps

    def to_record(self) -> bytes:
        """All that is known of the series, as a record of :data:`VERSION`."""
        columns = [column.tobytes() for column in self._columns()]
        head: dict[str, object] = {"kind": KIND, "slot_ms": self.slot_ms, "columns": list(_COLUMNS)}
        return pack_columns(VERSION, head, [self._fleet.all_to_record(), *columns])

    @classmethod
    def from_record(cls, record: bytes, preset: Preset) -> Lane:
        """Undo :meth:`to_record`.

        Raises:
            BatchError: the record is none, is damaged, or is of a version that this one does not know.
        """
        found, columns = unpack_columns(record, VERSION)
        head: dict[str, Any] = found
        if head.get("kind") != KIND or head.get("columns") != list(_COLUMNS) or len(columns) != 1 + len(_COLUMNS):
            raise BatchError("a record is no lane of series, or is damaged")
        self = cls(head["slot_ms"], preset)
        self._fleet.all_from_record(bytes(columns[0]))
        numbers = [np.frombuffer(column, np.int64).copy() for column in columns[1:]]
        if any(len(column) != self._fleet.rows for column in numbers):
            raise BatchError("a lane of series is damaged")
        self._origin, self._last, self._leapt, self._leaps = numbers
        return self


def _rounds(rows: Ints) -> list[Ints]:
    """Places of the points, such that each round holds at most one point of a series, ascending, each in its order."""
    by_row = np.argsort(rows, kind="stable")
    ordered = rows[by_row]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(rows) else np.empty(0, int)
    sizes = np.diff(np.append(starts, len(rows)))
    rank = np.arange(len(rows)) - np.repeat(starts, sizes)
    by_rank = by_row[np.argsort(rank, kind="stable")]
    return np.split(by_rank, np.cumsum(np.bincount(rank))[:-1]) if len(rows) else []
