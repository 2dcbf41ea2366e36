"""What the end of a source does to the transactions of a shard."""

import pytest

from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from tests.models.automata.workload import (
    batch,
    endless,
    flow,
    kinds,
    model,
    numbered,
    pairs,
)

MODEL = model(flow(), endless(), pairs())
OPEN, WORK, CHECK, CLOSE, TAKE, GIVE, ASK, ANSWER, NOTE = range(1, 10)


def end(source: str, order_ms: int) -> EventBatch:
    return EventBatch.end(source, 0, "m", 1, order_ms)


@pytest.mark.parametrize("restored", [False, True])
def test_the_end_of_a_source_judges_what_is_open_and_of_which_it_alone_has_lines(restored):
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"own", 0), (5, "a", WORK, b"own", 0), (5, "a", OPEN, b"both", 0)])))
    shard.add(batch(numbered([(5, "b", WORK, b"both", 0), (4, "b", OPEN, b"other", 0)])))
    shard.add(end("a", 6))
    assert shard.advance(6) == []
    if restored:
        shard = ShardState.restore(shard.snapshot(), MODEL)
    assert shard.next_timer() == 7
    assert [(d["type"], d["transaction"]["id"], d["@timestamp"][-5:]) for d in shard.advance(7)] == [
        ("missing_end", "own", ".008Z")
    ]
    assert shard.open_count == 2
    assert {d["transaction"]["id"] for d in shard.advance(FOREVER)} == {"both", "other"}


@pytest.mark.parametrize("restored", [False, True])
def test_what_several_sources_have_lines_of_is_judged_once_all_of_them_have_ended(restored):
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0), (3, "a", OPEN, b"y", 0)])))
    shard.add(batch(numbered([(1, "b", WORK, b"x", 0), (4, "b", WORK, b"y", 0)])))
    shard.add(batch(numbered([(5, "c", WORK, b"y", 0)])))
    shard.add(end("a", 5))
    assert shard.advance(6) == []
    if restored:
        shard = ShardState.restore(shard.snapshot(), MODEL)
    shard.add(end("b", 6))
    assert [(d["type"], d["transaction"]["id"]) for d in shard.advance(7)] == [("missing_end", "x")]
    if restored:
        shard = ShardState.restore(shard.snapshot(), MODEL)
    shard.add(end("c", 7))
    assert [(d["type"], d["transaction"]["id"]) for d in shard.advance(8)] == [("missing_end", "y")]
    assert shard.open_count == 0


def test_a_source_that_writes_again_has_not_ended():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0)])))
    shard.add(batch(numbered([(1, "b", WORK, b"x", 0)])))
    shard.add(end("a", 2))
    assert shard.advance(3) == []
    shard.add(batch(numbered([(3, "a", WORK, b"z", 0)])))
    shard.add(end("b", 3))
    assert shard.advance(4) == []
    shard.add(end("a", 4))
    assert {d["transaction"]["id"] for d in shard.advance(5)} == {"x", "z"}


def test_an_end_comes_after_all_lines_of_its_source_of_that_time_and_before_those_of_later_sources():
    shard = ShardState(MODEL)
    shard.add(end("b", 3))  # nothing is here yet that could have ended
    shard.add(batch(numbered([(3, "c", OPEN, b"x", 0)])))
    shard.add(end("b", 3))
    shard.add(batch(numbered([(0, "b", OPEN, b"x", 0), (2, "b", WORK, b"x", 0), (3, "b", CLOSE, b"x", 0)])))
    assert shard.pending.count == 5
    # "x" of "b" is whole by then, and its end opens the way for another "x" of "c".
    assert shard.advance(4) == []
    assert (shard.counters["judged"], shard.open_count) == (1, 1)


def test_an_end_behind_the_clock_counts_as_of_the_clock():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0), (1, "a", WORK, b"x", 0)])))
    assert shard.advance(5) == []
    shard.add(end("a", 1))
    assert (shard.counters["late"], shard.next_timer()) == (0, 6)
    assert kinds(shard.advance(6)) == ["missing_end"]


def test_an_end_in_a_shard_where_nothing_waits_leaves_it_empty():
    shard = ShardState(MODEL)
    shard.add(end("a", 5))
    assert shard.empty
    assert shard.next_timer() is None


def test_the_end_of_a_source_leaves_the_tombstone_that_a_late_end_of_another_one_finds():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0), (1, "a", WORK, b"x", 0)])))
    shard.add(end("a", 1))
    assert kinds(shard.advance(2)) == ["missing_end"]
    shard.add(batch(numbered([(7, "b", CLOSE, b"x", 0)])))
    assert shard.advance(FOREVER) == []
    assert shard.counters["absorbed"] == 1
