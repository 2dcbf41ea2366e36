"""How many of the last values are high: a level held for long, each value of which is nothing new.

What is high is told by three quantiles of the values before, not by one: how the count goes with the quantile is chance
to a good part, and the mean of three has less of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

DENSITY_ROWS = 72
DENSITY_QUANTILES = (0.875, 0.9, 0.925)

_MOST = DENSITY_ROWS * len(DENSITY_QUANTILES)


class Density:
    """The share of the last ``DENSITY_ROWS`` values that lay above a high quantile, the mean over the quantiles.

    Args:
        heights: what :meth:`to_column` said before.
    """

    __slots__ = ("_heights", "_sum")

    def __init__(self, heights: Iterable[float] = ()) -> None:
        self._heights: deque[int] = deque(map(int, heights), DENSITY_ROWS)
        self._sum = sum(self._heights)

    def add(self, value: float, order: list[float]) -> float:
        """Take a value in.

        Args:
            value: the new value.
            order: the values before, ascending; at least one.

        Returns:
            The share, from 0 to 1; values that are not there yet count as low.
        """
        last = len(order) - 1
        height = 0
        for quantile in DENSITY_QUANTILES:
            if value <= order[int(quantile * last)]:
                break
            height += 1
        heights = self._heights
        if len(heights) == DENSITY_ROWS:
            self._sum -= heights[0]
        heights.append(height)
        self._sum += height
        return self._sum / _MOST

    def to_column(self) -> list[float]:
        """Above how many of the quantiles each of the last values lay, oldest first."""
        return [float(height) for height in self._heights]
