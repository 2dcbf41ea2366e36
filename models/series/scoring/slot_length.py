"""How long the slots of a series are, from its first timestamps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FIRST_POINTS = 12
"""So many points with a time are looked at."""

_S, _MIN, _H = 1_000, 60_000, 3_600_000
_USUAL = (
    *(n * _S for n in (1, 2, 5, 10, 15, 20, 30)),
    *(n * _MIN for n in (1, 2, 3, 5, 6, 10, 12, 15, 20, 30)),
    *(n * _H for n in (1, 2, 3, 4, 6, 8, 12, 24)),
)
_NEAR = 0.1


def find_slot_ms(times_ms: Sequence[int]) -> int:
    """The length of a slot, ms: the median step between points, or the usual length next to it.

    Steps jitter, so a median within a tenth of a usual length (a second to a day) means that one; else neighbouring
    slots would be told apart by less than they jitter. Of times that do not advance it is a minute.

    Args:
        times_ms: in the order in which the points came; steps back and repetitions are passed over.
    """
    steps = np.diff(np.maximum.accumulate(np.asarray(times_ms, np.int64)))
    steps = steps[steps > 0]
    if not len(steps):
        return _MIN
    median = float(np.median(steps))
    usual = min(_USUAL, key=lambda length: abs(median - length) / length)
    return usual if abs(median - usual) <= _NEAR * usual else max(1, round(median))
