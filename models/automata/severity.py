"""How severe an anomaly of a transaction is: 0 to 100, by its type, by what it was learnt from and by how far it goes.

``score = base(type) + 15 · log10(1 + support) / 4 + 15 · log2(beyond) / 5``, both terms capped at 15, rounded to 0.1:

- ``base``: 70 for what never happened (missing_end, missing_state), 62 for missing_begin, 55 for wrong counts, for an
  excluded_state and for a missing_state that only comes with another one, 50 for a wrong order, 45 for too_long and
  slow_step, 35 for too_short and fast_step. What every
  transaction has is missed more than what some have: relations are many, and some hold by chance.
- ``support``: transactions that the bound was learnt from; 10,000 and more give the full 15.
- ``beyond``: how many times the bound was exceeded, ``(larger + 1) / (smaller + 1)``; 32 times give the full 15. Orders
  and states that exclude each other have no such ratio.

The worst violation of a finding counts.
"""

from __future__ import annotations

import math

from models.automata.judge import Finding, Violation

_BASE = {
    "missing_end": 70.0,
    "missing_state": 70.0,
    "missing_begin": 62.0,
    "too_many": 55.0,
    "too_few": 55.0,
    "wrong_order": 50.0,
    "excluded_state": 55.0,
    "too_long": 45.0,
    "slow_step": 45.0,
    "too_short": 35.0,
    "fast_step": 35.0,
}
_RELATED = 55.0
_MOST = 15.0


def beyond(violation: Violation) -> float:
    """How many times the bound was exceeded, 1 for orders."""
    actual, low, high = violation.actual, violation.low, violation.high
    if actual is None or (high == 0 and violation.other is not None):
        return 1.0
    if high is not None and actual > high:
        return (actual + 1) / (high + 1)
    if low is not None and actual < low:
        return (low + 1) / (actual + 1)
    return 1.0


def weight(violation: Violation) -> float:
    """What a violation adds to its type's base, 0 to 30."""
    support = min(_MOST, _MOST * math.log10(1 + max(0, violation.support)) / 4)
    return support + min(_MOST, _MOST * math.log2(beyond(violation)) / 5)


def severity(kind: str, violation: Violation) -> float:
    """The severity of a violation of a type, 0 to 100, not rounded."""
    related = kind == "missing_state" and violation.other is not None
    return min(100.0, (_RELATED if related else _BASE[kind]) + weight(violation))


def worst(finding: Finding) -> Violation:
    """The most severe violation; of equally severe ones the first."""
    return max(finding.violations, key=lambda violation: severity(finding.type, violation))


def score(finding: Finding) -> float:
    """The severity of an anomaly, 0 to 100."""
    return round(severity(finding.type, worst(finding)), 1)
