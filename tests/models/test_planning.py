"""In which order the splits of several files are read."""

from __future__ import annotations

import datetime
import gzip

import pytest

from models import planning, splits
from models.line_reader import LineReader
from models.log_batch import LogBatch
from models.planning import plan_sources
from models.source_reader import ReadLimits
from models.timestamps import TimestampSettings

READER = LineReader(TimestampSettings(("yyyy-MM-dd HH:mm:ss",)))
LIMITS = ReadLimits(lateness_ms=5000)
BEGIN = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)


def log(hour, hours, lines=200):
    """A log that begins at some hour and goes on for some hours, evenly."""
    at = [BEGIN + datetime.timedelta(hours=hour, seconds=3600 * hours * k / lines) for k in range(lines)]
    return b"".join(t.strftime("%Y-%m-%d %H:%M:%S some words\n").encode() for t in at)


def ms(hour):
    return round((BEGIN + datetime.timedelta(hours=hour)).timestamp() * 1000)


@pytest.fixture(autouse=True)
def _small_splits(monkeypatch):
    monkeypatch.setattr(
        planning, "plan_splits", lambda path, name, encoding: splits.plan_splits(path, name, encoding, 800)
    )


def plan_of(folder, logs, encoding="utf-8"):
    sources = []
    for name, data in logs.items():
        (folder / name).write_bytes(data)
        sources.append((name, str(folder / name)))
    plan = plan_sources(sources, READER, LIMITS, encoding)
    for name, path in sources:
        own = [split for split in plan.splits if split.source == name]
        assert own == splits.plan_splits(path, name, encoding, 800)  # all of them, in the file's order
    assert [batch.source for batch in plan.opens] == list(logs)
    assert {batch.kind for batch in plan.opens} == {LogBatch.OPEN}
    return plan


def test_rotated_files_are_read_one_after_the_other_whatever_their_order(tmp_path):
    plan = plan_of(tmp_path, {"b": log(2, 2), "c": log(4, 2), "a": log(0, 2)})
    names = [split.source for split in plan.splits]
    assert names == sorted(names)
    assert [batch.clock_ms for batch in plan.opens] == [ms(2) - 5000, ms(4) - 5000, ms(0) - 5000]


def test_logs_of_the_same_hours_are_read_side_by_side(tmp_path):
    plan = plan_of(tmp_path, {"a": log(0, 8, 400), "b": log(0, 8, 100)})
    names = [split.source for split in plan.splits]
    assert names.count("a") == pytest.approx(4 * names.count("b"), abs=4)
    for k, name in enumerate(names):
        share = {n: names[: k + 1].count(n) / names.count(n) for n in ("a", "b")}
        assert abs(share["a"] - share["b"]) <= 1 / names.count("b") + 1 / names.count("a"), name


def test_a_file_that_tells_no_time_comes_first(tmp_path):
    plan = plan_of(tmp_path, {"a": log(0, 1), "none": b"no time\n" * 300, "empty": b""})
    names = [split.source for split in plan.splits]
    assert names.index("a") == names.count("none") + names.count("empty")
    assert [batch.clock_ms for batch in plan.opens] == [ms(0) - 5000, None, None]


def test_files_that_cannot_be_entered_near_their_end_are_placed_by_their_beginning(tmp_path):
    plan = plan_of(tmp_path, {"b.gz": gzip.compress(log(3, 50, 2000)), "a": log(0, 2), "c": log(4, 2)})
    names = [split.source for split in plan.splits]
    assert names == sorted(names)
    assert plan.opens[0].clock_ms == ms(3) - 5000


def test_other_encodings_are_planned_too(tmp_path):
    plan = plan_of(tmp_path, {"b": log(2, 1).decode().encode("utf-16"), "a": log(0, 1)}, "latin-1")
    assert [batch.clock_ms for batch in plan.opens] == [ms(2) - 5000, ms(0) - 5000]


def test_a_clock_that_ends_before_it_begins_does_no_harm(tmp_path):
    plan = plan_of(tmp_path, {"back": log(5, 1) + log(0, 1), "a": log(6, 1)})
    names = [split.source for split in plan.splits]
    assert names == sorted(names, reverse=True)


def test_the_first_timestamp_is_the_first_that_is_believed(tmp_path):
    plan = plan_of(tmp_path, {"a": b"2001-01-01 00:00:00 a device without a clock\n" + log(0, 1)})
    assert plan.opens[0].clock_ms == ms(0) - 5000


def test_a_file_that_is_not_there_cannot_be_planned(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        plan_sources([("a", str(tmp_path / "a"))], READER, LIMITS)
