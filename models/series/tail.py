"""How unusual a number is, given the numbers before it: the decimal exponent of its tail probability.

Up to a high quantile the probability is the number's rank. Beyond it, where ranks say no more than "larger than all",
two tails are fitted to what lies above it: a light one, in which the excess is exponential with the mean excess seen
(the peaks-over-threshold method: A. C. Davison, R. L. Smith, "Models for Exceedances over High Thresholds", 1990), and
a heavy one, in which its logarithm is (B. M. Hill, "A Simple General Approach to Inference about the Tail of a
Distribution", 1975). A few hundred numbers do not tell which is right: sensors have light tails, counts of what people
do heavy ones. The mean of the two exponents is taken. The result has no unit, so that what is measured in different
units can be added.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable
from math import ceil, inf, log, log10

HIGHEST = 5.0
"""More is not believed of an extrapolation from a few hundred excesses."""

LOOK_SHARE = 0.04
"""Numbers that more than this share reach are ordinary: their rarity, which would be below 1.4, is said to be 0."""

_TAIL_SHARE = 0.03
_TAIL_LEAST = 5
_LEAST_SCALE = 0.02
"""Of the quantile: excesses that hardly differ, or none, would make everything beyond them rare without bound."""

_LN10 = log(10.0)
_SORTED_SHARE, _SORTED_MORE = 0.08, 16


class TailRarity:
    """Judges each number against those before it.

    Only the upper end of the numbers is kept sorted: those above a cut, which is moved when too few or too many are
    left above it. A number below the cut, as nearly all are, costs no search.

    Args:
        memory: how many numbers to keep.
        numbers: what was judged before, oldest first.
    """

    __slots__ = ("_arrivals", "_at_cut", "_cut", "_memory", "_upper")

    def __init__(self, memory: int, numbers: Iterable[float] = ()) -> None:
        self._memory = memory
        self._arrivals: deque[float] = deque(numbers, memory)
        self._upper: list[float] = []
        self._cut = -inf
        self._at_cut = 0
        self._move_cut()

    def judge(self, number: float) -> float:
        """The rarity of a number, from 0 to ``HIGHEST``: 3 for one in a thousand. It is kept for those to come."""
        arrivals, upper, cut = self._arrivals, self._upper, self._cut
        n = len(arrivals)
        rarity = 0.0
        if number > cut and n > _TAIL_LEAST:
            reached = len(upper) - bisect_left(upper, number)
            if reached <= max(_TAIL_LEAST, LOOK_SHARE * n):
                rarity = self._rarity(n, number, reached)
        if n == self._memory:
            oldest = arrivals[0]
            if oldest > cut:
                del upper[bisect_left(upper, oldest)]
            elif oldest == cut:
                self._at_cut -= 1
        else:
            n += 1
        arrivals.append(number)
        if number > cut:
            insort(upper, number)
        elif number == cut:
            self._at_cut += 1
        most = len(upper)
        if most + self._at_cut <= LOOK_SHARE * n + _TAIL_LEAST + 2 or most > 2 * (_SORTED_SHARE * n + _SORTED_MORE):
            self._move_cut()
        return rarity

    def _rarity(self, n: int, number: float, reached: int) -> float:
        upper = self._upper
        k = max(_TAIL_LEAST, ceil(_TAIL_SHARE * n))
        sorted_ = len(upper)
        # Beyond the sorted ones lie those that equal the cut: there are always more than k of both.
        edge = upper[sorted_ - k - 1] if sorted_ > k else self._cut
        if number <= edge:
            return min(HIGHEST, -log10((reached + 1) / (n + 1)))
        # Those of the k largest that are not sorted equal the cut, which is then the edge: their excess is 0.
        largest = upper[-k:]
        scale = max(sum(largest) / k - edge * len(largest) / k, _LEAST_SCALE * edge)
        if scale <= 0.0:
            return HIGHEST
        beyond = (number - edge) / scale
        if edge > 0.0:
            log_edge = log(edge)
            shape = max((sum(map(log, largest)) - log_edge * len(largest)) / k, _LEAST_SCALE)
            beyond = 0.5 * (beyond + (log(number) - log_edge) / shape)
        return min(HIGHEST, beyond / _LN10 - log10(k / (n + 1)))

    def _move_cut(self) -> None:
        order = sorted(self._arrivals)
        n = len(order)
        kept = int(_SORTED_SHARE * n) + _SORTED_MORE
        self._cut = order[n - 1 - kept] if n > kept else -inf
        begin = bisect_right(order, self._cut)
        self._upper = order[begin:]
        self._at_cut = begin - bisect_left(order, self._cut)

    def arrivals(self) -> list[float]:
        """The numbers kept, oldest first."""
        return list(self._arrivals)
