"""How often a state occurs in a normal transaction, learnt from counts of which a few percent are not normal.

From the commonest count outward, the bound is the first count beyond which *almost nothing* lies, if the counts fall
off a cliff there. Almost nothing is judged by Wilson's one-sided 95 % bound of the share (E. B. Wilson, 1927), so that
few transactions prove little. Counts that fade out gradually have no cliff: their tail is extrapolated geometrically,
to one transaction in 10,000.

Where a cliff comes after a few counts, it is what the process does: three copies, one to five pages. Where many counts
lie before it, the count measures something (readers, retries), and its cliff is where these ended in training: there a
quarter of the way is added, as with durations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64

Bools = npt.NDArray[np.bool_]

CLEAN_SHARE = 0.003
"""What may lie beyond a bound if the training looks clean."""

DIRTY_SHARE = 0.05
"""What may lie beyond a bound otherwise."""

TAIL = 1e-4
"""The share of normal transactions that may lie beyond an extrapolated bound."""

FEWEST = 20
"""Fewer transactions show nothing."""

_Z = 1.6448536269514722
_SMALL_LOG = 50
_SMALL_SHARE = 0.02
_LEAST_FOR_FAULTS = 30
_FAULTS = 0.01
_SHARP = 0.1
_UNLIKELY = 0.002
_MOST_BROKEN = 0.1
_STRUCTURE = 5
_ROOM = 0.25


def wilson_upper(hits: int, n: int) -> float:
    """One-sided 95 % upper bound of a share of which ``hits`` of ``n`` were seen; 1 for n = 0.

    >>> round(wilson_upper(0, 52), 4)
    0.0495
    """
    if n <= 0:
        return 1.0
    share, z2 = hits / n, _Z * _Z
    root = math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return min(1.0, (share + z2 / (2 * n) + _Z * root) / (1 + z2 / n))


def allowed(n: int, share: float) -> int:
    """How many of ``n`` transactions may lie beyond a bound; -1 if n is too small to bound anything.

    That is the most for which :func:`wilson_upper` stays below ``share``. In small logs a few faults would hide every
    rule so: if training is not clean, as many are allowed as one fault in a hundred transactions brings about now and
    then (all but 3 % of the logs have fewer; the normal approximation of the Poisson distribution). From 20 to 50
    transactions, none.
    """
    most = -1
    if n > 0:
        low, high = -1, n
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if wilson_upper(middle, n) < share else (low, middle)
        most = low
    if share >= DIRTY_SHARE and n >= _SMALL_LOG:
        most = max(most, round(_FAULTS * n + 1.9 * math.sqrt(_FAULTS * n)))
    if most < 0 and n >= FEWEST and share > CLEAN_SHARE:
        return 0
    return most


def few(n: int) -> int:
    """So many of ``n`` may break a rule that holds nevertheless: two in a hundred, but one from 30 on, none below."""
    return max(1, int(_SMALL_SHARE * n + 0.5)) if n >= _LEAST_FOR_FAULTS else 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the counts of all states of an automaton.

    Attributes:
        low: fewest occurrences of each state.
        high: most occurrences of each state, None for no bound.
        share: the share of transactions that was allowed beyond a bound.
        clean: whether the training looked clean.
    """

    low: tuple[int, ...]
    high: tuple[int | None, ...]
    share: float
    clean: bool

    def kept(self, counts: Int32, unfinished: Bools | None = None) -> Bools:
        """Which transactions keep to all bounds.

        Args:
            counts: int32[m, states].
            unfinished: bool[m], which of them need to keep to the upper bounds only.

        Returns:
            bool[m].
        """
        limit = np.iinfo(np.int32).max
        high = np.array([limit if bound is None else bound for bound in self.high], dtype=np.int64)
        enough: Bools = (counts >= np.array(self.low)).all(axis=1)
        if unfinished is not None:
            enough |= unfinished
        inside: Bools = enough & (counts <= high).all(axis=1)
        return inside


