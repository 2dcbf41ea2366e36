"""Slots of the sources of topics: aligned over sources that are out of step, silent, or gone."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from models.in_force import Entry
from models.slots.counts import SlotCounts
from models.slots.series import SERIES_SHARDS
from models.slots.shard import SlotShard, WatchedModel
from tests.models.slots.lines import T0, model, tick
from tests.models.watched_topic import IDLE, TIMEOUT, Watched

MINUTE = 60_000


class WatchedSlots(Watched):
    """Two sources, and what is told of the lines in their slots."""

    def __init__(self) -> None:
        document = model(categories=[], series={"enabled": True})
        super().__init__(entries=(Entry("web", 1, 1, (), json.dumps(document.to_json())),))
        assert self.watch.watches_slots
        self.shards = [SlotShard(WatchedModel(document)) for _ in range(SERIES_SHARDS)]
        self.told: dict[int, int] = {}
        self.late: Counter[int] = Counter()

    def _follow(self, name, out):
        super()._follow(name, out)
        for key, record in out.slots:
            counts = SlotCounts.decode(record)
            assert key == f"web/{counts.shard}"
            self._step(counts.shard, counts)

    def _step(self, shard, counts):
        told = self.shards[shard].step(counts, self.watch.told_ms - 1)
        for slot in told.slots:
            minute = int(slot["@timestamp"][14:16])
            assert minute not in self.told
            self.told[minute] = slot["lines"]
        for late in told.late:
            self.late[int(late["@timestamp"][14:16])] += late["late"]

    def pass_on(self, **ends: int) -> dict[int, int]:
        """Let the clock go on; minute → lines of all slots told so far."""
        self.settle()
        self.probe(**ends)
        self.aligned()
        for shard in range(SERIES_SHARDS):
            self._step(shard, None)
        return self.told


def test_a_slot_is_told_once_every_live_source_has_passed_it():
    it = WatchedSlots()
    it.say(tick(0), tick(1), source="a", number=0)
    it.say(tick(5), source="b", number=1)
    assert it.pass_on() == {}
    it.say(tick(3 * MINUTE + 1), source="a", number=0)
    assert it.pass_on() == {}, "b may have more of the first minute"
    it.say(tick(MINUTE - 1), source="b", number=1)
    assert it.pass_on() == {}
    it.say(tick(MINUTE + 1), source="b", number=1)
    assert it.pass_on() == {0: 4}
    it.say(tick(3 * MINUTE + 5), source="b", number=1)
    assert it.pass_on() == {0: 4, 1: 1, 2: 0}
    assert not it.late


def test_a_silent_source_goes_on_by_its_heartbeats_and_holds_nothing_back():
    it = WatchedSlots()
    it.say(tick(0), source="a", number=0)
    it.say(tick(0), source="b", number=1)
    it.pass_on()
    for minute in (1, 2, 3):
        it.say(tick(minute * MINUTE), source="a", number=0)
    told = dict(it.pass_on())
    assert 1 not in told, "b is not silent for long enough yet"
    it.tick(IDLE + 2 * MINUTE // 2)
    it.say(tick(4 * MINUTE), source="a", number=0)
    assert it.pass_on()[0] == 2


def test_a_source_that_vanished_does_not_hold_slots_back_and_what_it_says_later_is_late():
    it = WatchedSlots()
    it.say(tick(0), source="a", number=0)
    it.say(tick(0), source="b", number=1)
    it.pass_on()
    it.tick(TIMEOUT + 1)
    it.say(tick(10 * MINUTE), source="a", number=0)
    it.say(tick(10 * MINUTE + 1), source="a", number=0)
    told = dict(it.pass_on())
    assert told == {0: 2} | dict.fromkeys(range(1, 10), 0)
    it.say(tick(2 * MINUTE), tick(2 * MINUTE + 1), source="b", number=1)
    assert it.pass_on() == told
    assert it.late == {2: 2}


@pytest.mark.parametrize("first", ["a", "b"])
def test_it_makes_no_difference_which_source_is_read_first(first):
    it = WatchedSlots()
    other = "b" if first == "a" else "a"
    it.expect(0, 0, True)
    it.expect(1, 0, True)
    minutes = {"a": (0, 1, 1, 4), "b": (1, 2, 2, 5)}
    for source in (first, other):
        for minute in minutes[source]:
            it.say(tick(minute * MINUTE), source=source, number="ab".index(source))
            it.pass_on(p0=4, p1=4)
    assert it.pass_on() == {0: 1, 1: 3, 2: 2}
    assert T0 % (60 * MINUTE) == 0
