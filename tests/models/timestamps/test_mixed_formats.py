"""Several formats in one source, and what finding them costs once they are known."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest

from models.timestamps import KNOWN_FORMATS, TimestampReader, YearCarry, detect, unwrap_years
from models.timestamps.patterns import Pattern
from tests.models.timestamps.oracles import UTC, epoch_ms, read_lines, render

COUNT = 120
START = dt.datetime(2021, 5, 27, 22, 4, 5, tzinfo=UTC)
MOMENTS = [START + dt.timedelta(seconds=400 * i) for i in range(COUNT)]
MIXABLE = [
    "yyyy-MM-dd HH:mm:ss,SSS",
    "yyyyMMdd-HHmmss",
    "dd/MMM/yyyy:HH:mm:ss Z",
    "EEE MMM d HH:mm:ss yyyy",
    "MMM d HH:mm:ss",
    "yyMMdd HHmmss",
    "dd.MM.yyyy HH:mm:ss",
    "UNIX",
]


def times(found, lines):
    return unwrap_years(read_lines(found, lines), found, YearCarry())[0].tolist()


def line(pattern, moment, i, before=""):
    return f"{before}{render(pattern, moment)} user {i} logged in".encode()


def test_more_than_thirty_formats_are_known():
    assert len(set(KNOWN_FORMATS)) > 120


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(MIXABLE, 2)))
def test_two_formats_that_take_turns_are_both_read(one, two):
    lines = [line((one, two)[i % 2], moment, i) for i, moment in enumerate(MOMENTS)]
    assert times(detect(lines, "UTC", default_year=2021), lines) == [epoch_ms(moment) for moment in MOMENTS]


@pytest.mark.parametrize("three", list(itertools.combinations(MIXABLE, 3))[::7])
def test_three_formats_one_after_the_other_are_all_read(three):
    lines = [line(three[i * 3 // COUNT], moment, i) for i, moment in enumerate(MOMENTS)]
    found = detect(lines, "UTC", default_year=2021)
    assert times(found, lines) == [epoch_ms(moment) for moment in MOMENTS]
    assert set(found.formats) == set(three)


@pytest.mark.parametrize("before", ["INFO ", "[warn] ", "<134>", "host1 app[12]: ", "E/"])
@pytest.mark.parametrize("pattern", MIXABLE)
def test_the_level_and_more_may_stand_before_it(before, pattern):
    lines = [line(pattern, moment, i, before) for i, moment in enumerate(MOMENTS)]
    assert times(detect(lines, "UTC", default_year=2021), lines) == [epoch_ms(moment) for moment in MOMENTS]


def test_a_missing_year_goes_on_over_new_year():
    moments = [dt.datetime(2020, 12, 30, tzinfo=UTC) + dt.timedelta(hours=i) for i in range(100)]
    lines = [line("MMM d HH:mm:ss", moment, i) for i, moment in enumerate(moments)]
    found = detect(lines, "UTC", default_year=2020)
    assert times(found, lines) == [epoch_ms(moment) for moment in moments]


def test_a_missing_zone_is_that_of_the_settings_in_summer_and_in_winter():
    lines = [b"2021-03-28 01:59:59 a", b"2021-03-28 03:00:00 b", b"2021-07-01 12:00:00 c", b"2021-12-01 12:00:00 d"] * 3
    read = times(detect(lines, "Europe/Berlin"), lines)[:4]
    assert [dt.datetime.fromtimestamp(ms / 1000, UTC).hour for ms in read] == [0, 1, 10, 11]


def test_known_formats_are_read_without_any_search(monkeypatch):
    lines = [line(MIXABLE[i % 2], moment, i) for i, moment in enumerate(MOMENTS)]
    reader = TimestampReader(detect(lines, "UTC"))

    def search(self):
        raise AssertionError("a search with a regular expression")

    monkeypatch.setattr(Pattern, "regex", property(search))
    monkeypatch.setattr(re, "compile", search)
    assert [reader.parse_one(text) for text in lines] == [epoch_ms(moment) for moment in MOMENTS]
