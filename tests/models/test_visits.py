"""Lines that name several transactions visit a state of each, whatever else the model has and whatever the batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.compiled import NO_SLOT, CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.detection import shard_of
from models.document import ModelDocument
from models.visits import full_name, identifier_fields, visit_names
from tests.models.linked_model import anomalies, batches, document, line

texts = st.one_of(
    st.builds("login s{}".format, st.integers(0, 3)),
    st.builds("session s{} places order o{}".format, st.integers(0, 3), st.integers(0, 4)),
    # One identifier may look like another.
    st.builds("session o{} places order o{}".format, st.integers(0, 2), st.integers(0, 2)),
    st.builds("order o{} paid".format, st.integers(0, 4)),
    st.builds("order o{} shipped".format, st.integers(0, 4)),
    st.builds("logout s{}".format, st.integers(0, 3)),
    st.just("swept 3 carts"),
)
logs = st.lists(st.tuples(st.integers(0, 400), texts), max_size=40).map(
    lambda events: [line(at, text) for at, text in sorted(events, key=lambda event: event[0])]
)


@given(logs, st.lists(st.integers(0, 40), max_size=3), st.integers(1, 4))
@settings(derandomize=True, max_examples=120, deadline=None)
def test_two_automata_find_what_each_finds_alone(lines, cuts, shards):
    both = anomalies(document(), lines, [cut for cut in cuts if cut <= len(lines)], shards)
    alone = [a for name in ("session", "order") for a in anomalies(document(name), lines)]
    for found in both:
        found["transaction"].pop("linked", None)
    assert both == sorted(alone, key=lambda a: str(a["id"]))


def test_each_visit_goes_to_the_shard_of_its_own_identifier():
    model = ModelDocument.from_json(document())
    lines = [line(at, f"session s{at} places order o{at}") for at in range(20)] + [line(30, "login s1")]
    found = batches(model, lines, [7], shards=5)
    visits = [
        (batch.shard, batch.templates[at], identifier)
        for batch in found
        for at, identifier in zip(batch.template.tolist(), batch.transaction, strict=True)
    ]
    names = ("t-place session", b"s"), ("t-place order", b"o")
    wanted = [(name, letter + b"%d" % at) for at in range(20) for name, letter in names] + [("t-login", b"s1")]
    assert sorted(visits) == sorted((shard_of(identifier, 5), name, identifier) for name, identifier in wanted)
    assert all((batch.position[1:] >= batch.position[:-1]).all() for batch in found)


def test_names_of_visits_tell_the_field_only_where_a_template_has_several():
    model = ModelDocument.from_json(document())
    fields = identifier_fields(model.automata)
    assert fields["t-place"] == ("session", "order")
    assert visit_names("t-place", fields["t-place"]) == ["t-place session", "t-place order"]
    assert visit_names("t-pay", fields["t-pay"]) == ["t-pay"]


def test_visits_are_found_under_both_names_in_a_model_with_fewer_or_more_states_of_the_template():
    both, alone = CompiledAutomata(document()), CompiledAutomata(document("order"))

    def states(model, names):
        slots = model.slots_of_names(names, np.arange(len(names), dtype=np.int32)).tolist()
        owners = [model.slots[slot] for slot in slots if slot != NO_SLOT]
        return [(model.automata[at].id, model.automata[at].states[place].id) for at, place in owners]

    order, session = full_name("t-place", "order"), full_name("t-place", "session")
    assert states(both, [session, order]) == [("a-session", "place"), ("a-order", "place")]
    assert states(both, ["t-place"]) == [("a-session", "place")]
    assert states(alone, ["t-place"]) == states(alone, [order]) == [("a-order", "place")]
    assert states(alone, [session, "t-place nothing"]) == []
    assert alone.visit_names == ["t-place", "t-pay", "t-ship"]


LINES = [
    line(1, "login s1"),
    line(2, "session s1 places order o1"),
    line(3, "order o1 paid"),
    line(4, "session s1 places order o2"),
    line(5, "order o2 shipped"),
    line(9, "logout s1"),
]


def told(found):
    return sorted((a["type"], a["transaction"]["id"], a["transaction"].get("linked")) for a in found)


def test_a_snapshot_keeps_waiting_visits_and_open_transactions_of_both_automata():
    model = CompiledAutomata(document())
    events = batches(ModelDocument.from_json(document()), LINES, [3], shards=1)
    at_once = ShardState(model)
    for batch in events:
        at_once.add(batch)
    halfway = int(events[0].order_ms[2])
    for taken in (0, 1, 2):
        shard = ShardState(model)
        for place, batch in enumerate(events):
            shard.add(batch)
            if place == 0:
                shard.advance(halfway if taken else 0)
                for _ in range(taken):
                    shard = ShardState.restore(shard.snapshot(), model)
        assert shard.counters["dropped"] == 0
        found = told(shard.advance(FOREVER))
        assert found == told(ShardState.restore(at_once.snapshot(), model).advance(FOREVER))
        assert {identifier for _, identifier, _ in found} == {"o1", "o2"}


def test_a_change_from_one_state_to_two_keeps_what_waits_and_what_is_open():
    one, two = CompiledAutomata(document("session")), CompiledAutomata(document())
    shard = ShardState(one)
    for batch in batches(ModelDocument.from_json(document("session")), LINES[:4], [], shards=1):
        shard.add(batch)
    shard.advance(int(batch.order_ms[1]))
    assert not shard.follow(two)
    after = ShardState.restore(shard.snapshot(), two)
    assert after.counters["dropped"] == 0
    for batch in batches(ModelDocument.from_json(document()), LINES[4:], [], shards=1):
        after.add(batch)
    # The session is whole; of the second order all but the last line came before its automaton did.
    assert {a["transaction"]["id"] for a in after.advance(FOREVER)} == {"o2"}
