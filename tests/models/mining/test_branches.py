"""Rare branches: what the process does seldom is allowed, what goes wrong as seldom is not."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.compiled import CompiledAutomata
from models.automata.judge import judge_passes
from models.mining.automata import learn_automata
from models.mining.bounds import CLEAN_SHARE, Bounds, allowed, learn_bounds
from models.mining.branches import Branches, allow_branches, most_by_chance
from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.transactions import EventTable

# open, three times copy, close; then the states of a rare branch: ask, send; a complaint.
NORMAL = (1, 3, 1, 0, 0, 0)
BRANCH = (1, 4, 1, 1, 1, 0)
COMPLAINT = (1, 3, 1, 0, 0, 1)
BROKEN_OFF = (1, 2, 0, 0, 0, 0)


def training(**rare: tuple[tuple[int, ...], int]) -> np.ndarray:
    """3,000 normal transactions and 40 that break off, with some rare ones."""
    rows: list[tuple[int, ...]] = [*[NORMAL] * 3000, *[BROKEN_OFF] * 40]
    for row, times in rare.values():
        rows += [row] * times
    return np.array(rows, np.int32)


def allow(counts: np.ndarray) -> tuple[Bounds, Branches]:
    cut_off = np.zeros(len(counts), np.bool_)
    before = learn_bounds(counts, cut_off)
    return before, allow_branches(before, counts, cut_off)


def test_a_rare_branch_is_allowed_with_what_it_adds() -> None:
    before, after = allow(training(branch=(BRANCH, 12)))
    assert before.high == (1, 3, 1, 0, 0, 0)
    assert after.bounds.high == (1, 4, 1, 1, 1, 0)
    assert after.bounds.low == before.low
    assert after.equal == (((3, 4), 12),)
    assert np.flatnonzero(after.passing).tolist() == list(range(3040, 3052))
    assert not after.broken.any()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (COMPLAINT, "a single message"),
        ((1, 2, 0, 1, 1, 0), "it lacks something"),
        ((1, 3, 1, 1, 0, 1), "another complaint that has come with one of its states"),
    ],
)
def test_faults_are_no_branch(row: tuple[int, ...], why: str) -> None:
    before, after = allow(training(fault=(row, 12), normal=((1, 3, 1, 1, 1, 0), 2)))
    assert after.bounds == before, why
    assert not after.passing.any()


def test_a_branch_that_often_lacks_something_is_a_fault() -> None:
    before, after = allow(training(branch=(BRANCH, 12), broken=((1, 2, 0, 1, 1, 0), 12)))
    assert after.bounds == before


def test_a_fault_on_a_branch_now_and_then_does_not_forbid_it() -> None:
    counts = training(branch=(BRANCH, 20), half=((1, 3, 1, 1, 0, 0), 1))
    before, after = allow(counts)
    assert after.bounds.high == (1, 4, 1, 1, 1, 0) != before.high
    assert np.flatnonzero(after.broken).tolist() == [len(counts) - 1]
    assert not after.passing[-1]


def test_a_branch_with_something_else_wrong_stays_a_fault() -> None:
    counts = training(branch=(BRANCH, 12), wrong=((1, 4, 2, 1, 1, 0), 6))
    _, after = allow(counts)
    assert after.bounds.high == (1, 4, 1, 1, 1, 0)
    assert not after.bounds.kept(counts)[-6:].any()


def test_as_many_as_in_a_clean_training_are_asked_for() -> None:
    enough = allowed(3000, CLEAN_SHARE)
    before, after = allow(training(branch=(BRANCH, enough)))
    assert after.bounds == before
    before, after = allow(training(branch=(BRANCH, enough + 1)))
    assert after.bounds != before


def test_small_and_clean_trainings_stay_as_they_are() -> None:
    small = np.array([NORMAL] * 400 + [BRANCH] * 12, np.int32)
    before, after = allow(small)
    assert after.bounds == before
    clean = np.array([NORMAL] * 3000 + [BRANCH] * 12, np.int32)
    before, after = allow(clean)
    assert before.clean
    assert after.bounds == before


@given(st.integers(1, 60), st.floats(0.001, 0.6))
@settings(derandomize=True, max_examples=80, deadline=None)
def test_most_by_chance_against_the_sum_of_the_distribution(n: int, share: float) -> None:
    def or_more(k: int) -> float:
        return sum(comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))

    found = most_by_chance(n, share)
    assert or_more(found) >= 0.05 - 1e-9
    assert found == n or or_more(found + 1) < 0.05 + 1e-9


def test_most_by_chance_at_the_ends() -> None:
    assert [most_by_chance(0, 0.1), most_by_chance(10, 0.0), most_by_chance(10, 1.0)] == [0, 0, 10]


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 6), max_size=6), st.integers(0, 30), st.integers(0, 99))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_bounds_only_widen_and_order_says_nothing(rows: list[tuple[int, ...]], times: int, seed: int) -> None:
    counts = training(**{str(at): (row, times) for at, row in enumerate(rows)})
    before, after = allow(counts)
    assert after.bounds.low == before.low
    assert all(b is None or (a is not None and a >= b) for b, a in zip(before.high, after.bounds.high, strict=True))
    assert (after.passing == (after.bounds.kept(counts) & ~before.kept(counts) & ~after.broken)).all()
    order = np.random.default_rng(seed).permutation(len(counts))
    _, again = allow(counts[order])
    assert again.bounds == after.bounds
    assert again.equal == after.equal
    assert (again.passing == after.passing[order]).all()


def test_the_automaton_takes_a_whole_branch_for_normal_and_half_of_one_not() -> None:
    rows = [list(row) for row in training(branch=(BRANCH, 25), complaint=(COMPLAINT, 9)).tolist()]
    np.random.default_rng(5).shuffle(rows)
    states, owners, times = [], [], []
    for number, row in enumerate(rows):
        path = [0, *[1] * min(row[1], 3), *[3] * row[3], *[4] * row[4], *[1] * max(0, row[1] - 3), *[5] * row[5]]
        path += [2] * row[2]
        states += path
        owners += [number] * len(path)
        times += [number * 10_000 + 500 * at for at in range(len(path))]
    table = EventTable(np.array(states, np.int32), np.array(owners, np.int64), np.array(times, np.int64))
    words = ["opened", "copied", "closed", "copy asked for by", "copy sent to", "failed to reach"]
    templates = [{"id": f"t-{at}", "grok": f"Job %{{INT:id}} {word}"} for at, word in enumerate(words)]
    choice = IdentifierChoice({at: Identifier("id", 0, 1.0) for at in range(6)})
    (document,) = learn_automata(table, templates, choice)
    assert {state["template"]: state["max"] for state in document["states"]} == {
        "t-0": 1, "t-1": 4, "t-2": 1, "t-3": 1, "t-4": 1, "t-5": 0
    }  # fmt: skip
    (automaton,) = CompiledAutomata({"id": "m", "version": 1, "templates": templates, "automata": [document]}).automata
    place = {state["template"]: at for at, state in enumerate(document["states"])}

    def found(row: tuple[int, ...]) -> list[str]:
        passes = {place[f"t-{at}"]: row[at] for at in (0, 1, 3, 4, 5, 2) if row[at]}
        return [finding.type for finding in judge_passes(automaton, passes, place["t-2"])]

    assert found(NORMAL) == found(BRANCH) == []
    assert found((1, 4, 1, 1, 0, 0)) == ["missing_state"]
    assert found(COMPLAINT) == ["too_many"]
    assert found(BROKEN_OFF) != []
