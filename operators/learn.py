"""``learn``: batches of raw lines to records of one summary a subtask, which it tells when there are no more lines.

A summary is held in memory and not in state: a learning job makes no checkpoints, and begins anew after a failure.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from models.automata.shard import FOREVER
from models.learning.shard import LearnShard, LearnTask
from models.log_batch import LogBatch
from operators.worker import prepare_worker


class Learn(KeyedProcessFunction):
    """Keyed by source or partition; gives records in Base64.

    Args:
        task: what is to be learnt.
        topic: it takes encoded ``LogBatch``; else ``(source, encoded LogBatch)``.
    """

    def __init__(self, task: LearnTask, topic: bool) -> None:
        self._task = task
        self._topic = topic
        self._shard: LearnShard | None = None

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._shard = LearnShard(self._task)
        self._timed = False

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        assert self._shard is not None
        if not self._timed:  # one key of this subtask is enough: it tells of all
            self._timed = True
            ctx.timer_service().register_event_time_timer(FOREVER)
        batch = LogBatch.decode(value if self._topic else value[1])
        if batch.kind == LogBatch.LINES:
            self._shard.take(batch)
        yield from ()

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[str]:
        if self._shard is not None:
            for record in self._shard.records():
                yield base64.b64encode(record).decode()
            self._shard = None
