"""``parse``: batches of raw lines to event batches by shard, with the watermark in band.

Keyed by source. The timestamp of what goes out is the smallest clock of the sources that this subtask reads, so that
Flink's watermark is the aligned clock of all sources and travels in the same channels as the events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.detection import FAR_FUTURE_MS, FAR_PAST_MS
from models.detectors import Detectors
from models.in_force import Entry
from models.log_batch import LogBatch
from models.slots.counts import SlotCounts
from models.slots.series import SERIES_SHARDS, series_key
from models.source_reader import ReadLimits, SourceState
from operators.checker_metrics import CheckerMetrics
from operators.elements import KEYED_BYTES, joined
from operators.models_in_force import ModelsInBroadcast
from operators.names import STATE_SOURCE, TAG_DEAD_LETTERS, TAG_SLOT_COUNTS, TAG_STATISTICS, TAG_UNMATCHED
from operators.worker import prepare_worker

UNMATCHED = OutputTag(TAG_UNMATCHED, Types.STRING())
DEAD_LETTERS = OutputTag(TAG_DEAD_LETTERS, Types.STRING())
STATISTICS = OutputTag(TAG_STATISTICS, Types.STRING())

EVENTS_TYPE = Types.TUPLE([KEYED_BYTES, Types.LONG()])
"""What goes out: the key and the encoding of an :class:`~models.batches.EventBatch`, and the timestamp in epoch ms. A
word that carries nothing but the clock has an empty key and no bytes."""


SLOT_COUNTS = OutputTag(TAG_SLOT_COUNTS, EVENTS_TYPE)
"""``model/series-shard`` and encoded :class:`~models.slots.counts.SlotCounts`, with timestamp, and words of the clock
in the same way; nothing while no model in force watches series."""


class Parse(KeyedBroadcastProcessFunction):
    """Takes ``(source, encoded LogBatch)``; broadcast: resolved control events, JSON.

    To the side outputs go one or more JSON documents at a time, a line each.

    Args:
        initial: the models that the job starts with.
        limits: what is read and believed.
        shards: number of virtual partitions.
        checkers: what looks at lines besides.
    """

    def __init__(
        self, initial: Sequence[Entry], limits: ReadLimits, shards: int, checkers: Sequence[CheckerSpec] = ()
    ) -> None:
        self._models = ModelsInBroadcast(initial)
        self._limits = limits
        self._shards = shards
        self._specs = tuple(checkers)
        # The clocks of the live sources of this subtask: memory, not state (see docs/design.md, time and order).
        self._clocks: dict[str, int] = {}
        self._all_known = False

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._checkers = RunningCheckers(self._specs)
        self._checker_metrics = CheckerMetrics(runtime_context, self._checkers)
        self._detectors = Detectors(self._models.table, self._limits, self._shards, self._checkers)
        self._state = runtime_context.get_state(ValueStateDescriptor(STATE_SOURCE, Types.STRING()))

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._models.update(json.loads(value), ctx)

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
            yield from self._clock_words()
            return
        self._models.restore(ctx)
        entry = self._detectors.model_of(source)
        if entry is None:  # no model is meant for this source: its lines are not looked at
            self._clocks.pop(source, None)
            return
        kept = self._state.value()
        state = SourceState() if kept is None else SourceState.from_record(json.loads(kept))
        outcome, events, state = self._detectors.of(entry).process(source, state, batch.data, batch.at_end, batch.error)
        timestamp = self._aligned()
        for found in outcome.batches:
            yield Row(found.key, found.encode()), timestamp
        for counts in (*outcome.slots, *(self._end_of(entry, state) if batch.at_end else ())):
            yield SLOT_COUNTS, (Row(series_key(counts.model, counts.shard), counts.encode()), timestamp)
        if anomalies := outcome.unmatched + outcome.judged + outcome.violations:
            yield UNMATCHED, joined(anomalies)
        if letters := [*outcome.dead, *self._checkers.take_letters()]:
            yield DEAD_LETTERS, joined(letters)
        self._checker_metrics.look()
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
            yield from self._clock_words()

    def _aligned(self) -> int:
        """The watermark, epoch ms. After a restore no source is told anew: then it stands still until the end."""
        return min(self._clocks.values(), default=FAR_FUTURE_MS) if self._all_known else FAR_PAST_MS

    def _clock_words(self) -> Iterator[Any]:
        """Words that carry the clock."""
        word = Row("", b""), self._aligned()
        yield word
        if self._detectors.watches_slots:
            yield SLOT_COUNTS, word

    def _end_of(self, entry: Entry, state: SourceState) -> list[SlotCounts]:
        """For every shard of series, the word that a source has ended, and when."""
        if state.clock.clock_ms is None or not self._detectors.of(entry).watch:
            return []
        epoch = self._models.table.epoch
        return [SlotCounts(entry.id, shard, epoch, until_ms=state.clock.clock_ms) for shard in range(SERIES_SHARDS)]
