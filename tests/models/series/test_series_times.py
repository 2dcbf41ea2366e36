"""Timestamps as they stand in tables."""

from __future__ import annotations

import pytest

from models.series.times import read_time

NEW_YEAR_2024 = 1_704_067_200.0


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01 00:00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01T02:00:00+02:00",
        "2024-01-01 00:00:00.000000",
        "2024-01-01",
        "20240101",
        "1704067200",
        "1704067200.0",
        "1704067200000",
    ],
)
def test_every_way_to_write_a_time(text):
    assert read_time(text) == NEW_YEAR_2024


def test_milliseconds_that_look_like_a_date_and_a_time():
    assert read_time("1712010112345") == 1_712_010_112.345
    assert read_time("1712010112") == 1_712_010_112.0


def test_fractions_and_times_before_1970():
    assert read_time("2024-01-01 00:00:00.250") == NEW_YEAR_2024 + 0.25
    assert read_time("1969-12-31 23:59:00") == -60.0
    assert read_time("0") == 0.0


@pytest.mark.parametrize("text", ["", "now", "01/02/2024", "nan", "inf", "1e30", "2024-13-01", "24:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_time(text)
