"""Dead letters fit their schema, and have the same id whenever they are written."""

from __future__ import annotations

import json

import pytest

from models.anomalies import anomaly_id, build, evidence_line
from models.dead_letters import bad_record, dead_line, refused_document
from models.log_batch import DeadRecord
from models.positions import position_of
from models.schema_check import check
from models.source_reader import DeadLine

LINE = DeadLine(7, "not valid UTF-8", b"a\xff", None)
SENT = DeadLine(position_of(12, 3), "no timestamp", b"text", 1_000)


def test_a_line_of_a_file():
    letter = dead_line("d/app.log", LINE)
    assert check("dead_letter", letter) == []
    identity = letter.pop("id")
    assert letter == {
        "source": "d/app.log",
        "line": 7,
        "reason": "not valid UTF-8",
        "timestamp": None,
        "text": "a\ufffd",
        "bytes": 2,
    }
    assert dead_line("other/app.log", DeadLine(7, "another reason", b"a\xff"))["id"] == identity
    for other in (dead_line("d/b.log", LINE), dead_line("app.log", DeadLine(8, "", b"a\xff"))):
        assert other["id"] != identity


def test_a_line_of_a_topic():
    letter = dead_line("logs/3/d/app.log", SENT, topic=True)
    assert check("dead_letter", letter) == []
    identity = letter.pop("id")
    assert letter == {
        "source": "d/app.log",
        "topic": "logs",
        "partition": 3,
        "offset": 12,
        "line": 4,
        "reason": "no timestamp",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "text": "text",
        "bytes": 4,
    }
    for origin in ("logs/3", "logs/4/d/app.log", "logs/3/app.log"):
        assert dead_line(origin, SENT, topic=True)["id"] != identity


@pytest.mark.parametrize(("source", "name"), [("app.log", "app.log"), ("logs/3", "logs/3")])
def test_a_message_without_lines(source, name):
    letter = bad_record("logs", 3, source, DeadRecord(position_of(12), "no value", b""))
    assert check("dead_letter", letter) == []
    assert (letter["source"], letter["offset"], letter["bytes"], "line" in letter) == (name, 12, 0, False)
    assert letter["id"] == bad_record("logs", 3, source, DeadRecord(position_of(12), "", b"", 5))["id"]


def anomaly(*evidence):
    return build(
        "too_many",
        identity=anomaly_id("x"),
        timestamp_ms=12,
        score=50,
        model_id="shop",
        model_version=1,
        source="é.log",
        evidence=evidence,
        actual="5",
        typical="1",
        reason="Too many.",
    )


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (anomaly(evidence_line("é.log", 5, 0, "x"), evidence_line("b", 6, 0, "x")), {"line": 5}),
        (
            anomaly(evidence_line("logs/3/é.log", position_of(9, 1), 0, "x", topic=True)),
            {"topic": "logs", "partition": 3, "offset": 9, "line": 2},
        ),
        (anomaly(), {"line": 0}),
        (dead_line("logs/3/é.log", SENT, topic=True), {"topic": "logs", "partition": 3, "offset": 12, "line": 4}),
        (dead_line("é.log", LINE), {"line": 7}),
        ({"not": "ours"}, {"line": 0}),
        ({"evidence": "x", "@timestamp": 5, "source": None}, {"line": 0}),
    ],
)
def test_a_document_that_was_refused(document, place):
    letter = refused_document(document, "mapper_parsing_exception")
    assert check("dead_letter", letter) == []
    assert {key: letter[key] for key in ("topic", "partition", "offset", "line") if key in letter} == place
    assert json.loads(letter["text"]) == document
    assert letter["bytes"] == len(letter["text"].encode())
    assert letter["id"] == refused_document(document, "of another reason")["id"] != document.get("id")
    assert letter["id"] != refused_document({**document, "id": "another"}, "")["id"]


def test_of_a_long_line_the_beginning_is_kept_and_the_length_told():
    letter = dead_line("a", DeadLine(1, "too long", "é".encode() * 1000 + b"x" * 2000))
    assert (letter["text"], letter["bytes"]) == ("é" * 1000, 4000)
