"""The life of transactions in a shard, and that nothing depends on how events arrive."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.shard import FOREVER, ShardState
from models.positions import position_of
from models.schema_check import check
from tests.models.automata.oracle import all_anomalies
from tests.models.automata.workload import (
    Event,
    automaton,
    batch,
    deliver,
    end_of,
    endless,
    flow,
    kinds,
    model,
    numbered,
    pairs,
    state,
    told,
)

MODEL = model(flow(), endless(), pairs())
OPEN, WORK, CHECK, CLOSE, TAKE, GIVE, ASK, ANSWER, NOTE = range(1, 10)

raw_events = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 9),
        st.sampled_from([b"x", b"y"]),
        st.sampled_from([0, 0, 0, 1, 4]),
    ),
    max_size=40,
)


dense_events = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["a", "b"]),
        st.sampled_from([1, 2, 3, 4, 4, 7, 8, 8]),
        st.just(b"x"),
        st.sampled_from([0, 0, 2]),
    ),
    max_size=16,
)


def run(*steps: tuple[int, int], compiled=MODEL, identifier: bytes = b"x"):
    """All anomalies of one source's events (time, template), in order of telling."""
    shard = ShardState(compiled)
    shard.add(batch(numbered([(at, "a", template, identifier, 0) for at, template in steps])))
    return shard.advance(FOREVER)


@settings(max_examples=250)
@given(raw_events | dense_events, st.booleans(), st.integers(0, 2**32))
def test_anomalies_are_those_of_the_oracle_however_events_arrive(raw, in_order, seed):
    events = numbered(sorted(raw, key=lambda r: r[0]) if in_order else raw)
    expected = told(all_anomalies(MODEL, events))
    found, shard = deliver(MODEL, events, random.Random(seed))
    assert told(found) == expected
    assert shard.counters["late"] == 0
    assert shard.counters["anomalies"] == len(found)
    assert shard.empty


@settings(max_examples=80)
@given(raw_events | dense_events, st.integers(0, 2**32))
def test_a_shard_restored_anywhere_goes_on_as_if_nothing_had_happened(raw, seed):
    events = numbered(sorted(raw, key=lambda r: r[0]))
    found, shard = deliver(MODEL, events, random.Random(seed), snapshots=True)
    assert told(found) == told(all_anomalies(MODEL, events))
    assert shard.counters["dropped"] == 0


@settings(max_examples=150)
@given(raw_events | dense_events, st.integers(0, 2**32), st.booleans())
def test_what_the_ends_of_sources_bring_does_not_depend_on_how_events_arrive(raw, seed, snapshots):
    events = numbered(raw)
    at_once = ShardState(MODEL)
    for source in sorted({e.source for e in events}):
        at_once.add(batch([e for e in events if e.source == source]))
        at_once.add(end_of(events, source))
    found, shard = deliver(MODEL, events, random.Random(seed), snapshots, ends=True)
    assert told(found) == told(at_once.advance(FOREVER))
    assert shard.empty


@settings(max_examples=40)
@given(raw_events)
def test_documents_are_valid_and_their_ids_are_unique(raw):
    found = all_anomalies(MODEL, numbered(raw))
    assert [problem for document in found for problem in check("anomaly", document)] == []
    assert len({document["id"] for document in found}) == len(found)


@settings(max_examples=40)
@given(raw_events)
def test_following_the_timers_alone_tells_everything_and_ends(raw):
    shard = ShardState(MODEL)
    events = numbered(raw)
    for source in {e.source for e in events}:
        shard.add(batch([e for e in events if e.source == source]))
    found = []
    before = shard.watermark
    while (timer := shard.next_timer()) is not None:
        assert timer > before
        before = timer
        found += shard.advance(timer)
    assert told(found) == told(all_anomalies(MODEL, events))
    assert shard.empty
    assert shard.open_count == 0


@settings(max_examples=50)
@given(raw_events, st.integers(0, 2**32))
def test_replaying_the_logged_calls_gives_the_same_state(raw, seed):
    chance = random.Random(seed)
    shards = [ShardState(MODEL), ShardState(MODEL)]
    events = numbered(raw)
    for begin in range(0, len(events), 4):
        for source in "abc":
            own = [e for e in events[begin : begin + 4] if e.source == source]
            watermark = chance.randrange(70)
            for shard in shards:
                if own:
                    shard.add(batch(own))
                shard.advance(watermark)
    assert shards[0].snapshot() == shards[1].snapshot()


def test_a_normal_transaction_is_silent():
    assert run((0, OPEN), (1, WORK), (2, CHECK), (4, CLOSE)) == []


def test_an_event_at_the_expiry_still_belongs_to_the_transaction():
    assert kinds(run((0, OPEN), (1, WORK), (12, CLOSE))) == ["too_long"]
    assert kinds(run((0, OPEN), (1, WORK), (13, CLOSE))) == ["missing_end", "too_long"]


