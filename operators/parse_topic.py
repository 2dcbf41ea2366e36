"""``parse`` for topics: batches of lines to events by shard, with the watermark in band, and heartbeats.

Keyed by partition: within it lines have an order. What is remembered of its sources rests in map state; one
processing-time timer a partition is always set. The timestamp of what goes out is the aligned clock of the sources that
this subtask reads (:mod:`models.aligned_clock`); Flink takes the smallest over subtasks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.in_force import Entry
from models.log_batch import LogBatch
from models.partition_keys import partition_key, partition_of, subtask_of
from models.topic_watch import Output, TopicWatch, WatchSettings
from operators.checker_metrics import CheckerMetrics
from operators.elements import joined
from operators.end_offsets import EndOffsets
from operators.models_in_force import ModelsInBroadcast
from operators.names import STATE_SOURCE_WORDS, STATE_SOURCES
from operators.parse import DEAD_LETTERS, SLOT_COUNTS, UNMATCHED
from operators.parse_metrics import ParseMetrics
from operators.worker import prepare_worker

SOURCE_WORDS = MapStateDescriptor(STATE_SOURCE_WORDS, Types.STRING(), Types.STRING())
"""Broadcast state, what was said of sources: ``pause/NAME``; ``end/NAME`` → the number of that word, ``end/`` → that of
the last; ``heartbeat/NAME`` → ms."""

_TICK_MS = 1_000
_SOON_MS = 100
_PATIENCE_MS = 30_000
"""After a start the clocks of all partitions first have to become known, as words of them arrive or their timers fire.
No longer than this is waited for one that neither may happen to: one that came to be while the job stood still."""
_ENDS_KEPT = 1_000
"""Of as many sources that have ended, the latest ones, it is kept that they have."""
_HEARTBEATS_KEPT = 10_000
"""Of as many sources it is kept what their agents said; beyond that, of the half with the latest times."""


class ParseTopic(KeyedBroadcastProcessFunction):
    """Keyed by partition; takes encoded ``LogBatch``; broadcast: control events, JSON.

    Gives :data:`operators.parse.EVENTS_TYPE`.

    Args:
        initial: the models that the job starts with.
        settings: how topics are watched.
        connect: makes a ``kafka.KafkaConsumer`` in the worker, see :class:`~operators.end_offsets.EndOffsets`.
        partitions: all that are read, ``topic/partition``, of whatever subtask.
        probe_s: how often the broker is asked where partitions end.
        checkers: what looks at lines besides.
    """

    def __init__(
        self,
        initial: Sequence[Entry],
        settings: WatchSettings,
        connect: Callable[[], Any],
        partitions: Sequence[str] = (),
        probe_s: float = 1.0,
        checkers: Sequence[CheckerSpec] = (),
    ) -> None:
        self._initial = list(initial)
        self._settings = settings
        self._connect = connect
        self._partitions = tuple(partitions)
        self._probe_s = probe_s
        self._specs = tuple(checkers)

    def open(self, runtime_context: RuntimeContext) -> None:
        prepare_worker()
        self._state = runtime_context.get_map_state(MapStateDescriptor(STATE_SOURCES, Types.STRING(), Types.STRING()))
        self._models = ModelsInBroadcast(self._initial)
        self._checkers = RunningCheckers(self._specs, topic=True)
        self._watch = TopicWatch(self._settings, self._models.table, self._checkers)
        self._watch.wait_for(self._own(runtime_context), _now_ms() + _PATIENCE_MS)
        self._offsets = EndOffsets(self._connect, self._probe_s)
        self._answer = 0
        self._timers: dict[str, int] = {}
        self._restored = False
        self._metrics = ParseMetrics(runtime_context.get_metrics_group(), self._watch)
        self._checker_metrics = CheckerMetrics(runtime_context, self._checkers)

    def close(self) -> None:
        self._offsets.close()

    def process_broadcast_element(self, value: str, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        self._restore(ctx)
        event = json.loads(value)
        if event["kind"] == "model":
            self._models.update(event, ctx)
            return
        words = ctx.get_broadcast_state(SOURCE_WORDS)
        source = event.get("source", "")
        if event["kind"] == "heartbeat":
            words.put(f"heartbeat/{source}", str(event["timestamp_ms"]))
            self._watch.clock.tell(source, event["timestamp_ms"], _now_ms())
            for name in self._watch.clock.forget_told(_HEARTBEATS_KEPT):
                if words.contains(f"heartbeat/{name}"):
                    words.remove(f"heartbeat/{name}")
        elif event["kind"] == "end_of_log":
            number = int(words.get("end/") or 0) + 1
            words.put("end/", str(number))
            words.put(f"end/{source}", str(number))
            _forget_ends(words, number - _ENDS_KEPT)
            self._watch.end(source, number, self._offsets.ask())
        elif event["kind"] == "pause":
            words.put(f"pause/{source}", "1")
            self._watch.pause(source, True)
        elif event["kind"] == "resume":
            if words.contains(f"pause/{source}"):
                words.remove(f"pause/{source}")
            self._watch.pause(source, False)

    def process_element(self, value: bytes, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Any]:
        key = ctx.get_current_key()
        self._restore(ctx)
        batch = LogBatch.decode(value)
        partition = f"{batch.topic}/{batch.partition}"
        now_ms = _now_ms()
        self._know(key, partition, now_ms)
        if batch.kind == LogBatch.OPEN:
            out = self._watch.expect(partition, batch.next_offset, batch.messages > 0, now_ms)
        else:
            out = self._watch.take(batch, now_ms)
        # While more batches of the same messages are to come, the clock may not pass what is in them.
        yield from self._emit(out, now_ms if batch.next_offset >= 0 else None)
        self._set_timer(key, partition, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        key = ctx.get_current_key()
        if self._timers.get(key) == timestamp:
            del self._timers[key]
        self._restore(ctx)
        partition = partition_of(key)
        now_ms = _now_ms()
        self._know(key, partition, now_ms)
        number, ends = self._offsets.answer
        if number != self._answer:
            self._answer = number
            self._watch.probed(number, ends, now_ms)
        yield from self._emit(self._watch.tick(partition, now_ms), now_ms)
        self._offsets.watch(self._watch.read_to())
        self._set_timer(key, partition, ctx)

    def _restore(self, ctx: Any) -> None:
        """Take up what broadcast state holds, once: after a restore it wins over what the job came with."""
        self._models.restore(ctx)
        if self._restored:
            return
        self._restored = True
        for key, value in ctx.get_broadcast_state(SOURCE_WORDS).items():
            kind, _, source = key.partition("/")
            if kind == "pause":
                self._watch.pause(source, True)
            elif kind == "end" and source:
                self._watch.end(source, int(value))
            elif kind == "heartbeat":
                self._watch.clock.tell(source, int(value), _now_ms())

    def _know(self, key: str, partition: str, now_ms: int) -> None:
        if self._watch.knows(partition):
            return
        records = {source: json.loads(text) for source, text in self._state.items()}
        self._watch.load(partition, records, now_ms, self._offsets.ask())
        self._offsets.watch(self._watch.read_to())

    def _emit(self, out: Output, now_ms: int | None) -> Iterator[Any]:
        """All that a call brought; ``now_ms``: the clock goes on to what it is then, None: it stands."""
        for source, record in out.records.items():
            if record is not None:
                self._state.put(source, json.dumps(record))
            elif self._state.contains(source):
                self._state.remove(source)
        # The clock as it was before these lines: none of them may be behind it.
        for key, events in out.batches:
            yield Row(key, events), self._watch.told_ms
        for key, counts in out.slots:
            yield SLOT_COUNTS, (Row(key, counts), self._watch.told_ms)
        if out.anomalies:
            yield UNMATCHED, joined(out.anomalies)
        if letters := [*out.dead, *self._checkers.take_letters()]:
            yield DEAD_LETTERS, joined(letters)
        self._metrics.count(out.counts)
        self._checker_metrics.look()
        # While nobody is waited for nothing is said, so that Flink does not wait for this subtask either.
        clock = None if now_ms is None else self._watch.advance(now_ms)
        if clock is not None:
            yield Row("", b""), clock
            if self._watch.watches_slots:
                yield SLOT_COUNTS, (Row("", b""), clock)

    def _own(self, context: RuntimeContext) -> list[str]:
        """The partitions that come to this subtask."""
        most, of, me = (
            context.get_max_number_of_parallel_subtasks(),
            context.get_number_of_parallel_subtasks(),
            context.get_index_of_this_subtask(),
        )
        return [name for name in self._partitions if subtask_of(partition_key(name, most), of, most) == me]

    def _set_timer(self, key: str, partition: str, ctx: Any) -> None:
        """One timer a partition is always set, sooner where something waits for it."""
        soon = self._watch.holds_lines(partition) or self._watch.awaits_end(partition)
        now = ctx.timer_service().current_processing_time()
        due = now + (_SOON_MS if soon else _TICK_MS)
        before = self._timers.get(key)
        if before is not None and before <= due + _SOON_MS:
            return
        if before is not None:
            ctx.timer_service().delete_processing_time_timer(before)
        ctx.timer_service().register_processing_time_timer(due)
        self._timers[key] = due


def _forget_ends(words: Any, until: int) -> None:
    if until > 0:
        old = [key for key, number in words.items() if key.startswith("end/") and int(number) <= until]
        for key in old:
            words.remove(key)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
