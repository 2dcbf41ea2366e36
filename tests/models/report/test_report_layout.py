"""Places of states and arrows in the drawing of an automaton."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.automaton_layout import BOX_WIDTH, MOST_COLUMNS, assign_layers, isotonic, lay_out, reduce_order
from tests.models.report.data import make_model, wide_model

NAMES = [f"s{k}" for k in range(7)]
RELATIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


def closure(relations):
    """All pairs that follow from the relations, by brute force."""
    known = set(relations)
    while True:
        more = {(a, d) for a, b in known for c, d in known if b == c} - known
        if not more:
            return known
        known |= more


def relations_of(automaton):
    return [(r["before"], r["after"]) for r in automaton["order"]]


@settings(derandomize=True, max_examples=100)
@given(RELATIONS)
def test_reduction_keeps_all_that_follows_and_nothing_that_can_be_left_out(relations):
    forward = [(a, b) for a, b in relations if a < b]
    kept, depth = reduce_order(NAMES, forward)
    assert closure(kept) == closure(forward)
    for pair in kept:
        assert closure([other for other in kept if other != pair]) != closure(forward)
    assert all(depth[a] < depth[b] for a, b in forward)


@settings(derandomize=True, max_examples=100)
@given(RELATIONS)
def test_cycles_are_broken(relations):
    kept, _ = reduce_order(NAMES, relations)
    assert all(a != b for a, b in closure(kept))


def test_the_more_trusted_relation_of_a_cycle_stays():
    assert reduce_order(["a", "b"], [("a", "b"), ("b", "a")])[0] == [("a", "b")]


def test_relations_of_unknown_states_are_ignored():
    assert reduce_order(["a"], [("a", "gone"), ("gone", "a")])[0] == []


def overlap(one, two, tall):
    return abs(one[0] - two[0]) < BOX_WIDTH and abs(one[1] - two[1]) < tall


def check(automaton):
    layout = lay_out(automaton["states"], relations_of(automaton), 60)
    for one, two in itertools.combinations(layout.boxes.values(), 2):
        assert not overlap(one, two, layout.box_height)
    for x, y in layout.boxes.values():
        assert x >= 0
        assert y >= 0
        assert x + BOX_WIDTH <= layout.width
        assert y + layout.box_height <= layout.height
    for edge in layout.edges:
        assert layout.layers[edge.before] < layout.layers[edge.after]
        heights = [y for _, y in edge.points]
        assert heights == sorted(heights)
        # Between its ends an arrow keeps clear of every box.
        for x, y in edge.points[1:-1]:
            for left, top in layout.boxes.values():
                assert not (left <= x <= left + BOX_WIDTH and top < y < top + layout.box_height)
    return layout


def test_states_stand_in_order_begin_on_top_and_end_at_the_bottom():
    automaton = make_model()["automata"][0]
    layout = check(automaton)
    layers = layout.layers
    assert layers["allocating_block"] == 0
    assert all(layers["deleting_block_file"] > layer for name, layer in layers.items() if name != "deleting_block_file")
    drawn = {(edge.before, edge.after) for edge in layout.edges}
    assert ("allocating_block", "receiving_block") in drawn
    assert ("allocating_block", "deleting_block_file") not in drawn


def test_forty_states_neither_overlap_nor_grow_too_wide():
    layout = check(wide_model(40)["automata"][0])
    for layer in set(layout.layers.values()):
        assert sum(1 for at in layout.layers.values() if at == layer) <= MOST_COLUMNS


@settings(derandomize=True, max_examples=100)
@given(RELATIONS, st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_any_automaton_can_be_laid_out(relations, begins, ends):
    states = [{"id": name, "begin": name in begins, "end": name in ends} for name in NAMES]
    check({"states": states, "order": [{"before": a, "after": b} for a, b in relations]})


def test_states_without_order_fill_rows():
    states = [{"id": name} for name in NAMES]
    layers = assign_layers(states, [], dict.fromkeys(NAMES, 0))
    assert sorted(layers.values()) == [0, 0, 0, 0, 1, 1, 1]


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8))
def test_isotonic_regression_equals_the_min_max_formula(values):
    # Robertson, Wright and Dykstra (1988): the fit at i is max over a<=i of min over b>=i of mean(values[a..b]).
    n = len(values)
    oracle = [
        max(min(sum(values[a : b + 1]) / (b + 1 - a) for b in range(i, n)) for a in range(i + 1)) for i in range(n)
    ]
    assert all(abs(x - y) < 1e-9 for x, y in zip(isotonic(values), oracle, strict=True))
