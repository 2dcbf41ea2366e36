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

KEPT = 4
"""Of the means that end within as many rows as they are long so many are remembered: those between are much alike."""


class MeanNovelty:
    """The distance of the mean of the last ``rows`` values to the nearest of such means before.

    Args:
        rows: of how many values means are taken, a multiple of ``KEPT``.
        memory_rows: from how many rows to remember means.
        columns: what :meth:`to_columns` said before.
    """

    __slots__ = ("_next", "_old", "_step", "_young")

    def __init__(self, rows: int, memory_rows: int, columns: Sequence[Sequence[float]] = ((0.0,), (), ())) -> None:
        wait, young, old = columns
        self._step = rows // KEPT
        self._next = int(wait[0])
        self._young: deque[float] = deque(young, KEPT)
        self._old = SortedWindow(max(1, memory_rows // self._step), old)

    def add(self, mean: float, least: float) -> float | None:
        """Take a mean in.

        Args:
            mean: that of the last ``rows`` values.
            least: share of the range of the means remembered: a mean closer to one of them is not new.

        Returns:
            Its distance to the nearest, 0 if it is not new; None as long as there is none to compare with.
        """
        old = self._old
        if self._next:
            self._next -= 1
        else:
            self._next = self._step - 1
            young = self._young
            # Young means overlap with the one that is judged.
            if len(young) == KEPT:
                old.add(young[0])
            young.append(mean)
        order = old.order
        if not order:
            return None
        distance = nearest(order, mean)
        return distance if distance >= least * (order[-1] - order[0]) else 0.0

    def to_columns(self) -> list[Sequence[float]]:
        """In how many rows the next mean is remembered; the young means, and those before, oldest first."""
        return [[float(self._next)], self._young, self._old.held]


MEAN_COLUMNS = 3
"""How many columns each has."""
