"""What holds the clock of a subtask back, and what does not, before and after a restart."""

from __future__ import annotations

import json

import pytest

from models.in_force import Entry
from tests.models.watched_topic import IDLE, TIMEOUT, Watched, partition
from tests.operators.shop import DAY, MODEL, line


@pytest.mark.parametrize("restored", [False, True])
class TestClock:
    """What holds the clock back."""

    def test_an_expected_partition_does_until_all_that_came_with_its_first_lines_is_read(self, restored):
        it = Watched()
        it.expect(0, 0, True)
        it.expect(1, 0, False)
        if restored:
            it.restore()
        it.say(line(9, "open", 1), source="b", number=1)
        it.probe(p0=2)
        assert it.aligned() < DAY
        it.take([(0, 0, "a", line(7, "open", 2).encode()), (0, 1, "c", line(5, "open", 3).encode())])
        it.settle()
        assert it.aligned() == DAY + 5

    def test_not_an_expected_partition_from_which_nothing_can_be_read(self, restored):
        it = Watched()
        it.expect(0, 7, True)
        it.say(line(9, "open", 1), source="b", number=1)
        it.settle()
        assert it.aligned() < DAY
        it.probe(p0=7)
        if restored:
            it.restore()
            it.probe(p0=7)
        assert it.aligned() == DAY + 9

    def test_a_silent_source_does_not_once_all_has_been_read(self, restored):
        it = Watched()
        it.say(line(0, "open", 1))
        it.say("whatever", source="b")  # of the same partition, and never with a time
        it.settle()
        if restored:
            it.restore()
        it.probe()
        it.now_ms += IDLE + 1
        assert it.aligned() == DAY + IDLE + 1

    def test_nor_is_a_partition_behind_for_lines_that_were_not_looked_at(self, restored):
        it = Watched(entries=(Entry("shop", 1, 1, ("a",), json.dumps(MODEL)),))
        it.say(line(0, "open", 1))
        it.pause("c")
        it.say(line(1, "open", 1), source="b")
        it.say(line(1, "open", 1), source="c")
        it.settle()
        if restored:
            it.restore()
        assert it.watch.read_to() == {partition(0): 3}
        it.probe(p0=3)
        it.now_ms += IDLE + 1
        assert it.aligned() == DAY + IDLE + 1

    def test_nobody_is_silent_while_the_broker_is_away(self, restored):
        it = Watched()
        it.say(line(0, "open", 1))
        it.settle()
        it.probe()
        if restored:
            it.restore()
        it.watch.probed(it.asked + 1, None, it.now_ms)
        it.now_ms += TIMEOUT
        assert it.aligned() == DAY

    def test_a_paused_source_does_not(self, restored):
        it = Watched()
        it.say(line(0, "open", 1))
        it.say(line(9, "open", 1), source="b")
        it.settle()
        it.pause("a")
        if restored:
            it.restore()
        assert it.aligned() == DAY + 9
        it.say(line(1, "open", 1))
        it.tick()
        it.pause("a", paused=False)
        if restored:
            it.restore()
        assert it.aligned() == DAY + 9

    def test_a_source_without_a_model_does_not(self, restored):
        it = Watched()
        it.say(line(0, "open", 1))
        it.say(line(9, "open", 1), source="b")
        it.settle()
        event = {"kind": "model", "op": "update", "epoch": 2, "id": "shop", "version": 2}
        it.models.apply({**event, "sources": ["b"], "document": json.dumps(MODEL)})
        it.tick()
        if restored:
            it.restore()
        assert it.aligned() == DAY + 9

    def test_a_source_that_has_vanished_does_not_and_a_restart_does_not_bring_it_back(self, restored):
        it = Watched()
        it.say(line(0, "open", 1))
        it.settle()
        it.probe()
        it.tick(TIMEOUT + 1)
        it.say(line(9, "open", 1), source="b")
        it.settle()
        if restored:
            it.restore()
        assert it.aligned() == DAY + 9
        it.say(line(4, "open", 1))
        it.settle()
        assert it.watch.clock.aligned(it.now_ms) == DAY + 4

    def test_nor_a_source_that_has_ended_and_the_clock_passes_its_markers(self, restored):
        it = Watched()
        it.say(line(0, "open", 1), line(7, "work", 1))
        it.end("a")
        it.probe()
        it.tick()
        if restored:
            it.restore()
        assert {order for _, _, order in it.markers} == {DAY + 7}
        # Flink's watermark is one less, and has to be beyond the marker when a timer fires.
        assert it.aligned() == (DAY + 8 | 255) + 1
        assert it.aligned() is None, "nobody is waited for any more"

    def test_until_all_its_partitions_are_known_it_stands(self, restored):
        it = Watched()
        it.say(line(3, "open", 1))
        it.settle()
        if restored:
            it.restore()
        it.watch.wait_for([partition(0), partition(1)], it.now_ms + 100)
        assert it.aligned() < DAY
        it.know(partition(1))
        assert it.aligned() == DAY + 3

    def test_it_does_not_stand_for_one_that_never_becomes_known(self, restored):
        it = Watched()
        it.say(line(3, "open", 1))
        it.settle()
        if restored:
            it.restore()
        it.watch.wait_for([partition(1)], it.now_ms + 100)
        it.now_ms += 99
        assert it.aligned() < DAY
        it.now_ms += 1
        assert it.aligned() == DAY + 3


def test_the_clock_told_never_goes_back():
    it = Watched()
    it.say(line(9, "open", 1))
    it.settle()
    assert it.aligned() == DAY + 9
    it.say(line(2, "open", 1), source="b")
    it.settle()
    assert it.watch.clock.aligned(it.now_ms) == DAY + 2
    assert it.aligned() == DAY + 9


def test_the_markers_of_an_end_are_passed_though_the_clock_was_beyond_the_source():
    it = Watched()
    it.say(line(0, "open", 1))
    it.settle()
    it.probe()
    it.now_ms += IDLE + 50
    told = it.aligned()
    assert told == DAY + IDLE + 50
    it.end("a")
    it.probe()
    it.tick()
    assert it.aligned() == (told | 255) + 1
