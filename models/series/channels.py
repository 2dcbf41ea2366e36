"""Five views of a series, each of which tells by rarities how new the row is to it.

- *value*: the distance of the value to the nearest of all earlier ones. What has been before is normal, wherever it
  lies; no range or shape is assumed (distance to the nearest neighbour as a score: E. M. Knorr, R. T. Ng, 1998).
- *aged value*: the same among values at least 24 rows old, so that a slow drift, in which each row lies close to the
  one before, counts too.
- *time of day*: the same among values of the same four hours of the day (UTC).
- *density*: the share of the last 72 rows that lay above a high quantile (:mod:`models.series.density`).
- *mean*: the distances of the means of the last 12, 24 and 48 rows to the nearest of such means before
  (:mod:`models.series.means`), each a rarity of its own.

Each of these numbers is judged against its own past (:mod:`models.series.tail`). A distance below a small share of the
range is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import floor

from models.series.density import Density
from models.series.means import MEAN_COLUMNS, MEAN_ROWS, MeanNovelty
from models.series.settings import RARITIES
from models.series.tail import TailRarity
from models.series.windows import SortedWindow, nearest

AGE_ROWS = 24
SLOTS = 6
LEAST_NOVELTY = 0.008
"""What is closer to an earlier one than this share of the range remembered is not new."""

_DAY_S = 86_400
_SLOT_S = _DAY_S // SLOTS
_SHORT, _MIDDLE, _LONG = MEAN_ROWS
_COLUMNS_1 = 3 + SLOTS + 1 + 5


class Channels:
    """The five channels of one series.

    Args:
        memory_rows: how many rows to remember.
    """

    __slots__ = ("_density", "_last", "_means", "_memory", "_old", "_recent", "_slots", "_tails")

    def __init__(self, memory_rows: int) -> None:
        self._memory = memory_rows
        self._recent = SortedWindow(AGE_ROWS)
        self._old = SortedWindow(memory_rows)
        self._slots = [SortedWindow(max(1, memory_rows // SLOTS)) for _ in range(SLOTS)]
        self._density = Density()
        self._last: deque[float] = deque(maxlen=_LONG)
        self._means = [MeanNovelty(rows, memory_rows) for rows in MEAN_ROWS]
        self._tails = [TailRarity(memory_rows) for _ in range(sum(RARITIES))]

    def judge(self, value: float, time: float | None) -> list[float]:
        """The rarities of a row, channel by channel as ``RARITIES`` counts them; it is learnt from afterwards.

        Args:
            value: a finite number.
            time: seconds since 1970, UTC; None where it is not known: the time of day then says nothing.
        """
        value_tail, aged_tail, time_tail, density_tail, *mean_tails = self._tails
        recent, old = self._recent, self._old
        is_new = aged = timed = dense = least = 0.0
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
                dense = density_tail.judge(self._density.add(value, order))
            else:
                least = LEAST_NOVELTY * (high - low)
            is_new = value_tail.judge(distance if distance >= least else 0.0)
        recent.add(value)
        if time is not None:
            slot = self._slots[floor(time) % _DAY_S // _SLOT_S]
            if slot.order:
                distance = nearest(slot.order, value)
                timed = time_tail.judge(distance if distance >= least else 0.0)
            slot.add(value)
        rarities = [is_new, aged, timed, dense, 0.0, 0.0, 0.0]
        for at, mean in enumerate(self._new_means(value), 4):
            new = self._means[at - 4].add(mean, LEAST_NOVELTY)
            if new is not None:
                rarities[at] = mean_tails[at - 4].judge(new)
        return rarities

    def _new_means(self, value: float) -> list[float]:
        """The means that end with a value, of as many lengths as there are values for."""
        self._last.append(value)
        last = list(self._last)
        n = len(last)
        if n < _SHORT:
            return []
        total = sum(last[-_SHORT:])
        means = [total / _SHORT]
        if n >= _MIDDLE:
            total += sum(last[-_MIDDLE:-_SHORT])
            means.append(total / _MIDDLE)
        if n >= _LONG:
            means.append((total + sum(last[:-_MIDDLE])) / _LONG)
        return means

    def to_columns(self) -> list[Sequence[float]]:
        """All that is remembered, as columns of numbers; how many is fixed."""
        return [
            self._recent.held,
            self._old.held,
            *(slot.held for slot in self._slots),
            self._density.to_column(),
            self._last,
            *(column for means in self._means for column in means.to_columns()),
            *(tail.arrivals() for tail in self._tails),
        ]

    @classmethod
    def from_columns(cls, memory_rows: int, columns: Sequence[Sequence[float]]) -> Channels:
        """Undo :meth:`to_columns`.

        Raises:
            ValueError: the columns are not those of this version.
        """
        recent, old, *rest = columns
        if len(rest) != SLOTS + 2 + MEAN_COLUMNS * len(MEAN_ROWS) + sum(RARITIES):
            raise ValueError("the state of a series has another number of columns")
        self = cls(memory_rows)
        self._recent = SortedWindow(AGE_ROWS, recent)
        self._old = SortedWindow(memory_rows, old)
        self._slots = [SortedWindow(max(1, memory_rows // SLOTS), held) for held in rest[:SLOTS]]
        self._density = Density(rest[SLOTS])
        self._last.extend(rest[SLOTS + 1])
        at = SLOTS + 2
        for i, rows in enumerate(MEAN_ROWS):
            self._means[i] = MeanNovelty(rows, memory_rows, rest[at : at + MEAN_COLUMNS])
            at += MEAN_COLUMNS
        self._tails = [TailRarity(memory_rows, numbers) for numbers in rest[at:]]
        return self

    @classmethod
    def from_columns_1(cls, memory_rows: int, columns: Sequence[Sequence[float]]) -> Channels:
        """From the columns of version 1, which knew one mean and one quantile: these are learnt from its values.

        Raises:
            ValueError: the columns are not those of that version.
        """
        if len(columns) != _COLUMNS_1:
            raise ValueError("the state of a series has another number of columns")
        recent, old, _, *rest = columns
        self = cls(memory_rows)
        for value in [*old, *recent]:
            self.judge(value, None)
        self._slots = [SortedWindow(max(1, memory_rows // SLOTS), held) for held in rest[:SLOTS]]
        self._tails[:3] = [TailRarity(memory_rows, numbers) for numbers in rest[SLOTS + 1 : SLOTS + 4]]
        return self
