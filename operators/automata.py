"""``automata``: steps the transactions of each shard in keyed state, driven by event-time timers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from pyflink.datastream.time_domain import TimeDomain

from models.anomalies import Document
from models.automata.shard import FOREVER
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.in_force import Entry
from operators.automata_metrics import AutomataMetrics
from operators.checker_metrics import CheckerMetrics
from operators.elements import joined
from operators.models_in_force import ModelsInBroadcast
from operators.names import STATE_SHARD_HELD, STATE_SHARD_LOG
from operators.parse import DEAD_LETTERS, STATISTICS
from operators.shard_keeper import CompiledModels, ShardKeeper
from operators.worker import prepare_worker

_COUNTED_TOGETHER = 500
"""Transactions that are counted in the statistics at once."""

_RETRY_MS = 20
"""What waits for a model change looks for it again after this time."""

_LOOK_MS = 1000
"""PyFlink tells Flink of a timer some time after it was registered; if the watermark has passed it meanwhile, it fires
with the next one, which may never come. So after this time it is seen to."""


class Automata(KeyedBroadcastProcessFunction):
    """Keyed as :attr:`models.batches.EventBatch.key` says; takes that, encoded; broadcast: control events, JSON.

    An element with an empty key only carries the clock. The documents of a call go out as one string, a line each;
    what checkers failed at goes to the dead letters.

    Args:
        initial: the models that the job starts with.
        max_evidence: how many lines an anomaly shows at most.
        topic: lines come from topics, not files.
        statistics: tell the side output how many transactions were judged; all are told when the input has ended.
        checkers: what looks at transactions, and at events by key, besides.
    """

    def __init__(
        self,
        initial: Sequence[Entry],
        max_evidence: int,
        topic: bool = False,
        statistics: bool = True,
        checkers: Sequence[CheckerSpec] = (),
    ) -> None:
        self._models = ModelsInBroadcast(initial)
        self._max_evidence = max_evidence
        self._topic = topic
        self._statistics = statistics
        self._specs = tuple(checkers)
        self._compiled = CompiledModels(self._models.history)
        self._keepers: dict[str, ShardKeeper] = {}
        self._judged = self._allowed = 0
        self._told_at_end = False
        self._retries: set[str] = set()
        self._looks: set[str] = set()

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._checkers = RunningCheckers(self._specs, self._topic)
        self._compiled.checkers = self._checkers
        self._checker_metrics = CheckerMetrics(runtime_context, self._checkers)
        kind = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._log = runtime_context.get_list_state(ListStateDescriptor(STATE_SHARD_LOG, kind))
        self._held = runtime_context.get_list_state(ListStateDescriptor(STATE_SHARD_HELD, kind))
        self._metrics = AutomataMetrics(runtime_context.get_metrics_group(), self._models.table)

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
            self._retries.discard(key)
            self._looks.discard(key)
            found = keeper.look(self._log, self._held, watermark)
        else:
            keeper.timers.discard(timestamp)
            found = keeper.take(self._log, self._held, None, watermark)
        yield from self._tell(key, keeper, found, ctx)

    def _keeper(self, key: str, ctx: Any) -> ShardKeeper:
        self._models.restore(ctx)
        keeper = self._keepers.get(key)
        if keeper is None:
            model, _, checker = key.rpartition("/")[0].partition("/")
            keeper = ShardKeeper(model, self._compiled, self._held, self._max_evidence, self._topic, checker)
            self._keepers[key] = keeper
        return keeper

    def _tell(self, key: str, keeper: ShardKeeper, found: list[Document], ctx: Any) -> Iterator[Any]:
        """What goes out after a call, and the timers that the shard wants next."""
        if found:
            yield joined(found)
        if letters := self._checkers.take_letters():
            yield DEAD_LETTERS, joined(letters)
        self._checker_metrics.look()
        timers = ctx.timer_service()
        judged = self._metrics.look(keeper)
        if self._statistics:
            self._judged += judged
            at_end = timers.current_watermark() == FOREVER
            allowed = self._metrics.allowed - self._allowed
            if self._judged >= _COUNTED_TOGETHER or ((self._judged or allowed) and at_end):
                yield STATISTICS, json.dumps({"transactions": self._judged} | ({"allowed": allowed} if allowed else {}))
                self._judged, self._allowed = 0, self._metrics.allowed
            elif self._judged and not self._told_at_end:
                # One shard of this subtask is enough: each tells of all.
                self._told_at_end = True
                timers.register_event_time_timer(FOREVER)
        due = keeper.due()
        if due is not None:
            timers.register_event_time_timer(due)
            keeper.timers.add(due)
        if keeper.holds and key not in self._retries:
            self._retries.add(key)
            timers.register_processing_time_timer(timers.current_processing_time() + _RETRY_MS)
        elif self._topic and due is not None and key not in self._looks:
            self._looks.add(key)
            timers.register_processing_time_timer(timers.current_processing_time() + _LOOK_MS)
