"""Pairs are found where there is a dependence, and nowhere else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.series.correlation.fit import fit_line, learn_pairs
from models.series.correlation.pair import MOST_LAG, SeriesRef
from models.series.correlation.residuals import HALF, residuals
from models.series.correlation.search import LEAST, Found, find_pairs, forest
from tests.models.series.correlation.pairs_of_series import (
    DAY,
    MINUTE,
    OTHER,
    REQUESTS,
    RESPONSES,
    day,
    flow,
    numbers,
)

ALL = [REQUESTS, RESPONSES, OTHER]


def found(values, counts=True, slot_ms=MINUTE):
    slots = numbers(len(values))
    return find_pairs(residuals(values, slots, np.full(values.shape[1], counts), slot_ms), slots)


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_requests_and_their_responses_are_a_pair_and_others_of_the_same_day_are_none(lag):
    for seed in range(3):
        values = flow(np.random.default_rng(seed), 2 * DAY, lag=lag)
        (pair,) = learn_pairs(values, numbers(2 * DAY), ALL, MINUTE)
        assert (pair.a, pair.b, pair.lag_slots) == (REQUESTS, RESPONSES, lag)
        assert pair.slope == pytest.approx(0.97, abs=0.01)
        assert pair.correlation > 0.95
        assert pair.support == 2 * DAY - lag


def test_a_thousand_independent_series_of_the_same_day_make_no_pair():
    """Half a million pairs, eleven lags: no false one in the logs of four days."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rate = np.exp(rng.uniform(np.log(2), np.log(300), 1000)) * day(DAY)[:, None]
        assert found(rng.poisson(rate).astype(float)) == []


def test_series_whose_slots_are_alike_make_no_pair():
    """Rates that wander by themselves look alike now and then."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        wander = np.zeros((DAY, 200))
        for at in range(1, DAY):
            wander[at] = 0.95 * wander[at - 1] + 0.2 * rng.standard_normal(200)
        assert found(rng.poisson(80 * np.exp(wander) * day(DAY)[:, None]).astype(float)) == []
        assert found(wander, counts=False) == []


def test_what_the_clock_makes_is_no_dependence():
    """Both are busy at the begin of each hour, by jobs of their own."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        busy = np.where(np.arange(DAY) % 60 < 2, 5.0, 1.0)[:, None]
        assert found(rng.poisson(30 * busy * np.ones((DAY, 20))).astype(float)) == []


def test_one_outage_of_all_is_no_dependence():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        values = rng.poisson(50 * np.ones((DAY, 30))).astype(float)
        values[700:720] = 0
        values[720:725] *= 6
        assert found(values) == []


def test_what_goes_together_for_a_part_of_the_log_only_is_no_pair():
    rng = np.random.default_rng(0)
    values = flow(rng, 2 * DAY)
    values[DAY:, 1] = rng.poisson(97 * day(2 * DAY))[DAY:]
    assert learn_pairs(values, numbers(2 * DAY), ALL, MINUTE) == []


def test_metrics_that_go_against_each_other_are_a_pair():
    rng = np.random.default_rng(1)
    load = 50 + 10 * rng.standard_normal(DAY)
    idle = 100 - 0.8 * load + rng.standard_normal(DAY)
    idle[rng.random(DAY) < 0.05] = np.nan
    series = [SeriesRef("t-1", "metric", "load"), SeriesRef("t-1", "metric", "idle")]
    (pair,) = learn_pairs(np.column_stack([load, idle]), numbers(DAY), series, MINUTE)
    assert pair.slope == pytest.approx(-0.8, abs=0.02) or pair.slope == pytest.approx(-1 / 0.8, abs=0.05)
    assert pair.correlation < -0.9


def test_a_gap_is_no_neighbourhood():
    """A pair at lag 1 over two stretches; no lag reaches from one to the other."""
    values = flow(np.random.default_rng(2), DAY)
    slots = numbers(DAY).copy()
    slots[DAY // 2 :] += 1000
    (pair,) = learn_pairs(values, slots, ALL, MINUTE)
    assert pair.lag_slots == 1
    assert pair.support == DAY - 2


def test_too_little_says_nothing():
    for slots in (1, HALF, 5 * HALF, 200):
        assert learn_pairs(flow(np.random.default_rng(3), slots), numbers(slots), ALL, MINUTE) == []
    assert learn_pairs(np.zeros((DAY, 3)), numbers(DAY), ALL, MINUTE) == []


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(deadline=None, max_examples=10)
def test_pairs_are_those_that_a_slow_search_ranks_first(seed, series):
    """All pairs and lags one by one, by their correlations; the strongest of each, then a forest of them."""
    rng = np.random.default_rng(seed)
    slots = 600
    driver = rng.poisson(100, slots + 10).astype(float)
    values = np.column_stack(
        [driver[5 - lag : 5 - lag + slots] + rng.poisson(3.0 + 10 * n, slots) for n, lag in enumerate(
            rng.integers(0, 4, series).tolist())]
    )  # fmt: skip
    rest = residuals(values, numbers(slots), np.ones(series, np.bool_), MINUTE).astype(float)
    best = []
    for a, b in itertools.combinations(range(series), 2):
        ways = []
        for lag in range(MOST_LAG + 1):
            for one, other in ((a, b), (b, a)):
                r = float(rest[: slots - lag, one] @ rest[lag:, other]) / (slots - 2 * HALF)
                ways.append((abs(r), -lag, one, other))
        strength, lag, one, other = max(ways)
        if strength >= LEAST + 0.05:
            best.append((strength, one, other, -lag))
    best.sort(reverse=True)
    tree: list[tuple[int, int, int]] = []
    group = list(range(series))
    for _, one, other, lag in best:
        if group[one] != group[other]:
            tree.append((min(one, other), max(one, other), lag))
            group = [group[one] if g == group[other] else g for g in group]
    got = [(min(p.a, p.b), max(p.a, p.b), p.lag) for p in found(values) if abs(p.correlation) >= LEAST + 0.05]
    assert sorted(got) == sorted(tree)


def test_a_forest_connects_what_pairs_connect_with_the_fewest_and_strongest():
    pairs = [Found(a, b, 0, r) for a, b, r in ((0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.7), (3, 4, 0.6), (2, 4, -0.55))]
    assert [(p.a, p.b) for p in forest(pairs)] == [(0, 1), (1, 2), (3, 4), (2, 4)]


def test_a_line_is_not_moved_by_outliers():
    rng = np.random.default_rng(4)
    a = rng.uniform(10, 100, 1000)
    b = 5 + 2 * a + rng.standard_normal(1000)
    b[:100] = 5000
    slope, intercept, spread = fit_line(a, b, counts=False, through_zero=False)
    assert slope == pytest.approx(2, abs=0.01)
    assert intercept == pytest.approx(5, abs=0.5)
    assert spread == pytest.approx(1, abs=0.2)
