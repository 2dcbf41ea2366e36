from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.timestamps import KNOWN_FORMATS, MISSING, TimestampReader, TimestampSettings
from models.timestamps.patterns import compile_pattern
from models.timestamps.position import Position
from models.timestamps.zones import LocalTime
from tests.models.timestamps.oracles import (
    SHAPES,
    UTC,
    buffer_of,
    epoch_ms,
    read_lines,
    render,
    slow_position,
    slow_read,
    slow_to_utc,
)


def moments(first: int, last: int) -> st.SearchStrategy[dt.datetime]:
    bounds = (dt.datetime(first, 1, 1, tzinfo=UTC), dt.datetime(last, 12, 31, tzinfo=UTC))
    seconds = st.integers(int(bounds[0].timestamp()), int(bounds[1].timestamp()))
    micros = st.integers(0, 999_999)
    return st.builds(lambda s, us: dt.datetime.fromtimestamp(s, UTC).replace(microsecond=us), seconds, micros)


MOMENTS = moments(1990, 2060)
COMMON = settings(max_examples=60, derandomize=True, deadline=None)


def one(pattern: str, line: bytes, **rest: object) -> int | None:
    return TimestampReader(TimestampSettings((pattern,), **rest)).parse_one(line)  # type: ignore[arg-type]


def at(year: int, month: int, day: int, *clock: int) -> int:
    hour, minute, second, micro = (*clock, 0, 0, 0, 0)[:4]
    return epoch_ms(dt.datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC))


