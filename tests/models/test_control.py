"""Control messages: what is read of them, and what is wrong with them."""

import json

import pytest
from jsonschema import Draft202012Validator

from models.control import MAX_BYTES, ControlError, ControlMessage, control_reply, parse_control, parse_timestamp
from models.schema_check import check, schema

RIGHT = [
    {"action": "add", "model": {}},
    {"id": "1", "action": "add", "reference": {"id": "shop"}, "sources": []},
    {"action": "update", "reference": {"id": "shop", "version": 3}, "sources": ["a*", "b"]},
    {"action": "delete", "reference": {"id": "shop"}},
    {"action": "heartbeat", "source": "app.log", "timestamp": "2008-11-20T20:35:31Z"},
    {"action": "heartbeat", "source": "app.log", "timestamp": 1227213331000},
    {"action": "end_of_log", "source": "logs/0/app.log"},
    {"action": "pause", "source": "app log é"},
    {"action": "resume", "source": "app.log"},
]
WRONG = [
    ({}, r"\$\.action: is missing"),
    ({"action": "explode"}, r"\$\.action: is the text .explode."),
    ({"action": ["add"]}, r"\$\.action: is a list"),
    ({"action": None}, r"\$\.action: is null"),
    ({"action": "pause"}, 'add the key "source"'),
    ({"action": "pause", "source": ""}, "empty text"),
    ({"action": "pause", "source": 7}, r"\$\.source: is 7"),
    ({"action": "pause", "source": "a\nb"}, "control character"),
    ({"action": "pause", "source": "\ud800"}, "surrogate"),
    ({"action": "pause", "source": "x" * 1001}, r"\$\.source"),
    ({"action": "pause", "source": "a", "sorces": 1}, 'did you mean "sources"'),
    ({"action": "pause", "source": "a", "timestamp": 1}, r"\$\.timestamp: does not go with pause"),
    ({"action": "pause", "source": "a", "id": 5}, r"\$\.id: is 5"),
    ({"action": "heartbeat", "source": "a"}, "has no time"),
    ({"action": "heartbeat", "source": "a", "timestamp": True}, r"\$\.timestamp: is true"),
    ({"action": "heartbeat", "source": "a", "timestamp": None}, r"\$\.timestamp: is null"),
    ({"action": "heartbeat", "source": "a", "timestamp": "soon"}, "is no time"),
    ({"action": "add"}, "neither"),
    ({"action": "add", "model": {}, "reference": {"id": "a"}}, "both"),
    ({"action": "add", "model": []}, r"\$\.model: is an empty list|\$\.model: is a list"),
    ({"action": "add", "reference": "shop"}, r"\$\.reference: is the text"),
    ({"action": "add", "reference": {}}, r"\$\.reference\.id: is missing"),
    ({"action": "add", "reference": {"id": "shop\n"}}, "no name of a model"),
    ({"action": "add", "reference": {"id": "../shop"}}, r"\$\.reference\.id"),
    ({"action": "add", "reference": {"id": "shop", "version": 0}}, r"\$\.reference\.version"),
    ({"action": "add", "reference": {"id": "shop", "version": "3"}}, r"\$\.reference\.version"),
    ({"action": "add", "reference": {"id": "shop", "version": 2.5}}, r"\$\.reference\.version"),
    ({"action": "add", "model": {}, "sources": "a"}, r"\$\.sources"),
    ({"action": "add", "model": {}, "sources": [""]}, r"\$\.sources\[0\]"),
    ({"action": "add", "model": {}, "sources": ["a"] * 1001}, "1,001 globs"),
    ({"action": "delete"}, "which model"),
    ({"action": "delete", "reference": {"id": "a", "version": 1}}, "does not go with delete"),
    ({"action": "delete", "reference": {"id": "a"}, "sources": []}, "does not go with delete"),
    ({str(i): i for i in range(100)}, "more keys than there are"),
    ({"k" * 1_000_000: 1}, "very long ones"),
    ({"action": "add", "reference": {"k" * 1_000_000: 1}}, "very long ones"),
    ([], "but a list"),
    ("add", "but a text"),
    (None, "but null"),
    (7, "but a number"),
]
MALFORMED = [
    (None, "is empty"),
    (b"", "is empty"),
    (b" \n", "is empty"),
    (b"\xff\xfe{}", "not UTF-8 text"),
    (b"{", "is no JSON: line 1, column 2"),
    (b"{'action': 'add'}", "is no JSON"),
    (b"\x00" * 100, "is no JSON"),
    (b"[" * 10_000, "nested too deeply"),
    (b'{"a":' * 10_000, "nested too deeply"),
    (b'{"action":"heartbeat","source":"a","timestamp":NaN}', "NaN is no JSON number"),
    (b'{"action":"heartbeat","source":"a","timestamp":-Infinity}', "Infinity is no JSON number"),
    (b'{"action":"heartbeat","source":"a","timestamp":1e999}', "no whole number"),
    (b'{"action":"heartbeat","source":"a","timestamp":1.5}', "no whole number"),
    (b'{"action":"heartbeat","source":"a","timestamp":' + b"9" * 5000 + b"}", "thousands of digits"),
    (b'{"action":"pause","source":"a","source":"b"}', 'the key "source" stands twice'),
    (b'{"action":"add","model":{"id":1,"id":1}}', 'the key "id" stands twice'),
    (b'{"action":"pause","source":"' + b"x" * MAX_BYTES + b'"}', "more than 8,388,608"),
]