def learn_bounds(counts: Int32, lacking: Bools | None = None) -> Bounds:
    """Bounds of each state's count.

    Args:
        counts: int32[transactions, states].
        lacking: bool[transactions], of which transactions a part may be missing for other reasons (the log begins or
            ends there); they tell nothing about lower bounds.
    """
    whole = counts if lacking is None or lacking.all() else counts[~lacking]
    clean = looks_clean(whole)
    share = CLEAN_SHARE if clean else DIRTY_SHARE
    while True:
        low, high = [], []
        for state in range(counts.shape[1]):
            low.append(lower_bound(whole[:, state], share))
            high.append(upper_bound(counts[:, state], share))
        bounds = Bounds(tuple(low), tuple(high), share, clean)
        # Each bound may cost a little; together they must leave nearly all transactions, as a few percent are faulty.
        if share <= CLEAN_SHARE or 1 - bounds.kept(whole).mean() <= _MOST_BROKEN:
            return bounds
        share = max(CLEAN_SHARE, share / 2)


def looks_clean(counts: Int32) -> bool:
    """Whether hardly any transaction lacks a state that nearly all have. About 900 are needed to say so."""
    present = counts > 0
    mandatory = present.mean(axis=0) >= 0.9 if len(counts) else np.zeros(counts.shape[1], dtype=np.bool_)
    if not mandatory.any():
        return False
    lacking = int((~present[:, mandatory]).any(axis=1).sum())
    return wilson_upper(lacking, len(counts)) <= CLEAN_SHARE


def upper_bound(counts: Int32, share: float) -> int | None:
    """The most occurrences that are normal; None for no bound.

    Args:
        counts: occurrences of one state in each transaction, 0 included.
        share: at most this share of transactions may lie beyond (see :func:`allowed`).
    """
    if not len(counts):
        return None
    histogram = np.bincount(counts).astype(np.int64)
    return _walk(histogram[int(histogram.argmax()) :], int(histogram.argmax()), len(counts), share)


def lower_bound(counts: Int32, share: float) -> int:
    """The fewest occurrences that are normal, 0 for no bound. Arguments as for :func:`upper_bound`."""
    if not len(counts):
        return 0
    histogram = np.bincount(counts).astype(np.int64)
    mode = int(histogram.argmax())
    steps = _walk(histogram[mode::-1], 0, len(counts), share)
    return 0 if steps is None else max(0, mode - steps)


def _walk(histogram: Int64, base: int, n: int, share: float) -> int | None:
    """Walk away from the mode, ``histogram[0]``; ``base`` plus the number of steps to the bound, or None."""
    most = allowed(n, share)
    if most < 0:
        return None
    beyond = int(histogram.sum()) - np.cumsum(histogram)
    at_least = beyond + histogram
    tail: tuple[int, float] | None = None
    ongoing, trials = 0, 0
    for step in range(len(histogram)):
        out, reached = int(beyond[step]), int(at_least[step])
        if out <= most:
            if out <= _SHARP * reached and _is_cliff(out, reached, ongoing, trials):
                return base + step + (math.ceil(_ROOM * step) if step > _STRUCTURE else 0)
            if tail is None:
                # How many go on from the mode itself says little of a tail: most may never begin what others repeat.
                first = (int(beyond[0]), int(at_least[0])) if step else (0, 0)
                seen = trials + reached - first[1] + 2
                rate = (ongoing + out - first[0] + 1) / seen
                tail = step, min(0.99, rate + math.sqrt(rate * (1 - rate) / seen))
        trials += reached
        ongoing += out
    start, decay = tail or (0, 0.0)
    return base + start + _further(int(at_least[start]) / n, decay)


def _is_cliff(out: int, reached: int, ongoing: int, trials: int) -> bool:
    """Whether as few as ``out`` of ``reached`` transactions going on is less than the earlier steps let expect."""
    if trials == 0:
        return True
    rate = ongoing / trials
    if rate >= 1:
        return out < reached
    # P(X <= out) of a binomial distribution, in logarithms: (1 - rate) ** reached may be too small for a float.
    log_odds = math.log(rate / (1 - rate)) if rate > 0 else -math.inf
    term, chance = reached * math.log1p(-rate), 0.0
    for k in range(out + 1):
        chance += math.exp(term)
        term += math.log((reached - k) / (k + 1)) + log_odds if k < reached else -math.inf
    return chance < _UNLIKELY


def _further(share: float, rate: float) -> int:
    """How many steps on a tail that shrinks by ``rate`` each step falls from ``share`` below :data:`TAIL`."""
    if share <= TAIL or rate <= 0:
        return 0
    return max(0, math.ceil(math.log(TAIL / share) / math.log(rate)) - 1)
