"""What comes of the lines of topics does not depend on how they travel, and every line is accounted for."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.aligned_clock import ClockSettings
from models.batches import EventBatch
from models.dead_letter_limit import DeadLetterLimitError, LimitSettings
from models.in_force import Entry, ModelsInForce
from models.messages import MessageSettings, pack_messages
from models.source_reader import ReadLimits
from models.topic_watch import TopicWatch, WatchSettings
from tests.operators.shop import DAY, MODEL, line

TOPIC = "logs"
SHARDS = 3
IDLE, TIMEOUT, WAIT = 10_000, 60_000, 500
SHOP = Entry("shop", 1, 1, (), json.dumps(MODEL))
SETTINGS = WatchSettings(ReadLimits(), SHARDS, ClockSettings(True, IDLE, TIMEOUT), multiline_wait_ms=WAIT)


def partition(number: int) -> str:
    return f"{TOPIC}/{number}"


class Watched:
    """A watch whose records are kept as keyed state keeps them, a broker, and all that has come out."""

    def __init__(self, settings: WatchSettings = SETTINGS, entries=(SHOP,)) -> None:
        self.settings = settings
        self.now_ms = 1_000
        self.state: dict[str, dict[str, str]] = {}
        self.models = ModelsInForce(entries)
        self.paused: set[str] = set()
        self.ends: dict[str, int] = {}
        self.asked = 0
        self.counts: Counter[str] = Counter()
        self.events: list[tuple[Any, ...]] = []
        self.markers: list[tuple[str, str, int]] = []
        self.unmatched: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.watch = TopicWatch(settings, self.models)

    def restore(self) -> None:
        """The worker dies, and another one goes on from the state."""
        self.watch = TopicWatch(self.settings, self.models)
        for source in self.paused:
            self.watch.pause(source, True)
        for source, number in self.ends.items():
            self.watch.end(source, number)
        for name in list(self.state):
            self.know(name)

    def know(self, name: str) -> None:
        if not self.watch.knows(name):
            records = {key: json.loads(text) for key, text in self.state.setdefault(name, {}).items()}
            self.watch.load(name, records, self.now_ms, self.asked)

    def expect(self, number: int, read_from: int, expected: bool) -> None:
        self.know(partition(number))
        self._follow(partition(number), self.watch.expect(partition(number), read_from, expected, self.now_ms))

    def take(self, rows: list[tuple[int, int, str, bytes]]) -> None:
        """Messages (partition, offset, source, value) that come together."""
        for batch in pack_messages(
            TOPIC,
            np.array([r[0] for r in rows], np.int64),
            np.array([r[1] for r in rows], np.int64),
            np.full(len(rows), DAY, np.int64),
            [r[3] for r in rows],
            [r[2].encode() for r in rows],
            MessageSettings(),
        ):
            name = partition(batch.partition)
            self.know(name)
            self._follow(name, self.watch.take(batch, self.now_ms))

    def say(self, *lines: str, source: str = "a", number: int = 0) -> None:
        """A source writes lines, which are read at once."""
        begin = self.watch.clock.read_to(partition(number))
        self.take([(number, begin + n, source, text.encode()) for n, text in enumerate(lines)])

    def tick(self, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        for name in self.state:
            self._follow(name, self.watch.tick(name, self.now_ms))

    def probe(self, **ends: int) -> None:
        """The broker answers; where nothing else is given, all has been read."""
        self.asked += 1
        found = {name: self.watch.clock.read_to(name) for name in self.state}
        self.watch.probed(self.asked, found | {partition(int(n[1:])): end for n, end in ends.items()}, self.now_ms)

    def pause(self, source: str, paused: bool = True) -> None:
        (self.paused.add if paused else self.paused.discard)(source)
        self.watch.pause(source, paused)

    def end(self, source: str) -> None:
        self.ends[source] = max(self.ends.values(), default=0) + 1
        self.watch.end(source, self.ends[source], self.asked)

    def aligned(self) -> Any:
        return self.watch.advance(self.now_ms)

    def settle(self) -> None:
        """Let go what waits for more lines."""
        self.tick(WAIT)

    def result(self) -> tuple[Any, ...]:
        assert self.counts["lines"] == sum(
            self.counts[n] for n in ("matched", "unmatched", "continued", "dead_letters", "unmodelled", "paused")
        )
        return (
            sorted(self.events),
            sorted(self.markers),
            sorted(d["id"] for d in self.unmatched),
            sorted(d["id"] for d in self.dead),
            {name: n for name, n in self.counts.items() if n},
        )

    def _follow(self, name: str, out: Any) -> None:
        for key, record in out.records.items():
            if record is None:
                self.state[name].pop(key, None)
            else:
                self.state[name][key] = json.dumps(record)
        for key, data in out.batches:
            batch = EventBatch.decode(data)
            assert key == f"{batch.model}/{batch.shard}"
            if batch.kind == EventBatch.END:
                self.markers.append((batch.source, key, int(batch.order_ms[0])))
            for n in range(len(batch)):
                self.events.append(
                    (batch.source, int(batch.position[n]), batch.text[n], int(batch.order_ms[n]), batch.epoch)
                )
        self.unmatched += out.anomalies
        self.dead += out.dead
        self.counts += out.counts


# What a run is made of: messages of two partitions and three sources, with times that go on and lines that are wrong.

values = st.tuples(st.integers(0, 5), st.sampled_from(["open 1", "work 1", "close 2", "check 3", "what is this", None]))
messages = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from("abc"), values, st.integers(0, 1)), min_size=1, max_size=25
)


def rows_of(drawn) -> list[tuple[int, int, str, bytes]]:
    offsets: Counter[int] = Counter()
    rows, at = [], 0
    for number, source, (later, what), more in drawn:
        at += later
        text = line(at, what, "").strip().encode() if what else b"\xff not a line"
        rows.append((number, offsets[number], source, b"\n".join([text] * (1 + more))))
        offsets[number] += 1
    return rows


def cut(rows, cuts):
    bounds = [0, *sorted({c for c in cuts if 0 < c < len(rows)}), len(rows)]
    return [rows[a:b] for a, b in itertools.pairwise(bounds)]


@given(messages, st.lists(st.integers(1, 24)), st.sampled_from([0, WAIT]), st.data())
@settings(max_examples=60)
def test_neither_cuts_nor_ticks_nor_restores_change_what_comes_out(drawn, cuts, later, data):
    rows = rows_of(drawn)
    whole = Watched()
    whole.take(rows)
    whole.settle()
    parted = Watched()
    for part in cut(rows, cuts):
        parted.take(part)
        for what in data.draw(st.lists(st.sampled_from(["tick", "restore", "probe"]), max_size=3)):
            if what == "restore":
                parted.restore()
            elif what == "probe":
                parted.probe()
            else:
                parted.tick(later)
    parted.settle()
    if later:  # what was let go is without the lines that came later to continue it
        for it in (parted, whole):
            it.events = [(*event[:2], event[2].partition(b"\n")[0], *event[3:]) for event in it.events]
    assert parted.result() == whole.result()
    assert {name: parted.watch.clock.read_to(name) for name in parted.state} == {
        name: whole.watch.clock.read_to(name) for name in whole.state
    }


@given(messages, st.integers(0, 24), st.lists(st.integers(1, 24)), st.data())
@settings(max_examples=60)
def test_an_end_parts_the_lines_at_the_same_place_however_they_travel(drawn, after, cuts, data):
    """The source a ends after so many messages; what the broker says of it comes at any time later."""
    rows = rows_of(drawn)
    before, later = rows[:after], rows[after:]

    def run(parts, restores):
        it = Watched()
        for number in (0, 1):
            it.expect(number, 0, True)
        for part in cut(before, parts):
            it.take(part)
        it.end("a")
        it.probe(**{f"p{n}": sum(row[0] == n for row in before) for n in (0, 1)})
        it.tick()
        for part in cut(later, [c - after for c in parts]):
            if restores:
                it.restore()
            it.take(part)
            it.tick()
        it.settle()
        it.probe()
        it.tick()
        return it

    plain = run([], False)
    other = run(cuts, data.draw(st.booleans()))
    assert other.result() == plain.result()
    ended = {source for source, _, _ in plain.markers}
    assert ended <= {f"{TOPIC}/0/a", f"{TOPIC}/1/a"}
    assert len(plain.markers) == SHARDS * len(ended)


@given(messages, st.integers(0, 24), st.integers(0, 24))
@settings(max_examples=40)
def test_lines_of_a_paused_source_are_counted_and_nothing_else(drawn, first, last):
    rows = rows_of(drawn)
    it = Watched()
    for n, row in enumerate(rows):
        if n == first:
            it.pause("a")
        if n == last:
            it.pause("a", paused=False)
        it.take([row])
    it.settle()
    it.result()
    during = [row for n, row in enumerate(rows) if first <= n < last or (first > last and n >= first)]
    assert it.counts["paused"] == sum(len(row[3].split(b"\n")) for row in during if row[2] == "a")


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


def test_lines_that_waited_when_their_source_was_paused_go_as_they_are_though_it_goes_on_writing():
    it = Watched()
    it.say(line(0, "open", 1))
    it.pause("a")
    for n in range(4):
        it.say(line(n, "work", 1))
        it.tick(WAIT // 2)
    assert len(it.events) == 1
    assert it.counts == {"lines": 5, "matched": 1, "paused": 4}


def test_a_source_whose_model_is_deleted_is_unmodelled_and_the_lines_that_waited_are_too():
    it = Watched()
    it.say(line(0, "open", 1), line(1, "work", 1))
    it.models.apply({"kind": "model", "op": "delete", "epoch": 2, "id": "shop"})
    it.tick()
    assert it.counts == {"lines": 2, "matched": 1, "unmodelled": 1}
    it.say(line(2, "work", 1), "\0")
    assert it.counts == {"lines": 4, "matched": 1, "unmodelled": 3}
    it.restore()
    event = {"kind": "model", "op": "add", "epoch": 3, "id": "shop", "version": 2, "sources": []}
    it.models.apply({**event, "document": json.dumps({**MODEL, "version": 2})})
    it.say(line(3, "close", 1))
    it.settle()
    assert [epoch for *_, epoch in it.events] == [1, 3]
    assert it.counts == {"lines": 5, "matched": 2, "unmodelled": 3}


def test_each_source_is_read_with_the_model_that_claims_it_as_it_is_then():
    other = json.loads(json.dumps(MODEL).replace('"shop"', '"bank"').replace("open %{", "begin %{"))
    bank = Entry("bank", 1, 2, ("b*",), json.dumps(other))
    it = Watched(entries=(SHOP, bank))
    for source in ("a", "b1"):
        it.say(line(0, "open", 1), line(1, "begin", 2), source=source)
    it.settle()
    assert {source: text[24:] for source, _, text, _, _ in it.events} == {
        "logs/0/a": b"open 1",
        "logs/0/b1": b"begin 2",
    }
    it.models.apply({"kind": "model", "op": "delete", "epoch": 3, "id": "bank"})
    it.say(line(2, "open", 3), source="b1")
    it.settle()
    assert it.events[-1][2][24:] == b"open 3"


def test_too_many_dead_letters_fail_the_job():
    it = Watched(WatchSettings(ReadLimits(), SHARDS, dead_letters=LimitSettings(max_consecutive=3)))
    it.say(line(0, "open", 1))
    it.settle()
    it.say("\0", "\0", "\0")
    it.restore()
    with pytest.raises(DeadLetterLimitError, match=r"a: 4 lines in a row cannot be read"):
        it.say("\0")


def test_a_source_that_has_long_been_silent_is_forgotten():
    it = Watched()
    it.say(line(0, "open", 1))
    it.settle()
    it.probe()
    it.tick(TIMEOUT + 1)
    assert set(it.state[partition(0)]) == {"", "a"}
    it.tick(86_400_000)
    assert set(it.state[partition(0)]) == {""}
    it.restore()
    it.say(line(5, "open", 1))
    it.settle()
    assert len(it.events) == 2


def test_state_of_another_version_is_refused():
    it = Watched()
    it.expect(0, 0, True)
    record = json.loads(it.state[partition(0)][""])
    with pytest.raises(ValueError, match="version 9"):
        TopicWatch(SETTINGS, ModelsInForce()).load(partition(0), {"": {**record, "version": 9}}, 0)


def test_the_last_line_waits_from_when_it_came():
    it = Watched()
    it.say(line(0, "open", 1))
    it.tick(WAIT - 1)
    it.say(line(1, "work", 1))
    it.tick(WAIT - 1)
    assert len(it.events) == 1
    it.tick(1)
    assert len(it.events) == 2


def test_of_several_batches_of_the_same_messages_only_the_last_tells_how_far_all_has_been_read():
    it = Watched()
    it.expect(0, 0, True)
    rows = [(0, 0, "a", line(5, "open", 1).encode()), (0, 1, "b", line(3, "open", 2).encode())]
    first, last = pack_messages(
        TOPIC,
        np.array([0, 0]),
        np.array([0, 1]),
        np.array([DAY, DAY]),
        [row[3] for row in rows],
        [row[2].encode() for row in rows],
        MessageSettings(),
    )
    it.watch.take(first, it.now_ms)
    assert (it.watch.read_to(), it.aligned() < DAY) == ({partition(0): 0}, True)
    it.watch.take(last, it.now_ms)
    it.settle()
    assert (it.watch.read_to(), it.aligned()) == ({partition(0): 2}, DAY + 3)
