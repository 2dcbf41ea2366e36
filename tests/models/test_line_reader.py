"""Events of structured lines and of several lines: in batches against whole, and that against plain Python."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.line_reader import LineReader
from models.multiline import MultilineError, MultilineSettings
from models.source_reader import ReadLimits, SourceState, read_events
from models.structure.frames import MOST_OBJECT_BYTES
from models.structure.settings import StructureSettings
from models.timestamps import TimestampSettings
from models.timestamps.patterns import NONE
from tests.models.source_lines import EPOCH, read_in_batches, stamp

TIMES = TimestampSettings(("yyyy-MM-dd HH:mm:ss",))
JSON = LineReader(TIMES, StructureSettings("json", "ts", "", "msg"))
LIMITS = ReadLimits(lateness_ms=2000, max_leap_ms=600_000, max_line_bytes=200, max_text_bytes=60)
BASE = round(EPOCH.timestamp() * 1000)

seconds = st.integers(0, 99)
objects = st.builds(
    lambda at, msg, indent: json.dumps(
        ({} if at is None else {"ts": stamp(at).decode()}) | {"msg": msg, "a": {"b": at}}, indent=indent
    ).encode(),
    st.none() | seconds,
    st.sampled_from(["m", "two words", "line\nbreak"]),
    st.none() | st.none() | st.just(1),
)
plain = seconds.map(lambda at: stamp(at) + b" plain")
others = st.sampled_from(
    [b"\tat x.y", b"", b"}", b"} ", b'{"cut": "of', b"{", b'{"a": 1} more', b"  {}", b"\xff", b"x" * 201]
)
sources = st.lists(objects | objects | plain | others, max_size=12).map(
    lambda texts: [line + b"\n" for text in texts for line in text.split(b"\n")]
)


def object_at(lines, readable, at):
    """The object that begins at a place of ``readable``, and the place of its last line; None where there is none."""
    last = at
    for k in [at, *range(at + 1, len(readable))]:
        text = lines[readable[k]].removesuffix(b"\n")
        if k > at and text.startswith(b"{"):
            return None
        if k == at or text.startswith(b"}"):
            last = k
            try:
                return json.loads(b"\n".join(lines[i].removesuffix(b"\n") for i in readable[at : k + 1])), last
            except ValueError:
                if k > at:
                    return None
    return None


def slow_read(lines):
    """Events, dead lines and counts, a line at a time."""
    bare = [line.removesuffix(b"\n") for line in lines]
    readable = [i for i, line in enumerate(bare) if line != b"\xff" and len(line) <= LIMITS.max_line_bytes]
    dead = sorted(set(range(len(lines))) - set(readable))
    firsts, events, continued = [], [], 0
    last_ms = clock = None
    k = 0
    while k < len(readable):
        i = readable[k]
        k += 1
        if bare[i].startswith(b"{"):
            firsts.append(i)
            found = object_at(lines, readable, k - 1)
            if found is None:
                dead.append(i)
                continue
            told, last = found
            continued += last - (k - 1)
            k = last + 1
            written = told.get("ts")
        elif re.match(rb"2024-", bare[i]):
            firsts.append(i)
            written = bare[i][:19].decode()
        else:
            if firsts:
                continued += 1
            else:
                dead.append(i)
            continue
        if written is not None:
            last_ms = int(np.datetime64(written.replace(" ", "T"), "ms").astype(np.int64))
            clock = last_ms if clock is None else max(clock, last_ms)
        if last_ms is None:
            dead.append(i)
        else:
            events.append((i, last_ms, max(last_ms, (clock or 0) - LIMITS.lateness_ms)))
    rows = []
    for i, ms, order in events:
        until = min([other for other in firsts if other > i], default=len(lines))
        text = b"".join(lines[i : until - 1]) + bare[until - 1]
        rows.append((i + 1, ms, order, text[: LIMITS.max_text_bytes]))
    late = sum(order > ms for _, ms, order, _ in rows)
    return rows, [i + 1 for i in sorted(dead)], {"lines": len(lines), "continued": continued, "late": late}


@settings(max_examples=300)
@given(sources)
def test_structured_lines_are_read_as_one_by_one(lines):
    rows, dead, counts, _ = read_in_batches(lines, [], JSON, LIMITS)
    told = [(number, ms, order, text) for number, ms, order, _, text, _ in rows]
    assert (told, [number for number, _, _ in dead], counts) == slow_read(lines)
    for number, reason, raw in dead:
        assert raw == lines[number - 1].removesuffix(b"\n")
        assert reason


@settings(max_examples=300)
@given(sources, st.data())
def test_it_makes_no_difference_where_the_batches_are_cut(lines, draw):
    whole = read_in_batches(lines, [], JSON, LIMITS)
    cuts = draw.draw(st.sets(st.integers(0, len(lines))))
    assert read_in_batches(lines, cuts, JSON, LIMITS, through_record=True) == whole
    assert read_in_batches(lines, range(1, len(lines)), JSON, LIMITS) == whole


JOINED = [
    MultilineSettings(start=r"\S+ \S+ (?:[^\sa]|a[^t]|at\S)"),
    MultilineSettings(start="begin"),
    MultilineSettings(continues=r"\s|\S+ \S+\s+at |}"),
    MultilineSettings(continues=r"\s", max_lines=2, max_bytes=45),
]
traces = st.lists(
    seconds.map(lambda at: stamp(at) + b" failed")
    | seconds.map(lambda at: stamp(at) + b"  at x.y")
    | st.sampled_from([b"begin 1", b"\tat z", b"", b"}", b"other"]),
    max_size=12,
).map(lambda texts: [text + b"\n" for text in texts])


@settings(max_examples=200)
@given(traces, st.sampled_from(JOINED), st.booleans(), st.data())
def test_lines_are_joined_as_the_expression_says(lines, multiline, without_times, draw):
    times = TimestampSettings((NONE,)) if without_times else TIMES
    reader = LineReader(times, multiline=multiline)
    whole = read_in_batches(lines, [], reader, LIMITS)
    cuts = draw.draw(st.sets(st.integers(0, len(lines))))
    assert read_in_batches(lines, cuts, reader, LIMITS, through_record=True) == whole

    expression = re.compile((multiline.start or multiline.continues or "").encode())
    begins = []
    for i, line in enumerate(lines):
        text = line.removesuffix(b"\n")
        if multiline.start is not None:
            begins += [i] if expression.match(text) else []
        else:
            begins += [i] if not expression.match(text) and text.strip() else []
    known = [i for i in begins if without_times or any(lines[j].startswith(b"2024-") for j in begins if j <= i)]
    assert [row[0] - 1 for row in whole[0]] == known
    for row, i in zip(whole[0], known, strict=True):
        until = min([other for other in begins if other > i], default=len(lines))
        until = min(until, i + multiline.max_lines)
        text = b"".join(lines[i:until])[:-1]
        assert row[4] == text[: min(multiline.max_bytes, LIMITS.max_text_bytes)]


def test_a_line_without_a_time_has_that_of_the_last_one_believed():
    multiline = LineReader(TIMES, multiline=MultilineSettings(continues=r"\s"))
    leap = b"2031-01-01 00:00:00 leaps\n"
    lines = [*[stamp(i) + b" a\n" for i in range(3)], leap, b"untimed\n", b"another\n", stamp(3) + b" c\n"]
    for cuts in ([], [4], [5], [1, 2, 3, 4, 5, 6]):
        rows, dead, _, _ = read_in_batches(lines, cuts, multiline, ReadLimits(), through_record=True)
        assert [(row[0], row[1] - BASE) for row in rows[3:]] == [(5, 2000), (6, 2000), (7, 3000)]
        assert [number for number, _, _ in dead] == [4]


def test_a_trace_whose_lines_hold_timestamps_is_one_event():
    reader = LineReader(TIMES, multiline=MultilineSettings(continues=r"\S+ \S+ +(at |Caused by)"))
    lines = [
        stamp(0) + b" ERROR failed\n",
        stamp(0) + b"   at a.b\n",
        stamp(0) + b" Caused by: x\n",
        stamp(1) + b" on\n",
    ]
    rows, dead, counts, _ = read_in_batches(lines, [], reader, ReadLimits())
    assert [row[0] for row in rows] == [1, 4]
    assert rows[0][4] == b"".join(lines[:3])[:-1]
    assert (dead, counts["continued"]) == ([], 2)


def test_reasons_say_what_is_wrong():
    lines = [
        b'{"msg": "early"}\n',
        b'{"ts": "' + stamp(0) + b'"}\n',
        b'{"cut": \n',
        b"{} {}\n",
        b'{"ts": 1, "b": "\xc3"}\n',
    ]
    _, dead, _, _ = read_in_batches(lines, [], JSON, ReadLimits())
    assert [(number, reason) for number, reason, _ in dead] == [
        (1, "no timestamp, and no line before it whose time it could have"),
        (3, "the line is not valid JSON: a value is expected at character 9"),
        (4, "the line is not valid JSON: more text follows the object at character 3"),
        (5, dead[3][1]),
    ]
    assert "UTF-8" in dead[3][1]


def test_logfmt_that_breaks_off_is_told_of_and_plain_lines_are_not():
    reader = LineReader(TimestampSettings(("ISO8601",)), StructureSettings("logfmt", "ts", "level", "msg"))
    head = b"ts=2024-02-28T23:59:00Z level=info "
    lines = [head + b'msg="a b" c=1\n', b"\tat x\n", head + b'msg="cut\n', b"no=time\n", head + b"msg=x\n"]
    rows, dead, counts, _ = read_in_batches(lines, [2], reader, ReadLimits())
    assert [(row[0], row[3]) for row in rows] == [
        (1, b"2024-02-28T23:59:00Z info a b c=1"),
        (5, b"2024-02-28T23:59:00Z info x"),
    ]
    assert [(number, reason) for number, reason, _ in dead] == [
        (3, "the line is not valid logfmt: no key=value at character 36")
    ]
    assert counts["continued"] == 2


def test_an_object_that_never_ends_holds_back_a_limited_text_wherever_the_batches_are_cut():
    endless = [b"{\n", *[b' "k%d": 1,\n' % i for i in range(20_000)]]
    lines = [*[b'{"ts": "' + stamp(0) + b'"}\n'] * 3, *endless, b'{"ts": "' + stamp(1) + b'"}\n']
    assert sum(map(len, endless)) > 3 * MOST_OBJECT_BYTES
    whole = read_in_batches(lines, [], JSON, ReadLimits())
    assert [number for number, _, _ in whole[1]] == [4]
    assert read_in_batches(lines, range(1000, len(lines), 1000), JSON, ReadLimits()) == whole
    state = SourceState()
    for begin in range(0, 20_000, 500):
        _, state = read_events(state, b"".join(lines[begin : begin + 500]), False, JSON, ReadLimits())
        assert len(state.held) < 4 * MOST_OBJECT_BYTES


def test_messages_of_a_topic_keep_their_positions_and_times():
    text = b'{"msg": "a"}\n{\n "ts": "' + stamp(5) + b'",\n "msg": "b"\n}\n'
    reader = LineReader(TimestampSettings((NONE,)), StructureSettings("json", message="msg"))
    positions, times = np.array([3, 8, 9, 10, 11]), np.array([100, 200, 200, 200, 200])
    events, _ = read_events(SourceState(), text, True, reader, ReadLimits(), positions=positions, times_ms=times)
    assert (events.line.tolist(), events.event_ms.tolist()) == ([3, 8], [100, 200])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, 'multiline needs "start" or "continues", and not both'),
        ({"start": "a", "continues": "b"}, 'multiline needs "start" or "continues", and not both'),
        ({"start": "(a"}, r"multiline\.start is no usable regular expression: missing \), .*; mend it"),
    ],
)
def test_bad_settings_are_named(document, problem):
    with pytest.raises(MultilineError, match=problem):
        MultilineSettings.from_document(document)


def test_settings_survive_the_document():
    for document in ({"start": "a"}, {"continues": "b", "max_lines": 3, "max_bytes": 9}):
        assert MultilineSettings.from_document(document).to_document() == document
