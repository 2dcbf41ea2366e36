"""Rarities are about the exponents of tail probabilities, whatever the distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.detectors import tails
from models.series.detectors.columns import Columns

DAY = 144.0


def learnt(draw, slots=6000):
    state = Columns(tails.fields("x"), 20).arrays
    for _ in range(slots):
        tails.learn(state, "x", draw(20), np.ones(20, dtype=bool), DAY)
    return state


@pytest.mark.parametrize("shape", ["normal", "exponential"])
def test_one_in_a_thousand_has_a_rarity_of_about_three(shape):
    chance = np.random.default_rng(1)
    draw = {
        "normal": lambda n: np.maximum(chance.standard_normal(n), 0),
        "exponential": lambda n: chance.exponential(3.0, n),
    }[shape]
    state = learnt(draw)
    exact = np.sort(draw(2_000_000))[-2000]
    found = tails.rarity(state, "x", np.full(20, exact))
    assert 2.6 < np.median(found) < 3.4


@given(st.floats(1.7, 9.9))
def test_a_rarity_leads_back_to_its_number(wanted):
    state = Columns(tails.fields("x"), 1).arrays
    assert tails.rarity(state, "x", tails.at_rarity(state, "x", wanted))[0] == pytest.approx(wanted)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_larger_numbers_are_no_less_rare(numbers):
    state = Columns(tails.fields("x"), len(numbers)).arrays
    found = tails.rarity(state, "x", np.sort(np.array(numbers)))
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= tails.HIGHEST)).all()


def test_what_goes_on_for_hours_does_not_become_the_measure():
    state = learnt(lambda n: np.abs(np.random.default_rng(2).standard_normal(n)), 3000)
    edge = state["x_edge"].copy()
    for _ in range(36):
        tails.learn(state, "x", np.full(20, 50.0), np.ones(20, dtype=bool), DAY)
    assert (state["x_edge"] < 1.2 * edge).all()


def test_rows_that_do_not_learn_stay_as_they_are():
    state = Columns(tails.fields("x"), 2).arrays
    before = {name: array[1] for name, array in state.items()}
    for _ in range(50):
        tails.learn(state, "x", np.array([9.0, 9.0]), np.array([True, False]), DAY)
    assert {name: array[1] for name, array in state.items()} == before
    assert state["x_edge"][0] > before["x_edge"]
