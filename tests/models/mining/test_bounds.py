"""Count bounds: Wilson's formula, cliffs, tails, and their steadiness against faults."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining.bounds import (
    CLEAN_SHARE,
    DIRTY_SHARE,
    Bounds,
    allowed,
    learn_bounds,
    looks_clean,
    lower_bound,
    upper_bound,
    wilson_upper,
)


def counts_of(histogram: dict[int, int]) -> np.ndarray:
    return np.repeat(np.array(list(histogram)), np.array(list(histogram.values()))).astype(np.int32)


def naive_wilson(hits: int, n: int) -> float:
    """The share p > hits / n at which hits is 1.645 standard deviations below n p, by bisection."""
    low, high = hits / n, 1.0
    for _ in range(80):
        p = (low + high) / 2
        low, high = (p, high) if n * p - hits < 1.6448536269514722 * (n * p * (1 - p)) ** 0.5 else (low, p)
    return low


@given(st.integers(1, 5000), st.floats(0, 1))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_wilson_upper_solves_the_equation_it_stands_for(n: int, share: float) -> None:
    hits = int(share * (n - 1))
    assert wilson_upper(hits, n) == pytest.approx(naive_wilson(hits, n), abs=1e-9)


@given(st.integers(900, 20_000))
@settings(derandomize=True, max_examples=30, deadline=None)
def test_allowed_is_the_most_that_wilson_lets_pass(n: int) -> None:
    most = allowed(n, CLEAN_SHARE)
    assert wilson_upper(most + 1, n) >= CLEAN_SHARE
    assert most < 0 or wilson_upper(most, n) < CLEAN_SHARE


def test_too_few_transactions_bound_nothing() -> None:
    assert allowed(19, DIRTY_SHARE) == -1
    assert allowed(20, DIRTY_SHARE) == 0
    assert upper_bound(counts_of({1: 19}), DIRTY_SHARE) is None
    assert lower_bound(counts_of({1: 19}), DIRTY_SHARE) == 0


@pytest.mark.parametrize("n", [60, 100, 400, 5000])
def test_faults_of_one_percent_do_not_move_the_bounds(n: int) -> None:
    third, faults = n // 3, max(1, n // 100)
    counts = counts_of({0: faults, 3: third, 4: third, 5: third, 12: faults})
    assert upper_bound(counts, DIRTY_SHARE) == 5
    assert lower_bound(counts, DIRTY_SHARE) == 3


def test_a_state_that_hardly_ever_occurs_may_not_occur() -> None:
    assert upper_bound(counts_of({0: 990, 1: 8, 4: 2}), DIRTY_SHARE) == 0


def test_an_optional_state_keeps_its_bound_of_one() -> None:
    assert upper_bound(counts_of({0: 700, 1: 300}), DIRTY_SHARE) == 1
    assert lower_bound(counts_of({0: 300, 1: 700}), DIRTY_SHARE) == 0


def test_counts_that_fade_out_are_extrapolated() -> None:
    rng = np.random.default_rng(7)
    bound = upper_bound((rng.geometric(0.6, 2000) - 1).astype(np.int32), DIRTY_SHARE)
    assert bound is not None
    beyond = 0.4 ** (bound + 1)
    assert 1e-6 < beyond < 1e-3


def test_a_count_that_takes_many_values_has_room_beyond_its_cliff() -> None:
    many = {count: 300 // (count + 1) for count in range(13)}
    assert upper_bound(counts_of({**many, 12: 150}), DIRTY_SHARE) == 12 + 3
    mirrored = {20 - count: times for count, times in {**many, 12: 150}.items()}
    assert lower_bound(counts_of(mirrored), DIRTY_SHARE) == 20 - 12 - 3
    # A cliff after a few values is what the process does.
    assert upper_bound(counts_of({0: 300, 1: 150, 2: 100, 3: 75, 4: 60, 5: 150}), DIRTY_SHARE) == 5


def test_a_few_wild_counts_do_not_stretch_a_fading_tail() -> None:
    rng = np.random.default_rng(7)
    normal = (rng.geometric(0.6, 2000) - 1).astype(np.int32)
    wild = np.r_[normal, rng.integers(40, 90, 10)].astype(np.int32)
    bound = upper_bound(wild, DIRTY_SHARE)
    assert bound is not None
    assert bound < 20


def test_training_looks_clean_only_if_enough_transactions_say_so() -> None:
    assert looks_clean(np.ones((1000, 3), dtype=np.int32))
    assert not looks_clean(np.ones((800, 3), dtype=np.int32))
    faulty = np.ones((1000, 3), dtype=np.int32)
    faulty[:10, 1] = 0
    assert not looks_clean(faulty)


@given(st.data(), st.integers(1, 4))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_unfinished_transactions_keep_to_upper_bounds_only(data: st.DataObject, width: int) -> None:
    rows = data.draw(st.lists(st.lists(st.integers(0, 4), min_size=width, max_size=width), min_size=1, max_size=8))
    low = data.draw(st.lists(st.integers(0, 2), min_size=width, max_size=width))
    high = data.draw(st.lists(st.none() | st.integers(1, 3), min_size=width, max_size=width))
    unfinished = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    bounds = Bounds(tuple(low), tuple(high), DIRTY_SHARE, False)
    expected = [
        all((late or c >= a) and (b is None or c <= b) for c, a, b in zip(row, low, high, strict=True))
        for row, late in zip(rows, unfinished, strict=True)
    ]
    counts = np.array(rows, np.int32)
    assert bounds.kept(counts, np.array(unfinished)).tolist() == expected
    assert (bounds.kept(counts) <= bounds.kept(counts, np.array(unfinished))).all()


def test_bounds_together_keep_nearly_all_transactions() -> None:
    # Twenty states, each left out by 4 % of the transactions: no single bound may cost that much.
    rng = np.random.default_rng(3)
    counts = (rng.random((3000, 20)) > 0.04).astype(np.int32)
    assert learn_bounds(counts).kept(counts).mean() >= 0.9


def test_cut_off_transactions_say_nothing_about_lower_bounds() -> None:
    counts = np.ones((100, 2), dtype=np.int32)
    lacking = np.arange(100) < 20
    counts[lacking, 1] = 0
    assert learn_bounds(counts).low == (1, 0)
    assert learn_bounds(counts, lacking).low == (1, 1)
