"""Lines to points: read as columns or line by line, they are the same points."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.series.scoring.lines import _csv_columns, _csv_rows, read_csv_lines, read_json_lines
from models.series.scoring.points import NO_TIME

COLUMNS = ["timestamp", "value", "series"]
TIMES = [
    "1700000000", "1700000000.25", "1700000000123", "1712010112345", "20240101", "2024-01-01", "2024-01-01 00:05:00",
    "2024-01-01T00:05:00.250", "2024-01-01T00:05:00+02:00", "2024-01-01T00:05:00Z", "", " 1700000000", "-5",
]  # fmt: skip
VALUES = ["1", "-2.5", "1e3", "nan", "inf", "", "null", "+4", ".5", "3.", " 7", "1_0", "12345678901234567890"]
NAMES = ["cpu", "", "host 1", "größe", "a|b"]


def plain(points):
    return [
        (points.names[series], int(time), None if value != value else float(value), int(place))
        for series, time, value, place in zip(points.series, points.time_ms, points.values, points.place, strict=True)
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(TIMES), st.sampled_from(VALUES), st.sampled_from(NAMES)), min_size=1, max_size=6
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=300)
def test_both_ways_give_the_same_points(rows, end, ended):
    data = (end.join(",".join(row) for row in rows) + (end if ended else "")).encode()
    slow = _csv_rows(data, COLUMNS, "x")
    fast = _csv_columns(data, COLUMNS, "x")
    assert not slow.bad
    assert len(slow.values) == len(rows)
    if fast is not None:
        assert plain(fast) == plain(slow)


def test_plain_lines_are_read_as_columns():
    for time in ("1700000000", "1700000000123", "2024-01-01 00:05:00"):
        assert _csv_columns(f"{time},1.5,a\n{time},2,b\n".encode(), COLUMNS, "x") is not None


def test_bad_lines_are_told_with_their_place_and_the_others_are_points():
    data = b'1700000000,1,a\nyesterday,1,a\n\n1700000060,much,a\n1,2\n"1700000120",3,"b, c"\n"x\n1700000180,\xff,a\n'
    found = read_csv_lines(data, COLUMNS, "x")
    assert plain(found) == [("a", 1_700_000_000_000, 1.0, 0), ("b, c", 1_700_000_120_000, 3.0, 5)]
    assert [(bad.place, bad.reason.split(";")[0][:32]) for bad in found.bad] == [
        (1, "timestamp 'yesterday' is none"),
        (3, "value 'much' is no number"),
        (4, "it has 2 columns where the heade"),
        (6, "it is no CSV: unexpected end of "),
        (7, "it is not UTF-8: invalid start b"),
    ]
    assert found.bad[1].raw == b"1700000060,much,a"


def test_without_a_series_each_line_belongs_to_the_file():
    found = read_csv_lines(b"1,2\n2,3\n", ["timestamp", "value"], "cpu.csv")
    assert plain(found) == [("cpu.csv", 1000, 2.0, 0), ("cpu.csv", 2000, 3.0, 1)]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ({"timestamp": 1_700_000_000, "value": 1}, ("x", 1_700_000_000_000, 1.0)),
        ({"timestamp": 1_700_000_000_123, "value": 1.5, "series": "a"}, ("a", 1_700_000_000_123, 1.5)),
        ({"timestamp": "2024-01-01T00:05:00Z", "value": "2", "more": {}}, ("x", 1_704_067_500_000, 2.0)),
        ({"timestamp": None, "value": None}, ("x", NO_TIME, None)),
        ({"timestamp": 1, "value": float("nan")}, ("x", 1000, None)),
        ({"timestamp": 1, "value": 10**400}, ("x", 1000, None)),
    ],
)
def test_json_points(point, expected):
    found = read_json_lines(json.dumps(point).encode() + b"\n", "x")
    assert not found.bad
    assert plain(found) == [(*expected, 0)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "it is no JSON"),
        (b"[1]", "it is no object but list"),
        (b'{"timestamp": 1}', "the key 'value' is missing"),
        (b'{"timestamp": 1, "value": true}', "value True is no number"),
        (b'{"timestamp": [], "value": 1}', "timestamp [] is none"),
        (b'{"timestamp": 1, "value": 1, "series": 5}', "series 5 is no text"),
        (b'{"timestamp": "soon", "value": 1}', "timestamp 'soon' is none"),
        (b'{"timestamp": 1, "value": "\xff"}', "it is not UTF-8"),
    ],
)
def test_json_lines_that_are_no_points(line, said):
    found = read_json_lines(b'{"timestamp": 1, "value": 1}\n' + line, "x")
    assert len(found.values) == 1
    (bad,) = found.bad
    assert (bad.place, bad.raw) == (1, line)
    assert said in bad.reason


def test_points_go_to_the_shards_of_their_series():
    found = read_csv_lines(b"1,1,a\n1,2,b\n2,3,a\n2,4,c\n", COLUMNS, "x")
    batches = {batch.shard: batch for batch in found.shards("a.csv", False, np.array([7, 8, 9, 10]), [3, 1, 3])}
    assert batches[1].names == ["b"]
    assert batches[3].names == ["a", "c"]
    assert batches[3].series.tolist() == [0, 0, 1]
    assert batches[3].position.tolist() == [7, 9, 10]
    assert batches[3].values.tolist() == [1.0, 3.0, 4.0]
