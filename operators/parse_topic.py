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

from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.detection import FAR_PAST_MS
from models.in_force import Entry
from models.log_batch import LogBatch
from models.memory import keep_freed_memory
from models.topic_watch import Output, TopicWatch, WatchSettings
from operators.end_offsets import EndOffsets
from operators.models_in_force import ModelsInBroadcast
from operators.names import STATE_SOURCE_WORDS, STATE_SOURCES
from operators.parse import DEAD_LETTERS, UNMATCHED
from operators.parse_metrics import ParseMetrics

SOURCE_WORDS = MapStateDescriptor(STATE_SOURCE_WORDS, Types.STRING(), Types.STRING())
"""Broadcast state, what was said of sources: ``pause/NAME``, ``end/NAME`` → how often, ``heartbeat/NAME`` → ms."""

_TICK_MS = 1_000
_SOON_MS = 100
_GRACE_MS = 3_000
"""After a start the clocks of all partitions first have to become known: their timers fire, or their words arrive."""


class ParseTopic(KeyedBroadcastProcessFunction):
    """Takes ``(partition key, encoded LogBatch)``; broadcast: control events, JSON.

    Args:
        initial: the models that the job starts with.
        settings: how topics are watched.
        connect: makes a ``kafka.KafkaConsumer`` in the worker.
        probe_s: how often the broker is asked where partitions end.
    """

    def __init__(
        self, initial: Sequence[Entry], settings: WatchSettings, connect: Callable[[], Any], probe_s: float = 1.0
    ) -> None:
        self._initial = list(initial)
        self._settings = settings
        self._connect = connect
        self._probe_s = probe_s

    def open(self, runtime_context: RuntimeContext) -> None:
        keep_freed_memory()
        self._state = runtime_context.get_map_state(MapStateDescriptor(STATE_SOURCES, Types.STRING(), Types.STRING()))
        self._models = ModelsInBroadcast(self._initial)
        self._watch = TopicWatch(self._settings, self._models.table)
        self._offsets = EndOffsets(self._connect, self._probe_s)
        self._answer = 0
        self._names: dict[str, str] = {}
        self._timers: dict[str, int] = {}
        self._told = FAR_PAST_MS
        self._ready_ms = _now_ms() + _GRACE_MS
        self._restored = False
        self._metrics = ParseMetrics(runtime_context.get_metrics_group(), self._watch)

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
        elif event["kind"] == "end_of_log":
            number = int(words.get(f"end/{source}") or 0) + 1
            words.put(f"end/{source}", str(number))
            self._watch.end(source, number)
            self._offsets.ask()
        elif event["kind"] == "pause":
            words.put(f"pause/{source}", "1")
            self._watch.pause(source, True)
        elif event["kind"] == "resume":
            if words.contains(f"pause/{source}"):
                words.remove(f"pause/{source}")
            self._watch.pause(source, False)

    def process_element(
        self, value: tuple[str, bytes], ctx: KeyedBroadcastProcessFunction.ReadOnlyContext
    ) -> Iterator[Any]:
        key, record = value
        self._restore(ctx)
        batch = LogBatch.decode(record)
        partition = f"{batch.topic}/{batch.partition}"
        now_ms = _now_ms()
        self._know(key, partition, now_ms)
        if batch.kind == LogBatch.OPEN:
            out = self._watch.expect(partition, batch.next_offset, now_ms)
        else:
            out = self._watch.take(batch, now_ms)
        yield from self._emit(out)
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
        yield from self._emit(self._watch.tick(partition, now_ms))
        word = self._clock_word(now_ms)
        if word is not None:
            yield word
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
            elif kind == "end":
                self._watch.end(source, int(value))
            elif kind == "heartbeat":
                self._watch.clock.tell(source, int(value), _now_ms())

    def _know(self, key: str, partition: str, now_ms: int) -> None:
        if self._watch.knows(partition):
            return
        records = {source: json.loads(text) for source, text in self._state.items()}
        self._watch.load(partition, records, now_ms)
        self._names[partition] = key
        self._offsets.watch(frozenset(self._names))

    def _emit(self, out: Output) -> Iterator[Any]:
        for source, record in out.records.items():
            if record is None:
                if self._state.contains(source):
                    self._state.remove(source)
            else:
                self._state.put(source, json.dumps(record))
        # The clock as it was before these lines: none of them may be behind it.
        timestamp = self._told
        for key, events in out.batches:
            yield key, timestamp, events
        if out.anomalies:
            yield UNMATCHED, _joined(out.anomalies)
        if out.dead:
            yield DEAD_LETTERS, _joined(out.dead)
        self._metrics.count(out.counts)
        word = self._clock_word(_now_ms(), out.pass_ms)
        if word is not None and word[1] > timestamp:
            yield word

    def _clock_word(self, now_ms: int, pass_ms: int | None = None) -> tuple[str, int, bytes] | None:
        """A word that carries the clock and no events; None while no source is live, so that Flink waits for none."""
        aligned = self._watch.clock.aligned(now_ms)
        if aligned is None:
            aligned = pass_ms
        if aligned is None:
            return None
        if now_ms >= self._ready_ms:
            self._told = max(self._told, aligned)
        return "", self._told, b""

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


def partition_of(key: str) -> str:
    """The partition, ``topic/partition``, of a key made by ``jobs.partition_keys``: ``topic/partition~n``."""
    return key.rpartition("~")[0]


def _joined(documents: Sequence[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
