"""Graphs, exclusions and times of steps, learnt from made-up processes of which a few percent are faulty."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from models.mining.automata import learn_automata
from models.mining.durations import Duration
from models.mining.exclusions import mine_excludes
from models.mining.step_times import learn_step
from models.mining.transactions import Transactions
from models.mining.transitions import mine_graph
from tests.models.mining.processes import CHOICE, FAULTS, TEMPLATES, generate, racing, scan

ANY_TIME = Duration(None, None, 0)


def transactions(*paths: str, gap_ms: int = 7) -> Transactions:
    """Transactions of one-letter states; each event ``gap_ms`` after the one before."""
    letters = sorted({letter for path in paths for letter in path})
    starts = np.r_[0, np.cumsum([len(path) for path in paths])].astype(np.int64)
    state = np.array([letters.index(letter) for path in paths for letter in path], np.int32)
    times = np.array([gap_ms * at for path in paths for at in range(len(path))], np.int64)
    return Transactions(tuple(range(len(letters))), starts, state, times)


def graph(*paths: str, crisp: bool = True):
    """{"ab": support}, and the closed states."""
    found = mine_graph(transactions(*paths), ANY_TIME, crisp)
    letters = sorted({letter for path in paths for letter in path})
    return (
        {letters[t.a] + letters[t.b]: t.support for t in found.transitions},
        "".join(letters[at] for at in sorted(found.closed)),
    )


def test_branches_loops_and_optional_states_are_transitions_with_their_support():
    found, closed = graph(*["abbbd"] * 40, *["acd"] * 60)
    assert found == {"ab": 40, "ac": 60, "bb": 40, "bd": 40, "cd": 60}
    # Nothing follows d: there is nothing to be closed.
    assert closed == "abc"


def test_a_fault_is_set_aside_where_there_is_a_gap():
    found, closed = graph(*["abcd"] * 500, "abd", "acd")
    assert found == {"ab": 501, "bc": 500, "cd": 501}
    assert closed == "abc"


def test_what_is_rare_but_not_rare_enough_for_a_fault_leaves_its_state_open():
    found, closed = graph(*["abcd"] * 490, *["abd"] * 8)
    assert closed == "ac"
    assert found["bd"] == 8


def test_a_state_seen_seldom_is_not_closed():
    _, closed = graph(*["abd"] * 300, *["acd"] * 40)
    assert closed == "ab"


def test_behind_a_rare_successor_there_may_be_rarer_ones():
    _, closed = graph(*["abde"] * 300, *["acde"] * 20)
    assert closed == "bd"


def test_without_clear_begin_and_end_transitions_are_only_shown():
    found, closed = graph(*["abcd"] * 500, crisp=False)
    assert (found, closed) == ({"ab": 500, "bc": 500, "cd": 500}, "")
    assert all(t.max_ms is None for t in mine_graph(transactions(*["abcd"] * 500), ANY_TIME, False).transitions)


def test_a_hairball_is_not_shown():
    rng = np.random.default_rng(1)
    found, closed = graph(*("".join(rng.permutation(list("abcdefgh"))) for _ in range(2000)), crisp=False)
    assert (found, closed) == ({}, "")


def test_no_transactions_have_no_graph():
    nothing = Transactions((0,), np.zeros(1, np.int64), np.array([], np.int32), np.array([], np.int64))
    assert mine_graph(nothing, ANY_TIME, True).transitions == ()


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["abd"] * 100 + ["acd"] * 100, {("b", "c")}),
        # Of a branch of several states the one that the others need.
        (["abed"] * 60 + ["abd"] * 60 + ["acd"] * 100, {("b", "c")}),
        # Both are rare enough to miss each other by chance.
        (["abd"] * 20 + ["acd"] * 20 + ["ad"] * 160, set()),
        # Once they came together.
        (["abd"] * 100 + ["acd"] * 100 + ["abcd"], set()),
    ],
)
def test_branches_of_which_one_is_taken_exclude_each_other(paths, expected):
    table = transactions(*paths)
    letters = sorted({letter for path in paths for letter in path})
    none = np.zeros((0, len(letters)), np.int32)
    assert {(letters[r.a], letters[r.b]) for r in mine_excludes(table, none)} == expected


def test_a_transaction_that_is_not_over_may_show_that_states_do_not_exclude_each_other():
    table = transactions(*["abd"] * 100, *["acd"] * 100)
    assert mine_excludes(table, np.array([[1, 1, 1, 0]], np.int32)) == []


@pytest.mark.parametrize("tick", [1, 10, 100, 1000])
@pytest.mark.parametrize("spread", [0.05, 0.3, 0.6])
def test_bounds_of_a_step_leave_normal_times_and_find_times_far_from_them(tick, spread):
    rng = np.random.default_rng(5)
    beyond = 0
    for _ in range(20):
        taken = (800 * rng.lognormal(0, spread, 1500)).astype(np.int64) // tick * tick
        # Three in a thousand are faults.
        taken[:5] *= 400
        low, high = learn_step(taken, tick)
        assert high is not None
        fresh = (800 * rng.lognormal(0, spread, 20_000)).astype(np.int64) // tick * tick
        beyond += int((fresh > high).sum()) + (0 if low is None else int((fresh < low).sum()))
        assert high < 100_000
    assert beyond <= 4  # one in 100,000


def test_a_step_whose_times_have_no_end_has_no_bound():
    rng = np.random.default_rng(3)
    taken = (50 * rng.lognormal(0, 0.1, 2000)).astype(np.int64)
    taken[:40] = rng.integers(5_000, 90_000, 40)
    assert learn_step(taken, 1)[1] is None
    assert learn_step(taken[:51], 1) == (None, None)


@pytest.mark.parametrize("seed", range(4))
def test_faults_that_only_the_graph_shows_are_found_and_nothing_else(seed):
    automata = learn_automata(generate(seed, 2000, 0.03).table(), TEMPLATES, CHOICE)
    assert len(automata) == 1
    watched = generate(seed + 100, 4000, 0.05)
    found = scan(automata, watched)
    assert found.keys() - watched.faults.keys() == set()
    outcome = Counter((kind, *sorted(found.get(number, ()))) for number, kind in watched.faults.items())
    for kind in FAULTS:
        # Who reads once more may just read too often.
        told = outcome[kind, kind] + (outcome["wrong_order", "too_many"] if kind == "wrong_order" else 0)
        assert told >= 0.9 * sum(count for key, count in outcome.items() if key[0] == kind), (kind, outcome)


@pytest.mark.parametrize("seed", range(3))
def test_with_a_clock_of_seconds_nothing_is_invented_and_most_slow_steps_are_found(seed):
    automata = learn_automata(generate(seed, 2000, 0.03, 1000).table(), TEMPLATES, CHOICE)
    watched = generate(seed + 100, 4000, 0.05, 1000)
    found = scan(automata, watched)
    assert found.keys() - watched.faults.keys() == set()
    slow = [number for number, kind in watched.faults.items() if kind == "slow_step"]
    assert sum("slow_step" in found.get(number, ()) for number in slow) >= 0.6 * len(slow)


@pytest.mark.parametrize("seed", range(4))
def test_activities_side_by_side_and_times_without_end_bring_no_false_alarms(seed):
    automata = learn_automata(generate(seed, 1500, 0.0, process=racing).table(), TEMPLATES, CHOICE)
    found = scan(automata, generate(seed + 100, 4000, 0.0, process=racing))
    assert (
        sum(bool(types & {"wrong_order", "slow_step", "fast_step", "excluded_state"}) for types in found.values()) <= 8
    )


def test_few_transactions_and_clean_ones_teach_graphs_that_hold():
    for size in (60, 200, 600):
        automata = learn_automata(generate(size, size, 0.0).table(), TEMPLATES, CHOICE)
        found = scan(automata, generate(size + 1, 4000, 0.0))
        graphical = [types & {"wrong_order", "slow_step", "fast_step", "excluded_state"} for types in found.values()]
        assert sum(map(bool, graphical)) <= 20, size


def test_the_same_log_teaches_the_same_graph():
    log = generate(9, 500, 0.03)
    once, again = (json.dumps(learn_automata(log.table(), TEMPLATES, CHOICE)) for _ in range(2))
    assert once == again
