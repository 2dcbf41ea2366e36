"""What is worked out of the moments that were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Moment = tuple[float, int]
"""Seconds of a clock, and how many lines had been read by then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job read.

    Attributes:
        seconds: from the first lines that were known to be read to the last.
        lines: those read in that time.
        start_seconds: from submission until these first lines.
        whole: all lines.
    """

    seconds: float
    lines: int
    start_seconds: float
    whole: int

    @property
    def sustained(self) -> float:
        """Lines a second once the job reads."""
        return self.lines / self.seconds if self.seconds > 0 else 0.0

    @property
    def with_start(self) -> float:
        """Lines a second from submission on."""
        return self.whole / (self.start_seconds + self.seconds)


def pace(submitted: float, moments: Sequence[Moment]) -> Pace:
    """The pace that moments tell; there has to be one."""
    (first, before), (last, after) = moments[0], moments[-1]
    return Pace(last - first, after - before, first - submitted, after)


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of delays, in milliseconds."""

    count: int
    p50: float
    p99: float
    most: float

    def text(self) -> str:
        """For people."""
        return f"p50 {self.p50:,.0f} ms, p99 {self.p99:,.0f} ms, max {self.most:,.0f} ms (of {self.count:,})"


def spread(delays: Iterable[float]) -> Spread:
    """Quantiles, each one of the values; there has to be one.

    Raises:
        ValueError: there is none.
    """
    found = sorted(delays)
    if not found:
        raise ValueError("there are no delays")
    return Spread(len(found), _quantile(found, 50), _quantile(found, 99), found[-1])


def _quantile(values: Sequence[float], percent: int) -> float:
    return values[-(-len(values) * percent // 100) - 1]


def kinds_of(documents: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """How many anomalies there are of each type and transaction ("" for none)."""
    return Counter((d["type"], d["transaction"]["id"] if d["transaction"] else "") for d in documents)


def difference(wanted: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> int:
    """How many are in one and not in the other."""
    return (wanted - found).total() + (found - wanted).total()
