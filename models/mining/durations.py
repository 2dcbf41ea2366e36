"""How long a normal transaction takes, and how long to wait for one.

Durations are skewed and differ by orders of magnitude, so their logarithm is looked at: beyond a high quantile its
excess is taken as exponential (a power law in time; lighter tails are only over-estimated), and the tail is followed to
one transaction in 10,000. The excess is measured by its median first, which a few faulty durations cannot move; what
is too long for that is set aside, and the rest is measured by its mean.

A log shows nothing that lasts longer than the log itself. So no maximum lies beyond the time that the training spans,
unless a normal transaction comes near it: where durations differ by many orders of magnitude, the tail would otherwise
be followed to millions of years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int64
from models.mining.bounds import FEWEST, TAIL
from models.mining.clock import resolution_ms
from models.mining.transactions import Transactions

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_EXCEEDING = 25
_ROOM = 1.25
_SETTLE_FLOOR_MS = 1_000
_EXPIRES_FLOOR_MS = 5_000
_EXPIRES_FACTOR = 4
_MOST_MS = 2**53 - 1
"""What a model document can hold."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Bounds of a duration in ms, None for no bound, and how many transactions they were learnt from."""

    min_ms: int | None
    max_ms: int | None
    support: int

    def kept(self, duration_ms: Int64) -> Bools:
        """bool[m]: which durations are within the bounds."""
        high = _MOST_MS if self.max_ms is None else self.max_ms
        inside: Bools = (duration_ms >= (self.min_ms or 0)) & (duration_ms <= high)
        return inside


def learn_duration(duration_ms: Int64, log_ms: int) -> Duration:
    """Bounds of the duration of normal transactions; none for fewer than 20.

    Args:
        duration_ms: int64[m], none negative, of transactions with begin and end.
        log_ms: the time that the log spans.
    """
    n = len(duration_ms)
    if n < FEWEST:
        return Duration(None, None, n)
    unit = resolution_ms(duration_ms)
    # Half a unit: a duration of 0 is one below what the clock can tell.
    x = np.log(duration_ms + unit / 2)
    high = tail_of(x)
    low = -tail_of(-x)
    inside = np.exp(x[(x >= low) & (x <= high)]) - unit / 2
    longest = _ROOM * float(inside.max())
    # In logarithms, as the tail may be too long for a float.
    most = max(math.exp(min(high, math.log(max(log_ms, longest, 1)))), longest) + unit
    least = min(math.exp(low), float(inside.min()) / _ROOM) - unit
    return Duration(math.floor(least) if least >= 1 else None, min(math.ceil(most), _MOST_MS), n)


def tail_of(x: Floats, beyond: float = TAIL) -> float:
    """The value that a share ``beyond`` exceeds, one in 10,000 if not given."""
    share = min(0.25, max(0.05, _EXCEEDING / len(x)))
    threshold = float(np.quantile(x, 1 - share))
    excess = x[x > threshold] - threshold
    if not len(excess):
        return threshold
    # The largest of n exponential excesses is above scale * (log n + 3) in 5 % of all cases.
    scale = float(np.median(excess)) / math.log(2)
    kept = excess[excess <= scale * (math.log(len(excess)) + 3)]
    return threshold + math.log(share / beyond) * float(kept.mean())


def settle_ms(transactions: Transactions, ends: frozenset[int]) -> int:
    """How long to wait for stragglers after an event of a transaction that has passed an end state."""
    if not ends:
        return _SETTLE_FLOOR_MS
    is_end = np.isin(transactions.state, list(ends)).astype(np.int64)
    before: Int64 = np.cumsum(is_end) - is_end
    late = before > np.repeat(before[transactions.starts[:-1]], np.diff(transactions.starts))
    gaps = (transactions.event_ms - np.roll(transactions.event_ms, 1))[late]
    return max(_SETTLE_FLOOR_MS, 2 * int(gaps.max(initial=0)))


def expires_ms(duration: Duration, span_ms: Int64, silence_ms: int | None = None) -> int:
    """How long to wait for the end, from the first event: long enough for one that is merely late.

    Args:
        duration: the learnt bounds.
        span_ms: durations of all normal transactions.
        silence_ms: after so long a silence the identifier is used for another transaction; None: that is not known.
    """
    longest = int(span_ms.max(initial=0))
    if duration.max_ms is not None:
        longest = duration.max_ms
    expires = max(_EXPIRES_FLOOR_MS, _EXPIRES_FACTOR * longest)
    if silence_ms is not None:
        expires = min(expires, max(silence_ms, longest))
    return min(expires, _MOST_MS)
