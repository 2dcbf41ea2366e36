"""How much time a transition takes, learnt from its times in normal transactions of which a few are not normal.

The tail of the logarithm of the times is followed as for whole durations (:mod:`models.mining.durations`), but farther,
and with more room: a transaction takes many steps, so that what is rare for one step is not rare for a transaction. A
bound is kept only if hardly any time of the training lies beyond it: where many do, steps wait for something that the
log does not show, and no time is too long for that.

A clock that tells seconds makes steps of 0 and of 1 out of what took between nothing and two. So equal times are spread
evenly over the tick in which they fall.
"""

from __future__ import annotations

import math

import numpy as np

from models.batches import Int64
from models.mining.durations import Floats, tail_of
from models.mining.relations import SUPPORT

_BEYOND = 1e-5
"""The share of normal times that may lie beyond: a tenth of that for durations, as a transaction takes many steps."""

FAULTY = 0.005
"""What holds in no more than this share of the transactions may be a fault."""

_FARTHEST = 36.0
_ROOM = 2
"""What is called slow takes at least twice as long as anything normal in the training; what is fast, half as long."""


def learn_step(taken_ms: Int64, tick_ms: int) -> tuple[int | None, int | None]:
    """Shortest and longest normal time in ms, None for no bound; both None for fewer than 52 times.

    Args:
        taken_ms: int64[n], the times of one transition; none negative.
        tick_ms: what the clock can tell, see :func:`models.mining.clock.resolution_ms`.
    """
    n = len(taken_ms)
    if n < SUPPORT:
        return None, None
    taken_ms = np.sort(taken_ms)
    x = np.log(_spread(taken_ms, tick_ms))
    # In logarithms, as the tail may be too long for a float. What is a tick beyond may be no farther than the bound.
    high = math.exp(min(tail_of(x, _BEYOND), _FARTHEST)) + tick_ms
    low = math.exp(max(-tail_of(-x, _BEYOND), -_FARTHEST)) - tick_ms
    most = max(1, int(FAULTY * n))
    shortest = longest = None
    if int((taken_ms > high).sum()) <= most:
        longest = math.ceil(max(high, _ROOM * float(taken_ms[taken_ms <= high].max()) + tick_ms))
    if int((taken_ms < low).sum()) <= most:
        least = math.floor(min(low, float(taken_ms[taken_ms >= low].min()) / _ROOM - tick_ms))
        shortest = least if least >= 1 else None
    return shortest, longest


def _spread(taken_ms: Int64, tick_ms: int) -> Floats:
    """Times in ascending order, with equal ones spread over their tick; all above 0."""
    _, first, times = np.unique(taken_ms, return_index=True, return_counts=True)
    rank = np.arange(len(taken_ms)) - np.repeat(first, times)
    spread: Floats = taken_ms + tick_ms * (rank + 0.5) / np.repeat(times, times)
    return spread
