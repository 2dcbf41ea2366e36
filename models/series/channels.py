"""Five views of a series, each of which tells by a rarity how new the row is to it.

- *value*: the distance of the value to the nearest of all earlier ones. What has been before is normal, wherever it
  lies; no range or shape is assumed (distance to the nearest neighbour as a score: E. M. Knorr, R. T. Ng, 1998).
- *aged value*: the same among values at least 24 rows old, so that a slow drift, in which each row lies close to the
  one before, counts too.
- *time of day*: the same among values of the same four hours of the day (UTC).
- *density*: the share of the last 72 rows that lay above the 90 % quantile of the values before them.
- *mean*: the distance of the mean of the last 24 rows to the nearest of such means before.

Each of these numbers is judged against its own past (:mod:`models.series.tail`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import floor

from models.series.settings import CHANNELS
from models.series.tail import TailRarity
from models.series.windows import SortedWindow, nearest

AGE_ROWS = 24
DENSITY_ROWS = 72
DENSITY_QUANTILE = 0.9
SLOTS = 6
LEAST_NOVELTY = 0.008
"""A value closer to an earlier one than this share of the range remembered is not new."""

_DAY_S = 86_400
_SLOT_S = _DAY_S // SLOTS


class Channels:
    """The five channels of one series.

    Args:
        memory_rows: how many rows to remember.
    """

    __slots__ = ("_dense", "_high", "_means", "_memory", "_old", "_recent", "_slots", "_tails")

    def __init__(self, memory_rows: int) -> None:
        self._memory = memory_rows
        self._recent = SortedWindow(AGE_ROWS)
        self._old = SortedWindow(memory_rows)
        self._means = SortedWindow(memory_rows)
        self._slots = [SortedWindow(max(1, memory_rows // SLOTS)) for _ in range(SLOTS)]
        self._high: deque[bool] = deque(maxlen=DENSITY_ROWS)
        self._dense = 0
        self._tails = [TailRarity(memory_rows) for _ in CHANNELS]

    def judge(self, value: float, time: float | None) -> tuple[float, float, float, float, float]:
        """The rarity of a row in each channel, in the order of ``CHANNELS``; it is learnt from afterwards.

        Args:
            value: a finite number.
            time: seconds since 1970, UTC; None where it is not known: the time of day then says nothing.
        """
        value_tail, aged_tail, time_tail, density_tail, mean_tail = self._tails
        recent, old = self._recent, self._old
        is_new = aged = timed = dense = mean_new = 0.0
        recent_order, order = recent.order, old.order
        if recent_order:
            distance = nearest(recent_order, value)
            low, high = recent_order[0], recent_order[-1]
            if len(recent_order) == AGE_ROWS:
                old.add(recent.oldest())
                low, high = min(low, order[0]), max(high, order[-1])
                least = LEAST_NOVELTY * (high - low)
                aged_distance = nearest(order, value)
                aged = aged_tail.judge(aged_distance if aged_distance >= least else 0.0)
                distance = min(distance, aged_distance)
                dense = density_tail.judge(self._density(value > order[int(DENSITY_QUANTILE * (len(order) - 1))]))
            else:
                least = LEAST_NOVELTY * (high - low)
            is_new = value_tail.judge(distance if distance >= least else 0.0)
        recent.add(value)
        if time is not None:
            slot = self._slots[floor(time) % _DAY_S // _SLOT_S]
            if slot.order:
                timed = time_tail.judge(nearest(slot.order, value))
            slot.add(value)
        if len(recent_order) == AGE_ROWS:
            mean = sum(recent.held) / AGE_ROWS
            means = self._means
            if means.order:
                mean_new = mean_tail.judge(nearest(means.order, mean))
            means.add(mean)
        return is_new, aged, timed, dense, mean_new

    def _density(self, is_high: bool) -> float:
        high = self._high
        if len(high) == DENSITY_ROWS:
            self._dense -= high[0]
        high.append(is_high)
        self._dense += is_high
        return self._dense / DENSITY_ROWS

    def to_columns(self) -> list[Sequence[float]]:
        """All that is remembered, as columns of numbers; how many is fixed."""
        windows = [self._recent, self._old, self._means, *self._slots]
        return [*(window.held for window in windows), list(self._high), *(tail.arrivals() for tail in self._tails)]

    @classmethod
    def from_columns(cls, memory_rows: int, columns: Sequence[Sequence[float]]) -> Channels:
        """Undo :meth:`to_columns`.

        Raises:
            ValueError: the columns are not those of this version.
        """
        recent, old, means, *rest = columns
        if len(rest) != SLOTS + 1 + len(CHANNELS):
            raise ValueError("the state of a series has another number of columns")
        self = cls(memory_rows)
        self._recent = SortedWindow(AGE_ROWS, recent)
        self._old = SortedWindow(memory_rows, old)
        self._means = SortedWindow(memory_rows, means)
        self._slots = [SortedWindow(max(1, memory_rows // SLOTS), held) for held in rest[:SLOTS]]
        self._high.extend(bool(high) for high in rest[SLOTS])
        self._dense = sum(self._high)
        self._tails = [TailRarity(memory_rows, numbers) for numbers in rest[SLOTS + 1 :]]
        return self
