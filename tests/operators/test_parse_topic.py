"""``parse`` for topics as Flink drives it: keyed and broadcast state, timers, restores, words of the clock."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jobs.environment import MAX_PARALLELISM
from models import topic_watch
from models.aligned_clock import ClockSettings
from models.batches import EventBatch
from models.in_force import Entry
from models.log_batch import LogBatch
from models.messages import MessageSettings, pack_messages
from models.partition_keys import partition_key, subtask_of
from models.source_reader import ReadLimits
from models.topic_watch import WatchSettings
from operators import parse_topic, shard_keeper
from operators.metrics import LINES_BY_COUNT
from operators.models_in_force import MODELS
from operators.parse import DEAD_LETTERS, UNMATCHED
from operators.parse_topic import SOURCE_WORDS, ParseTopic
from tests.operators.shop import DAY, MODEL, line

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

    def __call__(self):
        if self.ends is None:
            raise ConnectionError("away")
        return self

    def end_offsets(self, partitions, timeout_ms):
        if self.ends is None:
            raise ConnectionError("away")
        return {p: self.ends.get(f"{p.topic}/{p.partition}", 0) for p in partitions}

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
                key, stamp, record = element
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
        self._collect(self.operator.process_element((self.key, batch.encode()), self))
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


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        wall_ms = 50_000_000

        def set(self, ms):
            self.wall_ms = ms

    it = Clock()
    monkeypatch.setattr(parse_topic, "_now_ms", lambda: it.wall_ms - 49_000_000)
    return it


@pytest.fixture
def subtask(clock):
    it = Subtask(clock)
    yield it
    it.operator.close()


def known(subtask: Subtask, *numbers: int, count: int = 0) -> None:
    for number in numbers or range(4):
        subtask.word(number, 0, count)


def test_what_goes_out_bears_the_clock_as_it_was_before_and_a_word_the_clock_after(subtask):
    known(subtask)
    subtask.send((0, 0, "a", line(3, "open", 1)), (0, 1, "a", line(5, "work", 1)))
    assert [len(batch) for batch in subtask.events] == [1], "the last line waits for more"
    assert subtask.stamps[0] < DAY
    assert subtask.told == DAY + 3
    subtask.pass_time(200)
    assert sum(map(len, subtask.events)) == 2
    assert max(subtask.stamps) == DAY + 5


def test_the_clock_stands_until_all_partitions_of_this_subtask_are_known(clock):
    of = 2
    numbers = [n for n in range(4) if subtask_of(partition_key(f"logs/{n}", MAX_PARALLELISM), of, MAX_PARALLELISM) == 1]
    assert numbers
    subtask = Subtask(clock, number=1, of=of)
    subtask.send((numbers[0], 0, "a", line(3, "open", 1)), (numbers[0], 1, "a", line(4, "open", 1)))
    assert subtask.told < DAY
    for number in numbers[1:]:
        subtask.word(number, 0, 0)
    subtask.pass_time(1_100)
    assert subtask.told == DAY + 4
    subtask.operator.close()


def test_it_stands_between_the_batches_that_messages_of_several_sources_make(subtask):
    known(subtask, 1, 2, 3)
    subtask.word(0, 0, 4)
    subtask.send(
        *((0, n, source, line(ms, "open", n)) for n, (source, ms) in enumerate([("a", 8), ("a", 9), ("b", 3)]))
    )
    assert subtask.told <= DAY + 3


def test_lines_that_match_no_template_and_those_that_are_none(subtask):
    known(subtask)
    subtask.send((0, 0, "a", line(3, "what", 1)), (0, 1, "a", line(4, "how", 1)), (0, 2, "a", "\0"))
    subtask.pass_time(200)
    assert len(subtask.unmatched) == 2
    assert [d["offset"] for d in subtask.dead] == [2]
    assert {name: n for name, n in subtask.counts.items() if n} == {
        LINES_BY_COUNT["lines"]: 3,
        LINES_BY_COUNT["unmatched"]: 2,
        LINES_BY_COUNT["dead_letters"]: 1,
    }


def test_a_silent_source_goes_on_with_the_time_that_passes_but_not_while_the_broker_is_away(subtask):
    known(subtask)
    subtask.broker.ends = {"logs/0": 1}
    subtask.send((0, 0, "a", line(0, "open", 1)))
    subtask.pass_time(5_000)
    told = subtask.told
    assert DAY + 3_000 < told <= DAY + 5_000
    subtask.broker.ends = None
    subtask.pass_time(1_100)
    told = subtask.told
    subtask.pass_time(20_000)
    assert subtask.told == told
    subtask.broker.ends = {"logs/0": 1}
    subtask.pass_time(30_000)
    assert subtask.told > told


def test_a_backlog_is_no_silence(subtask):
    known(subtask)
    subtask.broker.ends = {"logs/0": 7}
    subtask.send((0, 0, "a", line(0, "open", 1)))
    subtask.pass_time(30_000)
    assert subtask.told == DAY


@pytest.mark.parametrize("restored", [False, True])
class TestWords:
    """Words of sources, kept in broadcast state."""

    def again(self, subtask, restored):
        return subtask.restored() if restored else subtask

    def test_pause_and_resume(self, subtask, restored):
        known(subtask)
        subtask.hear(kind="pause", source="a")
        subtask = self.again(subtask, restored)
        subtask.send((0, 0, "a", line(0, "what", 1)))
        subtask.pass_time(200)
        assert subtask.counts[LINES_BY_COUNT["paused"]] == 1
        subtask.hear(kind="resume", source="a")
        subtask = self.again(subtask, restored)
        subtask.send((0, 1, "a", line(1, "what", 1)))
        subtask.pass_time(200)
        assert len(subtask.unmatched) == 1
        subtask.operator.close()

    def test_an_agents_word_of_time(self, subtask, restored):
        known(subtask)
        subtask.broker.ends = {"logs/0": 9}
        subtask.hear(kind="heartbeat", source="a", timestamp_ms=DAY + 700)
        subtask.send((0, 0, "a", line(0, "open", 1)))
        subtask = self.again(subtask, restored)
        subtask.pass_time(1_500)
        assert subtask.told == DAY + 700
        subtask.operator.close()

    def test_an_end_that_was_told_is_carried_out_once(self, subtask, restored):
        known(subtask)
        subtask.broker.ends = {"logs/0": 1, "logs/1": 1}
        subtask.send((0, 0, "a", line(0, "open", 1)), (1, 0, "a", line(4, "open", 2)))
        subtask.pass_time(200)
        subtask.hear(kind="end_of_log", source="a")
        subtask = self.again(subtask, restored)
        subtask.pass_time(2_500)
        assert Counter(subtask.markers) == {"logs/0/a": 2, "logs/1/a": 2}
        assert subtask.words[-1] == (DAY + 5 | 255) + 1, "past the last line of it"
        said = len(subtask.words)
        subtask = self.again(subtask, restored)
        subtask.pass_time(5_000)
        assert restored or (len(subtask.markers), len(subtask.words)) == (4, said), "nobody is waited for"
        subtask.send((0, 1, "a", line(9, "open", 3)))
        subtask.broker.ends = {"logs/0": 2, "logs/1": 1}
        subtask.pass_time(2_000)
        assert len(subtask.markers) == (0 if restored else 4)
        subtask.operator.close()


def test_past_an_end_the_clock_goes_to_where_automata_is_woken():
    assert topic_watch.TIMERS_MS == shard_keeper._TICK_MS


def test_of_many_sources_that_have_ended_the_latest_are_kept(subtask, monkeypatch):
    monkeypatch.setattr(parse_topic, "_ENDS_KEPT", 3)
    for number in range(10):
        subtask.hear(kind="end_of_log", source=f"s{number}")
    kept = subtask.broadcast[SOURCE_WORDS].values
    assert kept == {"end/": "10", "end/s7": "8", "end/s8": "9", "end/s9": "10"}


def test_a_restore_goes_on_with_the_lines_that_wait_and_doubles_nothing(subtask):
    known(subtask)
    subtask.send((0, 0, "a", line(0, "open", 1)), (0, 1, "a", line(1, "work", 1)), (0, 2, "b", line(2, "open", 2)))
    before = sum(map(len, subtask.events))
    again = subtask.restored()
    again.send((0, 3, "a", line(3, "close", 1)))
    again.pass_time(2_000)
    assert before == 1
    assert sum(map(len, again.events)) == 3
    assert again.told >= DAY + 2
    again.operator.close()


def test_models_that_change_take_effect_with_the_next_line_and_last(subtask):
    known(subtask)
    subtask.send((0, 0, "a", line(0, "open", 1)), (0, 1, "a", line(1, "open", 1)))
    subtask.hear(kind="model", op="delete", epoch=2, id="shop", version=1, sources=[], document=None)
    subtask.send((0, 2, "a", line(2, "open", 1)))
    assert subtask.counts[LINES_BY_COUNT["unmodelled"]] == 2
    again = subtask.restored()
    again.send((0, 3, "a", line(3, "open", 1)))
    assert again.counts[LINES_BY_COUNT["unmodelled"]] == 1
    document = json.dumps({**MODEL, "version": 2})
    again.hear(kind="model", op="add", epoch=3, id="shop", version=2, sources=[], document=document)
    again.send((0, 4, "a", line(4, "open", 1)), (0, 5, "a", line(5, "open", 1)))
    again.pass_time(200)
    assert [batch.epoch for batch in again.events] == [3, 3]
    again.operator.close()


def test_one_timer_a_partition_is_set_and_soon_where_lines_wait(subtask):
    known(subtask, 0)
    subtask.pass_time(5_000)
    (timers,) = subtask.timers.values()
    assert len(timers) == 1
    assert min(timers) - subtask.clock.wall_ms > 100
    subtask.send((0, 0, "a", line(0, "open", 1)))
    assert len(timers) == 1
    assert min(timers) - subtask.clock.wall_ms <= 100
