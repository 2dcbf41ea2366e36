"""A subtask of ``parse`` for topics: state in memory, timers, a broker that answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from jobs.environment import MAX_PARALLELISM
from models.aligned_clock import ClockSettings
from models.batches import EventBatch
from models.in_force import Entry
from models.log_batch import LogBatch
from models.messages import MessageSettings, pack_messages
from models.partition_keys import partition_key
from models.source_reader import ReadLimits
from models.topic_watch import WatchSettings
from operators.models_in_force import MODELS
from operators.parse import DEAD_LETTERS, UNMATCHED
from operators.parse_topic import SOURCE_WORDS, ParseTopic
from tests.operators.shop import DAY, MODEL

SHOP = Entry("shop", 1, 1, (), json.dumps(MODEL))
SETTINGS = WatchSettings(ReadLimits(), 2, ClockSettings(True, 1_000, 60_000), multiline_wait_ms=100)
PARTITIONS = [f"logs/{number}" for number in range(4)]


class MapState:
    """Flink's map state in memory; reading it gives what was put in, and nothing else."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def items(self):
        return list(self.values.items())

    def get(self, key):
        return self.values.get(key)

    def contains(self, key):
        return key in self.values

    def is_empty(self):
        return not self.values

    def put(self, key, text):
        assert isinstance(text, str)
        self.values[key] = text

    def remove(self, key):
        del self.values[key]


class Broker:
    """Answers as a consumer would, from a list."""

    def __init__(self) -> None:
        self.ends: dict[str, int] | None = {}
        self.slow: threading.Semaphore | None = None
        """Where it is given, an answer, which is as of the question, waits for it."""

    def __call__(self):
        if self.ends is None:
            raise ConnectionError("away")
        return self

    def end_offsets(self, partitions, timeout_ms):
        if self.ends is None:
            raise ConnectionError("away")
        found = {p: self.ends.get(f"{p.topic}/{p.partition}", 0) for p in partitions}
        if self.slow is not None:
            self.slow.acquire()
        return found

    def assign(self, partitions):
        self.assigned = partitions

    def seek(self, partition, offset):
        pass

    def poll(self, timeout_ms, max_records):
        return {"there are": "messages"}

    def close(self):
        pass


class Subtask:
    """A subtask: what it is sent, what goes out, its state and its timers; one second is one tick."""

    def __init__(self, clock, *, broker=None, state=None, broadcast=None, number=0, of=1, initial=(SHOP,)) -> None:
        self.clock, self.broker = clock, broker or Broker()
        self.number, self.of = number, of
        self.keyed: dict[str, MapState] = {k: MapState(v.values) for k, v in (state or {}).items()}
        self.broadcast = {d: MapState((broadcast or {}).get(d, MapState()).values) for d in (MODELS, SOURCE_WORDS)}
        self.timers: dict[str, set[int]] = {}
        self.key = ""
        self.counts: Counter[str] = Counter()
        self.events: list[EventBatch] = []
        self.stamps: list[int] = []
        self.words: list[int] = []
        self.unmatched: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.operator = ParseTopic(list(initial), SETTINGS, self.broker, PARTITIONS, probe_s=0.01)
        self.operator.open(self)

    # The runtime context, keyed state and metrics.
    def get_map_state(self, descriptor):
        subtask = self

        class Current:
            def __getattr__(self, name):
                return getattr(subtask.keyed.setdefault(subtask.key, MapState()), name)

        return Current()

    def get_max_number_of_parallel_subtasks(self):
        return MAX_PARALLELISM

    def get_number_of_parallel_subtasks(self):
        return self.of

    def get_index_of_this_subtask(self):
        return self.number

    def get_metrics_group(self):
        return self

    def add_group(self, *names):
        return self

    def gauge(self, name, value):
        value()

    def counter(self, name):
        return SimpleNamespace(inc=lambda n=1: self.counts.update({name: n}))

    # The context of a call.
    def get_broadcast_state(self, descriptor):
        return self.broadcast[descriptor]

    def get_current_key(self):
        return self.key

    def timer_service(self):
        return self

    def current_processing_time(self):
        return self.clock.wall_ms

    def register_processing_time_timer(self, due):
        self.timers.setdefault(self.key, set()).add(due)

    def delete_processing_time_timer(self, due):
        self.timers[self.key].remove(due)

    def _collect(self, out):
        for element in out:
            if element[0] is UNMATCHED:
                self.unmatched += map(json.loads, element[1].split("\n"))
            elif element[0] is DEAD_LETTERS:
                self.dead += map(json.loads, element[1].split("\n"))
            else:
                (key, record), stamp = element
                assert not self.stamps or stamp >= self.stamps[-1], "times go on"
                self.stamps.append(stamp)
                if key:
                    self.events.append(EventBatch.decode(record))
                else:
                    self.words.append(stamp)

    def send(self, *rows: tuple[int, int, str, str]) -> None:
        """Messages (partition, offset, source, line) that come together."""
        for batch in pack_messages(
            "logs",
            np.array([r[0] for r in rows], np.int64),
            np.array([r[1] for r in rows], np.int64),
            np.full(len(rows), DAY, np.int64),
            [r[3].encode() for r in rows],
            [r[2].encode() for r in rows],
            MessageSettings(),
        ):
            self._send(batch)

    def word(self, number: int, begin: int, count: int) -> None:
        """Word that a partition is read."""
        self._send(LogBatch("", kind=LogBatch.OPEN, topic="logs", partition=number, next_offset=begin, messages=count))

    def _send(self, batch):
        self.key = partition_key(f"logs/{batch.partition}", MAX_PARALLELISM)
        self._collect(self.operator.process_element(batch.encode(), self))
        assert len(self.timers[self.key]) >= 1, "a timer is always set"

    def hear(self, **event: Any) -> None:
        self.operator.process_broadcast_element(json.dumps(event), self)

    def pass_time(self, ms: int) -> None:
        """Time passes, and the timers that fall due fire."""
        until = self.clock.wall_ms + ms
        while True:
            due = [(t, key) for key, timers in self.timers.items() for t in timers if t <= until]
            if not due:
                break
            at, self.key = min(due)
            self.clock.set(max(at, self.clock.wall_ms))
            self.timers[self.key].remove(at)
            self._settle()
            self._collect(self.operator.on_timer(at, self))
            assert len(self.timers[self.key]) >= 1, "a timer is always set"
        self.clock.set(until)

    def fire(self) -> None:
        """All timers fire, without waiting for the broker."""
        for key, timers in list(self.timers.items()):
            self.key = key
            for due in sorted(timers):
                timers.remove(due)
                self._collect(self.operator.on_timer(due, self))

    def _settle(self):
        """The broker is asked in a thread: wait until it has answered a question of now."""
        offsets = self.operator._offsets
        if offsets._read_to:
            asked = offsets.ask()
            while offsets.answer[0] <= asked:
                offsets._thread.join(0.002)

    def restored(self, **more: Any) -> Subtask:
        """The subtask that goes on from the state, after this one has died; the timers are state too."""
        self.operator.close()
        again = Subtask(self.clock, broker=self.broker, state=self.keyed, broadcast=self.broadcast, **more)
        again.timers = {key: set(timers) for key, timers in self.timers.items()}
        return again

    @property
    def told(self) -> int:
        return self.stamps[-1]

    @property
    def markers(self) -> list[str]:
        return [batch.source for batch in self.events if batch.kind == EventBatch.END]
