"""Pairs of the suite: all are learnt, none beside them, and broken links are told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.series.suite.pairs import KINDS, LEARNT, SLOTS, PairTally, measure_pairs, pair_case


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_holds_what_it_says(kind):
    for seed in range(5):
        case = pair_case(kind, seed)
        assert case.values.shape == (SLOTS, 3)
        assert LEARNT < case.begin < case.end < SLOTS
        a, b, _ = case.values.T
        moved = np.corrcoef(a[: LEARNT - case.lag], b[case.lag : LEARNT])[0, 1]
        assert moved > 0.6
        assert np.array_equal(pair_case(kind, seed).values, case.values)


def test_shares_of_nothing_are_no_numbers():
    assert math.isnan(PairTally().recall)
    assert math.isnan(PairTally().precision)
    assert PairTally(injected=4, found=3, told=5, false_alarms=2).recall == 0.75
    assert PairTally(told=5, false_alarms=2).precision == pytest.approx(0.6)


def test_pairs_are_learnt_and_broken_links_told():
    tally = measure_pairs(range(2))
    assert (tally.pairs, tally.learnt, tally.wrong) == (10, 10, 0)
    assert tally.false_alarms == 0
    assert tally.found >= 3
