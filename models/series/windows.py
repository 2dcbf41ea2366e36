"""The numbers of the last so many rows, in ascending order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from math import inf


class SortedWindow:
    """Keeps the last ``size`` numbers added, sorted: finding takes O(log n), adding moves a short piece of memory.

    Args:
        size: how many to keep.
        numbers: what was added before, oldest first.

    Attributes:
        order: the numbers kept, ascending; to be read only.
        held: the numbers kept, oldest first; to be read only.
    """

    __slots__ = ("_size", "held", "order")

    def __init__(self, size: int, numbers: Iterable[float] = ()) -> None:
        self._size = size
        self.held: deque[float] = deque(numbers, size)
        self.order = sorted(self.held)

    def __len__(self) -> int:
        return len(self.order)

    def oldest(self) -> float:
        """The number that is the next to go."""
        return self.held[0]

    def add(self, number: float) -> None:
        """Take a number in, and the oldest out once there are more than ``size``."""
        order, held = self.order, self.held
        if len(order) == self._size:
            del order[bisect_left(order, held[0])]
        held.append(number)
        insort(order, number)


def nearest(order: list[float], number: float) -> float:
    """The distance of a number to the nearest of a sorted list; infinity if that is empty."""
    at = bisect_left(order, number)
    above = order[at] - number if at < len(order) else inf
    below = number - order[at - 1] if at else inf
    if above < below:
        return above
    return below
