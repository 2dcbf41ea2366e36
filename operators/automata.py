"""``automata``: steps the transactions of each shard in keyed state, driven by event-time timers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER
from models.memory import keep_freed_memory
from operators.models_in_force import ModelInForce
from operators.names import STATE_SHARD_LOG
from operators.parse import STATISTICS
from operators.shard_log import ShardLog

_COUNTED_TOGETHER = 500
"""Transactions of a shard that are counted in the statistics at once."""


class Automata(KeyedBroadcastProcessFunction):
    """Keyed by shard; takes ``(shard, timestamp, encoded EventBatch)``; broadcast: model documents, JSON.

    Args:
        model: the model document the job starts with, JSON.
        max_evidence: how many lines an anomaly shows at most.
    """

    def __init__(self, model: str, max_evidence: int) -> None:
        self._models = ModelInForce(model)
        self._max_evidence = max_evidence
        self._compiled: CompiledAutomata | None = None
        self._shards: dict[int, ShardLog] = {}

    def open(self, runtime_context: RuntimeContext) -> None:
        keep_freed_memory()
        self._state = runtime_context.get_list_state(
            ListStateDescriptor(STATE_SHARD_LOG, Types.PRIMITIVE_ARRAY(Types.BYTE()))
        )

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._models.update(value, ctx)

    def process_element(
        self, value: tuple[int, int, bytes], ctx: KeyedBroadcastProcessFunction.ReadOnlyContext
    ) -> Iterator[Any]:
        shard, _, record = value
        yield from self._step(shard, record, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        shard = ctx.get_current_key()
        self._log(shard, ctx).timers.discard(timestamp)
        yield from self._step(shard, None, ctx)

    def _log(self, shard: int, ctx: Any) -> ShardLog:
        model, _ = self._models.current(ctx)
        if self._compiled is None:
            self._compiled = CompiledAutomata(model.to_json())
        log = self._shards.get(shard)
        if log is None:
            log = self._shards[shard] = ShardLog(self._state, self._compiled, self._max_evidence)
        return log

    def _step(self, shard: int, record: bytes | None, ctx: Any) -> Iterator[Any]:
        log = self._log(shard, ctx)
        timers = ctx.timer_service()
        watermark = timers.current_watermark()
        for document in log.step(self._state, record, watermark):
            yield json.dumps(document, ensure_ascii=False)
        if log.judged >= _COUNTED_TOGETHER or (log.judged and watermark == FOREVER):
            yield STATISTICS, json.dumps({"transactions": log.judged})
            log.judged = 0
        due = log.due()
        if due is not None:
            timers.register_event_time_timer(due)
            log.timers.add(due)
