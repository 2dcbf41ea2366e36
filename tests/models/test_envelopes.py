"""What agents send is opened; what is no envelope is refused with the reason and the mend."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.envelopes import Envelope, EnvelopeError, EnvelopePaths, EnvelopeReader, time_of

READER = EnvelopeReader()
MS = 1_700_000_000_123

FILEBEAT = {
    "@timestamp": "2023-11-14T22:13:20.123Z",
    "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.0"},
    "log": {"offset": 12, "file": {"path": "/var/log/app.log", "inode": "5"}},
    "message": "a line",
    "input": {"type": "filestream"},
    "ecs": {"version": "8.0.0"},
    "host": {"name": "web-1", "ip": ["10.0.0.1"]},
    "agent": {"type": "filebeat", "name": "web-1"},
}
FLUENT_BIT = {"date": 1700000000.123456, "log": "a line\n", "filename": "/var/log/app.log"}
FLUENT_BIT_KAFKA = {"@timestamp": 1700000000.123456, "log": "a line", "stream": "stdout"}
VECTOR = {
    "file": "/var/log/app.log",
    "host": "web-1",
    "message": "a line",
    "source_type": "file",
    "timestamp": "2023-11-14T22:13:20.123456789Z",
}
DOCKER = {"log": "a line\n", "stream": "stderr", "time": "2023-11-14T22:13:20.123456789Z"}
REPLAY = {"source": "/var/log/app.log", "timestamp": "2023-11-14T22:13:20.123Z", "message": "a line"}


def opened(document, reader=READER):
    return reader.read(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (FILEBEAT, "/var/log/app.log"),
        (FLUENT_BIT, "/var/log/app.log"),
        (FLUENT_BIT_KAFKA, ""),
        (VECTOR, "/var/log/app.log"),
        (DOCKER, ""),
        (REPLAY, "/var/log/app.log"),
        ({k: v for k, v in FILEBEAT.items() if k != "log"}, "web-1"),
        ({k: v for k, v in VECTOR.items() if k != "file"}, "web-1"),
    ],
)
def test_the_envelopes_of_common_agents_are_opened_without_configuration(document, source):
    found = opened(document)
    assert (found.source, found.time_ms) == (source, MS)
    assert found.message.rstrip() == b"a line"


def test_paths_are_tried_in_order_nested_or_written_with_dots():
    reader = EnvelopeReader(EnvelopePaths(("a.b", "c"), ("t.at", "u"), ("m.text", "n")))
    assert opened({"a": {"b": "s"}, "t": {"at": MS}, "m": {"text": "x"}}, reader) == Envelope("s", MS, b"x")
    assert opened({"a.b": "s", "t.at": MS, "m.text": "x"}, reader) == Envelope("s", MS, b"x")
    assert opened({"a": 3, "c": "s", "t": [], "u": "?", "m": {}, "n": "x"}, reader) == Envelope("s", None, b"x")
    assert opened({"a": {"b": ""}, "c": None, "m": {"text": ""}}, reader) == Envelope("", None, b"")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", r"not valid JSON: Expecting value at character 1 \(input.format: raw"),
        (b'{"message": "a"', "not valid JSON: .* at character 16"),
        (b'{"message": ', "not valid JSON: Expecting value at character 13"),
        (b'{"message": "a"} b', "not valid JSON: Extra data at character 18"),
        (b"2023-11-14 a line", "not valid JSON"),
        (b'["message"]', "is a list, not a JSON object"),
        (b"null", "is null, not a JSON object"),
        (b'{"message": "\xff"}', r"not valid UTF-8 at byte 14 \(input.encoding"),
        (b"{}", r"no message at message, log \(input.envelope.message names the paths\)"),
        (b'{"message": null}', "no message at"),
        (b'{"message": 5}', 'message at "message" is a number, not a text .input.envelope.message'),
        (b'{"log": {"file": {}}}', 'message at "log" is an object, not a text'),
        (b'{"message": "a", "source": 5}', 'source at "source" is a number, not a text .input.envelope.source'),
        (b'{"message": "a", "file": ["b"]}', 'source at "file" is a list'),
        (b'{"message": ' + b"[" * 200_000, "too deep"),
        (b'{"message": ' + b"9" * 5000 + b"}", "too long a number"),
    ],
)
def test_what_is_no_envelope_is_refused_with_reason_and_mend(value, says):
    with pytest.raises(EnvelopeError, match=says):
        READER.read(value)


def test_reading_leniently_takes_for_no_envelope_what_has_no_message_and_nothing_else():
    assert READER.read(b"{", lenient=True) is None
    assert READER.read(b'{"message": 5}', lenient=True) is None
    assert READER.read(b'{"msg": "a JSON log line"}', lenient=True) is None
    with pytest.raises(EnvelopeError, match="source"):
        READER.read(b'{"message": "a", "source": true}', lenient=True)


def test_blanks_and_a_byte_order_mark_around_an_envelope_do_not_matter():
    for value in (b' {"message":"a"}', b'{"message":"a"} \n', b'\xef\xbb\xbf{"message":"a"}'):
        assert READER.read(value) == Envelope("", None, b"a")


def test_half_a_surrogate_pair_is_left_to_the_reader_and_never_in_a_name():
    found = READER.read(b'{"message": "\\ud800", "source": "a\\ud800"}')
    assert found == Envelope("a?", None, b"\xed\xa0\x80")
    with pytest.raises(UnicodeDecodeError):
        found.message.decode()


@pytest.mark.parametrize(
    ("told", "ms"),
    [
        ("2023-11-14T22:13:20.123Z", MS),
        ("2023-11-15T00:13:20.123+02:00", MS),
        ("2023-11-14 22:13:20,123", MS),
        ("2023-11-14T22:13:20.123999999Z", MS),
        ("1700000000", 1_700_000_000_000),
        ("1700000000.1239", MS),
        ("1700000000123", MS),
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000.123, MS),
        (1_700_000_000_123, MS),
        (1_700_000_000_123.9, MS),
        (1_700_000_000_123_456, MS),
        (1_700_000_000_123_456_789, MS),
        ("1960-01-01T00:00:00Z", -315_619_200_000),
        *[(nothing, None) for nothing in ["", "yesterday", "2023-13-01", 0, -5, True, None, [], float("nan"), 10**30]],
    ],
)
def test_timestamps_of_agents(told, ms):
    assert time_of(told) == ms


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_times_are_cut_to_milliseconds(moment):
    assert time_of(moment.isoformat()) == (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(
        milliseconds=1
    )


@given(st.integers(10**9, 10**11 - 1), st.integers(0, 999))
def test_seconds_with_a_fraction_keep_their_milliseconds(seconds, ms):
    assert time_of(float(f"{seconds}.{ms:03}")) == seconds * 1000 + ms


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["message", "log", "source", "file", "path", "timestamp"]), inner)
        ),
    )
)
def test_whatever_json_arrives_is_opened_or_refused(document):
    value = json.dumps(document).encode()
    found = None
    with contextlib.suppress(EnvelopeError):
        found = READER.read(value)
    texts = [document.get(key) for key in ("message", "log")] if isinstance(document, dict) else []
    if found is None:
        with pytest.raises(EnvelopeError, match=r"input\.(format|envelope)"):
            READER.read(value)
    else:
        assert found.message.decode("utf-8", "surrogatepass") in texts