@COMMON
@given(st.sampled_from(sorted(SHAPES)), st.lists(MOMENTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_damaged_lines_are_read_as_strptime_reads_them(
    pattern: str, times: list[dt.datetime], rng: random.Random
) -> None:
    lines = []
    for moment in times:
        line = bytearray(render(pattern, moment).encode() + rng.choice([b"", b" INFO x", b"]", b"7", b"x", b","]))
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            line[rng.randrange(len(line))] = rng.choice(b"0123456789 -:/.,AaZ+\x00\xff")
        if rng.random() < 0.2:
            del line[rng.randrange(len(line)) :]
        lines.append(bytes(line))
    data, starts, ends = buffer_of(lines)
    column = TimestampReader(TimestampSettings((pattern,))).read(data, starts, ends)
    for i, text in enumerate(lines):
        expected = slow_read(pattern, text)
        got = None if column.ms[i] == MISSING else (int(column.ms[i]), int(column.end[i] - column.begin[i]))
        assert got == expected, text
        assert column.begin[i] == starts[i]


@COMMON
@given(
    st.sampled_from(KNOWN_FORMATS),
    st.lists(MOMENTS, min_size=1, max_size=5),
    st.sampled_from(["", "[", "a b ", "x ts="]),
)
def test_every_known_format_reads_what_it_writes(pattern: str, times: list[dt.datetime], before: str) -> None:
    texts = [render(pattern, moment) for moment in times]
    year = times[0].year
    found = TimestampSettings((pattern,), "UTC", year, before.count(" "), before.rsplit(" ", 1)[-1])
    lines = [f"{before}{text} done".encode() for text in texts]
    data, starts, ends = buffer_of(lines)
    column = TimestampReader(found).read(data, starts, ends)
    lead = compile_pattern(pattern).lead
    for i, (moment, text) in enumerate(zip(times, texts, strict=True)):
        want = moment if compile_pattern(pattern).has_year else _in_year(moment, year)
        assert data[column.begin[i] : column.end[i]].tobytes().decode() == text[lead:]
        assert int(column.ms[i]) == epoch_ms(want) // _precision(pattern) * _precision(pattern)


def _in_year(moment: dt.datetime, year: int) -> dt.datetime:
    try:
        return moment.replace(year=year)
    except ValueError:  # 29 February
        return moment.replace(year=year, month=3, day=1)


def _precision(pattern: str) -> int:
    """The smallest step of a format in ms."""
    if "S" in pattern or pattern in ("ISO8601", "UNIX_MS", "UNIX_US", "UNIX_NS"):
        return 1
    return 1000 if "s" in pattern or pattern == "UNIX" else 60_000


@COMMON
@given(
    st.lists(st.text("ab[ \t<>:", max_size=90).map(str.encode), min_size=1, max_size=6),
    st.integers(0, 5),
    st.sampled_from([b"", b"[", b">", b"ab", b"a b:", b"[[[[["]),
    st.sampled_from([b"\n", b"", b" "]),
)
def test_positions_are_those_of_a_plain_search(
    lines: list[bytes], skip_words: int, literal: bytes, between: bytes
) -> None:
    data, starts, ends = buffer_of(lines, between)
    begin, found = Position(skip_words, literal).locate(data, starts, ends)
    for i, line in enumerate(lines):
        expected = slow_position(line, skip_words, literal)
        assert (int(begin[i] - starts[i]) if found[i] else None) == expected


@COMMON
@given(
    st.sampled_from(
        ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Gaza", "Africa/Monrovia", "Asia/Kathmandu"]
    ),
    st.lists(moments(1965, 2036), min_size=1, max_size=20),
)
def test_local_times_become_utc_as_zoneinfo_has_it(zone: str, times: list[dt.datetime]) -> None:
    local = [epoch_ms(moment) for moment in times]
    assert LocalTime(zone).to_utc(np.array(local)).tolist() == [slow_to_utc(ms, zone) for ms in local]


def test_changes_of_the_clocks_are_exact_to_the_minute_even_inside_a_quarter() -> None:
    for zone, day in (
        ("America/St_Johns", (2006, 10, 29)),
        ("Europe/Berlin", (2023, 3, 26)),
        ("Europe/Berlin", (2023, 10, 29)),
    ):
        local = [at(*day) + minute * 60_000 for minute in range(-180, 400)]
        got = LocalTime(zone).to_utc(np.array(local)).tolist()
        assert got == [slow_to_utc(ms, zone) for ms in local]
        assert len({utc - ms for utc, ms in zip(got, local, strict=True)}) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29T10:15:30Z", at(2024, 2, 29, 10, 15, 30)),
        ("2024-02-29 10:15:30", at(2024, 2, 29, 8, 15, 30)),
        ("2024-02-29T10:15:30.1", at(2024, 2, 29, 8, 15, 30, 100_000)),
        ("2024-02-29T10:15:30,123456789+05:30", at(2024, 2, 29, 4, 45, 30, 123_000)),
        ("2024-02-29T10:15:30-0130", at(2024, 2, 29, 11, 45, 30)),
        ("2024-02-29T10:15:30+00", at(2024, 2, 29, 10, 15, 30)),
        ("2024-02-29T10:15:30.", at(2024, 2, 29, 8, 15, 30)),
        ("2024-02-29T10:15:30-12x", at(2024, 2, 29, 8, 15, 30)),
        ("2024-02-29T10:15:30.1234567890", None),
        ("2024-02-29T10:15:30+19:00", at(2024, 2, 29, 8, 15, 30)),
        ("2023-02-29T10:15:30Z", None),
        ("2024-02-29T24:00:00Z", None),
        ("2024-02-29T23:59:60Z", at(2024, 3, 1)),
        ("2024-13-01T00:00:00Z", None),
        ("2024-00-01T00:00:00Z", None),
        ("2024-01-00T00:00:00Z", None),
        ("2024-", None),
        ("", None),
    ],
)
def test_iso_8601_with_and_without_fraction_and_zone(text: str, expected: int | None) -> None:
    for line in (text, text + " message", text + "]"):
        assert one("ISO8601", line.encode(), timezone="+02:00") == expected, line


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("UNIX", "1117838570 x", 1_117_838_570_000),
        ("UNIX", "1117838570.25", 1_117_838_570_250),
        ("UNIX", "1117838570.123456 x", 1_117_838_570_123),
        ("UNIX", "1117838570abc", None),
        ("UNIX", "12 of them", None),
        ("UNIX", "111783857012", None),
        ("UNIX_MS", "1117838570123,x", 1_117_838_570_123),
        ("UNIX_MS", "1117838570", None),
        ("MMM d HH:mm:ss", "Jul  9 12:16:51 combo", at(2005, 7, 9, 12, 16, 51)),
        ("MMM d HH:mm:ss", "Jul 9 12:16:51 combo", at(2005, 7, 9, 12, 16, 51)),
        ("MMM d HH:mm:ss", "JUL 19 12:16:51", at(2005, 7, 19, 12, 16, 51)),
        ("MMM d HH:mm:ss", "Jux 19 12:16:51", None),
        ("MMMM d yyyy", "September 3 2005: x", at(2005, 9, 3)),
        ("yyyyMMdd-H:m:s:S", "20171224-0:7:20:44|x", at(2017, 12, 24, 0, 7, 20, 44_000)),
        ("M/d/yyyy h:mm:ss a", "1/2/2005 12:00:01 AM", at(2005, 1, 2, 0, 0, 1)),
        ("M/d/yyyy h:mm:ss a", "1/2/2005 12:00:01 PM", at(2005, 1, 2, 12, 0, 1)),
        ("M/d/yyyy h:mm:ss a", "1/2/2005 13:00:01 PM", None),
        ("EEE MMM d HH:mm:ss z yyyy", "Tue Jul 19 12:16:51 CEST 2005", at(2005, 7, 19, 10, 16, 51)),
        ("EEE MMM d HH:mm:ss z yyyy", "Tue Jul 19 12:16:51 XYZ 2005", None),
        ("yyyy''MM''dd 'at' HH", "2005'07'19 at 12", at(2005, 7, 19, 12)),
        ("?MMdd HH:mm:ss.SSSSSS", "E0719 12:16:51.250000   7 main.go:1] x", at(2005, 7, 19, 12, 16, 51, 250_000)),
        ("yy-MM-dd", "70-01-02", at(1970, 1, 2)),
        ("yy-MM-dd", "69-01-02", at(2069, 1, 2)),
    ],
)
def test_single_formats(pattern: str, text: str, expected: int | None) -> None:
    assert one(pattern, text.encode(), year=2005) == expected


