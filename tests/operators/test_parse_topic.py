"""``parse`` for topics as Flink drives it: keyed and broadcast state, timers, restores, words of the clock."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import pytest

from jobs.environment import MAX_PARALLELISM
from models import topic_watch
from models.partition_keys import partition_key, subtask_of
from operators import parse_topic, shard_keeper
from operators.metrics import LINES_BY_COUNT
from operators.parse_topic import SOURCE_WORDS
from tests.operators.shop import DAY, MODEL, line
from tests.operators.topic_subtask import Subtask


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
    known(subtask)
    subtask.send((0, 0, "a", line(0, "open", 0)))
    subtask.pass_time(200)
    rows = [("a", 8), ("a", 9), ("b", 3), ("b", 4)]
    subtask.send(*((0, 1 + n, source, line(ms, "open", n)) for n, (source, ms) in enumerate(rows)))
    assert subtask.told == DAY + 3


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


def test_an_answer_to_a_question_of_before_the_end_was_told_does_not_count(subtask):
    known(subtask)
    subtask.broker.ends = {"logs/0": 1}
    subtask.send((0, 0, "a", line(0, "open", 1)))
    subtask.pass_time(1_500)
    offsets = subtask.operator._offsets
    subtask.broker.slow = threading.Semaphore(0)
    while offsets.answer[0] == offsets._asked:
        time.sleep(0.001)
    asked = offsets._asked
    subtask.broker.ends = {"logs/0": 2}  # and only then the end is told
    subtask.hear(kind="end_of_log", source="a")
    subtask.broker.slow.release()
    while offsets.answer[0] < asked:
        time.sleep(0.001)
    subtask.fire()
    subtask.fire()
    assert subtask.markers == []
    subtask.broker.slow.release(1_000)
    subtask.pass_time(200)
    assert subtask.markers == []
    subtask.send((0, 1, "a", line(1, "work", 1)))
    subtask.pass_time(200)
    assert len(subtask.markers) == 2


def test_past_an_end_the_clock_goes_to_where_automata_is_woken():
    assert vars(topic_watch)["TIMERS_MS"] == vars(shard_keeper)["TIMERS_MS"]


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
