"""What ``parse`` tells Flink's metric system of the topics that it reads; see docs/operations.md."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from models.topic_watch import COUNTS, TopicWatch
from operators import metrics
from operators.counting import CountingGroup

_MOST_SOURCES = 1_000
"""Sources beyond these have no gauge of their own: a gauge is sent with every bundle."""


class ParseMetrics:
    """Counters of lines and gauges of clocks of one subtask.

    Args:
        group: the operator's metric group.
        watch: the sources of the subtask.
    """

    def __init__(self, group: Any, watch: TopicWatch) -> None:
        group = self._group = CountingGroup(group)
        self._watch = watch
        self._counters = {name: group.counter(metrics.LINES_BY_COUNT[name]) for name in COUNTS}
        self._sources: set[str] = set()
        self._lags: dict[str, int] = {}
        self._aligned_lag = 0
        self._looked_s = 0.0
        group.gauge(metrics.CLOCK_LAG_MS, lambda: self._aligned_lag)
        group.gauge(metrics.MODELS_EPOCH, lambda: watch.models.epoch)
        group.gauge(metrics.MODELS_IN_FORCE, lambda: len(watch.models.entries))
        self._versions: set[str] = set()

    def count(self, counts: Mapping[str, int]) -> None:
        """Add what a batch brought, and look at the clocks once a second."""
        for name, number in counts.items():
            if number:
                self._counters[name].inc(number)
        self.look()

    def look(self) -> None:
        """Bring the gauges up to date, at most once a second."""
        now_s = time.monotonic()
        if now_s - self._looked_s < 1.0:
            return
        self._looked_s = now_s
        wall_ms = time.time_ns() // 1_000_000
        clocks = self._watch.clock.clocks(int(now_s * 1000))
        self._lags = {name: wall_ms - clock for name, clock in clocks.items()}
        self._aligned_lag = max(self._lags.values(), default=0)
        for name in clocks:
            if name not in self._sources and len(self._sources) < _MOST_SOURCES:
                self._sources.add(name)
                self._group.add_group(metrics.SOURCE_GROUP, name).gauge(
                    metrics.CLOCK_LAG_MS, lambda name=name: self._lags.get(name, 0)
                )
        for model in self._watch.models.entries:
            if model not in self._versions:
                self._versions.add(model)
                self._group.add_group(metrics.MODEL_GROUP, model).gauge(
                    metrics.MODEL_VERSION, lambda model=model: self._version(model)
                )

    def _version(self, model: str) -> int:
        entry = self._watch.models.get(model)
        return 0 if entry is None else entry.version