def test_the_first_format_that_fits_a_line_is_used() -> None:
    mixed = TimestampSettings(("yyyy-MM-dd HH:mm:ss,SSS", "MMM d HH:mm:ss", "UNIX"), year=2005)
    lines = [
        b"Jul  9 12:16:51 a",
        b"\tat foo",
        b"2005-07-09 12:16:52,250 b",
        b"1120911413 c",
        b"",
        b"2005-07-09 12:16:52 d",
    ]
    column = read_lines(mixed, lines)
    t = at(2005, 7, 9, 12, 16, 51)
    assert column.ms.tolist() == [t, MISSING, t + 1250, t + 2000, MISSING, MISSING]
    assert column.found.tolist() == [True, False, True, True, False, False]
    assert (column.end - column.begin).tolist() == [15, 0, 23, 10, 0, 0]


def test_a_batch_of_no_lines_and_an_empty_buffer_are_read() -> None:
    empty = np.zeros(0, dtype=np.int64)
    for found in (TimestampSettings(("ISO8601",)), TimestampSettings(("UNIX",), "UTC", None, 2, "[")):
        reader = TimestampReader(found)
        assert len(reader.read(np.zeros(0, dtype=np.uint8), empty, empty)) == 0
        assert reader.parse_one(b"") is None


def test_bytes_outside_a_line_are_never_read() -> None:
    data = np.frombuffer(b"2024-01-01 00:00:00", dtype=np.uint8)
    reader = TimestampReader(TimestampSettings(("yyyy-MM-dd HH:mm:ss",)))
    for stop in range(20):
        column = reader.read(data, np.array([0]), np.array([stop]))
        assert bool(column.found[0]) == (stop == 19)
