"""Escaping and wording of the report."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.text import (
    compact,
    duration,
    escape,
    label,
    number,
    parse_time,
    shorten,
    shorten_path,
    stamp,
    times,
)


@settings(derandomize=True, max_examples=200)
@given(st.text())
def test_escaped_text_has_no_markup_and_no_control_character_and_can_be_encoded(text):
    escaped = escape(text)
    assert not set(escaped) & set("<>\"'")
    assert not [c for c in escaped if (ord(c) < 0x20 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0]
    escaped.encode("utf-8")


@settings(derandomize=True, max_examples=200)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_survives_escaping(text):
    assert html.unescape(escape(text)) == text


def test_control_and_direction_characters_are_shown():
    assert escape("a\x1b[31mb\x00") == "a␛[31mb␀"
    assert escape("x\u202ey") == "x[U+202E]y"
    assert escape("tab\tline\n") == "tab\tline\n"
    assert escape("\ud800") == "?"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"), (12, "12 ms"), (999, "999 ms"), (3400, "3.4 s"), (59_940, "59.9 s"), (59_960, "1 m"),
        (98_123, "1 m 38 s"), (3_600_000, "1 h"), (7_500_000, "2 h 5 m"), (273_600_000, "3 d 4 h"),
    ],
)  # fmt: skip
def test_durations_use_their_two_largest_units(ms, text):
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (12_345, "12k"), (999_949, "1M"), (3_400_000, "3.4M")],
)
def test_compact_numbers_keep_within_five_characters(value, text):
    assert compact(value) == text


@settings(derandomize=True, max_examples=200)
@given(st.integers(0, 10**11))
def test_no_compact_number_is_longer(value):
    assert len(compact(value)) <= 5


def test_bounds_read_as_people_say_them():
    assert [times(3, 3), times(1, 3), times(1, None), times(0, 0), times(0, 1)] == [
        "3×", "1–3×", "1× or more", "never", "0–1×",
    ]  # fmt: skip


def test_numbers_labels_and_cuts():
    assert [number(12345), number(87.5), number(88.0), number(0.04)] == ["12,345", "87.5", "88", "0"]
    assert label("too_many") == "Too many"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten_path("/a/b/hdfs.log", 9) == "…hdfs.log"


def test_times_are_utc_with_milliseconds():
    assert parse_time("2008-11-09T20:35:31.250Z") == 1226262931250
    assert parse_time("2008-11-09T21:35:31.250+01:00") == 1226262931250
    assert parse_time("yesterday") is None
    assert stamp(1226262931250) == "2008-11-09 20:35:31.250"
    assert stamp(1226262931000) == "2008-11-09 20:35:31"
