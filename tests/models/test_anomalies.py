from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomalies import TYPES, anomaly_id, build, evidence_line, human_duration, iso_ms, unmatched_log
from models.document import ModelDocument, Template
from models.positions import position_of
from models.schema_check import check

MODEL = ModelDocument("hdfs", 2, {"formats": ["ISO8601"]}, [Template("t-1", "a"), Template("t-2", "b")])
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_times_are_written_as_datetime_writes_them(moment):
    ms = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
    assert iso_ms(ms) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_times_sort_as_texts_whatever_they_are(a, b):
    first, second = sorted((a, b))
    assert iso_ms(first) <= iso_ms(second)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", iso_ms(a))


def test_times_at_the_edges():
    assert iso_ms(0) == "1970-01-01T00:00:00.000Z"
    assert iso_ms(-1) == "1969-12-31T23:59:59.999Z"
    assert iso_ms(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"
    assert iso_ms(2**62) == "9999-12-31T23:59:59.999Z"
    assert iso_ms(-(2**62)) == "0001-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (85, "85 ms"),
        (1000, "1 s"),
        (1250, "1.25 s"),
        (59_999, "59.999 s"),
        (60_000, "1 min"),
        (92_000, "1 min 32 s"),
        (119_999, "1 min 59 s"),
        (7_500_000, "2 h 5 min"),
        (7_205_000, "2 h"),
        (273_600_000, "3 d 4 h"),
        (86_400_000 * 2500, "2,500 d"),
        (-85, "-85 ms"),
    ],
)
def test_durations_for_people(ms, text):
    assert human_duration(ms) == text


_SIZES = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@given(st.integers(0, 10**13))
def test_a_duration_for_people_is_at_most_one_smaller_unit_short(ms):
    pairs = re.findall(r"([\d.,]+) (ms|s|min|h|d)", human_duration(ms))
    told = sum(round(float(n.replace(",", "")) * _SIZES[u]) for n, u in pairs)
    largest = pairs[0][1]
    step = {"ms": 1, "s": 1, "min": 1000, "h": 60_000, "d": 3_600_000}[largest]
    assert 0 <= ms - told < step
    assert len(pairs) <= 2


_PARTS = st.lists(st.none() | st.integers() | st.text(), max_size=4)


@given(_PARTS, _PARTS)
def test_ids_are_equal_only_for_equal_parts(a, b):
    assert re.fullmatch("[0-9a-f]{20}", anomaly_id(*a))
    assert (anomaly_id(*a) == anomaly_id(*b)) == (a == b)


def test_an_id_stays_the_same_from_version_to_version():
    assert anomaly_id("hdfs", 1, None, "é") == hashlib.sha256(rb'["hdfs",1,null,"\u00e9"]').hexdigest()[:20]


def _build(**change):
    kind = change.pop("kind", "too_many")
    parts: dict[str, Any] = {
        "identity": anomaly_id("x"),
        "timestamp_ms": 12,
        "score": 87.549,
        "model_id": "hdfs",
        "model_version": 1,
        "source": "hdfs.log",
        "evidence": [evidence_line("hdfs.log", 17, 12, "text")],
        "actual": "5",
        "typical": "1 to 3",
        "reason": "Too many.",
    } | change
    return build(kind, **parts)


@pytest.mark.parametrize("kind", TYPES)
def test_a_built_anomaly_fits_the_schema(kind):
    document = _build(kind=kind)
    assert check("anomaly", document) == []
    assert document["type"] == kind
    assert document["score"] == 87.5
    assert document["@timestamp"] == "1970-01-01T00:00:00.012Z"


def test_what_is_no_type_or_no_score_is_refused():
    with pytest.raises(ValueError, match="no anomaly type 'odd'"):
        _build(kind="odd")
    for score in (-0.1, 100.1, float("nan")):
        with pytest.raises(ValueError, match="not within 0 to 100"):
            _build(score=score)


