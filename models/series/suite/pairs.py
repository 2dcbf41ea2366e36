"""Pairs of series, made up from a seed: their link breaks, or does not; the measure of ``correlation``.

Counts a minute over three days: two days to learn from, one to be judged. Beside each pair stands a third series with
the same daily rhythm, which goes with neither. All series of all seeds are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.series.correlation.departure import BEGIN
from models.series.correlation.fit import learn_pairs
from models.series.correlation.follow import FollowedPairs
from models.series.correlation.pair import SeriesRef
from models.series.detectors.columns import Floats

SLOT_MS = 60_000
DAY_SLOTS = 1440
SLOTS = 3 * DAY_SLOTS
LEARNT = 2 * DAY_SLOTS
BROKEN, PARTLY, SHOCK, SPIKE, NORMAL = "broken", "partly", "shock", "spike", "normal"
KINDS = (BROKEN, PARTLY, SHOCK, SPIKE, NORMAL)
"""``b`` goes its own way; a fifth of it is missing; both are moved; one alone is for a moment; nothing is injected. The
first two are to be told."""

_LATE_SLOTS = 10
_FIRST = 29_453_760


@dataclass(slots=True)
class PairTally:
    """Counts over pairs.

    Attributes:
        pairs: that are true.
        learnt: of them, those that were found in what is learnt from, with their lag.
        wrong: pairs that were found and are none.
        injected: of kinds that are to be told, of pairs that were found.
        found: of these, those that were told.
        told: departures that were told.
        days: judged, over all pairs that were found.
        false_alarms: told where nothing is to be told, or told twice.
    """

    pairs: int = 0
    learnt: int = 0
    wrong: int = 0
    injected: int = 0
    found: int = 0
    told: int = 0
    days: float = 0.0
    false_alarms: int = 0

    @property
    def recall(self) -> float:
        """The share of broken links that were told; NaN without any."""
        return self.found / self.injected if self.injected else float("nan")

    @property
    def precision(self) -> float:
        """The share of what was told that was right; NaN if nothing was."""
        return 1.0 - self.false_alarms / self.told if self.told else float("nan")


@dataclass(slots=True)
class PairCase:
    """Three series.

    Attributes:
        kind: one of :data:`KINDS`.
        values: ``[SLOTS, 3]``: a, b, and one that goes with neither.
        lag: how many slots after a b follows.
        begin, end: slots of the injection.
    """

    kind: str
    values: Floats
    lag: int
    begin: int
    end: int


def pair_case(kind: str, seed: int) -> PairCase:
    """A case of a kind."""
    chance = np.random.default_rng([seed, KINDS.index(kind)])
    lag = int(chance.integers(0, 4))
    phase = 2 * np.pi * np.arange(SLOTS + lag) / DAY_SLOTS - chance.uniform(0, 2 * np.pi)
    rate = np.exp(chance.uniform(np.log(30), np.log(500))) * (1.0 + chance.uniform(0.2, 0.8) * np.sin(phase))
    uneven, share = chance.uniform(0.0, 0.4), chance.uniform(0.5, 1.0)

    def own() -> Floats:
        drawn: Floats = chance.poisson(rate * np.exp(uneven * chance.standard_normal(SLOTS + lag)))
        return drawn

    a = own()
    begin = int(chance.integers(LEARNT + 200, SLOTS - 200))
    end = begin + int(chance.integers(30, 120))
    if kind == SHOCK:
        a[begin:end] = chance.poisson(a[begin:end] * chance.choice([chance.uniform(0.05, 0.5), chance.uniform(2, 8)]))
    b = chance.binomial(a.astype(np.int64), share)
    if kind == BROKEN:
        b[begin:end] = chance.binomial(own().astype(np.int64), share)[begin:end]
    elif kind == PARTLY:
        b[begin:end] = chance.binomial(b[begin:end], 0.8)
    elif kind == SPIKE:
        end = begin + int(chance.integers(1, 4))
        one = a if chance.random() < 0.5 else b
        one[begin:end] = one[begin:end] * chance.choice([0, 3, 10])
    # Slot t of b goes with slot t - lag of a.
    values = np.column_stack([a[lag:], b[:SLOTS], own()[:SLOTS]]).astype(np.float64)
    return PairCase(kind, values, lag, begin, end)


def measure_pairs(seeds: range, step: Callable[[int], None] | None = None) -> PairTally:
    """Learn and judge a case of each kind for each seed, all of them side by side.

    Args:
        seeds: of the cases.
        step: called with each judged slot that is done, for progress.
    """
    cases = [pair_case(kind, seed) for seed in seeds for kind in KINDS]
    series = [SeriesRef(f"t-{n}-{name}") for n in range(len(cases)) for name in "abc"]
    values = np.concatenate([case.values for case in cases], axis=1)
    slots = _FIRST + np.arange(SLOTS)
    pairs = learn_pairs(values[:LEARNT], slots[:LEARNT], series, SLOT_MS)
    column = {ref: at for at, ref in enumerate(series)}
    a, b = [column[pair.a] for pair in pairs], [column[pair.b] for pair in pairs]
    of = [_case_of(cases, one, other, pair.lag_slots) for one, other, pair in zip(a, b, pairs, strict=True)]
    followed = FollowedPairs(SLOT_MS)
    followed.add(pairs)
    rows = np.arange(len(pairs))
    told: list[list[tuple[int, int]]] = [[] for _ in pairs]
    for at in range(LEARNT, SLOTS):
        for one in followed.update(rows, int(slots[at]) * SLOT_MS, values[at, a], values[at, b]):
            if one.stage == BEGIN:
                own = one.departure
                told[one.row].append((own.begin_ms // SLOT_MS - _FIRST, own.last_ms // SLOT_MS - _FIRST))
        if step is not None:
            step(at - LEARNT)
    tally = PairTally(len(cases))
    for case, begins in zip(of, told, strict=True):
        _count(tally, case, begins)
    return tally


def _case_of(cases: Sequence[PairCase], a: int, b: int, lag: int) -> PairCase | None:
    """The case that a pair of columns is the true pair of; of a lag of 0 either may lead."""
    case = cases[a // 3]
    led, follows = sorted((a, b)) if lag == 0 else (a, b)
    return case if led % 3 == 0 and follows == led + 1 and lag == case.lag else None


def _count(tally: PairTally, case: PairCase | None, told: Sequence[tuple[int, int]]) -> None:
    wanted = case is not None and case.kind in (BROKEN, PARTLY)
    right = [
        begin
        for begin, last in told
        if wanted and case is not None and last >= case.begin and begin < case.end + _LATE_SLOTS
    ][:1]
    tally.learnt += case is not None
    tally.wrong += case is None
    tally.told += len(told)
    tally.false_alarms += len(told) - len(right)
    tally.days += (SLOTS - LEARNT) / DAY_SLOTS
    if wanted:
        tally.injected += 1
        tally.found += len(right)
