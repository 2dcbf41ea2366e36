from __future__ import annotations

import datetime as dt
import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from models.timestamps import (
    KNOWN_FORMATS,
    NoTimestampError,
    TimestampFormatError,
    TimestampSettings,
    YearCarry,
    detect,
    unwrap_years,
)
from models.timestamps.patterns import compile_pattern
from tests.models.timestamps.oracles import UTC, epoch_ms, read_lines, render

START = dt.datetime(2021, 5, 27, 22, 4, 5, 678_901, tzinfo=UTC)
MOMENTS = [START + dt.timedelta(seconds=i * 4001.25) for i in range(30)]  # over the end of a month
TRACE = [b"java.io.IOException: broken pipe", b"\tat org.apache.Foo.bar(Foo.java:12)", b"Caused by: timeout of 1500 ms"]


def log(pattern: str, before: str = "", after: str = " INFO block 4711 of 10.0.0.7 received") -> list[bytes]:
    return [f"{before}{render(pattern, moment)}{after}".encode() for moment in MOMENTS]


def times(found: TimestampSettings, lines: list[bytes]) -> list[int]:
    return unwrap_years(read_lines(found, lines), found, YearCarry())[0].tolist()


def expected(pattern: str) -> list[int]:
    """The moments, as exactly as the format tells them."""
    precision = 1000 if "s" in pattern or pattern == "UNIX" else 60_000
    if "S" in pattern or pattern in ("ISO8601", "UNIX_MS", "UNIX_US", "UNIX_NS"):
        precision = 1
    return [epoch_ms(moment) // precision * precision for moment in MOMENTS]


@pytest.mark.parametrize("index", range(len(KNOWN_FORMATS)))
def test_every_known_format_is_found_and_read_right(index: int) -> None:
    pattern = KNOWN_FORMATS[index]
    before = ["", "[", "web01 app ", "", "10.0.0.1 - alice [", '{"level":"info","time":"', "INFO|"][index % 7]
    lines = log(pattern, before)
    found = detect(lines, "UTC", default_year=2021)
    assert times(found, lines) == expected(pattern)
    assert found.year == (None if compile_pattern(pattern).has_year else 2021)


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd HH:mm:ss,SSS", "MMM d HH:mm:ss", "yyMMdd HHmmss", "ISO8601", "UNIX"])
def test_lines_that_continue_others_do_not_hide_the_timestamps(pattern: str) -> None:
    lines = [line for head in log(pattern) for line in (head, *TRACE, *TRACE[:2])]
    found = detect(lines, "UTC", default_year=2021)
    assert (found.skip_words, found.literal) == (0, "")
    assert [t for t in times(found, lines) if t > 0] == expected(pattern)


def test_a_date_in_the_message_is_not_taken() -> None:
    lines = log("MMM d HH:mm:ss", after=" host job: last run 2001-01-01T00:00:00Z")
    assert detect(lines, "UTC", default_year=2021) == TimestampSettings(("MMM d HH:mm:ss",), "UTC", 2021)
    with pytest.raises(NoTimestampError):
        detect([b"user %d logged in from somewhere" % i for i in range(40)] + [b"built on 2001-01-01 00:00:00"], "UTC")


def test_numbers_are_no_times_unless_they_move_like_time() -> None:
    rng = random.Random(7)
    with pytest.raises(NoTimestampError):
        detect([b"%d order placed" % rng.randrange(10**9, 4 * 10**9) for _ in range(200)], "UTC")
    with pytest.raises(NoTimestampError):
        detect([b"%d order placed" % (5 * 10**9 + i) for i in range(200)], "UTC")
    with pytest.raises(NoTimestampError):
        detect([b"tenant 1234567890 order placed" for i in range(200)], "UTC")
    shuffled = [[1_400_000_000 + part * 5_000_000 + i * 60 for i in range(40)] for part in range(5)]
    rng.shuffle(shuffled)
    assert detect([b"node %d up" % t for part in shuffled for t in part], "UTC") == TimestampSettings(
        ("UNIX",), "UTC", None, 1
    )


def test_a_timestamp_that_never_changes_yields_to_one_that_does() -> None:
    lines = [b"api.log-2021-05-16_13:53:08 " + line for line in log("yyyy-MM-dd HH:mm:ss.SSS")]
    found = detect(lines, "UTC")
    assert (found.formats, found.skip_words) == (("yyyy-MM-dd HH:mm:ss.SSS",), 1)


def test_a_key_finds_the_timestamp_wherever_it_stands_in_the_line() -> None:
    texts = [render("ISO8601", moment) for moment in MOMENTS]
    lines = [f'{{"pid":7,"msg":"{"so " * (i % 4)}on","time":"{text}"}}'.encode() for i, text in enumerate(texts)]
    found = detect(lines, "UTC")
    assert (found.skip_words, found.literal) == (0, '"time":"')
    assert times(found, lines) == expected("ISO8601")


def test_a_prefix_that_changes_is_passed_over_by_its_last_character() -> None:
    lines = [b"<%d>" % (13 + i % 5) + line for i, line in enumerate(log("MMM d HH:mm:ss"))]
    found = detect(lines, "UTC", default_year=2021)
    assert (found.skip_words, found.literal) == (0, ">")
    assert times(found, lines) == expected("MMM d HH:mm:ss")


def test_several_formats_at_one_position_are_all_found() -> None:
    lines = log("yyyy-MM-dd HH:mm:ss,SSS")[:20] + log("MMM d HH:mm:ss")[20:]
    found = detect(lines, "UTC", default_year=2021)
    assert set(found.formats) == {"yyyy-MM-dd HH:mm:ss,SSS", "MMM d HH:mm:ss"}
    assert times(found, lines) == expected("ISO8601")[:20] + expected("MMM d HH:mm:ss")[20:]


def test_fractions_of_changing_width_are_read_whole() -> None:
    texts = [moment.isoformat().rstrip("0").rstrip(".") + "Z" for moment in (m.replace(tzinfo=None) for m in MOMENTS)]
    found = detect([f"{text} x".encode() for text in texts], "Europe/Berlin")
    assert found.formats == ("ISO8601",)


def test_a_number_in_the_next_column_of_csv_is_no_fraction() -> None:
    lines = [render("yyyy-MM-dd HH:mm:ss", m).encode() + b",%d,GET" % (i % 13) for i, m in enumerate(MOMENTS)]
    found = detect(lines, "UTC")
    assert found.formats == ("yyyy-MM-dd HH:mm:ss",)


def test_day_and_month_are_told_apart_by_the_days_that_exist() -> None:
    for pattern in ("dd/MM/yyyy HH:mm:ss", "MM/dd/yyyy HH:mm:ss", "dd-MM-yyyy HH:mm:ss", "MM-dd-yyyy HH:mm:ss"):
        assert detect(log(pattern), "UTC").formats == (pattern,)
    june = [
        f"{day:02d}/06/2021 00:00:00 x".encode() for day in range(1, 12)
    ]  # 1 to 11 June, not 6 January to 6 November
    assert detect(june, "UTC").formats == ("dd/MM/yyyy HH:mm:ss",)


def test_a_given_format_is_sought_at_its_position_only() -> None:
    lines = log("dd/MMM/yyyy:HH:mm:ss Z", "10.0.0.1 - - [", '] "GET /"')
    assert detect(lines, "UTC", "dd/MMM/yyyy:HH:mm:ss Z") == TimestampSettings(
        ("dd/MMM/yyyy:HH:mm:ss Z",), "UTC", None, 3, "["
    )
    odd = log("HH'h'mm dd~MM~yyyy", "at ")
    assert detect(odd, "UTC", "HH'h'mm dd~MM~yyyy").skip_words == 1
    with pytest.raises(NoTimestampError, match="--timestamp-format"):
        detect(lines, "UTC", "yyyy-MM-dd")
    with pytest.raises(TimestampFormatError):
        detect(lines, "UTC", "foo")


def test_lines_without_times_are_refused_with_an_example_and_the_mend() -> None:
    with pytest.raises(NoTimestampError) as error:
        detect([b"hello world", b"good bye"], "UTC")
    assert "--timestamp-format 'yyyy-MM-dd HH:mm:ss,SSS'" in str(error.value)
    assert "hello world" in str(error.value)
    with pytest.raises(NoTimestampError, match="no lines"):
        detect([b"", b"  \n"], "UTC")
    with pytest.raises(TimestampFormatError, match="year"):
        detect(log("MMM d HH:mm:ss"), "UTC")


def test_detection_does_not_depend_on_line_ends_and_takes_one_line() -> None:
    lines = log("yyyy-MM-dd HH:mm:ss")
    assert detect([line + b"\r\n" for line in lines], "UTC") == detect(lines, "UTC") == detect(lines[:1], "UTC")


SHARED = Path(__file__).parents[3].parent / "shared/data"
PLACES = {
    "Android": ("MM-dd HH:mm:ss.SSS", 0, ""),
    "Apache": ("EEE MMM d HH:mm:ss yyyy", 0, "["),
    "BGL": ("UNIX", 1, ""),
    "HDFS": ("yyMMdd HHmmss", 0, ""),
    "HPC": ("UNIX", 4, ""),
    "Hadoop": ("yyyy-MM-dd HH:mm:ss,SSS", 0, ""),
    "Linux": ("MMM d HH:mm:ss", 0, ""),
    "OpenSSH": ("MMM d HH:mm:ss", 0, ""),
    "Spark": ("yy/MM/dd HH:mm:ss", 0, ""),
    "Zookeeper": ("yyyy-MM-dd HH:mm:ss,SSS", 0, ""),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the public logs in ../shared/data")
@pytest.mark.parametrize("system", sorted(PLACES))
def test_every_line_of_public_logs_is_read(system: str) -> None:
    lines = (SHARED / "loghub" / system / f"{system}_2k.log").read_bytes().splitlines()
    found = detect(lines, "UTC", default_year=2005)
    assert ((found.formats), found.skip_words, found.literal) == ((PLACES[system][0],), *PLACES[system][1:])
    assert read_lines(found, lines).found.all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the public logs in ../shared/data")
def test_every_line_of_the_hdfs_log_is_read_in_order() -> None:
    lines = gzip.decompress((SHARED / "hdfs/hdfs.log.gz").read_bytes()).splitlines()
    column = read_lines(detect(lines, "UTC"), lines)
    assert column.found.all()
    assert (np.diff(column.ms) >= 0).all()
