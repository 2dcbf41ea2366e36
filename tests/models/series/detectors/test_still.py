"""Runs of equal values count only beyond the longest that were seen."""

from __future__ import annotations

import numpy as np

from models.series.detectors import still
from models.series.detectors.columns import Columns

LEARN = np.ones(1, dtype=bool)


def judged(values):
    state = Columns(still.FIELDS, 1).arrays
    found = []
    for value in values:
        now = np.array([float(value)])
        found.append(float(still.judge_value(state, now)[0]))
        still.learn_value(state, now, LEARN)
    return found


def test_a_stuck_sensor_is_found_and_other_series_are_not():
    values = list(np.random.default_rng(1).normal(size=300)) + [1.5] * 20
    found = judged(values)
    assert max(found[:301]) == 0
    assert found[-1] == 10.0


def test_a_series_that_rests_every_night_is_no_stuck_one():
    days = np.concatenate([np.r_[np.zeros(30), np.random.default_rng(day).normal(9, 1, 70)] for day in range(9)])
    found = judged(days)
    assert max(found[200:]) <= 5.0
    assert judged([*days, *[0.0] * 140])[-1] > 6.0
