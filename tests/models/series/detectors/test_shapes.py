"""Steps and climbs are told apart, and the step is the best of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.detectors.shapes import _calm, fit


@given(st.lists(st.floats(-100, 100), min_size=8, max_size=30))
def test_the_step_is_the_best_of_all(numbers):
    values = _calm(np.array(numbers))
    rests = [float(np.sum((values - values.mean()) ** 2))]
    for at in range(3, len(values) - 2):
        before, after = values[:at], values[at:]
        rests.append(float(np.sum((before - before.mean()) ** 2) + np.sum((after - after.mean()) ** 2)))
    assert fit(np.array(numbers)).step == pytest.approx(min(rests), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_step_and_a_climb(seed):
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, 1, 96)
    at = int(chance.integers(20, 76))
    step = fit(noise + 6 * (np.arange(96) >= at))
    assert step.step < step.climb
    assert step.begin == pytest.approx(at, abs=2)
    assert step.height == pytest.approx(6, abs=1.5)
    assert step.explained > 0.6
    climb = fit(noise + 0.3 * np.maximum(np.arange(96) - 30, 0))
    assert climb.climb < 0.9 * climb.step
