"""Whether counts of values fit the shares that are normal: an overdispersed G-test.

The counts n_i of N lines are compared with the shares p_i by the likelihood ratio ``G = 2 sum n_i ln(n_i / (N p_i))``
(Sokal & Rohlf, Biometry, 17.2). Were the lines independent, G would follow the chi-square distribution with one degree
of freedom less than there are values. Lines are not: a client sends a burst of the same. With shares that vary from
slot to slot as in a Dirichlet-multinomial distribution with intra-class correlation r, the *dispersion*, the variance
of the counts is ``1 + (N - 1) r`` times as large (Mosimann, Biometrika 49, 1962), and G is divided by that (McCullagh &
Nelder, Generalized Linear Models, 4.5). It is also divided by ``1 + N / support``: the normal shares are themselves
known from ``support`` lines only.

Values of which fewer than five lines are expected are taken together. A probability below :data:`ALARM` is an alarm if
the change is large enough to matter, too: of very many lines the slightest change would be significant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.slots.chi_square import log_survival

ALARM = 1e-6
"""The probability below which a test alarms. Each category makes one test for each of its windows with each slot: at
three windows and slots of a minute, chance alone alarms once in 230 days, for each category."""

CALM = 1e-3
"""The probability above which a test is back to normal."""

LEAST_SHIFT = 0.05
"""An alarm needs so large a part of the lines to have other values than normal,"""

LEAST_RARE, LEAST_FACTOR = 0.01, 3.0
"""or one value to have at least this share, and so many times its normal one."""

LEAST_LINES = 20
"""Fewer lines are not judged."""

_LEAST_EXPECTED = 5.0
_LEAST_SHARE = 1e-6

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


@dataclass(slots=True, frozen=True)
class Fit:
    """What a test found.

    Attributes:
        log_p: natural logarithm of the probability that normal traffic departs as much; 0 where nothing was judged.
        statistic: G, not divided by anything.
        df: degrees of freedom; 0 where nothing was judged.
        mean: about the mean of the statistic over independent lines: values of which less than one line is expected add
            a degree of freedom, but next to nothing to it.
        shift: the part of the lines that have other values than normal, 0 to 1 (total variation distance).
        matters: the change is large enough to alarm.
    """

    log_p: float = 0.0
    statistic: float = 0.0
    df: int = 0
    mean: int = 0
    shift: float = 0.0
    matters: bool = False

    @property
    def alarms(self) -> bool:
        """Whether it is an alarm."""
        return self.matters and self.log_p < math.log(ALARM)

    @property
    def calm(self) -> bool:
        """Whether it speaks for normal traffic, or not at all."""
        return self.log_p > math.log(CALM) or not self.matters


def with_others(shares: Shares, support: int) -> Shares:
    """The shares and that of all other values, which is never 0: what was not seen may be rare."""
    others = max(1.0 - float(shares.sum()), 1.0 / (support + 1.0) if support else _LEAST_SHARE)
    whole = np.append(np.maximum(shares, _LEAST_SHARE), others)
    normal: Shares = whole / whole.sum()
    return normal


def inflation(lines: int, dispersion: float, support: int) -> float:
    """How many times larger G is than of independent lines."""
    uncertain = 1 + lines / support if support else 1.0
    return (1 + (lines - 1) * dispersion) * uncertain


def fit(counts: Counts, normal: Shares, dispersion: float, support: int) -> Fit:
    """Test counts against shares.

    Args:
        counts: int64[k], lines with each value, the last of them all others.
        normal: float64[k], their normal shares, of :func:`with_others`.
        dispersion: the intra-class correlation, 0 to 1.
        support: how many lines the shares are known from; 0: they are given.
    """
    lines = int(counts.sum())
    if lines < LEAST_LINES:
        return Fit()
    rare = normal * lines < _LEAST_EXPECTED
    seen, share = counts.astype(np.float64), normal
    if rare.any():
        seen = np.append(seen[~rare], seen[rare].sum())
        share = np.append(share[~rare], share[rare].sum())
    if len(share) < 2:
        return Fit()
    some = seen > 0
    statistic = max(0.0, 2 * float((seen[some] * np.log(seen[some] / (lines * share[some]))).sum()))
    actual = counts / lines
    shift = float(np.abs(actual - normal).sum()) / 2
    risen = (actual >= LEAST_RARE) & (actual >= LEAST_FACTOR * normal)
    df = len(share) - 1
    return Fit(
        log_survival(statistic / inflation(lines, dispersion, support), df),
        statistic,
        df,
        int((share * lines >= 1).sum()) - 1,
        shift,
        shift >= LEAST_SHIFT or bool(risen.any()),
    )
