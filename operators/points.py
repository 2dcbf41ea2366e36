"""``points``: batches of raw lines to batches of points, one for each shard of series that they touch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.log_batch import LogBatch
from models.partition_keys import partition_key
from models.series.scoring.source import SourceState, Taken, take_file_lines, take_topic_lines
from operators import metrics
from operators.counting import CountingGroup
from operators.elements import joined
from operators.names import STATE_POINT_SOURCE, TAG_DEAD_LETTERS, TAG_STATISTICS
from operators.worker import prepare_worker

DEAD_LETTERS = OutputTag(TAG_DEAD_LETTERS, Types.STRING())
STATISTICS = OutputTag(TAG_STATISTICS, Types.STRING())


class ReadPoints(KeyedProcessFunction):
    """Keyed by source or partition; gives rows of a shard's key and an encoded ``PointBatch``.

    Args:
        shards: how many shards of series there are.
        max_parallelism: how many key groups the job has.
        topic: it takes encoded ``LogBatch``; else ``(source, encoded LogBatch)``.
    """

    def __init__(self, shards: int, max_parallelism: int, topic: bool) -> None:
        self._shards = shards
        self._max_parallelism = max_parallelism
        self._topic = topic
        self._states: dict[str, SourceState] = {}

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._state = runtime_context.get_state(ValueStateDescriptor(STATE_POINT_SOURCE, Types.STRING()))
        group = CountingGroup(runtime_context.get_metrics_group())
        names = metrics.LINES_OF_POINTS_BY_COUNT
        self._counters = {name: group.counter(metric) for name, metric in names.items()}
        group.gauge(metrics.POINT_SOURCES, lambda: len(self._states))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        batch = LogBatch.decode(value if self._topic else value[1])
        if batch.kind != LogBatch.LINES:
            return
        taken = take_topic_lines(batch, self._shards) if self._topic else self._file(batch)
        for points in taken.batches:
            yield Row(shard_key(points.shard, self._max_parallelism), points.encode())
        if taken.letters:
            yield DEAD_LETTERS, joined(taken.letters)
        for name, number in taken.counts.items():
            if number:
                self._counters[name].inc(number)
        yield STATISTICS, json.dumps({"source": batch.source, **taken.counts})

    def _file(self, batch: LogBatch) -> Taken:
        state = self._states.get(batch.source)
        if state is None:
            text = self._state.value()
            state = self._states[batch.source] = SourceState() if text is None else SourceState.from_json(text)
        taken = take_file_lines(batch, state, self._shards)
        self._state.update(state.to_json())
        return taken


def shard_key(shard: int, max_parallelism: int) -> str:
    """The key of a shard; shards spread evenly over subtasks."""
    return partition_key(f"series/{shard}", max_parallelism)
