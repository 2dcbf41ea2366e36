"""``parse``: batches of raw lines to event batches by shard, with the watermark in band.

Keyed by source. The timestamp of what goes out is the smallest clock of the sources that this subtask reads, so that
Flink's watermark is the aligned clock of all sources and travels in the same channels as the events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.batches import EventBatch
from models.detection import FAR_FUTURE_MS, FAR_PAST_MS, LineDetector
from models.log_batch import LogBatch
from models.memory import keep_freed_memory
from models.source_reader import ReadLimits, SourceState
from operators.models_in_force import ModelInForce
from operators.names import STATE_SOURCE, TAG_DEAD_LETTERS, TAG_STATISTICS, TAG_UNMATCHED

UNMATCHED = OutputTag(TAG_UNMATCHED, Types.STRING())
DEAD_LETTERS = OutputTag(TAG_DEAD_LETTERS, Types.STRING())
STATISTICS = OutputTag(TAG_STATISTICS, Types.STRING())

EVENTS_TYPE = Types.TUPLE([Types.INT(), Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
"""What goes out: (shard, timestamp in epoch ms, encoded :class:`EventBatch`)."""


class Parse(KeyedBroadcastProcessFunction):
    """Takes ``(source, encoded LogBatch)``; broadcast: model documents, JSON.

    Args:
        model: the model document the job starts with, JSON.
        limits: what is read and believed.
        shards: number of virtual partitions.
    """

    def __init__(self, model: str, limits: ReadLimits, shards: int) -> None:
        self._models = ModelInForce(model)
        self._limits = limits
        self._shards = shards
        self._detector: LineDetector | None = None
        # The clocks of the live sources of this subtask: memory, not state (see docs/design.md, time and order).
        self._clocks: dict[str, int] = {}
        self._all_known = False

    def open(self, runtime_context: RuntimeContext) -> None:
        keep_freed_memory()
        self._state = runtime_context.get_state(ValueStateDescriptor(STATE_SOURCE, Types.STRING()))

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._models.update(value, ctx)

    def process_element(
        self, value: tuple[str, bytes], ctx: KeyedBroadcastProcessFunction.ReadOnlyContext
    ) -> Iterator[Any]:
        source, record = value
        batch = LogBatch.decode(record)
        if batch.kind == LogBatch.OPEN:
            self._clocks[source] = FAR_PAST_MS if batch.clock_ms is None else batch.clock_ms
            return
        if batch.kind == LogBatch.LANE:
            self._all_known = True
            yield self._clock_word()
            return
        model, changed = self._models.current(ctx)
        if changed or self._detector is None:
            self._detector = LineDetector(model, self._limits, self._shards)
        kept = self._state.value()
        state = SourceState() if kept is None else SourceState.from_record(json.loads(kept))
        outcome, events, state = self._detector.process(source, state, batch.data, batch.at_end, batch.error)
        timestamp = self._aligned()
        for events_of_shard in outcome.batches:
            yield events_of_shard.shard, timestamp, events_of_shard.encode()
        for document in outcome.unmatched:
            yield UNMATCHED, json.dumps(document, ensure_ascii=False)
        for letter in outcome.dead:
            yield DEAD_LETTERS, json.dumps(letter, ensure_ascii=False)
        if outcome.counts["lines"]:
            yield STATISTICS, json.dumps({"source": source, **outcome.counts})
        if batch.at_end:
            self._state.clear()
            self._clocks.pop(source, None)
        else:
            self._state.update(json.dumps(state.to_record()))
            if events.clock_ms is not None:
                self._clocks[source] = max(events.clock_ms, self._clocks.get(source, FAR_PAST_MS))
        if self._aligned() > timestamp:
            yield self._clock_word()

    def _aligned(self) -> int:
        """The watermark, epoch ms. After a restore no source is told anew: then it stands still until the end."""
        return min(self._clocks.values(), default=FAR_FUTURE_MS) if self._all_known else FAR_PAST_MS

    def _clock_word(self) -> tuple[int, int, bytes]:
        """An empty batch that carries the clock."""
        none64, none32 = np.empty(0, np.int64), np.empty(0, np.int32)
        empty = EventBatch("", 0, 0, none64, none64, none64, none32)
        return 0, self._aligned(), empty.encode()
