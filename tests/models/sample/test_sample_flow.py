"""The limits of the sample's workflows are those that their runs show: none is missed, none holds by chance."""

from collections import Counter
from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sample.flow import Either, Loop, Maybe, Parallel, Seq, Step, counts, draw, orders
from models.sample.injection import INJECTABLE, Course, inject
from models.sample.shop import WORKFLOWS

RUNS = 3000


@st.composite
def flows(draw_value):
    """Small flows in which each state stands once."""
    names = iter("abcdefghijklmnopqrstuvwxyz")

    def make(depth):
        kind = draw_value(
            st.sampled_from(["step", "seq", "either", "maybe", "parallel", "loop"] if depth else ["step"])
        )
        low = draw_value(st.integers(1, 2))
        if kind == "step":
            return Step(next(names), low, draw_value(st.integers(low, 3)))
        if kind == "seq":
            return Seq((make(depth - 1), make(depth - 1)))
        if kind == "either":
            return Either(make(depth - 1), make(depth - 1))
        if kind == "parallel":
            return Parallel(make(depth - 1), make(depth - 1))
        return Maybe(make(depth - 1)) if kind == "maybe" else Loop(make(depth - 1), low, 2)

    return make(2)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(flow=flows(), seed=st.integers(0, 1000))
def test_every_run_of_any_flow_keeps_its_counts_and_orders(flow, seed):
    uniform = Random(seed).random
    for _ in range(20):
        states = draw(flow, uniform)
        for state, (low, high) in counts(flow).items():
            assert low <= states.count(state) <= high
        for a, b in orders(flow):
            assert a not in states or b not in states or states.index(a) < states.index(b)
        assert set(states) <= set(counts(flow))


def test_every_interleaving_of_parallel_parts_is_equally_likely():
    uniform = Random(1).random
    flow = Parallel(Seq((Step("a"), Step("b"))), Seq((Step("x"), Step("y"))))
    seen = Counter("".join(draw(flow, uniform)) for _ in range(6000))
    assert set(seen) == {"abxy", "axby", "axyb", "xaby", "xayb", "xyab"}
    assert min(seen.values()) > 850


@pytest.fixture(scope="module", params=WORKFLOWS, ids=lambda w: w.name)
def workflow(request):
    return request.param


@pytest.fixture(scope="module")
def runs(workflow):
    rng = Random(7)
    return [workflow.draw_states(rng) for _ in range(RUNS)]


def test_workflow_is_as_rich_as_a_learner_should_cope_with(workflow):
    assert 5 <= len(workflow.states) <= 9
    assert {s.name for s in workflow.states} == set(workflow.counts)
    assert workflow.single
    assert workflow.swappable
    assert workflow.often
    assert workflow.multipliable


def test_runs_begin_and_end_as_specified(workflow, runs):
    assert {run[0] for run in runs} == workflow.begin
    assert {run[-1] for run in runs} == workflow.end
    assert not any(set(run[1:]) & workflow.begin or set(run[:-1]) & workflow.end for run in runs)


def test_each_count_within_the_limits_is_common(workflow, runs):
    for state, (low, high) in workflow.counts.items():
        seen = Counter(run.count(state) for run in runs)
        assert set(seen) == set(range(low, high + 1))
        assert min(seen.values()) > 0.15 * RUNS


def test_orders_are_those_of_the_specification_and_others_vary_widely(workflow, runs):
    for a, b in permutations(workflow.counts, 2):
        both = [run.index(a) < run.index(b) for run in runs if a in run and b in run]
        if (a, b) in workflow.orders:
            assert all(both)
        elif (b, a) not in workflow.orders and both:
            assert 0.12 < sum(both) / len(both) < 0.88


def test_requirements_and_equalities_are_those_of_the_specification(workflow, runs):
    for a, b in permutations(workflow.counts, 2):
        if workflow.counts[b][0] == 0:
            lacking = [b not in run for run in runs if a in run]
            if (a, b) in workflow.requires:
                assert not any(lacking)
            else:
                assert sum(lacking) > 0.12 * len(lacking)
        unequal = sum(run.count(a) != run.count(b) for run in runs)
        fixed = workflow.counts[a] == workflow.counts[b] and len(set(workflow.counts[a])) == 1
        if {(a, b), (b, a)} & workflow.equal or fixed:
            assert unequal == 0
        else:
            assert unequal > 0.12 * RUNS


def test_durations_keep_their_limits_and_fill_them(workflow):
    rng = Random(3)
    durations = sorted(workflow.draw_duration(rng) for _ in range(RUNS))
    assert workflow.min_ms <= durations[0] < 1.15 * workflow.min_ms
    assert 0.85 * workflow.max_ms < durations[-1] <= workflow.max_ms
    assert 0.97 < durations[RUNS // 2] / workflow.median_ms < 1.03


@pytest.mark.parametrize("kind", INJECTABLE)
def test_injection_changes_states_or_duration_but_not_both(workflow, kind):
    rng = Random(11)
    for _ in range(50):
        before = Course(workflow.draw_states(rng), workflow.draw_duration(rng))
        after = Course(list(before.states), before.duration_ms)
        inject(kind, after, workflow, rng, (3.0, 6.0))
        assert (after.states != before.states) != (after.duration_ms != before.duration_ms)
        assert 0 <= after.shows_at < len(after.states)
        assert after.note


def test_unknown_injection_is_refused(workflow):
    with pytest.raises(ValueError, match="choose from missing_begin"):
        inject("unmatched_log", Course(["a"], 1), workflow, Random(1), (3.0, 6.0))


def test_swap_leaves_every_state_as_often_and_the_edges_in_place(workflow):
    rng = Random(12)
    for _ in range(50):
        before = workflow.draw_states(rng)
        course = Course(list(before), 1000)
        inject("wrong_order", course, workflow, rng, (3.0, 6.0))
        assert sorted(course.states) == sorted(before)
        assert (course.states[0], course.states[-1]) == (before[0], before[-1])
        assert sum(a != b for a, b in zip(course.states, before, strict=True)) == 2


def test_workflow_names_and_state_names_are_unique():
    assert len({w.name for w in WORKFLOWS}) == len(WORKFLOWS) >= 4
    texts = sorted(s.text for w in WORKFLOWS for s in w.states)
    assert all(a != b for a, b in pairwise(texts))
    assert sum(w.share for w in WORKFLOWS) == pytest.approx(1.0)
