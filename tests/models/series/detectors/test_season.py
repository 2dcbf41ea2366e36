"""Rhythms are found where there are some, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from models.series.detectors.columns import Columns
from models.series.detectors.season import DAY, FIELDS, NONE, WEEK, Season

SLOT = 1_800_000
DAY_SLOTS = 48


def learnt(values):
    """Series as columns of ``values``."""
    season = Season(SLOT)
    state = Columns({**FIELDS}, values.shape[1]).arrays
    for slot, row in enumerate(values):
        season.learn(state, np.full(len(row), slot * SLOT), row, np.ones(len(row), dtype=bool))
    return season, state


def test_day_week_and_nothing_are_told_apart():
    chance = np.random.default_rng(3)
    slot = np.arange(28 * DAY_SLOTS)
    day = 5 * np.sin(2 * np.pi * slot / DAY_SLOTS)
    week = day * np.where(slot // DAY_SLOTS % 7 < 2, 0.2, 1.0)
    wander = np.cumsum(chance.normal(0, 1, len(slot)))
    climb = slot * 0.05
    values = np.column_stack([day, week, 0 * day, wander, climb]) + chance.normal(0, 1, (len(slot), 5))
    _, state = learnt(values)
    assert state["season"].tolist() == [DAY, WEEK, NONE, NONE, NONE]


def test_the_profile_is_the_rhythm_without_its_mean():
    slot = np.arange(20 * DAY_SLOTS)
    day = 100 + 5 * np.sin(2 * np.pi * slot / DAY_SLOTS)
    season, state = learnt((day + np.random.default_rng(4).normal(0, 0.3, len(slot)))[:, None])
    told = [season.profile(state, np.array([k * SLOT]))[0] for k in range(DAY_SLOTS)]
    assert np.abs(np.array(told) - (day[:DAY_SLOTS] - 100)).max() < 0.6


@pytest.mark.parametrize("slot_ms", [60_000, 3_600_000, 7 * 86_400_000])
def test_slots_of_any_length_fit(slot_ms):
    season = Season(slot_ms)
    state = Columns({**FIELDS}, 1).arrays
    for slot in range(300):
        season.learn(state, np.array([slot * slot_ms]), np.array([1.0]), np.ones(1, dtype=bool))
        assert np.isfinite(season.profile(state, np.array([slot * slot_ms]))).all()
