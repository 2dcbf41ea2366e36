"""What is normal in a finished transaction, and what is not."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.judge import Finding, Violation, judge, judge_passes
from models.automata.severity import score, worst
from models.automata.transaction import Keeping, Transaction
from tests.models.automata.workload import automaton, flow, model, state


def record(path: list[int], times: list[int] | None = None, ends: frozenset[int] = frozenset()) -> Transaction:
    transaction = Transaction(0, Keeping(10))
    for position, at in enumerate(path):
        when = times[position] if times else position
        transaction.record((when, at, b"x", when, position + 1, "a", b""), at)
    transaction.ended = not ends.isdisjoint(path)
    return transaction


def found(spec: dict, names: str, times: list[int] | None = None) -> dict[str, list[tuple]]:
    """{type: [(state, other, actual), …]} for a path of state names."""
    (compiled,) = model(spec).automata
    ids = [s.id for s in compiled.states]
    transaction = record([ids.index(name) for name in names.split()], times, compiled.ends)

    def name(at):
        return None if at is None else ids[at]

    return {
        finding.type: [(name(v.state), name(v.other), v.actual) for v in finding.violations]
        for finding in judge(compiled, transaction)
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("open work close", {}),
        ("open work work check close", {}),
        ("work close", {"missing_begin": [("open", None, 0)]}),
        ("open work", {"missing_end": [("close", None, 0)]}),
        ("open close check", {"missing_state": [("work", None, 0)], "wrong_order": [("check", "close", None)]}),
        ("open work work work close", {"too_many": [("work", None, 3)]}),
        ("work open close", {"wrong_order": [("open", "work", None)]}),
        ("open check work close", {"wrong_order": [("work", "check", None)]}),
        ("open work close close", {"too_many": [("close", None, 2)]}),
    ],
)
def test_paths_break_what_they_should(path, expected):
    assert found(flow(), path) == expected


def test_too_few_counts_below_the_minimum_but_not_zero():
    spec = automaton("a", [state("open", begin=True), state("copy", 3, 3), state("close", end=True)])
    assert found(spec, "open copy copy close") == {"too_few": [("copy", None, 2)]}
    assert found(spec, "open close") == {"missing_state": [("copy", None, 0)]}


def test_a_state_that_should_never_occur_is_too_many():
    spec = automaton("a", [state("go"), state("crash", 0, 0)])
    assert found(spec, "go crash") == {"too_many": [("crash", None, 1)]}


def test_that_a_state_never_occurs_is_learnt_from_all_transactions():
    crash = {**state("crash", 0, 0), "support": 3}
    take = {**state("take", 0, 1), "support": 40}
    (compiled,) = model(automaton("a", [state("go"), crash, take])).automata
    (finding,) = judge(compiled, record([0, 1, 2, 2]))
    assert [(v.state, v.support) for v in finding.violations] == [(1, compiled.support), (2, 40)]


def test_what_every_transaction_has_is_missed_more_than_what_comes_with_another():
    needed = Violation(0, None, 0, 1, 1, "occurrences", 500)
    related = Violation(1, 2, 0, 1, 1, "occurrences", 500)
    assert score(Finding("missing_state", (related,))) < score(Finding("missing_state", (needed,)))
    assert worst(Finding("missing_state", (related, needed))) == needed
    assert score(Finding("missing_state", (related,))) > score(Finding("wrong_order", (related,)))


def test_the_smaller_side_of_an_equal_relation_is_too_few_or_missing():
    spec = automaton(
        "a", [state("go"), state("take", 0, 5), state("give", 0, 5)], equal=[{"states": ["take", "give"], "support": 9}]
    )
    assert found(spec, "go take give give") == {"too_few": [("take", "give", 1)]}
    assert found(spec, "go give give") == {"missing_state": [("take", "give", 0)]}
    assert found(spec, "go take give") == {}


def test_what_already_breaks_its_own_bounds_is_not_told_again_by_a_relation():
    states = [state("go"), state("take", 1, 3), state("give", 1, 3)]
    relations = {
        "equal": [{"states": ["take", "give"], "support": 9}],
        "requires": [{"if": "go", "then": "take", "support": 9}],
    }
    spec = automaton("a", states, **relations)
    assert found(spec, "go give") == {"missing_state": [("take", None, 0)]}
    assert found(spec, "go take give give give give") == {"too_many": [("give", None, 4)]}


def test_a_relation_does_not_tell_a_missing_end_twice():
    spec = automaton(
        "a",
        [state("open", begin=True), state("close", end=True)],
        requires=[{"if": "open", "then": "close", "support": 9}],
        equal=[{"states": ["open", "close"], "support": 9}],
    )
    assert found(spec, "open") == {"missing_end": [("close", None, 0)]}


def test_a_required_state_that_is_absent_is_missing():
    assert found(flow(), "open check close")["missing_state"] == [("work", None, 0)]
    spec = automaton("a", [state("a"), state("b", 0, 1)], requires=[{"if": "a", "then": "b", "support": 9}])
    assert found(spec, "a") == {"missing_state": [("b", "a", 0)]}


def test_a_needed_begin_is_a_missing_state_when_another_one_began():
    spec = automaton("a", [state("open", begin=True), state("start", begin=True), state("close", end=True)])
    assert found(spec, "start close") == {"missing_state": [("open", None, 0)]}
    assert found(spec, "close") == {"missing_begin": [("open", None, 0), ("start", None, 0)]}


def test_durations_within_their_bounds_are_normal_and_beyond_are_not():
    assert found(flow(), "open work close", [0, 1, 2]) == {}
    assert found(flow(), "open work close", [0, 1, 8]) == {}
    assert found(flow(), "open work close", [0, 1, 1]) == {"too_short": [(None, None, 1)]}
    assert found(flow(), "open work close", [0, 1, 9]) == {"too_long": [(None, None, 9)]}


def test_a_clock_that_jumps_back_gives_a_duration_of_zero():
    assert found(flow(), "open work close", [1000, 5, 3]) == {"too_short": [(None, None, 0)]}


def test_a_transaction_without_begin_or_end_is_not_too_short_and_without_end_not_too_long():
    assert "too_short" not in found(flow(), "work close", [0, 1])
    assert found(flow(), "open work", [0, 1]) == {"missing_end": [("close", None, 0)]}
    assert found(flow(), "open work", [0, 100]) == {"missing_end": [("close", None, 0)]}
    assert "too_long" in found(flow(), "work close", [0, 100])


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_each_type_is_found_exactly_when_the_plain_rules_say_so(path):
    (compiled,) = model(flow()).automata
    counts = Counter(path)
    begun, ended = 0 in path, 3 in path
    expected = set()
    if not begun:
        expected.add("missing_begin")
    if not ended:
        expected.add("missing_end")
    if 1 not in path:
        expected.add("missing_state")
    if any(counts[at] > high for at, high in enumerate([1, 2, 1, 1])):
        expected.add("too_many")
    if (begun and path[0] != 0) or (ended and path[-1] != 3):
        expected.add("wrong_order")
    if 1 in path and 2 in path and path.index(2) < path.index(1):
        expected.add("wrong_order")
    order = dict(Counter(path))
    findings = judge_passes(compiled, order, path[-1])
    assert {f.type for f in findings} == expected
    assert len(findings) == len(expected)


def test_verdicts_of_paths_that_differ_in_their_last_state_alone_are_kept_apart():
    (compiled,) = model(flow(duration={})).automata
    assert judge(compiled, record([0, 1, 1, 3], ends=compiled.ends)) == ()
    assert [f.type for f in judge(compiled, record([0, 1, 3, 1], ends=compiled.ends))] == ["wrong_order"]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_a_remembered_verdict_equals_a_fresh_one(path):
    (compiled,) = model(flow()).automata
    transaction = record(path, ends=compiled.ends)
    assert judge(compiled, transaction) == judge(compiled, transaction)
    compiled.verdicts.clear()
    assert judge_passes(compiled, transaction.counts, path[-1]) == tuple(
        f for f in judge(compiled, transaction) if f.type not in ("too_short", "too_long")
    )
