"""Forecasts are causal, robust, and as wide as they have been wrong."""

from __future__ import annotations

import math
import random
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from models.series.forecast import DAILY_VALUES, LEAST_ERRORS, LEVEL_ROWS, Forecast

STEP = 900.0


def run(values, step=STEP):
    forecast = Forecast()
    told = []
    for i, value in enumerate(values):
        told.append(forecast.expect(i * step))
        forecast.learn(i * step, value)
    return told, forecast


def test_nothing_is_expected_of_the_first_row_and_no_bounds_of_the_next():
    told, _ = run([3.0] * (LEAST_ERRORS + 2))
    assert told[0] == (None, None, None)
    assert told[1] == (3.0, None, None)
    assert told[LEAST_ERRORS + 1] == (3.0, 3.0, 3.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEVEL_ROWS, max_size=90))
def test_within_the_first_day_it_is_the_median_of_the_last_rows(values):
    told, _ = run([*values, 0.0])
    assert told[-1][0] == median(values[-LEVEL_ROWS:])


def test_a_daily_pattern_is_learnt_and_one_outlier_does_not_move_it():
    day = [100.0 if 32 <= quarter < 64 else 10.0 for quarter in range(96)]
    values = day * 6
    values[3 * 96 + 40] = 1e9
    told, _ = run(values)
    assert [expected for expected, _, _ in told[5 * 96 :]] == day


def test_the_bounds_hold_nearly_all_rows_of_noise():
    chance = random.Random(7)
    values = [chance.gauss(50.0, 5.0) for _ in range(3000)]
    told, _ = run(values)
    inside = [low <= value <= high for value, (_, low, high) in zip(values, told, strict=True) if low is not None]
    assert 0.955 <= sum(inside) / len(inside) <= 0.99


def test_each_bound_is_as_far_off_as_errors_on_its_side_are():
    """Nine rows of ten are 0, the tenth is 100: nothing lies below what is expected."""
    told, _ = run([100.0 if i % 10 == 9 else 0.0 for i in range(400)])
    assert told[-1] == (0.0, 0.0, 100.0)


def test_without_times_there_is_the_level():
    forecast = Forecast()
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        forecast.expect(None)
        forecast.learn(None, value)
    assert forecast.expect(None)[0] == 3.0


@given(st.lists(st.floats(-1e3, 1e3), max_size=250), st.lists(st.floats(-1e3, 1e3), max_size=60))
def test_a_restored_forecast_goes_on_as_before(first, second):
    _, forecast = run(first, step=7000.0)
    restored = Forecast.from_columns(forecast.to_columns())
    for i, value in enumerate(second):
        time = (len(first) + i) * 7000.0
        assert forecast.expect(time) == restored.expect(time)
        forecast.learn(time, value)
        restored.learn(time, value)


def test_what_is_remembered_is_bounded():
    _, forecast = run([math.sin(i) for i in range(96 * (DAILY_VALUES + 3))])
    size = sum(map(len, forecast.to_columns()))
    for i in range(500):
        forecast.expect(i * STEP)
        forecast.learn(i * STEP, 1.0)
    assert sum(map(len, forecast.to_columns())) == size
