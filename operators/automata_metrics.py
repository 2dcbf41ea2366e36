"""What ``automata`` tells Flink's metric system; the names are explained in :mod:`operators.metrics`."""

from __future__ import annotations

from typing import Any

from models.in_force import ModelsInForce
from operators import metrics
from operators.counting import CountingGroup
from operators.shard_keeper import ALLOWED, COUNTED, ShardKeeper


class AutomataMetrics:
    """Counters and gauges of one subtask.

    The gauges are sums that are kept up shard by shard; after a restore a shard counts once something reaches it.

    Args:
        group: the operator's metric group.
        models: the models in force.

    Attributes:
        allowed: findings of this subtask that were not told, as the model allows them.
    """

    def __init__(self, group: Any, models: ModelsInForce) -> None:
        self.allowed = 0
        group = CountingGroup(group)
        self._counters = {name: group.counter(metrics.TRANSACTIONS_BY_COUNT[name]) for name in (*COUNTED, ALLOWED)}
        self._sizes: dict[ShardKeeper, tuple[int, int]] = {}
        self._open = self._waiting = 0
        group.gauge(metrics.OPEN_TRANSACTIONS, lambda: self._open)
        group.gauge(metrics.WAITING_EVENTS, lambda: self._waiting)
        group.gauge(metrics.MODELS_EPOCH, lambda: models.epoch)

    def look(self, keeper: ShardKeeper) -> int:
        """Take up what a shard has counted; how many transactions of it were judged."""
        judged = keeper.counts["judged"]
        self.allowed += keeper.counts[ALLOWED]
        if keeper.counts:
            for name, number in keeper.counts.items():
                if number:
                    self._counters[name].inc(number)
            keeper.counts.clear()
        size = keeper.open_transactions, keeper.waiting_events
        before = self._sizes.get(keeper, (0, 0))
        if size != before:
            self._sizes[keeper] = size
            self._open += size[0] - before[0]
            self._waiting += size[1] - before[1]
        return judged
