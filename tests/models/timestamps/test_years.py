from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.timestamps import MISSING, TimestampSettings, YearCarry, unwrap_years, year_offsets
from tests.models.timestamps.oracles import UTC, epoch_ms, read_lines, render

DAY = 86_400_000
SYSLOG = TimestampSettings(("MMM d HH:mm:ss",), year=2023)


def slow_years(days: list[float]) -> list[int]:
    """The rule, one line after the other."""
    result, year = [], 0
    for i, day in enumerate(days):
        rise = day - days[i - 1] if i else 0
        if rise < -180:
            year += 1
        elif (rise > 180 and year > 0) or (rise > 335 and year == 0):
            year -= 1
        result.append(year)
    return result


def unwrapped(lines: list[str], found: TimestampSettings = SYSLOG) -> list[str]:
    column = read_lines(found, [line.encode() for line in lines])
    ms, _ = unwrap_years(column, found, YearCarry())
    return ["-" if t == MISSING else str(np.datetime64(t, "ms"))[:19] for t in ms.tolist()]


@settings(max_examples=80, derandomize=True, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 5, 40, 100, 185, 200, 240, 300, 340, 360, 365]), max_size=25),
    st.lists(st.integers(0, 25), max_size=4),
)
def test_years_do_not_depend_on_how_the_stream_is_cut(days: list[int], cuts: list[int]) -> None:
    values = np.array(days, dtype=np.int64) * DAY
    carry, parts = YearCarry(), []
    edges = [0, *sorted(min(cut, len(days)) for cut in cuts), len(days)]
    for low, high in itertools.pairwise(edges):
        offsets, carry = year_offsets(values[low:high], carry)
        parts += offsets.tolist()
    assert parts == slow_years([float(day) for day in days])
    assert carry == year_offsets(values, YearCarry())[1]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.integers(0, 364 * 86_400),
    st.lists(st.integers(0, 170 * 86_400), min_size=1, max_size=20),
)
def test_a_log_with_gaps_under_180_days_keeps_its_years(start: int, gaps: list[int]) -> None:
    moments = [dt.datetime(2023, 1, 1, tzinfo=UTC) + dt.timedelta(seconds=start)]
    for gap in gaps:
        moments.append(moments[-1] + dt.timedelta(seconds=gap))
    column = read_lines(SYSLOG, [render("MMM d HH:mm:ss", moment).encode() for moment in moments])
    ms, _ = unwrap_years(column, SYSLOG, YearCarry())
    assert ms.tolist() == [epoch_ms(moment) for moment in moments]


def test_new_year_begins_the_next_year_and_a_late_line_belongs_to_the_old_one() -> None:
    lines = ["Dec 31 23:59:59", "Jan  1 00:00:01", "Dec 31 23:59:58", "  at foo", "Jan  1 00:00:02", "Feb 29 00:00:00"]
    assert unwrapped(lines) == [
        "2023-12-31T23:59:59",
        "2024-01-01T00:00:01",
        "2023-12-31T23:59:58",
        "-",
        "2024-01-01T00:00:02",
        "2024-02-29T00:00:00",
    ]


def test_a_late_line_of_the_old_year_at_the_very_beginning_does_not_shift_the_rest() -> None:
    assert unwrapped(["Jan  1 00:00:01", "Dec 31 23:59:58", "Jan  1 00:00:02"]) == [
        "2023-01-01T00:00:01",
        "2022-12-31T23:59:58",
        "2023-01-01T00:00:02",
    ]


def test_a_long_gap_in_the_first_year_stays_in_it() -> None:
    assert unwrapped(["Jan  5 00:00:00", "Aug  1 00:00:00"]) == ["2023-01-05T00:00:00", "2023-08-01T00:00:00"]


def test_a_clock_that_starts_at_new_year_and_is_set_again_does_not_change_the_year() -> None:
    lines = ["Aug  5 00:00:00", "Jan  1 00:00:00", "Aug  5 00:00:10"]
    assert unwrapped(lines)[2] == "2023-08-05T00:00:10"


def test_29_february_in_a_year_without_it_is_1_march() -> None:
    assert unwrapped(["Feb 29 12:00:00", "Feb 30 12:00:00"]) == ["2023-03-01T12:00:00", "-"]


def test_the_next_year_has_its_own_offset_and_a_told_zone_stays() -> None:
    local = TimestampSettings(("MMM d HH:mm:ss",), "Europe/Berlin", 1979)  # no summer time before 1980
    assert unwrapped(["Jul  1 12:00:00", "Dec 31 12:00:00", "Jul  1 12:00:00"], local) == [
        "1979-07-01T11:00:00",
        "1979-12-31T11:00:00",
        "1980-07-01T10:00:00",
    ]
    told = TimestampSettings(("MMM d HH:mm:ss z",), "Europe/Berlin", 2023)
    assert unwrapped(["Dec 31 12:00:00 EST", "Jan  1 12:00:00 UTC"], told) == [
        "2023-12-31T17:00:00",
        "2024-01-01T12:00:00",
    ]


def test_formats_with_a_year_are_left_alone_between_those_without() -> None:
    mixed = TimestampSettings(("MMM d HH:mm:ss", "yyyy-MM-dd HH:mm:ss"), year=2023)
    assert unwrapped(["Dec 31 12:00:00", "2020-06-01 00:00:00", "Jan  1 12:00:00"], mixed) == [
        "2023-12-31T12:00:00",
        "2020-06-01T00:00:00",
        "2024-01-01T12:00:00",
    ]
    dated = TimestampSettings(("yyyy-MM-dd HH:mm:ss",))
    assert unwrapped(["2020-06-01 00:00:00", "2019-06-01 00:00:00"], dated)[1] == "2019-06-01T00:00:00"
