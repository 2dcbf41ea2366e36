"""Duration bounds: neither absurdly wide nor tight enough to flag normal transactions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining.clock import resolution_ms
from models.mining.durations import Duration, expires_ms, learn_duration, settle_ms
from models.mining.transactions import Transactions

SPAN = 10**9
"""Of the log, ms: so long that it bounds nothing."""
MOST = 2**53 - 1
"""The schema of models allows no larger number."""


@pytest.mark.parametrize("n", [60, 100, 300, 2000])
@pytest.mark.parametrize("seed", range(5))
def test_tight_durations_show_a_fault_and_pass_what_is_normal(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    duration = learn_duration((60_000 * np.exp(rng.normal(0, 0.15, n))).astype(np.int64), SPAN)
    fresh = 60_000 * np.exp(rng.normal(0, 0.15, 3000))
    assert duration.min_ms is not None
    assert duration.max_ms is not None
    assert ((fresh < duration.min_ms) | (fresh > duration.max_ms)).mean() <= 1 / 1000
    assert duration.max_ms < 3 * 60_000
    assert duration.min_ms > 60_000 / 5


@pytest.mark.parametrize("seed", range(5))
def test_faults_in_training_do_not_widen_the_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normal = 60_000 * np.exp(rng.normal(0, 0.15, 196))
    duration = learn_duration(np.r_[normal, 400_000, 300_000, 4_000, 2_000].astype(np.int64), SPAN)
    assert duration.min_ms is not None
    assert duration.max_ms is not None
    assert duration.max_ms < 250_000
    assert duration.min_ms > 6_000


def test_heavy_tails_get_room() -> None:
    rng = np.random.default_rng(1)
    duration = learn_duration((1000 * (1 + rng.pareto(2, 5000))).astype(np.int64), SPAN)
    assert duration.max_ms is not None
    # The true bound for one in 10,000 is 1000 * 10_000 ** (1 / 2).
    assert 50_000 < duration.max_ms < 200_000


def test_constant_durations_leave_room_and_what_the_clock_cannot_tell_has_no_minimum() -> None:
    constant = learn_duration(np.full(100, 5_000), SPAN)
    assert constant.max_ms is not None
    assert constant.max_ms > 6_000
    assert learn_duration(np.repeat([0, 1_000], 50), SPAN).min_ms is None


@pytest.mark.parametrize("seed", range(3))
def test_no_maximum_lies_beyond_the_log_but_for_room(seed: int) -> None:
    # From milliseconds to days: the tail of such durations leads to millions of years.
    rng = np.random.default_rng(seed)
    log_ms = 86_400_000
    durations = np.minimum(np.exp(rng.normal(4, 9, 400)), log_ms).astype(np.int64)
    bound = learn_duration(durations, log_ms)
    assert bound.max_ms is not None
    assert durations.max() < bound.max_ms <= 1.25 * log_ms + 2
    assert learn_duration(durations, 10 * log_ms).max_ms == pytest.approx(10 * log_ms, abs=2)


@given(st.lists(st.integers(0, 2**47), min_size=20, max_size=60), st.integers(0, 2**48))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_whatever_the_durations_the_model_can_hold_the_bounds(durations: list[int], log_ms: int) -> None:
    times = np.array(durations)
    bound = learn_duration(times, log_ms)
    assert bound.max_ms is not None
    assert bound.max_ms <= MOST
    assert (bound.min_ms or 0) <= np.median(times) <= bound.max_ms <= expires_ms(bound, times) <= MOST


def test_few_transactions_have_no_bounds() -> None:
    assert learn_duration(np.full(19, 5_000), SPAN) == Duration(None, None, 19)


def test_the_resolution_is_the_coarsest_that_fits() -> None:
    assert [resolution_ms(np.array(t)) for t in ([0, 3000], [500, 1000], [20], [7, 1000])] == [1000, 100, 10, 1]


def test_stragglers_after_an_end_are_waited_for() -> None:
    late = Transactions((4, 5), np.array([0, 3]), np.array([0, 1, 0], np.int32), np.array([0, 100, 2_100]))
    assert settle_ms(late, frozenset({1})) == 4_000
    assert settle_ms(late, frozenset()) == 1_000


def test_an_end_that_is_late_is_waited_for() -> None:
    assert expires_ms(Duration(10, 50_000, 99), np.array([30_000])) == 200_000
    assert expires_ms(Duration(None, None, 0), np.array([30_000])) == 120_000
    assert expires_ms(Duration(None, None, 0), np.array([], dtype=np.int64)) == 5_000
    assert expires_ms(Duration(None, MOST, 99), np.array([30_000])) == MOST
