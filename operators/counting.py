"""Counters that count wherever they are counted with.

In PyFlink what a counter is given within a timer is lost, or told of apart from what it is given elsewhere, so that the
one takes the place of the other; and a counter shows up only once it has been counted with. Gauges are looked at
whenever a bundle ends, and what counters are given then counts. So all numbers are kept until then, noughts among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apache_beam.runners.worker.statesampler import get_current_tracker


class CountingGroup:
    """A metric group; one of its gauges at least has to be in use.

    Args:
        group: the operator's metric group.
    """

    def __init__(self, group: Any) -> None:
        self._group = group
        self._kept: list[_Kept] = []

    def counter(self, name: str) -> _Kept:
        """A counter, with ``inc``."""
        return self._keep(self._group.counter(name).inc, (0,))

    def distribution(self, name: str) -> _Kept:
        """A distribution of whole numbers, with ``update``."""
        return self._keep(self._group.distribution(name).update, ())

    def gauge(self, name: str, look: Callable[[], int]) -> None:
        """A gauge."""

        def looked_at() -> int:
            for kept in self._kept:
                kept.tell()
            return look()

        self._group.gauge(name, looked_at)

    def add_group(self, name: str, value: str) -> Any:
        """A group within this one, for gauges."""
        return self._group.add_group(name, value)

    def _keep(self, tell: Callable[[int], Any], begin: tuple[int, ...]) -> _Kept:
        self._kept.append(_Kept(tell, begin))
        return self._kept[-1]


class _Kept:
    """Numbers on their way into a metric."""

    def __init__(self, tell: Callable[[int], Any], begin: tuple[int, ...]) -> None:
        self._tell = tell
        self._numbers = list(begin)

    def inc(self, number: int = 1) -> None:
        self._numbers.append(number)
        if get_current_tracker() is None:  # there is no worker, and so no bundle: tests of operators
            self.tell()

    update = inc

    def tell(self) -> None:
        numbers, self._numbers = self._numbers, []
        for number in numbers:
            self._tell(number)
