"""``slots``: closes the time slots of each shard of series in keyed state, driven by event-time timers; judges them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from pyflink.datastream.time_domain import TimeDomain

from models.in_force import Entry
from models.slots.shard import Told
from operators import metrics
from operators.counting import CountingGroup
from operators.elements import joined
from operators.models_in_force import ModelsInBroadcast
from operators.names import STATE_SLOTS_HELD, STATE_SLOTS_LOG, TAG_LATE, TAG_SERIES
from operators.slot_keeper import SlotKeeper, WatchedModels
from operators.worker import prepare_worker

SERIES = OutputTag(TAG_SERIES, Types.STRING())
"""Closed slots, :func:`models.slots.shard.slot_document`, of models whose series are enabled."""
LATE = OutputTag(TAG_LATE, Types.STRING())
"""Lines that came after their slot was closed, :func:`models.slots.shard.late_document`."""

_RETRY_MS = 20
"""What waits for a model change looks for it again after this time."""

_LOOK_MS = 1000
"""A timer that the watermark had passed before Flink heard of it is seen to after this time, see
:mod:`operators.automata`."""


class Slots(KeyedBroadcastProcessFunction):
    """Keyed by ``model/series-shard``; takes encoded ``SlotCounts``; broadcast: resolved control events, JSON.

    An element with an empty key only carries the clock. What goes out are anomaly documents, those of a call as one
    string, a line each; so do the side outputs.

    Args:
        initial: the models that the job starts with.
        endless: the input does not end by itself: a timer that was told too late has to be looked for.
    """

    def __init__(self, initial: Sequence[Entry], endless: bool = False) -> None:
        self._models = ModelsInBroadcast(initial)
        self._endless = endless
        self._watched = WatchedModels(self._models.history)
        self._keepers: dict[str, SlotKeeper] = {}
        self._looks: set[str] = set()
        self._sizes: dict[str, int] = {}

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        kind = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._log = runtime_context.get_list_state(ListStateDescriptor(STATE_SLOTS_LOG, kind))
        self._held = runtime_context.get_list_state(ListStateDescriptor(STATE_SLOTS_HELD, kind))
        group = CountingGroup(runtime_context.get_metrics_group())
        self._counters = {name: group.counter(metrics.SLOTS_BY_COUNT[name]) for name in metrics.SLOTS_BY_COUNT}
        group.gauge(metrics.OPEN_SLOTS, lambda: sum(self._sizes.values()))
        group.gauge(metrics.MODELS_EPOCH, lambda: self._models.table.epoch)

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._models.update(json.loads(value), ctx)

    def process_element(self, value: bytes, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Any]:
        key = ctx.get_current_key()
        if key:
            keeper = self._keeper(key, ctx)
            watermark = ctx.timer_service().current_watermark()
            yield from self._tell(key, keeper, keeper.take(self._log, self._held, value, watermark), ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        key = ctx.get_current_key()
        keeper = self._keeper(key, ctx)
        watermark = ctx.timer_service().current_watermark()
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            self._looks.discard(key)
            told = keeper.look(self._log, self._held, watermark)
        else:
            keeper.timers.discard(timestamp)
            told = keeper.take(self._log, self._held, None, watermark)
        yield from self._tell(key, keeper, told, ctx)

    def _keeper(self, key: str, ctx: Any) -> SlotKeeper:
        self._models.restore(ctx)
        keeper = self._keepers.get(key)
        if keeper is None:
            keeper = self._keepers[key] = SlotKeeper(key.rpartition("/")[0], self._watched, self._held)
        return keeper

    def _tell(self, key: str, keeper: SlotKeeper, told: Told, ctx: Any) -> Iterator[Any]:
        """What goes out after a call, and the timers that the shard wants next."""
        if told.anomalies:
            yield joined(told.anomalies)
        if told.slots:
            yield SERIES, joined(told.slots)
        if told.late:
            yield LATE, joined(told.late)
        for name, number in told.counts.items():
            if number:
                self._counters[name].inc(number)
        self._sizes[key] = keeper.open_slots
        timers = ctx.timer_service()
        due = keeper.due()
        if due is not None:
            timers.register_event_time_timer(due)
            keeper.timers.add(due)
        if key not in self._looks and (keeper.holds or (self._endless and due is not None)):
            self._looks.add(key)
            wait = _RETRY_MS if keeper.holds else _LOOK_MS
            timers.register_processing_time_timer(timers.current_processing_time() + wait)
