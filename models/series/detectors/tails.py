"""From a statistic to its rarity: the decimal exponent of the probability that chance does as much.

The statistic is some number ≥ 0 whose size says how odd a slot is. Its running high quantile is followed by
stochastic approximation (H. Robbins, S. Monro, "A Stochastic Approximation Method", 1951); beyond it the excess is
taken as exponential with the mean excess seen (peaks over threshold: A. C. Davison, R. L. Smith, "Models for
Exceedances over High Thresholds", 1990), starting from that of a normal variable. So rarities have no unit, and are
comparable over series and detectors.

The *score* of a rarity is a tenth of it, at most 1: one slot in 10^(10·score) is as odd by chance.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors.columns import Arrays, Bools, Field, Floats

TAIL_SHARE = 0.02
HIGHEST = 10.0
"""The highest rarity told."""

_EDGE_RARITY = -np.log10(TAIL_SHARE)
_FIRST_EDGE = 2.05
"""Where a normal variable has its highest 2 %."""

_FIRST_EXCESS = 0.18
"""The mean excess of a normal variable beyond that, in units of it."""

_FIRST_EXCESSES = 20.0
_MOST_EXCESSES = 80.0
_MOST_EXCESS = 6.0
_FIRST_PACE, _EARLY = 0.1, 5.0
_MOST_A_DAY = 0.4
"""By so much the logarithm of the edge may rise in a day in which all is beyond it."""

_SMALLEST_EDGE = 0.3
_LN10 = np.log(10.0)


def fields(name: str) -> dict[str, Field]:
    """The fields of the tail of one statistic."""
    return {
        f"{name}_edge": Field(_FIRST_EDGE),
        f"{name}_excess": Field(_FIRST_EXCESS),
        f"{name}_excesses": Field(_FIRST_EXCESSES),
        f"{name}_seen": Field(0.0),
    }


def rarity(state: Arrays, name: str, statistic: Floats) -> Floats:
    """How rare each number is, 0 to ``HIGHEST``. Below the edge of the highest 2 % the scale is linear, up to 1.7."""
    beyond = statistic / state[f"{name}_edge"]
    far = _EDGE_RARITY + (beyond - 1.0) / (state[f"{name}_excess"] * _LN10)
    return np.minimum(np.where(beyond > 1.0, far, _EDGE_RARITY * np.maximum(beyond, 0.0)), HIGHEST)


def at_rarity(state: Arrays, name: str, wanted: float) -> Floats:
    """The number that has a rarity from 1.7 on: undoes :func:`rarity`."""
    return state[f"{name}_edge"] * (1.0 + (wanted - _EDGE_RARITY) * _LN10 * state[f"{name}_excess"])


def learn(
    state: Arrays, name: str, statistic: Floats, learning: Bools, slots_a_day: float, together: float = 1.0
) -> None:
    """Take numbers in, of the rows that learn.

    What goes on for hours must not become the measure before it is found, so the edge moves slowly once it is known.

    Args:
        state: of the series.
        name: of the statistic.
        statistic: ``[rows]``.
        learning: the rows that learn.
        slots_a_day: how many slots a day has.
        together: over how many slots the statistic is taken: so many say as much as one independent number.
    """
    edge, excess = state[f"{name}_edge"], state[f"{name}_excess"]
    excesses, seen = state[f"{name}_excesses"], state[f"{name}_seen"]
    over = learning & (statistic > edge)
    share = np.minimum(statistic / edge - 1.0, _MOST_EXCESS * excess)
    excesses += np.where(over & (excesses < _MOST_EXCESSES), 1.0 / np.maximum(together, 1.0), 0.0)
    excess += np.where(over, (share - excess) / excesses / np.maximum(together, 1.0), 0.0)
    seen += learning
    pace = np.maximum(np.minimum(_FIRST_PACE, _EARLY / (seen + 1.0)), _MOST_A_DAY / slots_a_day)
    edge *= np.exp(np.where(learning, pace * (over - TAIL_SHARE), 0.0))
    np.maximum(edge, _SMALLEST_EDGE, out=edge)


def forget(state: Arrays, name: str, rows: Bools) -> None:
    """Begin anew in some rows."""
    for field, first in fields(name).items():
        state[field][rows] = first.first
