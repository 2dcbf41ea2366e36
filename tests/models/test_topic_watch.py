"""What comes of the lines of topics does not depend on how they travel, and every line is accounted for."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dead_letter_limit import DeadLetterLimitError, LimitSettings
from models.in_force import Entry, ModelsInForce
from models.messages import MessageSettings, pack_messages
from models.source_reader import ReadLimits
from models.topic_watch import TopicWatch, WatchSettings
from tests.models.watched_topic import SETTINGS, SHARDS, SHOP, TIMEOUT, TOPIC, WAIT, Watched, partition
from tests.operators.shop import DAY, MODEL, line

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
    first, last = pack_messages(
        TOPIC,
        np.array([0, 0, 0]),
        np.array([0, 1, 2]),
        np.array([DAY, DAY, DAY]),
        [line(ms, "open", ms).encode() for ms in (5, 6, 3)],
        [b"a", b"a", b"b"],
        MessageSettings(),
    )
    it.watch.take(first, it.now_ms)
    assert (it.watch.read_to(), it.aligned() < DAY) == ({partition(0): 0}, True)
    it.watch.take(last, it.now_ms)
    it.settle()
    assert (it.watch.read_to(), it.aligned()) == ({partition(0): 3}, DAY + 3)
