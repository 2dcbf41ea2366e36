"""Rare branches that are normal: what the process does seldom, told apart from what goes wrong.

Where training holds faults, whatever is rarer than these is bounded away: a state of one transaction in a hundred has
the bound 0. Among such states some belong to a *branch*, a procedure of its own that the process carries out now and
then (a copy is asked for, begun, sent, received). It shows by three signs, none of which needs to be frequent:

- It has *several steps*, two states at least, that hold together: whoever passes one passes all, as often. A single
  rare message is as likely to be a complaint.
- It *adds* to a transaction and takes nothing away: its transactions lack something that others need no more often than
  other transactions do. A fault lacks something, or breaks off.
- Enough of its transactions are *otherwise normal*. More often than others do they pass the states of the branch, and
  those that every one of them passes more often (the copies that there are then); no other state.

Of the first two, faults that fall on a branch by chance are set aside: as many as the share of transactions that lack
something lets expect, by the binomial distribution, in one of twenty branches.

Those that are otherwise normal are no faults. What is left of a training without its faults looks clean, so they are
enough where they are more than may lie beyond a bound of a clean one (:data:`models.mining.bounds.CLEAN_SHARE`): that
takes some 900 transactions, too. Then the upper bounds of these states become what such transactions have at most, and
the states of the branch have to occur equally often. All other bounds stay, and so does the verdict on transactions of
the branch with which something else is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64
from models.mining.bounds import CLEAN_SHARE, Bounds, allowed, wilson_upper

Bools = npt.NDArray[np.bool_]

_STEPS = 2
_UNLIKELY = 0.05


@dataclass(frozen=True, slots=True)
class Branches:
    """The bounds with what rare branches add to them.

    Attributes:
        bounds: the bounds that hold now.
        passing: bool[m], the transactions that keep to these bounds, did not keep to those before, and pass branches
            whole. They are normal, so what they break is no rule.
        broken: bool[m], the transactions that do not pass a branch whole: they are faulty.
        equal: for each branch its states, and how many transactions pass them.
    """

    bounds: Bounds
    passing: Bools
    broken: Bools
    equal: tuple[tuple[tuple[int, ...], int], ...] = ()


def allow_branches(bounds: Bounds, counts: Int32, cut_off: Bools) -> Branches:
    """Widen the upper bounds of states that belong to rare, normal branches.

    Args:
        bounds: of all states; those of a clean training stay, as rare states have their bounds there.
        counts: int32[m, states], which the bounds were learnt from.
        cut_off: bool[m], of which transactions a part may be missing for other reasons; they show nothing.
    """
    before, none = bounds.kept(counts), np.zeros(len(counts), dtype=np.bool_)
    enough = -1 if bounds.clean else allowed(int((before & ~cut_off).sum()), CLEAN_SHARE)
    if enough < 0:
        return Branches(bounds, none, none)
    whole = counts[~cut_off]
    high = _as_array(bounds)
    over = whole > high
    lacking: Bools = (whole < np.array(bounds.low)).any(axis=1)
    faults = wilson_upper(int(lacking.sum()), len(lacking))
    wider, broken = high.copy(), none
    equal: list[tuple[tuple[int, ...], int]] = []
    for members in _branches(whole, (high == 0) & (whole > 0).any(axis=0), faults):
        passed = (whole[:, members] > 0).any(axis=1)
        by_chance = most_by_chance(int(passed.sum()), faults)
        if int(lacking[passed].sum()) > by_chance:
            continue
        added = over[passed].sum(axis=0) >= int(passed.sum()) - by_chance
        otherwise_normal = passed & ~lacking & ~over[:, ~added].any(axis=1) & _alike(whole, members)
        if int(otherwise_normal.sum()) > enough:
            most = whole[otherwise_normal].max(axis=0)
            wider = np.where(added, np.maximum(wider, most), wider)
            broken = broken | ~_alike(counts, members)
            equal.append((tuple(members), int(passed.sum())))
    highs = (None if bound is None else now for bound, now in zip(bounds.high, wider.tolist(), strict=True))
    widened = replace(bounds, high=tuple(highs))
    return Branches(widened, widened.kept(counts) & ~before & ~broken, broken, tuple(equal))


def most_by_chance(n: int, share: float) -> int:
    """The most of ``n`` that have something for no other reason than that a ``share`` of all has it.

    That is the largest k that so many or more are with a probability of 5 % at least, in a binomial distribution.

    >>> most_by_chance(24, 0.015), most_by_chance(100, 0.015)
    (1, 4)
    """
    k, below, term = 0, 0.0, (1 - share) ** n
    # 1 - below is the probability of k or more.
    while k < n and 1 - below - term >= _UNLIKELY and share < 1:
        below += term
        term *= (n - k) / (k + 1) * share / (1 - share)
        k += 1
    return k if share < 1 else n


def _alike(counts: Int32, states: list[int]) -> Bools:
    """bool[m]: which transactions pass all these states equally often."""
    alike: Bools = (counts[:, states] == counts[:, states[:1]]).all(axis=1)
    return alike


def _as_array(bounds: Bounds) -> Int64:
    limit = np.iinfo(np.int32).max
    return np.array([limit if bound is None else bound for bound in bounds.high], dtype=np.int64)


def _branches(counts: Int32, rare: Bools, faults: float) -> list[list[int]]:
    """Rare states that are passed together and as often, but for faults; two states at least a branch.

    Each state is in the branch of the most common one that it goes with.
    """
    times = (counts > 0).sum(axis=0)
    left = sorted(np.flatnonzero(rare).tolist(), key=lambda at: (-int(times[at]), at))
    found = []
    while left:
        first = left[0]
        apart = (counts[:, left] != counts[:, [first]]).sum(axis=0)
        most = most_by_chance(int(times[first]), faults)
        members = [at for at, broken in zip(left, apart.tolist(), strict=True) if broken <= most]
        left = [at for at in left if at not in members]
        if len(members) >= _STEPS:
            found.append(sorted(members))
    return found
