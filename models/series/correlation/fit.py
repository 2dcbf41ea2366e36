"""From series that go together to what a model says of them: slope, intercept and spread, robustly.

The line is fitted to what slots hold, rhythm included, by iteratively reweighted least squares (P. J. Huber, "Robust
Statistics", 1981): errors of counts weigh as chance has them, large ones little. Then the pair is judged over the log
that it was learnt from, as it will be: one that departs there more than once is no pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.series.correlation.follow import FollowedPairs
from models.series.correlation.pair import Correlation, SeriesRef
from models.series.correlation.residuals import residuals
from models.series.correlation.search import Allowed, Found, find_pairs
from models.series.detectors.columns import Floats, Ints

_ROUNDS = 20
_HUBER = 1.345
_MAD = 1.4826
_SIMPLER = 1.05
_MOST_DEPARTURES = 1


def learn_pairs(
    values: Floats, slots: Ints, series: Sequence[SeriesRef], slot_ms: int, allowed: Allowed = lambda a, b: True
) -> list[Correlation]:
    """The pairs of some series, by their names.

    Args:
        values: ``[slots, series]``, NaN where a slot holds nothing.
        slots: number of each slot since the epoch, rising; gaps part stretches.
        series: what each column is.
        slot_ms: length of a slot, ms.
        allowed: whether two columns may be a pair.
    """
    counts = np.array([one.counts for one in series], np.bool_)
    rest = residuals(values, slots, counts, slot_ms)
    found = [fitted for one in find_pairs(rest, slots, allowed) if (fitted := _fitted(one, values, slots, series))]
    kept = [pair for pair, good in zip(found, _stand(found, values, slots, series, slot_ms), strict=True) if good]
    return sorted(kept, key=lambda pair: pair.key)


def fit_line(a: Floats, b: Floats, counts: bool, through_zero: bool) -> tuple[float, float, float]:
    """Slope, intercept and spread of ``b`` over ``a``; all finite, of the same length.

    Args:
        a: what leads.
        b: what follows.
        counts: ``b`` counts lines: its errors go with the square root of what is expected.
        through_zero: without an intercept.
    """
    columns = a[:, None] if through_zero else np.column_stack([a, np.ones(len(a))])
    weight = np.ones(len(a))
    slope = intercept = spread = 0.0
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        solved = np.linalg.lstsq(columns * root[:, None], b * root, rcond=None)[0]
        slope, intercept = float(solved[0]), 0.0 if through_zero else float(solved[1])
        expected = intercept + slope * a
        unit = np.sqrt(np.maximum(expected, 1.0)) if counts else np.ones(len(a))
        off = np.abs(b - expected) / unit
        spread = _MAD * float(np.median(off))
        bound = _HUBER * max(spread, 1e-12)
        weight = np.minimum(1.0, bound / np.maximum(off, bound)) / np.square(unit)
    return slope, intercept, spread


def _fitted(found: Found, values: Floats, slots: Ints, series: Sequence[SeriesRef]) -> Correlation | None:
    """What is to be said of a pair; None if what slots hold contradicts their quick ups and downs."""
    follows = np.searchsorted(slots, slots + found.lag)
    follows = np.minimum(follows, len(slots) - 1)
    there = slots[follows] == slots + found.lag
    a, b = values[there, found.a], values[follows[there], found.b]
    good = np.isfinite(a) & np.isfinite(b)
    a, b = a[good], b[good]
    counts = series[found.b].counts
    line = fit_line(a, b, counts, False)
    simple = fit_line(a, b, counts, True)
    if simple[2] <= _SIMPLER * line[2]:
        line = simple
    slope, intercept, spread = (float(f"{number:.5g}") for number in line)
    if slope == 0.0 or (slope > 0) != (found.correlation > 0):
        return None
    return Correlation(
        series[found.a], series[found.b], found.lag, slope, intercept, spread or None,
        round(found.correlation, 4), len(a),
    )  # fmt: skip


def _stand(
    pairs: Sequence[Correlation], values: Floats, slots: Ints, series: Sequence[SeriesRef], slot_ms: int
) -> list[bool]:
    """Whether each pair stands the log that it was learnt from."""
    if not pairs:
        return []
    followed = FollowedPairs(slot_ms)
    # Each for itself: of pairs that share a series one is told at a time.
    followed.add([replace(pair, a=replace(pair.a, value=f"{n}"), b=replace(pair.b, value=f"{n}"))
                  for n, pair in enumerate(pairs)])  # fmt: skip
    number = {one: at for at, one in enumerate(series)}
    a, b = [number[pair.a] for pair in pairs], [number[pair.b] for pair in pairs]
    rows = np.arange(len(pairs))
    departed = np.zeros(len(pairs), np.int64)
    for at, slot in enumerate(slots.tolist()):
        for told in followed.update(rows, slot * slot_ms, values[at, a], values[at, b]):
            departed[told.row] += told.stage == "begin"
    return [bool(count <= _MOST_DEPARTURES) for count in departed]
