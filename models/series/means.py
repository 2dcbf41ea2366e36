"""How new the mean of the last values is: a change too small to be seen in one value.

Means of overlapping stretches are alike whatever happens, so that the nearest mean would always be the one before;
only stretches that do not overlap are compared (trivial matches: Y. Zhu and others, "Matrix Profile II", 2016).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from models.series.windows import SortedWindow, nearest

MEAN_ROWS = (12, 24, 48)
"""Three lengths, each twice the one before: none is right for every series."""


class MeanNovelty:
    """The distance of the mean of the last ``rows`` values to the nearest of such means before.

    Args:
        rows: of how many values means are taken.
        memory_rows: how many means to remember.
        young: means of stretches that overlap with the next one's, oldest first; as :meth:`to_columns` gives them.
        old: the means before those, oldest first.
    """

    __slots__ = ("_old", "_rows", "_young")

    def __init__(self, rows: int, memory_rows: int, young: Sequence[float] = (), old: Sequence[float] = ()) -> None:
        self._rows = rows
        self._young: deque[float] = deque(young, rows)
        self._old = SortedWindow(memory_rows, old)

    def add(self, mean: float, least: float) -> float | None:
        """Take a mean in.

        Args:
            mean: that of the last ``rows`` values.
            least: share of the range of the means: a mean closer to an earlier one is not new.

        Returns:
            Its distance to the nearest, 0 if it is not new; None as long as there is none to compare with.
        """
        young, old = self._young, self._old
        if len(young) == self._rows:
            old.add(young[0])
        young.append(mean)
        order = old.order
        if not order:
            return None
        distance = nearest(order, mean)
        return distance if distance >= least * (order[-1] - order[0]) else 0.0

    def to_columns(self) -> list[Sequence[float]]:
        """The young and the old means."""
        return [self._young, self._old.held]
