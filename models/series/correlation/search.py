"""Which of many series go together, and how many slots apart: all pairs at all lags, by products of matrices.

For ``n`` slots of series without level and rhythm (:mod:`models.series.correlation.residuals`), the correlations of all
pairs at one lag are one product. Those that are high are looked at closely; a pair is taken if

- it is strong enough to be judged by: a correlation of :data:`LEAST` at least;
- chance does not do as much: its error is estimated with the autocorrelation of both series (M. S. Bartlett, "On the
  Theoretical Specification and Sampling Properties of Autocorrelated Time-Series", 1946) and with slots that are not
  equally busy, and the probability is divided by the number of pairs and lags looked at (Bonferroni);
- it is there all the time: in each of :data:`PARTS` parts of the log.

Of series that all go together, as the steps of one process, the strongest pairs that connect them are kept (a maximum
spanning forest: J. B. Kruskal, 1956), so there are fewer pairs than series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models.series.correlation.pair import MOST_LAG
from models.series.correlation.residuals import Residuals
from models.series.detectors.columns import Bools, Floats, Ints

LEAST = 0.5
PARTS = 4
LEAST_SLOTS = 240
"""Fewer slots show no pair."""

_CHANCE = 1e-3
"""So many false pairs a log, at most, on average."""

_PART_SHARE, _PART_LEAST = 0.5, 0.3
_MEMORY = 12
_BLOCK = 512
_MOST_PARTNERS = 8

Allowed = Callable[[int, int], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """A pair that goes together.

    Attributes:
        a: number of the series that leads.
        b: of the one that follows.
        lag: how many slots later.
        correlation: −1 to 1.
    """

    a: int
    b: int
    lag: int
    correlation: float


def find_pairs(rest: Residuals, slots: Ints, allowed: Allowed = lambda a, b: True, lags: int = MOST_LAG) -> list[Found]:
    """The pairs, strongest first.

    Args:
        rest: float32 ``[slots, series]``, 0 where unknown.
        slots: number of each slot, rising.
        allowed: whether two series may be a pair; not those that are parts of one another.
        lags: the largest lag.
    """
    usable = np.flatnonzero(rest.any(axis=0))
    known = int(np.count_nonzero(rest[:, usable].any(axis=1))) if len(usable) else 0
    if len(usable) < 2 or known < LEAST_SLOTS:
        return []
    spaced, numbers = _spaced(rest[:, usable], slots, lags)
    tests = len(usable) * (len(usable) - 1) / 2 * (2 * lags + 1)
    bar = NormalDist().inv_cdf(1.0 - _CHANCE / tests / 2.0) if tests else 0.0
    best: dict[tuple[int, int], Found] = {}
    for found in _high(spaced, lags, max(LEAST, bar / math.sqrt(known)), known):
        pair = min(found.a, found.b), max(found.a, found.b)
        before = best.get(pair)
        if before is None or (-abs(found.correlation), found.lag, found.a) < (
            -abs(before.correlation), before.lag, before.a,
        ):  # fmt: skip
            best[pair] = found
    part = np.minimum(np.arange(len(numbers)) * PARTS // len(numbers), PARTS - 1)
    sure = []
    for found in best.values():
        one, other = spaced[: len(spaced) - found.lag, found.a], spaced[found.lag :, found.b]
        a, b = int(usable[found.a]), int(usable[found.b])
        if allowed(a, b) and is_sure(one.astype(np.float64), other.astype(np.float64), part[found.lag :], bar):
            sure.append(Found(a, b, found.lag, found.correlation))
    sure.sort(key=lambda pair: (-abs(pair.correlation), pair.lag, pair.a, pair.b))
    return forest(sure)


def is_sure(one: Floats, other: Floats, part: Ints, bar: float) -> bool:
    """Whether two series, one already moved by the lag, go together beyond chance and all the time.

    Args:
        one: ``[slots]``, 0 where unknown.
        other: the same.
        part: of the log, of each slot.
        bar: how many standard errors are beyond chance.
    """
    both: Bools = (one != 0) & (other != 0)
    n = int(both.sum())
    if n < LEAST_SLOTS:
        return False
    r = _correlation(one[both], other[both])
    memory = 1.0 + 2.0 * sum(_auto(one, k) * _auto(other, k) for k in range(1, _MEMORY + 1))
    busy = float(np.mean(np.square(one[both] * other[both]))) * (1.0 - r * r)  # 1 − r²: dependence is no unevenness
    if abs(r) < LEAST or abs(r) * math.sqrt(n / max(memory, 1.0) / max(busy, 1.0)) < bar:
        return False
    for number in range(PARTS):
        own = both & (part == number)
        least = max(_PART_LEAST, _PART_SHARE * abs(r))
        if own.sum() < LEAST_SLOTS // PARTS // 2 or _correlation(one[own], other[own]) * math.copysign(1.0, r) < least:
            return False
    return True


def forest(pairs: Sequence[Found]) -> list[Found]:
    """Of pairs, strongest first, those that connect series which no stronger ones do."""
    parent: dict[int, int] = {}

    def root(one: int) -> int:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    kept = []
    for pair in pairs:
        a, b = root(pair.a), root(pair.b)
        if a != b:
            parent[a] = b
            kept.append(pair)
    return kept


def _spaced(rest: Residuals, slots: Ints, lags: int) -> tuple[Residuals, Ints]:
    """With unknown slots in the gaps, so that no lag reaches across one; and the numbers of all slots."""
    gaps = np.flatnonzero(np.diff(slots) != 1) + 1
    at = np.repeat(gaps, lags)
    return np.insert(rest, at, 0.0, axis=0), np.insert(slots, at, 0)


def _high(rest: Residuals, lags: int, least: float, known: int) -> list[Found]:
    """All that is at least so high; of each series the highest few at each lag."""
    found = []
    series = rest.shape[1]
    for lag in range(lags + 1):
        before, after = rest[: len(rest) - lag], rest[lag:]
        for begin in range(0, series, _BLOCK):
            product = before[:, begin : begin + _BLOCK].T @ after / known
            rows = np.arange(len(product))
            product[rows, begin + rows] = 0.0
            if lag == 0:  # each pair once
                product[np.tril_indices(len(product), begin, series)] = 0.0
            size = np.abs(product)
            if series > _MOST_PARTNERS:
                edge = np.partition(size, series - _MOST_PARTNERS, axis=1)[:, series - _MOST_PARTNERS]
                size[size < edge[:, None]] = 0.0
            for a, b in np.argwhere(size >= least).tolist():
                found.append(Found(begin + a, b, lag, float(product[a, b])))
    return found


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / size if size > 0 else 0.0


def _auto(values: Floats, lag: int) -> float:
    size = float(values @ values)
    return float(values[lag:] @ values[:-lag]) / size if size > 0 else 0.0