def encode(document):
    return json.dumps(document).encode()


@pytest.mark.parametrize("document", RIGHT, ids=lambda d: d["action"])
def test_the_schema_and_the_reader_accept_what_is_right(document):
    assert Draft202012Validator(schema("control")).is_valid(document)
    assert parse_control(encode(document)).action == document["action"]


@pytest.mark.parametrize(("document", "reason"), WRONG)
def test_what_is_wrong_is_said(document, reason):
    with pytest.raises(ControlError, match=reason):
        parse_control(encode(document))


@pytest.mark.parametrize(("document", "reason"), [pair for pair in WRONG if "surrogate" not in pair[1]])
def test_the_schema_accepts_little_of_what_the_reader_does_not(document, reason):
    loose = "control character" in reason or "no name of" in reason or reason == "is no time"
    assert Draft202012Validator(schema("control")).is_valid(document) == loose


@pytest.mark.parametrize(("data", "reason"), MALFORMED)
def test_what_is_no_such_json_is_said(data, reason):
    with pytest.raises(ControlError, match=reason):
        parse_control(data)


def test_a_message_is_read_whole():
    message = {"id": "7", "action": "update", "reference": {"id": "shop", "version": 3.0}, "sources": ["a", "b", "a"]}
    assert parse_control(encode(message)) == ControlMessage("7", "update", reference=("shop", 3), sources=("a", "b"))


def test_a_byte_order_mark_does_no_harm():
    assert parse_control(b'\xef\xbb\xbf{"action":"pause","source":"a"}').source == "a"


def test_an_error_tells_the_id_and_action_where_they_can_be_read():
    with pytest.raises(ControlError) as caught:
        parse_control(b'{"id":"7","action":"explode"}')
    assert (caught.value.message_id, caught.value.action) == ("7", "explode")
    with pytest.raises(ControlError) as caught:
        parse_control(b'{"id":7,"action":{}}')
    assert (caught.value.message_id, caught.value.action) == (None, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1227213331000.0, 1227213331000),
        (-62_135_596_800_000, -62_135_596_800_000),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01t00:00z", 0),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.123456789Z", 123),
        ("1969-12-31T23:59:59,999Z", -1),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_times_are_iso_8601_or_milliseconds(value, expected):
    assert parse_timestamp(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1227213331000",
        "2008-11-20",
        "20:35",
        "2008-02-30T00:00:00Z",
        "2008-11-20T25:00:00Z",
        "2008-11-20T20:35:31+99:00",
        "2008-11-20T20:35:31Z junk",
        "0001-01-01T00:00:00+14:00",
        253_402_300_800_000,
        -62_135_596_800_001,
        1227213331000000000,
        10**400,
    ],
)
def test_other_times_are_refused(value):
    with pytest.raises(ControlError, match=r"\$\.timestamp"):
        parse_timestamp(value)


def test_an_event_of_a_source_names_it():
    pause = parse_control(b'{"action":"pause","source":"a"}')
    assert pause.source_event() == {"kind": "pause", "source": "a"}
    heartbeat = parse_control(b'{"action":"heartbeat","source":"a","timestamp":5}')
    assert heartbeat.source_event() == {"kind": "heartbeat", "source": "a", "timestamp_ms": 5}


def test_replies_fit_their_schema_and_say_where_the_message_stands():
    accepted = control_reply("7", "add", ("c", 0, 12), model=("shop", 3), epoch=2)
    assert check("control_reply", accepted) == []
    assert (accepted["topic"], accepted["partition"], accepted["offset"]) == ("c", 0, 12)
    rejected = control_reply(None, None, ("folder", -1, -1), reason="r" * 5000, data=b"\xff" * 1000)
    assert check("control_reply", rejected) == []
    assert (rejected["topic"], rejected["partition"], rejected["offset"]) == (None, None, None)
    assert rejected["text"] == "\ufffd" * 200
