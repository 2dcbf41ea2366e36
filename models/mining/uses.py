"""Values that are used again and again, cut into uses: the names of a pool's connections, numbers that wrap around.

Such values come back all over the log, so they look like users and threads. What tells them is silence: within a use
lines are near, and before the next one there is hardly a gap that is neither short nor long. Each use then counts as a
value of its own. Lines that come at random have gaps of all lengths, and are not cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.batches import Int64
from models.mining.slots import LEAST_PAIRS, Slots

_LONG = 3
_UNCLEAR = 0.1
_LEAST_ROWS = 3
_CANDIDATES = 60


def cut_into_uses(slots: Slots, kind: Sequence[int]) -> bool:
    """Let each use be a value of its own in ``slots``, for the slots of one kind; whether uses are clear.

    Nothing is changed where they are not, nor where values are hardly used again.
    """
    value, slot, row = slots.of(kind)
    same = value[1:] == value[:-1]
    gaps = np.diff(row)
    longest = _longest_within(gaps[same]) if same.any() else None
    if longest is None:
        return False
    new = np.r_[True, ~same | (gaps > longest)]
    numbers = np.cumsum(new) + int(slots.value.max())
    for at in kind:
        mine = slot == at
        order = np.argsort(row[mine], kind="stable")
        slots.value[slots.starts[at] : slots.starts[at + 1]] = numbers[mine][order]
    return True


def _longest_within(inner: Int64) -> int | None:
    """The longest gap within a use, in rows: hardly any gap is up to three times longer; None if none is clear.

    Args:
        inner: int64[k], rows from each line to the next one with its value.
    """
    inner = np.sort(inner)
    candidates = np.unique(np.geomspace(_LEAST_ROWS, max(_LEAST_ROWS, int(inner[-1])), _CANDIDATES).astype(np.int64))
    below = np.searchsorted(inner, candidates, side="right")
    above = len(inner) - np.searchsorted(inner, _LONG * candidates, side="right")
    between = len(inner) - below - above
    fewer = np.minimum(below, above)
    best = int(np.argmin(np.where(fewer >= LEAST_PAIRS, between / np.maximum(fewer, 1), np.inf)))
    clear = fewer[best] >= LEAST_PAIRS and between[best] <= _UNCLEAR * fewer[best]
    return int(candidates[best]) if clear else None
