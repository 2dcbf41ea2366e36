"""A shard's state at rest: read again, by later versions, and after a change of the model."""

import base64
import json
from pathlib import Path

import pytest

from models.automata.shard import FOREVER, ShardState
from models.batches import BatchError, pack_columns
from tests.models.automata.workload import automaton, batch, endless, flow, kinds, model, numbered, pairs, state, told

FIXTURE = Path(__file__).parents[2] / "fixtures" / "shard_snapshot_v1.json"
MODEL = model(flow(), endless(), pairs())
OPEN, WORK, CHECK, CLOSE, TAKE, GIVE, ASK, ANSWER, NOTE = range(1, 10)


def lively() -> ShardState:
    """A shard with everything in it: open, ended and overdue transactions, long paths, waiting events."""
    shard = ShardState(MODEL)
    raw = [(12, "a", OPEN, b"overdue", 0), (13, "a", WORK, b"overdue", 0)]
    raw += [(20 + at // 4, "a", NOTE, b"chatter", 0) for at in range(40)]
    raw += [(21, "b", OPEN, b"open", 0), (22, "b", WORK, b"open", 3)]
    raw += [(22, "b", OPEN, b"ended", 0), (23, "b", WORK, b"ended", 0), (28, "b", CLOSE, b"ended", 0)]
    raw += [(17, "b", TAKE, b"long", 0), (28, "b", TAKE, b"long", 0)]
    raw += [
        (33, "b", CLOSE, b"open", 0),
        (34, "b", CLOSE, b"overdue", 0),
        (33, "a", 0, b"alone", 0),
        (40, "a", OPEN, b"\xff\x00later", 0),
    ]
    events = numbered(raw)
    for source in "ab":
        shard.add(batch([e for e in events if e.source == source]))
    shard.advance(29)
    return shard


def test_a_snapshot_read_and_written_again_is_the_same():
    record = lively().snapshot()
    again = ShardState.restore(record, MODEL).snapshot()
    first, second = ShardState.restore(record, MODEL), ShardState.restore(again, MODEL)
    assert first.next_timer() == second.next_timer() == 30
    assert first.open_count == second.open_count == lively().open_count == 4
    assert first.counters == lively().counters
    assert told(first.advance(FOREVER)) == told(second.advance(FOREVER)) == told(lively().advance(FOREVER)) != []


def test_a_snapshot_of_version_1_is_still_read():
    stored = json.loads(FIXTURE.read_text())
    shard = ShardState.restore(base64.b64decode(stored["record"]), MODEL)
    assert shard.counters == stored["counters"]
    assert shard.next_timer() == stored["next_timer"]
    found = shard.advance(FOREVER)
    assert sorted([d["type"], d["transaction"]["id"], d["@timestamp"]] for d in found) == sorted(stored["told"])


def test_states_and_events_are_found_again_by_their_ids_in_another_model():
    mirrored = flow()
    mirrored["states"].reverse()
    changed = model(pairs(), mirrored, endless(), version=2)
    before = lively()
    after = ShardState.restore(before.snapshot(), changed)
    assert after.counters["dropped"] == 0

    def told_of(shard):
        return sorted((d["type"], d["transaction"]["id"], *d["transaction"]["states"]) for d in shard.advance(FOREVER))

    assert told_of(after) == told_of(before)


def test_what_belongs_to_an_automaton_that_is_gone_is_dropped_and_counted():
    after = ShardState.restore(lively().snapshot(), model(flow(), version=2))
    # The transactions "chatter" and "long", and four waiting events of "chatter".
    assert after.counters["dropped"] == 6
    assert {d["transaction"]["automaton"] for d in after.advance(FOREVER)} == {"a-flow"}
    assert after.empty


def test_a_state_that_is_gone_is_forgotten_and_its_waiting_events_are_dropped():
    shorter = automaton("a-flow", [state("open", begin=True), state("work", 1, 2)], duration={}, expires_ms=5)
    after = ShardState.restore(lively().snapshot(), model(shorter, endless(), pairs(), version=2))
    # The waiting events are the ends of "open" and "overdue".
    assert after.counters["dropped"] == 2
    assert after.next_timer() == 30
    documents = after.advance(FOREVER)
    assert "missing_end" not in kinds([d for d in documents if d["transaction"]["automaton"] == "a-flow"])


def test_a_transaction_of_which_no_state_is_left_is_dropped():
    other = automaton("a-endless", [state("else")])
    after = ShardState.restore(lively().snapshot(), model(flow(), other, pairs(), version=2))
    assert after.counters["dropped"] == 1


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"", "cut off"),
        (b"not a record at all", "not a batch"),
        (pack_columns(2, {}, []), "layout 2"),
        (pack_columns(1, {"kind": "something"}, []), "not the state of a shard"),
    ],
)
def test_what_is_no_snapshot_is_refused(record, message):
    with pytest.raises(BatchError, match=message):
        ShardState.restore(record, MODEL)
