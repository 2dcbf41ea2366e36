"""What a page keeps of a series while it is scored row by row: enough points to draw it, and its worst alarms."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from models.report.points import MOST_POINTS, Points, kept_by_thinning
from models.report.series_plot import Axis, Panel, Plot

MOST_ALARMS = 500
"""So many alarms of a series are kept, the worst ones."""

_POINTS = MOST_POINTS - MOST_ALARMS
_ROWS = 2 * _POINTS
_FURTHEST_MS = 2.0**53


@dataclass(slots=True, frozen=True)
class ScoredRow:
    """One row, and what was said of it.

    Attributes:
        time: seconds since 1970, UTC; None where it is not known.
        numbers: value, expected, lower and upper bound; NaN for nothing.
        score: from 0 to 1.
        alarm: whether it is one.
        type: of the incident, where the detector names one; else empty.
    """

    time: float | None
    numbers: tuple[float, ...]
    score: float
    alarm: bool
    type: str = ""


@dataclass(slots=True, frozen=True, order=True)
class Alarm:
    """A row that is an alarm; they are ordered from the least to the worst, the earlier one of equals last.

    Attributes:
        score: from 0.5 to 1.
        before: minus the number of the row, from 0.
        time_ms: epoch ms; NaN where it is not known.
        numbers: value, expected, lower and upper bound; NaN for nothing.
        type: of the incident; empty where none is named.
    """

    score: float
    before: int
    time_ms: float
    numbers: tuple[float, ...]
    type: str


class ScoredSeries:
    """Collects the rows of one series; memory is bounded, whatever their number (0.14 MB).

    Args:
        name: of the series.

    Attributes:
        name: as given.
        rows: how many there were.
        alarms: how many of them were alarms.
        worst: the worst alarms, as a heap.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.alarms = 0
        self.worst: list[Alarm] = []
        self._held = 0
        # Columns: row, time in ms, value, expected, lower, upper.
        self._table = np.full((_ROWS, 6), np.nan)
        self._timed = True
        self._last = -math.inf

    def add(self, row: ScoredRow) -> None:
        """Take in a row."""
        time_ms = math.nan if row.time is None else row.time * 1000.0
        # A row without a time, or older than the one before, has no place on an axis of time.
        self._timed = self._timed and self._last <= time_ms < _FURTHEST_MS
        self._last = time_ms
        if self._held == _ROWS:
            self._thin()
        self._table[self._held] = (self.rows, time_ms, *row.numbers)
        self._held += 1
        if row.alarm:
            self.alarms += 1
            alarm = Alarm(row.score, -self.rows, time_ms, row.numbers, row.type)
            if len(self.worst) < MOST_ALARMS:
                heapq.heappush(self.worst, alarm)
            else:
                heapq.heappushpop(self.worst, alarm)
        self.rows += 1

    def _thin(self, most: int = _POINTS) -> None:
        table = self._table[: self._held]
        if len(table) > most:
            kept = kept_by_thinning(table[:, 0].astype(np.int64), table[:, 2], most)
            self._table[: len(kept)] = table[kept]
            self._held = len(kept)

    def highest(self) -> float:
        """The highest score of an alarm; 0 without any."""
        return max(self.worst).score if self.worst else 0.0

    def plot(self, name: str, most: int) -> Plot:
        """The plot of the series, its alarms marked, along the time if every row has one and none goes back, else rows.

        Args:
            name: id of the drawing, unique in the page.
            most: points to draw at most, beside those of alarms.
        """
        self._thin(min(most, _POINTS))
        alarms = [(-one.before, one.time_ms, *one.numbers) for one in self.worst]
        table = np.concatenate([self._table[: self._held], np.array(alarms).reshape(-1, 6)])
        rows, first = np.unique(table[:, 0], return_index=True)
        table = table[first]
        at = (table[:, 1] if self._timed else rows).astype(np.int64)
        points = Points.of(at, table[:, 2:])
        odd = np.flatnonzero(np.isin(rows, [-one.before for one in self.worst])).tolist()
        low, high = (int(at[0]), int(at[-1])) if len(at) else (0, 0)
        axis = Axis(low, max(high, low + 1), rows=not self._timed)
        return Plot(name, self.name, axis, [Panel("", points, tuple(odd))], [])
