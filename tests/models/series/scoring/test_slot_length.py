"""The step of a series, from its first timestamps."""

from __future__ import annotations

import random

import pytest

from models.series.scoring.slot_length import FIRST_POINTS, find_slot_ms


@pytest.mark.parametrize("step", [1_000, 10_000, 60_000, 300_000, 3_600_000, 86_400_000])
@pytest.mark.parametrize("seed", range(5))
def test_a_usual_step_is_found_though_times_jitter_and_points_are_missing(step, seed):
    chance = random.Random(seed)
    slots = sorted(chance.sample(range(FIRST_POINTS + 3), FIRST_POINTS))
    times = [1_700_000_000_123 + slot * step + round(chance.uniform(-0.02, 0.02) * step) for slot in slots]
    assert find_slot_ms(times) == step


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 400, 800, 1200], 400),
        ([0, 420_000, 840_000], 420_000),
        ([0, 60_000, 60_000, 30_000, 120_000, 180_000], 60_000),
        ([5, 5, 5], 60_000),
        ([9, 8, 7], 60_000),
        ([1], 60_000),
    ],
)
def test_others(times, expected):
    assert find_slot_ms(times) == expected
