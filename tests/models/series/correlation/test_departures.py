"""Departures of pairs: found soon and told once; what both do together, and what one does for a moment, is none."""

from __future__ import annotations

import numpy as np
import pytest

from models.series.correlation.departure import ADOPT_SLOTS, PATIENCE_SLOTS
from models.series.correlation.pair import Correlation, SeriesRef
from tests.models.series.correlation.pairs_of_series import (
    DAY,
    OTHER,
    REQUESTS,
    RESPONSES,
    day,
    flow,
    judged,
    slot_of,
)

COLUMNS = {REQUESTS: 0, RESPONSES: 1, OTHER: 2}
SLOTS, AT = DAY, 1000


def traffic(seed, uneven=0.2):
    """A day, and the pair in it."""
    rng = np.random.default_rng(seed)
    return rng, flow(rng, SLOTS, uneven=uneven), Correlation(REQUESTS, RESPONSES, 1, 0.97, spread=0.18)


def told(values, pair):
    return judged([pair], COLUMNS, values)


@pytest.mark.parametrize("uneven", [0.0, 0.2, 0.5])
def test_a_broken_link_is_told_once_though_neither_series_is_odd(uneven):
    for seed in range(4):
        rng, values, pair = traffic(seed, uneven)
        broken = slice(AT, AT + 45)
        values[broken, 1] = rng.poisson(97 * day(SLOTS)[broken] * np.exp(uneven * rng.standard_normal(45)))
        begin, end = told(values, pair)
        assert (begin.stage, end.stage) == ("begin", "end")
        assert AT <= slot_of(begin.departure.begin_ms) <= AT + 6
        assert slot_of(begin.recent[-1][0]) <= AT + 10
        assert AT + 40 <= slot_of(end.departure.last_ms) <= AT + 47
        assert not end.departure.own_a
        assert end.departure.score >= 0.6


def test_a_tenth_of_the_responses_missing_is_told():
    for seed in range(4):
        rng, values, pair = traffic(seed)
        values[AT : AT + 60, 1] = rng.binomial(values[AT : AT + 60, 1].astype(int), 0.9)
        begin, end = told(values, pair)
        assert AT <= slot_of(begin.departure.begin_ms) <= AT + 20
        assert end.departure.direction == "down"


def test_normal_traffic_makes_no_alarm():
    for seed in range(8):
        for uneven in (0.0, 0.3):
            _, values, pair = traffic(seed, uneven)
            assert told(values, pair) == []


def test_a_shock_that_moves_both_is_none():
    for factor in (5.0, 0.1):
        for seed in range(4):
            rng, values, pair = traffic(seed)
            requests = rng.poisson(values[AT - 1 : AT + 30, 0] * factor)
            values[AT - 1 : AT + 30, 0] = requests
            values[AT : AT + 31, 1] = rng.binomial(requests, 0.97)
            assert told(values, pair) == []


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_a_spike_of_one_alone_is_none(slots):
    for column in (0, 1):
        for factor in (0.0, 4.0, 20.0):
            _, values, pair = traffic(1)
            values[AT : AT + slots, column] *= factor
            assert told(values, pair) == []


def test_what_one_does_alone_for_long_is_told_and_says_so():
    _, values, pair = traffic(2)
    values[AT : AT + 90, 1] = 0
    begin, end = told(values, pair)
    assert begin.departure.own_b
    assert slot_of(begin.recent[-1][0]) >= AT + PATIENCE_SLOTS - 1
    assert slot_of(begin.departure.begin_ms) in (AT, AT + 1)
    assert slot_of(end.departure.last_ms) == AT + 89
    assert not end.departure.lasting


def test_what_does_not_end_becomes_normal():
    rng, values, pair = traffic(3)
    begins = 400
    values[begins:, 1] = rng.binomial(values[begins:, 1].astype(int), 0.7)
    begin, end = told(values, pair)
    assert end.departure.lasting
    assert end.departure.slots == ADOPT_SLOTS
    assert slot_of(begin.departure.begin_ms) in range(begins, begins + 4)


def test_a_series_that_breaks_away_is_told_of_one_of_its_pairs():
    hub, leaves = SeriesRef("t-hub"), [SeriesRef(f"t-leaf{n}") for n in range(4)]
    rng = np.random.default_rng(5)
    requests = rng.poisson(100, DAY)
    values = np.column_stack([requests, *(rng.binomial(requests, 0.9) for _ in leaves)]).astype(float)
    values[900:960, 0] = rng.poisson(100, 60)
    pairs = [Correlation(hub, leaf, 0, 0.9) for leaf in leaves]
    told_of = judged(pairs, {hub: 0, **{leaf: n for n, leaf in enumerate(leaves, 1)}}, values)
    assert [one.stage for one in told_of] == ["begin", "end"]


def test_quick_incidents_one_after_another_are_told_once():
    rng, values, pair = traffic(6)
    for begin in range(AT - 60, AT + 15, 25):
        values[begin : begin + 10, 1] = rng.poisson(values[begin : begin + 10, 1] * 0.7)
    assert [one.stage for one in told(values, pair)] in (["begin", "end"], ["begin", "end"] * 2)
