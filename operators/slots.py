"""``slots``: closes the time slots of each shard of series in keyed state, driven by event-time timers; judges them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream import OutputTag, RuntimeContext

from models.in_force import Entry
from models.slots.shard import Told
from operators import metrics
from operators.counting import CountingGroup
from operators.elements import joined
from operators.keyed_shards import KeyedShards
from operators.names import STATE_SLOTS_HELD, STATE_SLOTS_LOG, TAG_LATE, TAG_SERIES
from operators.parse import STATISTICS
from operators.slot_keeper import SlotKeeper, WatchedModels
from operators.worker import prepare_worker

SERIES = OutputTag(TAG_SERIES, Types.STRING())
"""Closed slots, :func:`models.slots.shard.slot_document`, of models whose series are enabled."""
LATE = OutputTag(TAG_LATE, Types.STRING())
"""Lines that came after their slot was closed, :func:`models.slots.shard.late_document`."""


class Slots(KeyedShards[SlotKeeper]):
    """Keyed by ``model/series-shard``; takes encoded ``SlotCounts``; broadcast: resolved control events, JSON.

    An element with an empty key only carries the clock. What goes out are anomaly documents, those of a call as one
    string, a line each; so do the side outputs.

    Args:
        initial: the models that the job starts with.
        endless: the input does not end by itself: a timer that was told too late has to be looked for.
    """

    def __init__(self, initial: Sequence[Entry], endless: bool = False) -> None:
        super().__init__(initial, endless)
        self._watched = WatchedModels(self._models.history)
        self._sizes: dict[str, int] = {}

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self.open_state(runtime_context, STATE_SLOTS_LOG, STATE_SLOTS_HELD)
        group = CountingGroup(runtime_context.get_metrics_group())
        self._counters = {name: group.counter(metrics.SLOTS_BY_COUNT[name]) for name in metrics.SLOTS_BY_COUNT}
        group.gauge(metrics.OPEN_SLOTS, lambda: sum(self._sizes.values()))
        group.gauge(metrics.MODELS_EPOCH, lambda: self._models.table.epoch)

    def new_keeper(self, key: str) -> SlotKeeper:
        return SlotKeeper(key.rpartition("/")[0], self._watched, self._held)

    def tell(self, key: str, keeper: SlotKeeper, found: Told, timers: Any) -> Iterator[Any]:
        if found.anomalies:
            yield joined(found.anomalies)
        if found.slots:
            yield SERIES, joined(found.slots)
        if found.counts["allowed"]:
            yield STATISTICS, json.dumps({"allowed": found.counts["allowed"]})
        if found.late:
            yield LATE, joined(found.late)
        for name, number in found.counts.items():
            if number:
                self._counters[name].inc(number)
        self._sizes[key] = keeper.open_slots
