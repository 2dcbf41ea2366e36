"""What ``parse`` and ``automata`` tell Flink's metric system of checkers; the names are in :mod:`operators.metrics`."""

from __future__ import annotations

from functools import partial
from typing import Any

from models.checkers.running import Running, RunningCheckers
from operators import metrics
from operators.counting import CountingGroup


class CheckerMetrics:
    """Counters and gauges of the checkers of one subtask; nothing where there are none.

    Args:
        context: Flink's, of the operator.
        checkers: those of the subtask.
    """

    def __init__(self, context: Any, checkers: RunningCheckers) -> None:
        self._told: list[tuple[Running, dict[str, Any]]] = []
        for running in checkers.all:
            inner = context.get_metrics_group().add_group(metrics.CHECKER_GROUP, running.spec.id)
            group = CountingGroup(inner)
            counters = {
                "violations": group.counter(metrics.CHECKER_VIOLATIONS),
                "failures": group.counter(metrics.CHECKER_FAILURES),
                "busy_us": group.counter(metrics.CHECKER_BUSY_US),
            }
            group.gauge(metrics.CHECKER_OFF, partial(_is_off, running))
            self._told.append((running, counters))

    def look(self) -> None:
        """Take up what the guards have counted."""
        for running, counters in self._told:
            guard = running.guard
            busy_us, guard.busy_ns = divmod(guard.busy_ns, 1000)
            for name, number in (("violations", guard.violations), ("failures", guard.failures), ("busy_us", busy_us)):
                if number:
                    counters[name].inc(number)
            guard.violations = guard.failures = 0


def _is_off(running: Running) -> int:
    return int(running.guard.is_off)
