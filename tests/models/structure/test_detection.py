"""Whether lines are structured, and what their keys hold."""

from __future__ import annotations

import json

import pytest

from models.structure.detection import canonical_lines, find_structure
from models.structure.profile import MOST_OPTIONAL, KeyProfile
from models.structure.settings import StructureError, StructureSettings
from models.timestamps import detect

START = 1_700_000_000


def lines_of(make, n=60):
    return [json.dumps(make(i)).encode() for i in range(n)]


@pytest.mark.parametrize(
    ("make", "expected", "form"),
    [
        (lambda i: {"ts": START + i + 0.25, "level": "info", "msg": f"user {i} logged in", "user": i},
         ("ts", "level", "msg"), "UNIX"),
        (lambda i: {"@timestamp": f"2024-05-01T10:{i:02d}:00.5Z", "log": {"level": "WARN"}, "message": "a b c"},
         ("@timestamp", "log.level", "message"), "ISO8601"),
        (lambda i: {"time": (START + i) * 1000, "level": 30, "pid": 7, "hostname": "h", "msg": "listening on port"},
         ("time", "level", "msg"), "UNIX_MS"),
        (lambda i: {"t": (START + i) * 1_000_000 + 5, "severity": "ERROR", "event": "order_created", "order": i},
         ("t", "severity", "event"), "UNIX_US"),
        (lambda i: {"time": (START + i) * 1_000_000_000 + 5, "body": "one or more words"},
         ("time", "", "body"), "UNIX_NS"),
        (lambda i: {"when": f"Jan  2 10:{i:02d}:00", "note": f"disk {i} is nearly full", "part": "a"},
         ("when", "", "note"), "MMM d HH:mm:ss"),
        (lambda i: {"order": START + 7 * i % 1000, "asctime": f"2024-05-01 10:{i:02d}:00,123", "levelname": "INFO",
                    "message": "done with it"}, ("asctime", "levelname", "message"), "yyyy-MM-dd HH:mm:ss,SSS"),
        (lambda i: {"ts": START + i, "msg": "ok", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko"},
         ("ts", "", "msg"), "UNIX"),
    ],
)  # fmt: skip
def test_the_keys_are_found(make, expected, form):
    found = find_structure(lines_of(make), "UTC", year=2024)
    assert found is not None
    assert (found.timestamp, found.level, found.message) == expected
    assert detect(canonical_lines(lines_of(make), found), "UTC", None, 2024).formats == (form,)


def test_logfmt_is_found():
    lines = [
        f'ts=2024-05-01T10:{i:02d}:00Z level=info msg="user logged in" user={i} dur=3.{i}ms'.encode() for i in range(60)
    ]
    assert find_structure(lines, "UTC") == StructureSettings("logfmt", "ts", "level", "msg")


def test_a_few_other_lines_do_no_harm_and_many_do():
    lines = lines_of(lambda i: {"ts": START + i, "msg": f"user {i} logged in"})
    assert find_structure([*lines, b"starting up"], "UTC") is not None
    assert find_structure([*lines, *[b"2024-05-01 10:00:00 and plain lines that are as long"] * 20], "UTC") is None


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"2024-05-01 10:00:%02d INFO a=1 b=2 done" % i for i in range(50)],
        [b'2024-05-01 10:00:%02d INFO {"a": 1, "b": 2}' % i for i in range(50)],
        [b'{"no": "time", "in": "it"}'] * 50,
        [b"\xff\xfe{}"] * 9,
        [b"a=b"] * 9,
    ],
)
def test_plain_lines_and_objects_without_a_time_stay_as_they_are(lines):
    assert find_structure(lines, "UTC") is None


def test_objects_over_several_lines_are_found():
    text = "\n".join(
        json.dumps({"ts": START + i, "msg": "pretty as can be", "a": {"b": i}}, indent=2) for i in range(30)
    )
    found = find_structure(text.encode().split(b"\n"), "UTC")
    assert found == StructureSettings("json", "ts", "", "msg")


def profile(lines):
    keys = KeyProfile(StructureSettings("json", "ts", "level", "msg"))
    for line in lines:
        keys.add(line)
    return keys.finish()


def test_optional_is_what_lines_of_a_kind_may_lack():
    lines = [{"msg": f"order {i} made", "order": str(i)} | ({"trace": "x"} if i % 3 else {}) for i in range(30)]
    lines += [{"msg": "user in", "user": str(i), "level": "info"} for i in range(30)]
    assert profile(lines) == StructureSettings("json", "ts", "level", "msg", ("order", "trace", "user"), ("trace",))


def test_keys_that_are_values_are_left_out():
    lines = [{"msg": "balances", f"account_{i}": "1", "bank": "x"} for i in range(1000)]
    found = profile(lines)
    assert found.keys is not None
    assert "bank" in found.keys
    assert len(found.optional) == MOST_OPTIONAL


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"format": "xml"}, r"structure\.format is 'xml'; write one of json, logfmt"),
        ({"format": "json", "message": "a", "timestamp": "a"}, r"structure\.message is 'a', which is the timestamp"),
        ({"format": "json", "keys": ["a", "a"]}, r"structure\.keys\[1\] is 'a' a second time"),
        ({"format": "json", "level": "a", "keys": ["a"]}, r"structure\.keys\[0\] is 'a', which is the level already"),
        (
            {"format": "json", "keys": ["a"], "optional": ["b"]},
            r"structure\.optional\[0\] is 'b', which is not in keys",
        ),
    ],
)
def test_bad_settings_are_named(document, problem):
    with pytest.raises(StructureError, match=problem):
        StructureSettings.from_document(document)


def test_settings_survive_the_document():
    full = {"format": "json", "timestamp": "t", "level": "l", "message": "m", "keys": ["a", "b"], "optional": ["b"]}
    assert StructureSettings.from_document(full).to_document() == full
    assert StructureSettings.from_document({"format": "logfmt"}).to_document() == {"format": "logfmt"}