@pytest.mark.parametrize(
    ("origin", "index", "place"),
    [
        ("logs/3", 0, {"offset": 7}),
        ("logs/3/var/log/a.log", 0, {"offset": 7}),
        ("logs/3/a.log", 2, {"offset": 7, "line": 3}),
    ],
)
def test_evidence_from_a_topic_has_partition_and_offset(origin, index, place):
    assert evidence_line(origin, position_of(7, index), 0, "x", topic=True) == {
        "topic": "logs",
        "partition": 3,
        **place,
        "timestamp": "1970-01-01T00:00:00.000Z",
        "text": "x",
    }


def test_an_unmatched_line_becomes_an_anomaly():
    document = unmatched_log(MODEL, "logs/a.log", 1017, 5, "odd line\n  at x")
    assert check("anomaly", document) == []
    assert document["transaction"] is None
    assert document["evidence"] == [evidence_line("logs/a.log", 1017, 5, "odd line\n  at x")]
    assert document["reason"] == "Line 1,017 of a.log fits none of the 2 known messages: odd line"
    assert document["actual"] == "odd line"


def test_an_unmatched_line_with_an_identifier_names_its_transaction():
    document = unmatched_log(MODEL, "t/0", position_of(0), 5, "x", "blk_1", topic=True)
    assert check("anomaly", document) == []
    assert document["transaction"] == {"id": "blk_1", "automaton": None, "begin": None, "end": None, "states": []}
    assert document["reason"].startswith("Offset 0 of t/0 fits none")


def test_an_unmatched_line_of_a_topic_is_told_with_its_source_and_place():
    document = unmatched_log(MODEL, "t/0/d/a.log", position_of(1017, 1), 5, "x", topic=True)
    assert check("anomaly", document) == []
    assert document["source"] == "d/a.log"
    assert document["reason"].startswith("Line 2 of offset 1017 of t/0 (d/a.log) fits none")


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("FATAL x", 90),
        ("kernel: Panic!", 90),
        ("an ERROR", 80),
        ("java.io.IOException: x", 80),
        ("WARN x", 65),
        ("warning x, then error", 80),
        ("INFO terror", 50),
        ("", 50),
    ],
)
def test_an_unmatched_line_is_as_severe_as_it_calls_itself(text, score):
    assert unmatched_log(MODEL, "a", 1, 0, text)["score"] == score


def test_lines_that_continue_an_unmatched_one_are_evidence_and_nothing_else():
    alone, whole = (unmatched_log(MODEL, "a", 1, 0, text) for text in ("x\r", "x\r\n  FATAL at y"))
    assert whole.pop("evidence")[0]["text"] == "x\r\n  FATAL at y"
    assert alone.pop("evidence")[0]["text"] == "x\r"
    assert whole == alone


def test_the_id_of_an_unmatched_line_does_not_depend_on_the_folder_or_the_version_but_on_all_else():
    def identity(source="d/a.log", position=1, text="x", model=MODEL, **topic):
        return unmatched_log(model, source, position, 0, text, **topic)["id"]

    newer = ModelDocument("hdfs", 3, {"formats": ["ISO8601"]}, [])
    assert identity() == identity(source="other/a.log") == identity(model=newer)
    others = [identity(source="d/b.log"), identity(position=2), identity(text="y")]
    others.append(identity(model=ModelDocument("shop", 2, {"formats": ["ISO8601"]}, [])))
    assert len({identity(), *others}) == 5
    origins = ("a/0", "a/1", "b/0", "a/0/d/a.log", "a/0/other/a.log")
    assert len({identity(source=origin, topic=True) for origin in origins}) == 5


def test_a_long_unmatched_line_is_told_cut_and_kept_whole_as_evidence():
    text = "x" * 1000
    document = unmatched_log(MODEL, "a", 1, 0, text)
    assert document["actual"].endswith("…")
    assert len(document["actual"]) == 200
    assert document["evidence"][0]["text"] == text
