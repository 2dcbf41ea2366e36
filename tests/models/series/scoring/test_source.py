"""The lines of a source as points: headers, line numbers, dead letters; batches that cross."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.batches import BatchError
from models.log_batch import DeadRecord, LogBatch
from models.positions import position_of
from models.series.scoring.points import PointBatch
from models.series.scoring.source import SourceState, shard_of, take_file_lines, take_topic_lines
from tests.models.series.scoring.made_up import batch_of, points

CSV = b"timestamp,value,series\n" + b"".join(b"%d,%d,s%d\n" % (60 * n, n, n % 5) for n in range(60)) + b"oops,1,s1\n"


def taken(cuts, data=CSV):
    state, batches, letters = SourceState(), [], []
    counts = {"lines": 0, "points": 0, "dead_letters": 0}
    for begin, end in zip([0, *cuts], [*cuts, None], strict=True):
        state = SourceState.from_json(state.to_json())
        found = take_file_lines(LogBatch("a.csv", b"".join(data.splitlines(True)[begin:end])), state, 4)
        batches += found.batches
        letters += found.letters
        for name, number in found.counts.items():
            counts[name] += number
    rows = [
        (batch.shard, batch.names[series], int(time), float(value), int(position))
        for batch in batches
        for series, time, value, position in zip(batch.series, batch.time_ms, batch.values, batch.position, strict=True)
    ]
    return sorted(rows, key=lambda row: row[-1]), letters, counts


@pytest.mark.parametrize("cuts", [[], [1], [3, 30], [0, 61]])
def test_the_same_points_however_the_file_is_cut(cuts):
    rows, letters, counts = taken(cuts)
    assert rows == [(shard_of("a.csv", f"s{n % 5}", 4), f"s{n % 5}", 60_000 * n, float(n), n + 2) for n in range(60)]
    (letter,) = letters
    assert (letter["source"], letter["line"], letter["text"]) == ("a.csv", 62, "oops,1,s1")
    assert counts["points"] == 60
    assert counts["dead_letters"] == 1
    assert counts["lines"] == 61


def test_a_file_of_json_is_told_by_its_first_line():
    data = b'{"timestamp": 60, "value": 1}\n{"timestamp": 120, "value": 2, "series": "b"}\nnothing\n'
    rows, letters, counts = taken([1], data)
    assert [row[1:] for row in rows] == [("a.csv", 60_000, 1.0, 1), ("b", 120_000, 2.0, 2)]
    assert [letter["line"] for letter in letters] == [3]
    assert counts == {"lines": 3, "points": 2, "dead_letters": 1}


@pytest.mark.parametrize("head", [b"time,value\n", b"\n", b'"x\n'])
def test_without_a_usable_header_every_line_is_a_dead_letter(head):
    rows, letters, _ = taken([2], head + b"1,2\n3,4\n")
    assert rows == []
    assert [letter["line"] for letter in letters] == [1, 2, 3]
    assert "no line of the file can be read: a.csv, line 1" in letters[2]["reason"]


def test_a_file_that_breaks_off_is_told():
    found = take_file_lines(LogBatch("a.csv", b"timestamp,value\n1,2\n", error="cut off"), SourceState(), 4)
    assert [letter["reason"] for letter in found.letters] == ["cut off"]
    assert found.counts["points"] == 1


def test_messages_of_a_topic():
    lines = [b'{"series": "a", "timestamp": 60, "value": 1}', b"?", b'{"timestamp": 60, "value": 2}']
    batch = LogBatch(
        "metrics/3",
        b"\n".join(lines) + b"\n",
        topic="metrics",
        partition=3,
        position=np.array([position_of(10), position_of(11), position_of(12)]),
        time_ms=np.zeros(3, np.int64),
        dead=[DeadRecord(position_of(13), "no value", b"", 5)],
    )
    found = take_topic_lines(batch, 1)
    (got,) = found.batches
    assert (got.origin, got.topic, got.names) == ("metrics/3", True, ["a", "metrics/3"])
    assert got.position.tolist() == [position_of(10), position_of(12)]
    assert [letter["offset"] for letter in found.letters] == [11, 13]
    assert got.scope == ""


def test_a_batch_of_points_crosses_unchanged():
    batch = batch_of(points(3, 50), origin="x.csv", shard=7)
    again = PointBatch.decode(batch.encode())
    assert again.encode() == batch.encode()
    assert (again.shard, again.origin, again.topic, again.names) == (7, "x.csv", False, batch.names)
    np.testing.assert_array_equal(again.values, batch.values)
    np.testing.assert_array_equal(again.time_ms, batch.time_ms)
    with pytest.raises(BatchError):
        PointBatch.decode(batch.encode()[:-3])


def test_the_state_of_another_version_is_refused():
    record = json.loads(SourceState().to_json())
    with pytest.raises(BatchError, match="version 99"):
        SourceState.from_json(json.dumps([99, *record[1:]]))