def test_a_straggler_within_settle_joins_and_one_after_it_starts_anew():
    joined = run((0, OPEN), (1, WORK), (4, CLOSE), (7, CHECK))
    assert kinds(joined) == ["wrong_order"]  # the end was not last
    assert kinds(run((0, OPEN), (1, WORK), (4, CLOSE), (8, CHECK))) == [
        "missing_begin",
        "missing_end",
        "missing_state",
    ]


def test_a_begin_after_the_end_starts_a_new_transaction_at_once():
    found = run((0, OPEN), (1, WORK), (4, CLOSE), (5, OPEN), (6, WORK), (9, CLOSE))
    assert found == []


def test_a_begin_that_the_ended_transaction_still_lacks_is_a_straggler():
    assert run((0, ASK), (1, ANSWER), (2, ASK), (3, ANSWER)) == []
    again = run((0, ASK), (1, ANSWER), (2, ASK), (3, ANSWER), (4, ASK), (4, ASK), (5, ANSWER), (5, ANSWER))
    assert again == []


def test_a_transaction_without_end_is_told_at_the_time_it_should_have_ended():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(100, "a", OPEN, b"x", 0), (101, "a", WORK, b"x", 0)])))
    assert shard.advance(112) == []
    assert shard.next_timer() == 113
    (found,) = shard.advance(113)
    assert found["type"] == "missing_end"
    assert found["@timestamp"] == "1970-01-01T00:00:00.108Z"
    assert found["transaction"]["end"] == "1970-01-01T00:00:00.101Z"


def test_timer_and_end_of_input_tell_the_same():
    events = numbered([(100, "a", OPEN, b"x", 0), (101, "a", WORK, b"x", 0)])
    by_timer, by_end = ShardState(MODEL), ShardState(MODEL)
    by_timer.add(batch(events))
    by_end.add(batch(events))
    by_timer.advance(102)
    assert by_timer.advance(10_000) == by_end.advance(FOREVER) != []


def test_an_ended_transaction_is_told_when_it_has_settled():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0), (4, "a", CLOSE, b"x", 0), (5, "a", CHECK, b"x", 0)])))
    assert shard.advance(6) == []
    assert shard.next_timer() == 8  # three after the end; the straggler's three are seen then
    assert shard.advance(8) == []
    assert shard.next_timer() == 9
    assert kinds(shard.advance(9)) == ["missing_state", "wrong_order"]


@pytest.mark.parametrize("restored", [False, True])
def test_a_straggler_of_one_transaction_does_not_delay_what_is_told_of_another(restored):
    shard = ShardState(MODEL)
    events = [(0, b"x", OPEN), (0, b"y", OPEN), (4, b"x", CLOSE), (5, b"y", CLOSE), (6, b"x", WORK)]
    shard.add(batch(numbered([(at, "a", template, identifier, 0) for at, identifier, template in events])))
    assert shard.advance(7) == []
    if restored:
        shard = ShardState.restore(shard.snapshot(), MODEL)
    assert [d["transaction"]["id"] for d in shard.advance(9)] == ["y"]
    assert [d["transaction"]["id"] for d in shard.advance(10)] == ["x"]


def test_stragglers_do_not_keep_a_transaction_open_beyond_its_expiry():
    steps = [(0, OPEN), (1, WORK), (4, CLOSE), (7, CHECK), (10, WORK), (12, CHECK)]
    assert kinds(run(*steps)) == ["too_long", "too_many", "wrong_order"]
    assert kinds(run(*steps, (13, WORK))) == ["missing_begin", "missing_end", "too_long", "too_many", "wrong_order"]


def test_a_late_event_opens_a_transaction_as_of_the_watermark():
    shard = ShardState(MODEL)
    shard.advance(100)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0)])))
    assert shard.next_timer() == 101
    assert shard.advance(112) == []
    assert shard.next_timer() == 113
    assert "missing_end" in kinds(shard.advance(113))


def test_an_end_after_missing_end_was_told_is_too_long_and_strays_are_silent():
    found = run((0, OPEN), (1, WORK), (13, CHECK), (15, CLOSE), (16, CHECK), (17, CLOSE))
    assert kinds(found) == ["missing_end", "too_long"]
    late = next(d for d in found if d["type"] == "too_long")
    assert late["violations"] == [{"state": None, "other": None, "actual": 15, "min": 2, "max": 8, "unit": "ms"}]
    assert "ended after all" in late["reason"]
    assert late["@timestamp"] == "1970-01-01T00:00:00.015Z"


def test_a_tombstone_forgets_after_a_second_expiry():
    assert kinds(run((0, OPEN), (1, WORK), (24, CLOSE))) == ["missing_end", "too_long"]
    assert kinds(run((0, OPEN), (1, WORK), (25, CLOSE))) == ["missing_begin", "missing_end", "missing_state"]


def test_a_begin_after_missing_end_was_told_starts_afresh():
    found = run((0, OPEN), (1, WORK), (13, OPEN), (14, WORK), (16, CLOSE))
    assert kinds(found) == ["missing_end"]


