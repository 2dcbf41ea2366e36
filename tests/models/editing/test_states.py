"""States joined and split: what was normal before stays normal, judged by the program's own judge."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.compiled import CompiledAutomata
from models.automata.judge import judge
from models.automata.transaction import Keeping, Transaction
from models.document import Automaton, Equal, Excludes, ModelDocument, Order, Requires, State, Template, Transition
from models.editing.removal import remove_states
from models.editing.states import join_states, split_state

NAMES = ("a", "b", "c", "d")


@st.composite
def transitions(draw):
    """Transitions of four states, with and without bounds."""
    found = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=12, unique=True))
    bound = st.none() | st.integers(0, 20)
    return [Transition(one, two, 5, draw(bound), draw(bound)) for one, two in found]


@st.composite
def automata(draw):
    """An automaton of four states with any bounds and relations."""
    states = []
    for name in NAMES:
        low = draw(st.integers(0, 2))
        high = draw(st.none() | st.integers(low, 3))
        begin = name == "c" and draw(st.booleans())
        end = name == "d" and draw(st.booleans())
        closed = draw(st.booleans())
        states.append(State(name, f"t-{name}", "id", low, high, begin, end, draw(st.integers(0, 9)), closed))
    pairs = st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] != p[1]), max_size=5
    )
    order = {frozenset(pair): pair for pair in draw(pairs)}.values()
    equal = draw(st.lists(st.lists(st.sampled_from(NAMES), min_size=2, max_size=3, unique=True), max_size=2))
    return Automaton(
        "a-1",
        states,
        10,
        100,
        order=[Order(before, after, 5) for before, after in order],
        requires=[Requires(one, two, 5) for one, two in dict.fromkeys(draw(pairs))],
        equal=[Equal(names, 5) for names in equal],
        excludes=[Excludes(list(pair), 5) for pair in dict.fromkeys(draw(pairs))],
        transitions=draw(transitions()),
    )


def is_normal(automaton, path, times):
    """Whether a transaction that passes these states at these times is normal."""
    templates = [Template(s.template, f"{s.id} %{{INT:id}}") for s in automaton.states]
    document = ModelDocument("m", 1, {"formats": ["NONE"]}, templates, [automaton])
    compiled = CompiledAutomata(document).automata[0]
    place = {s.id: at for at, s in enumerate(automaton.states)}
    transaction = Transaction(0, Keeping(10, compiled.graph or None))
    for name, at in zip(path, times, strict=False):
        transaction.record((at, place[name], b"x", at, 1, "a", b""), place[name])
    return not judge(compiled, transaction)


TIMES = (0, 3, 3, 9, 19, 20, 40)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=7)


@st.composite
def normal_cases(draw):
    """An automaton and a path that is normal for it: bounds and relations are widened until it is."""
    automaton, path = draw(automata()), draw(paths)
    for state in automaton.states:
        count = path.count(state.id)
        state.min = min(state.min, count)
        state.max = None if state.max is None else max(state.max, count)
        state.begin = state.begin and path[0] == state.id
        state.end = state.end and path[-1] == state.id
    first = {name: path.index(name) for name in path}
    automaton.order = [o for o in automaton.order if first.get(o.before, -1) < first.get(o.after, 99)]
    automaton.requires = [r for r in automaton.requires if r.if_ not in path or r.then in path]
    automaton.equal = [e for e in automaton.equal if len({path.count(s) for s in e.states}) == 1]
    automaton.excludes = [e for e in automaton.excludes if not set(e.states) <= set(path)]
    seen: dict[tuple[str, str], list[int]] = {pair: [] for pair in pairwise(path)}
    for pair, (one, two) in zip(pairwise(path), pairwise(TIMES), strict=False):
        seen[pair].append(two - one)
    for pair in seen:
        if pair not in {(t.from_, t.to) for t in automaton.transitions}:
            automaton.transitions.append(Transition(*pair))
    for t in automaton.transitions:
        taken = seen.get((t.from_, t.to), [])
        t.min_ms = None if t.min_ms is None else min([t.min_ms, *taken])
        t.max_ms = None if t.max_ms is None else max([t.min_ms or 0, t.max_ms, *taken])
    return automaton, path


@settings(max_examples=200)
@given(normal_cases())
def test_the_cases_are_normal_to_begin_with(case):
    automaton, path = case
    assert is_normal(automaton, path, TIMES)


@settings(max_examples=200)
@given(normal_cases())
def test_what_was_normal_stays_normal_when_states_are_joined(case):
    automaton, path = case
    joined = copy.deepcopy(automaton)
    join_states(joined, joined.states[:2], "t-a", "id")
    assert [s.id for s in joined.states] == ["a", "c", "d"]
    assert is_normal(joined, ["a" if name == "b" else name for name in path], TIMES)


@settings(max_examples=200)
@given(normal_cases())
def test_what_was_normal_stays_normal_when_a_state_is_removed(case):
    automaton, path = case
    after = copy.deepcopy(automaton)
    remove_states(after, {"b"})
    left = [(name, at) for name, at in zip(path, TIMES, strict=False) if name != "b"]
    if left:
        assert is_normal(after, [name for name, _ in left], [at for _, at in left])


@settings(max_examples=200)
@given(normal_cases(), st.data())
def test_what_was_normal_stays_normal_when_a_state_is_split(case, data):
    automaton, path = case
    after = copy.deepcopy(automaton)
    split_state(after, after.states[1], [("t-1", "x"), ("t-2", "x")])
    assert [s.id for s in after.states] == ["a", "b", "b_x", "b_x_2", "c", "d"]
    parts = st.sampled_from(["b", "b_x", "b_x_2"])
    assert is_normal(after, [data.draw(parts) if name == "b" else name for name in path], TIMES)


def example(**more):
    states = [State("a", "t-a", "id", 1, 1), State("b", "t-b", "id", 0, 2, support=7), State("c", "t-c", "id", 1, 1)]
    return Automaton("a-1", states, 10, 100, **more)


def test_a_joined_state_occurs_as_often_as_both():
    automaton = example()
    join_states(automaton, [automaton.states[1], automaton.states[0]], "t-b", "id")
    assert automaton.states == [State("b", "t-b", "id", 1, 3, support=7), State("c", "t-c", "id", 1, 1)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([Order("a", "c", 3)], [Order("a", "c", 3)]),  # a always occurs
        ([Order("b", "c", 3)], []),  # b may be absent, and a come after c
        ([Order("c", "a", 3)], []),
        ([Order("c", "a", 3), Order("c", "b", 2)], [Order("c", "a", 2)]),
        ([Order("a", "b", 3)], []),
    ],
)
def test_of_the_order_stays_what_follows(order, expected):
    automaton = example(order=order)
    join_states(automaton, automaton.states[:2], "t-a", "id")
    assert automaton.order == expected


def test_of_what_is_required_stays_what_follows():
    automaton = example(requires=[Requires("b", "c", 3), Requires("c", "a", 4), Requires("a", "b", 1)])
    join_states(automaton, automaton.states[:2], "t-a", "id")
    assert automaton.requires == [Requires("c", "a", 4)]


def test_a_part_that_never_occurs_binds_nothing():
    automaton = example(order=[Order("c", "b", 3)])
    automaton.states[0].min = automaton.states[0].max = 0
    join_states(automaton, automaton.states[:2], "t-a", "id")
    assert automaton.order == [Order("c", "a", 3)]


def test_the_parts_of_a_split_keep_bound_marks_and_what_stands_before():
    automaton = example(order=[Order("a", "b", 3), Order("b", "c", 3)], equal=[Equal(["a", "b", "c"], 2)])
    split_state(automaton, automaton.states[1], [("t-v", "Visa Card!")])
    assert automaton.states[2] == State("b_visa_card", "t-v", "id", 0, 2)
    assert automaton.order == [Order("a", "b", 3), Order("a", "b_visa_card", 0)]
    assert automaton.equal == [Equal(["a", "c"], 2)]


def test_what_occurs_once_still_precedes_what_it_preceded():
    automaton = example(order=[Order("a", "c", 3)])
    split_state(automaton, automaton.states[0], [("t-v", "v")])
    assert automaton.order == [Order("a", "c", 3), Order("a_v", "c", 0)]
