"""``automata``: steps the transactions of each shard in keyed state, driven by event-time timers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pyflink.datastream import RuntimeContext

from models.anomalies import Document
from models.automata.shard import FOREVER
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.in_force import Entry
from operators.automata_metrics import AutomataMetrics
from operators.checker_metrics import CheckerMetrics
from operators.elements import joined
from operators.keyed_shards import KeyedShards
from operators.names import STATE_SHARD_HELD, STATE_SHARD_LOG
from operators.parse import DEAD_LETTERS, STATISTICS
from operators.shard_keeper import CompiledModels, ShardKeeper
from operators.worker import prepare_worker

_COUNTED_TOGETHER = 500
"""Transactions that are counted in the statistics at once."""


class Automata(KeyedShards[ShardKeeper]):
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
        super().__init__(initial, endless=topic)
        self._max_evidence = max_evidence
        self._topic = topic
        self._statistics = statistics
        self._specs = tuple(checkers)
        self._compiled = CompiledModels(self._models.history)
        self._judged = self._allowed = 0
        self._told_at_end = False

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._checkers = RunningCheckers(self._specs, self._topic)
        self._compiled.checkers = self._checkers
        self._checker_metrics = CheckerMetrics(runtime_context, self._checkers)
        self.open_state(runtime_context, STATE_SHARD_LOG, STATE_SHARD_HELD)
        self._metrics = AutomataMetrics(runtime_context.get_metrics_group(), self._models.table)

    def new_keeper(self, key: str) -> ShardKeeper:
        model, _, checker = key.rpartition("/")[0].partition("/")
        return ShardKeeper(model, self._compiled, self._held, self._max_evidence, self._topic, checker)

    def tell(self, key: str, keeper: ShardKeeper, found: list[Document], timers: Any) -> Iterator[Any]:
        if found:
            yield joined(found)
        if letters := self._checkers.take_letters():
            yield DEAD_LETTERS, joined(letters)
        self._checker_metrics.look()
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
