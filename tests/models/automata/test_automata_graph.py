"""Transitions, steps and states that exclude each other, as they are judged."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.schema_check import check
from tests.models.automata.workload import automaton, batch, model, numbered, state

NAMES = ("a", "b", "c", "d")


def graph(*transitions, closed=NAMES, **more):
    """An automaton of four states, of any counts, from a to d, with transitions (from, to, min, max)."""
    states = [state(name, 0, None, begin=name == "a", end=name == "d") for name in NAMES]
    for entry in states:
        entry["closed"] = entry["id"] in closed
    rows = [
        {"from": one, "to": two, "support": 900, "min_ms": low, "max_ms": high} for one, two, low, high in transitions
    ]
    return automaton("a-graph", states, transitions=rows, **{"settle_ms": 10**6, "expires_ms": 10**7} | more)


def findings(spec, path, gaps=None, cuts=(), evidence=10):
    """{type: [(state, other, actual), …]} of a path of one-letter states; ``gaps`` in ms, 1 unless given."""
    compiled = model(spec)
    shard = ShardState(compiled, evidence)
    names = [s.id for s in compiled.automata[0].states]
    at, raw = 0, []
    for place, name in enumerate(path):
        at += 0 if place == 0 else (gaps[place - 1] if gaps else 1)
        raw.append((at, "s", names.index(name) + 1, b"x", 0))
    events = numbered(raw)
    found = []
    for begin, end in pairwise([0, *cuts, len(events)]):
        if begin < end:
            shard.add(batch(events[begin:end], compiled.template_ids))
        found += shard.advance(events[end].order if end < len(events) else FOREVER)
        if end < len(events):
            shard = ShardState.restore(shard.snapshot(), compiled, evidence)
    assert [problem for document in found for problem in check("anomaly", document)] == []
    return {d["type"]: [(v["state"], v["other"], v["actual"]) for v in d["violations"]] for d in found}


STRAIGHT = [("a", "b", None, None), ("b", "c", None, None), ("c", "d", None, None)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("abcd", {}),
        ("abd", {"wrong_order": [("b", "d", None)]}),
        ("abbcd", {"wrong_order": [("b", "b", None)]}),
        ("acbd", {"wrong_order": [("a", "c", None), ("c", "b", None), ("b", "d", None)]}),
    ],
)
def test_an_unknown_transition_of_a_closed_state_is_a_wrong_order(path, expected):
    assert findings(graph(*STRAIGHT), path) == expected


def test_after_a_state_that_is_not_closed_anything_may_come():
    assert findings(graph(*STRAIGHT, closed=("a", "c")), "abd") == {}
    assert findings(graph(*STRAIGHT, closed=("a", "c")), "acd") == {"wrong_order": [("a", "c", None)]}


def test_without_transitions_nothing_is_judged_of_them():
    assert findings(graph(closed=()), "acbacd") == {}


def test_a_state_that_is_missing_explains_the_gap_that_it_leaves():
    spec = graph(*STRAIGHT)
    spec["states"][1]["min"] = spec["states"][2]["min"] = 1
    assert findings(spec, "acd") == {"missing_state": [("b", None, 0)]}
    assert findings(spec, "ad") == {"missing_state": [("b", None, 0), ("c", None, 0)]}


def test_a_missing_state_does_not_explain_a_gap_elsewhere():
    spec = graph(*STRAIGHT)
    spec["states"][1]["min"] = 1
    # By way of b, a leads to c, but not to itself.
    assert findings(spec, "aacd") == {"missing_state": [("b", None, 0)], "wrong_order": [("a", "a", None)]}


def test_a_state_that_comes_too_often_explains_that_it_follows_itself():
    spec = graph(*STRAIGHT)
    spec["states"][1]["max"] = 1
    assert findings(spec, "abbcd") == {"too_many": [("b", None, 2)]}


def test_a_broken_order_explains_the_transitions():
    order = [{"before": "b", "after": "c", "support": 900}]
    assert findings(graph(*STRAIGHT, order=order), "acbd") == {"wrong_order": [("b", "c", None)]}


BRANCHES = [("a", "b", None, None), ("a", "c", None, None), ("b", "d", None, None), ("c", "d", None, None)]


def test_states_that_exclude_each_other_are_told_once():
    spec = graph(
        *BRANCHES,
        excludes=[{"states": ["b", "c"], "support": 200}],
        requires=[{"if": "c", "then": "a", "support": 300}],
        order=[{"before": "c", "after": "b", "support": 100}],
    )
    assert findings(spec, "abd") == findings(spec, "acd") == {}
    # The later one is what should not have come, however often.
    assert findings(spec, "abcd") == {"excluded_state": [("c", "b", 1)]}
    assert findings(spec, "acbbd") == {"excluded_state": [("b", "c", 2)]}


def test_of_an_excluded_state_is_not_demanded_what_it_requires():
    spec = graph(closed=(), excludes=[{"states": ["a", "b"], "support": 90}], requires=[{"if": "b", "then": "c"}])
    assert findings(spec, "abd") == {"excluded_state": [("b", "a", 1)]}


TIMED = [("a", "b", 5, 20), ("b", "c", None, 20), ("b", "b", 2, 9), ("c", "d", None, None)]


@pytest.mark.parametrize(
    ("path", "gaps", "expected"),
    [
        ("abcd", [5, 20, 900], {}),
        ("abcd", [21, 20, 1], {"slow_step": [("a", "b", 21)]}),
        ("abcd", [4, 21, 1], {"slow_step": [("b", "c", 21)], "fast_step": [("a", "b", 4)]}),
        # The longest and the shortest of a loop.
        ("abbbbcd", [5, 30, 1, 40, 1, 1], {"slow_step": [("b", "b", 40)], "fast_step": [("b", "b", 1)]}),
    ],
)
def test_steps_beyond_their_bounds(path, gaps, expected):
    assert findings(graph(*TIMED), path, gaps) == expected


@pytest.mark.parametrize("cuts", [(), (2,), (2, 3), (3,)])
@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([10, 10, 10], {}),
        # One step is why the whole took too long.
        ([10, 90, 10], {"slow_step": [("b", "c", 90)]}),
        # Everything is slow, or more than one step: the whole is the news.
        ([30, 30, 50], {"too_long": [(None, None, 110)]}),
        ([1, 1, 9], {"fast_step": [("a", "b", 1)]}),
        ([4, 1, 1], {"too_short": [(None, None, 6)]}),
    ],
)
def test_one_step_that_makes_the_whole_too_long_or_short_is_told_instead(gaps, expected, cuts):
    spec = graph(*TIMED, duration={"min_ms": 12, "max_ms": 60, "support": 900})
    assert findings(spec, "abcd", gaps, cuts) == expected


def test_too_long_is_not_told_early_for_a_slow_step_alone_but_when_more_is_slow():
    spec = graph(*TIMED, duration={"min_ms": None, "max_ms": 60, "support": 900})
    assert findings(spec, "abcd", [10, 50, 5]) == {"slow_step": [("b", "c", 50)]}
    # What comes after the end makes it longer than that step explains.
    spec["states"][3]["closed"] = False
    assert findings(spec, "abcdd", [10, 70, 5, 90]) == {"too_long": [(None, None, 175)]}


transitions = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.none() | st.integers(1, 4), st.none() | st.integers(4, 8)),
    max_size=12,
)


@settings(max_examples=150)
@given(
    transitions,
    st.sets(st.sampled_from(NAMES)),
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 10)), min_size=1, max_size=90),
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 2, 5, 10]),
)
def test_long_transactions_are_judged_whole_however_they_arrive_and_are_restored(edges, closed, events, seed, evidence):
    path = "".join(name for name, _ in events)
    gaps = [gap for _, gap in events[1:]]
    spec = graph(*((one, two, low, high) for (one, two), (low, high) in edges.items()), closed=closed)
    for entry in spec["states"]:
        entry["begin"] = entry["end"] = False
    # The plain way: all transitions, one after another.
    unknown: dict[tuple[str, str], None] = {}
    slow: dict[tuple[str, str], int] = {}
    fast: dict[tuple[str, str], int] = {}
    for pair, gap in zip(pairwise(path), gaps, strict=True):
        if pair[0] in closed and pair not in edges:
            unknown[pair] = None
        low, high = edges.get(pair, (None, None))
        if high is not None and gap > high:
            slow[pair] = max(gap, slow.get(pair, 0))
        if low is not None and gap < low:
            fast[pair] = min(gap, fast.get(pair, 99))
    expected = {"wrong_order": unknown, "slow_step": slow, "fast_step": fast}
    cuts = sorted(random.Random(seed).sample(range(1, len(path)), min(3, len(path) - 1)))
    found = findings(spec, path, gaps, cuts, evidence)
    assert {kind: {(one, two): actual for one, two, actual in rows} for kind, rows in found.items()} == {
        kind: rows for kind, rows in expected.items() if rows
    }


def test_what_is_noted_of_a_million_events_stays_small():
    compiled: CompiledAutomata = model(graph(*TIMED, closed=("a", "b")))
    shard = ShardState(compiled, 2)
    raw = [(at, "s", 1 + at % 3, b"x", 0) for at in range(4_000)]
    shard.add(batch(numbered(raw), compiled.template_ids))
    shard.advance(4_000)
    (transaction,) = shard.lanes[0].open.values()
    assert len(transaction.lines) <= 4
    assert set(transaction.noted or ()) == {(0, 1)}
    assert len(shard.snapshot()) < 3_000


def test_what_was_noted_is_judged_by_the_model_in_force():
    def unordered(*more):
        spec = graph(*TIMED, *more)
        spec["states"][0]["begin"] = spec["states"][3]["end"] = False
        return model(spec)

    strict, lax = unordered(), unordered(("b", "d", None, None))
    shard = ShardState(strict, 2)
    raw = [(at, "s", template, b"x", 0) for at, template in enumerate([1, 2, 4, *[3] * 9])]
    shard.add(batch(numbered(raw), strict.template_ids))
    shard.advance(20)
    record = shard.snapshot()

    def told(compiled):
        found = ShardState.restore(record, compiled, 2).advance(FOREVER)
        return [(v["state"], v["other"]) for d in found if d["type"] == "wrong_order" for v in d["violations"]]

    assert told(strict) == [("b", "d"), ("d", "c"), ("c", "c")]
    assert told(lax) == [("d", "c"), ("c", "c")]
