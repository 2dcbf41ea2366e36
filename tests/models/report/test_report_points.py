"""Points of a plot, how they are thinned, paths through them and the axis of values."""

import math
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.curves import band_path, line_path
from models.report.points import Points, joined, read_points, thinned, with_gaps
from models.report.value_axis import tick_labels, value_range, value_text, value_ticks

VALUES = st.lists(st.one_of(st.just(math.nan), st.floats(-1e6, 1e6)), max_size=400)


def points(values, at=None):
    actual = np.array(values, dtype=np.float64)
    table = np.stack([actual, actual * 0, actual - 1, actual + 1], axis=1) if len(actual) else np.zeros((0, 4))
    return Points.of(np.arange(len(actual)) if at is None else at, table)


def test_slots_are_read_in_order_and_what_is_none_is_nothing():
    recent = [
        ["2026-01-01T00:02:00.000Z", 3, 2.5, True, "x"],
        ["2026-01-01T00:01:00.000Z", None, 2.0, 1, 3],
        "nonsense", [], ["no time", 1, 1, 1, 1],
        ["2026-01-01T00:02:00.000Z", 4, 1e301, -5],
    ]  # fmt: skip
    found = read_points(recent)
    assert found.at.tolist() == [1767225660000, 1767225720000]
    assert str(found.columns().tolist()) == "[[nan, 2.0, 1.0, 3.0], [4.0, nan, -5.0, nan]]"
    assert len(read_points(None)) == len(read_points({"a": 1})) == len(read_points("abc")) == 0


def test_joined_windows_hold_each_slot_once_and_the_later_one_holds():
    both = joined([points([1, 2, 3]), points([9, 8], at=[2, 4])])
    assert both.at.tolist() == [0, 1, 2, 4]
    assert both.actual.tolist() == [1, 2, 9, 8]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(VALUES, st.integers(4, 60), st.integers(1, 50))
def test_thinning_keeps_extremes_and_order_and_is_never_more(values, most, cut):
    whole = points(values)
    found = thinned(whole, most)
    assert len(found) <= most or len(found) == len(whole) <= most
    assert found.at.tolist() == sorted(set(found.at.tolist()))
    for at, value in zip(found.at.tolist(), found.actual.tolist(), strict=True):
        assert value == values[at] or (math.isnan(value) and math.isnan(values[at]))
    # Thinned in steps, as while it is read, nothing extreme is lost either.
    steps = thinned(joined([thinned(whole.take(range(min(cut, len(whole)))), most), whole.take(
        range(min(cut, len(whole)), len(whole)))]), most)  # fmt: skip
    known = [value for value in values if not math.isnan(value)]
    for one in (found, steps):
        kept = [value for value in one.actual.tolist() if not math.isnan(value)]
        assert (min(kept), max(kept)) == (min(known), max(known)) if known else not kept
        assert np.isnan(one.actual).any() == any(map(math.isnan, values))


@settings(derandomize=True, max_examples=150)
@given(VALUES)
def test_a_line_goes_forward_through_every_value_and_breaks_where_there_is_none(values):
    x = np.arange(len(values), dtype=np.float64)
    path = line_path(x, np.array(values, dtype=np.float64))
    expected: list[list[tuple[str, str]]] = []
    run: list[tuple[str, str]] = []
    for at, value in enumerate([*values, math.nan]):
        if math.isnan(value):
            expected += [run] if run else []
            run = []
        else:
            run.append((f"{at:.1f}", f"{value:.1f}"))
    strokes = [stroke.removesuffix("h0").split() for stroke in path.split("M")[1:]]
    assert [list(zip(stroke[::2], stroke[1::2], strict=True)) for stroke in strokes] == expected
    assert path.count("h0") == sum(len(run) == 1 for run in expected)


def test_a_band_goes_there_and_back_and_to_the_edge_where_a_bound_is_missing():
    x = np.array([0.0, 10, 20, 30, 40])
    none = math.nan
    path = band_path(x, np.array([8, 9, none, none, 7]), np.array([2, 1, none, 3, 4]), tall=100, half=5)
    assert path == "M0.0 2.0 10.0 1.0 10.0 9.0 0.0 8.0ZM30.0 3.0 40.0 4.0 40.0 7.0 30.0 100.0Z"
    alone = band_path(np.array([50.0]), np.array([9.0]), np.array([1.0]), tall=100, half=5)
    assert alone == "M45.0 1.0 55.0 1.0 55.0 9.0 45.0 9.0Z"


def test_a_missing_slot_becomes_a_gap():
    found = with_gaps(points([1, 2, 3], at=[0, 60, 300]), 60)
    assert found.at.tolist() == [0, 60, 120, 300]
    assert str(found.actual.tolist()) == "[1.0, 2.0, nan, 3.0]"
    assert "M" in line_path(found.at.astype(float), found.actual)[1:]


@settings(derandomize=True, max_examples=300)
@given(st.lists(st.floats(-1e290, 1e290), max_size=20), st.lists(st.floats(-1e290, 1e290), max_size=2))
def test_the_axis_holds_what_was_seen_and_has_few_round_ticks(values, others):
    found = points(values)
    low, high = value_range([found], others)
    assert low < high
    for value in [*values, *others]:
        assert low <= value <= high
    ticks = value_ticks(low, high)
    assert 1 <= len(ticks) <= 5
    assert ticks == sorted(ticks)
    labels = tick_labels(ticks)
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 12 for label in labels), labels


def test_bounds_far_off_do_not_press_the_series_together():
    table = [[10, 10, -1e6, 1e6], [12, 10, -1e6, 1e6]]
    low, high = value_range([Points.of([0, 1], table)])
    assert -5 < low < 10
    assert 12 < high < 20


def test_ticks_have_a_common_unit_and_as_many_decimals_as_they_need():
    assert tick_labels([0.0, 200_000.0, 400_000.0]) == ["0", "200k", "400k"]
    assert tick_labels([-0.5, 0.0, 0.5]) == ["−0.5", "0.0", "0.5"]
    assert tick_labels([1_000_000.0, 1_250_000.0]) == ["1,000k", "1,250k"]
    assert value_ticks(41.0, 59.0) == [45.0, 50.0, 55.0]
    assert [value_text(v) for v in (None, math.nan, 0.0, 12.3456, -1234.5, 2e-7)] == [
        "nothing", "nothing", "0", "12.35", "−1,234", "2e−07",
    ]  # fmt: skip
    assert re.fullmatch(r"1e\+300", value_text(1e300))
