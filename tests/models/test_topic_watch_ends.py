"""A source that is said to end does so when all that the broker held has been read, in each partition, once."""

from __future__ import annotations

import pytest

from tests.models.watched_topic import SHARDS, TIMEOUT, TOPIC, Watched, partition
from tests.operators.shop import DAY, line


class TestEnds:
    """When a source ends."""

    def test_not_before_all_that_the_broker_held_has_been_read(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        it.probe(p0=3)
        it.tick()
        it.say(line(1, "work", 1))
        it.tick()
        assert it.markers == []
        it.say(line(2, "close", 1))
        it.tick()
        assert it.markers == [(f"{TOPIC}/0/a", f"shop/{shard}", DAY + 2) for shard in range(SHARDS)]
        assert len(it.events) == 3

    def test_not_by_an_answer_to_a_question_that_was_asked_before(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.asked = 4  # four questions have been asked; the fourth is answered only now
        it.end("a")
        it.watch.probed(4, {partition(0): 1}, it.now_ms)
        it.tick()
        assert it.markers == []
        it.watch.probed(5, {partition(0): 1}, it.now_ms)
        it.tick()
        assert len(it.markers) == SHARDS

    def test_not_while_the_broker_is_away(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        it.watch.probed(1, None, it.now_ms)
        it.tick(TIMEOUT)
        assert it.markers == []

    def test_where_the_last_offsets_hold_no_messages(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        it.probe(p0=3)
        it.tick()
        assert it.markers == []
        it.probe(p0=1)  # it has been looked what there is
        it.tick()
        assert len(it.markers) == SHARDS

    def test_in_every_partition_that_has_lines_of_it_and_nobody_else(self):
        it = Watched()
        for number, source in ((0, "a"), (0, "b"), (1, "a"), (2, "c")):
            it.say(line(0, "open", 1), source=source, number=number)
        it.end("a")
        it.probe()
        it.tick()
        assert {source for source, _, _ in it.markers} == {f"{TOPIC}/0/a", f"{TOPIC}/1/a"}

    def test_it_is_open_again_when_it_writes_again_and_ends_no_second_time(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        it.probe()
        it.tick()
        it.say(line(1, "open", 2))
        it.probe()
        it.settle()
        it.restore()
        it.probe()
        it.settle()
        assert len(it.markers) == SHARDS
        assert it.watch.clock.is_waited_for(partition(0), "a")
        it.end("a")
        it.probe()
        it.tick()
        assert len(it.markers) == 2 * SHARDS

    def test_an_earlier_end_does_not_concern_a_partition_in_which_it_appears_later(self):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        it.probe()
        it.tick()
        for _ in range(2):
            it.say(line(1, "open", 2), number=1)
            it.probe()
            it.settle()
            it.restore()
        assert {source for source, _, _ in it.markers} == {f"{TOPIC}/0/a"}

    @pytest.mark.parametrize("answered", [False, True])
    def test_a_restart_before_it_was_carried_out(self, answered):
        it = Watched()
        it.say(line(0, "open", 1))
        it.end("a")
        if answered:
            it.probe(p0=2)
            it.tick()
        it.restore()
        it.probe(p0=3)  # meanwhile it has begun anew
        it.tick()
        assert it.markers == []
        it.say(line(1, "work", 1), line(2, "open", 2))
        it.tick()
        # What was not known before the restart counts as of the restart.
        assert {order for _, _, order in it.markers} == {DAY + 1 if answered else DAY + 2}
        assert it.watch.clock.is_waited_for(partition(0), "a") == answered

    def test_the_last_event_of_a_source_that_ends_is_not_lost(self):
        it = Watched()
        it.say(line(0, "open", 1), " and more of it")
        assert it.counts["lines"] == 0, "it may go on"
        it.end("a")
        it.probe()
        it.tick()
        assert [text for _, _, text, _, _ in it.events] == [(line(0, "open", 1) + "\n and more of it").encode()]
        assert it.counts == {"lines": 2, "matched": 1, "continued": 1}

    @pytest.mark.parametrize("why", ["paused", "deleted"])
    def test_nor_those_that_wait_when_it_is_paused_or_has_no_model_any_more(self, why):
        it = Watched()
        it.say(line(0, "open", 1), " and more of it")
        if why == "paused":
            it.pause("a")
        else:
            it.models.apply({"kind": "model", "op": "delete", "epoch": 2, "id": "shop"})
        it.end("a")
        it.probe()
        it.tick()
        it.result()
        expected = {"matched": 1, "continued": 1} if why == "paused" else {"unmodelled": 2}
        assert it.counts == {"lines": 2, **expected}
