"""The tail of the chi-square distribution, far out too, where its probability has to be told by its logarithm.

The regularized incomplete gamma functions by their series and their continued fraction (NIST Digital Library of
Mathematical Functions, 8.7.1 and 8.9.2; the latter by Lentz's method, Numerical Recipes, 3rd ed., 6.2).
"""

from __future__ import annotations

import functools
import math

_STEPS = 10_000
_PRECISION = 1e-14
_TINY = 1e-300


def log_survival(x: float, df: int) -> float:
    """The natural logarithm of P(X >= x) where X is chi-square distributed with ``df`` degrees of freedom."""
    if x <= 0:
        return 0.0
    a, half = df / 2, x / 2
    if half < a + 1:
        return math.log1p(-min(math.exp(_log_lower(a, half)), 1 - 1e-16))
    return _log_upper(a, half)


@functools.lru_cache(maxsize=4096)
def quantile(probability: float, df: int) -> float:
    """The x for which P(X < x) is ``probability``, between 0 and 1, by bisection."""
    target = math.log1p(-probability)
    low, high = 0.0, 2.0 * df + 10
    while log_survival(high, df) > target:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if log_survival(middle, df) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_lower(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, _STEPS):
        term *= x / (a + n)
        total += term
        if term < total * _PRECISION:
            break
    return math.log(total) + a * math.log(x) - x - math.lgamma(a)


def _log_upper(a: float, x: float) -> float:
    b = x + 1 - a
    c = 1 / _TINY
    d = 1 / b
    fraction = d
    for n in range(1, _STEPS):
        factor = -n * (n - a)
        b += 2
        d = 1 / _not_nought(factor * d + b)
        c = _not_nought(b + factor / c)
        change = c * d
        fraction *= change
        if abs(change - 1) < _PRECISION:
            break
    return math.log(fraction) + a * math.log(x) - x - math.lgamma(a)


def _not_nought(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