def test_too_long_is_told_by_the_event_that_makes_it_certain():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0), (1, "a", WORK, b"x", 0), (9, "a", CLOSE, b"x", 0)])))
    assert kinds(shard.advance(10)) == ["too_long"]
    assert shard.advance(FOREVER) == []
    assert shard.counters["anomalous"] == shard.counters["judged"] == 1


def test_without_end_states_too_long_is_certain_at_once_and_the_rest_waits_for_the_expiry():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", TAKE, b"x", 0), (7, "a", TAKE, b"x", 0)])))
    assert kinds(shard.advance(8)) == ["too_long"]
    assert shard.advance(12) == []
    assert kinds(shard.advance(13)) == ["missing_state"]


def test_the_same_identifier_in_two_automata_is_two_transactions():
    assert run((0, OPEN), (0, TAKE), (1, WORK), (1, GIVE), (3, CLOSE)) == []


def test_a_late_event_counts_as_of_the_watermark():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(50, "a", OPEN, b"x", 0)])))
    shard.advance(52)
    shard.add(batch(numbered([(40, "b", WORK, b"x", 0), (55, "b", CLOSE, b"x", 0)])))
    assert shard.counters["late"] == 1
    assert shard.advance(FOREVER) == []
    assert shard.counters["judged"] == 1


def test_an_event_after_the_end_of_all_input_is_judged_too():
    shard = ShardState(MODEL)
    shard.advance(FOREVER)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0)])))
    assert "missing_end" in kinds(shard.advance(FOREVER))
    assert shard.empty


def test_a_watermark_that_goes_back_changes_nothing():
    shard = ShardState(MODEL)
    shard.add(batch(numbered([(0, "a", OPEN, b"x", 0)])))
    assert shard.advance(5) == shard.advance(3) == []
    assert shard.watermark == 5


def test_templates_outside_of_any_automaton_are_left_out_and_counted():
    shard = ShardState(MODEL)
    shard.add(batch([Event(0, "a", 1, 0, b"x", 0), Event(0, "a", 2, 99, b"x", 0), Event(0, "a", 3, -1, b"x", 0)]))
    assert shard.counters["unassigned"] == 3
    assert shard.empty
    assert shard.next_timer() is None


def test_events_parsed_with_another_version_find_their_states_by_the_ids_of_their_templates():
    older = model(pairs(), automaton("a-gone", [state("gone")]), flow(), version=7)
    shard = ShardState(MODEL)
    index = {name: at for at, name in enumerate(older.template_ids)}
    events = numbered(
        [(at, "a", index[name], b"x", 0) for at, name in enumerate(["t-open", "t-work", "t-close", "t-gone"])]
    )
    shard.add(batch(events, older.template_ids))
    assert shard.advance(FOREVER) == []
    assert (shard.counters["judged"], shard.counters["unassigned"]) == (1, 1)


def test_memory_and_evidence_of_an_endless_chatter_stay_small_and_its_counts_exact():
    chatter = model(automaton("a", [state("ping", 1, 5)], expires_ms=100_000))
    shard = ShardState(chatter, max_evidence=4)
    shard.add(batch(numbered([(at, "a", 1, b"x", 0) for at in range(5_000)]), chatter.template_ids))
    shard.advance(5_000)
    shard = ShardState.restore(shard.snapshot(), chatter, max_evidence=4)
    (transaction,) = shard.lanes[0].open.values()
    assert len(transaction.lines) <= 8
    assert len(transaction.path) <= 210
    (found,) = shard.advance(FOREVER)
    assert found["actual"] == "5,000"
    assert [line["line"] for line in found["evidence"]][0::3] == [1, 5_000]
    assert len(found["evidence"]) == 4
    states = found["transaction"]["states"]
    assert len(states) == 101
    assert states[50] == "… 4,900 more …"


@pytest.mark.parametrize(("origin", "name"), [("logs/3", "logs/3"), ("logs/3/app/a.log", "app/a.log")])
def test_what_is_found_in_topics_names_the_source_and_where_each_line_stands(origin, name):
    shard = ShardState(MODEL, topic=True)
    events = [(position_of(7), OPEN), (position_of(8, 2), WORK)]
    shard.add(batch([Event(0, origin, position, template, b"\xff", 0) for position, template in events]))
    (found,) = shard.advance(FOREVER)
    assert found["source"] == name
    first, second = ({k: v for k, v in line.items() if k not in ("timestamp", "text")} for line in found["evidence"])
    assert first == {"topic": "logs", "partition": 3, "offset": 7}
    assert second == {"topic": "logs", "partition": 3, "offset": 8, "line": 3}
    assert found["transaction"]["id"] == "\ufffd"


def test_the_version_of_the_model_does_not_change_the_id_of_an_anomaly():
    lost = batch(numbered([(0, "a", OPEN, b"x", 0)]))
    found = []
    for version in (1, 2):
        shard = ShardState(model(flow(), endless(), pairs(), version=version))
        shard.add(lost)
        found.append(shard.advance(FOREVER))
    assert [d["id"] for d in found[0]] == [d["id"] for d in found[1]]
    assert [found[k][0]["model"]["version"] for k in (0, 1)] == [1, 2]
