"""Reading a source in batches against reading it whole, and that against plain Python."""

from __future__ import annotations

import datetime
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import judged_lines
from models.source_clock import ClockState
from models.source_reader import ReadLimits, SourceState, read_events
from models.timestamps import TimestampReader, TimestampSettings
from models.timestamps.patterns import NONE
from models.timestamps.years import YearCarry
from tests.models.clock_oracle import SlowClock
from tests.models.source_lines import (
    BRACKETED,
    EPOCH,
    LIMITS,
    READER,
    STAMP,
    YEARLESS,
    read_in_batches,
    sources,
    stamp,
)


def slow_read(lines, limits):
    """Events, lines that are dead and counts, a line at a time."""
    clock = SlowClock(limits.max_leap_ms)
    timed_lines, dead, continued, texts = [], [], 0, {}
    raw = [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines]
    for number, text in enumerate(raw, 1):
        try:
            fine = len(text) <= limits.max_line_bytes and not set(text) & {0, 1} and text.decode() is not None
        except UnicodeDecodeError:
            fine = False
        if not fine:
            dead.append(number)
        elif (found := STAMP.match(text)) and not text.startswith(b"2024-02-30"):
            when = datetime.datetime.strptime(found[0].decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC)
            timed_lines.append(number)
            clock.tell(round(when.timestamp() * 1000))
        elif timed_lines:
            continued += 1
        else:
            dead.append(number)
    clock.end()
    for k, number in enumerate(timed_lines):
        until = timed_lines[k + 1] if k + 1 < len(timed_lines) else len(lines) + 1
        whole = b"".join(lines[number - 1 : until - 2]) + raw[until - 2]
        texts[number] = whole[: limits.max_text_bytes]
    events, late = [], 0
    for number, (ms, believed, _, now) in zip(timed_lines, clock.verdicts, strict=True):
        if believed:
            order = max(ms, now - limits.lateness_ms)
            late += order > ms
            events.append((number, ms, order, raw[number - 1], texts[number], (0, 19)))
        else:
            dead.append(number)
    return events, sorted(dead), {"lines": len(lines), "continued": continued, "late": late}


@settings(max_examples=200)
@given(sources)
def test_a_source_is_read_as_line_by_line(lines):
    rows, dead, counts, state = read_in_batches(lines, [], READER, LIMITS)
    assert (rows, [number for number, _, _ in dead], counts) == slow_read(lines, LIMITS)
    for number, reason, raw in dead:
        assert raw == lines[number - 1].removesuffix(b"\n").removesuffix(b"\r")
        assert reason
    assert state[0] == len(lines) + 1


@settings(max_examples=200)
@given(sources, st.lists(st.integers(0, 14), max_size=5), st.booleans())
def test_where_the_batches_are_cut_changes_nothing(lines, cuts, no_end):
    if no_end and lines:
        lines[-1] = lines[-1].rstrip(b"\r\n")
    cuts = [min(cut, len(lines)) for cut in cuts]
    whole = read_in_batches(lines, [], READER, LIMITS)
    assert read_in_batches(lines, cuts, READER, LIMITS, through_record=True) == whole
    assert read_in_batches(lines, range(1, len(lines)), READER, LIMITS) == whole


SENT_MS = round(EPOCH.timestamp() * 1000) + 5000


def read_from_topic(lines, cuts, reader=READER, limits=LIMITS, flushes=(), sent=None):
    """As :func:`read_in_batches`, of lines with positions and times; a flush after the cuts that are told.

    What comes out has the text of an event apart from the rest.
    """
    positions = np.cumsum(np.array([1 + len(line) for line in lines], np.int64)) << 20
    sent = np.full(len(lines), SENT_MS) if sent is None else sent
    state, begin = SourceState(), 0
    rows: list[tuple] = []
    texts: list[bytes] = []
    dead: list[tuple] = []
    counts = {"lines": 0, "continued": 0, "late": 0}
    bounds = [*sorted(cuts), len(lines)]
    for k, end in enumerate(bounds):
        at_end = k == len(bounds) - 1
        steps = [(lines[begin:end], slice(begin, end), at_end, k in flushes)]
        if k in flushes and k % 2 and not at_end:  # by itself as well as with lines
            steps = [(lines[begin:end], slice(begin, end), False, False), ([], slice(end, end), False, True)]
        for some, where, last, flush in steps:
            state = SourceState.from_record(json.loads(json.dumps(state.to_record())))
            raw = b"".join(some)
            events, state = read_events(
                state, raw, last, reader, limits, positions=positions[where], times_ms=sent[where], flush=flush
            )
            assert events.lines == len(events) + events.continued + len(events.dead) == len(events.counted)
            for name in counts:
                counts[name] += getattr(events, name)
            data = events.data.tobytes()
            rows += zip(
                events.line.tolist(),
                events.event_ms.tolist(),
                events.order_ms.tolist(),
                [data[a:b] for a, b in zip(events.starts.tolist(), events.ends.tolist(), strict=True)],
                strict=True,
            )
            texts += [data[a:b] for a, b in zip(events.starts.tolist(), events.text_ends.tolist(), strict=True)]
            dead += [(letter.line, letter.reason, letter.raw, letter.time_ms) for letter in events.dead]
            if flush and not last:
                assert not state.held or state.clock.belief_ms is not None
        begin = end
    assert (state.held, state.held_positions, state.held_times) == (b"", (), ())
    return (rows, dead, counts, (state.next_line, state.open, state.clock, state.years)), texts


@settings(max_examples=150)
@given(sources, st.lists(st.integers(0, 14), max_size=5))
def test_lines_keep_their_positions_wherever_the_batches_are_cut(lines, cuts):
    cuts = [min(cut, len(lines)) for cut in cuts]
    far = np.zeros(len(lines), np.int64)  # so that what they came with counts for nothing
    (rows, dead, counts, state), texts = read_from_topic(lines, cuts, sent=far)
    whole = read_in_batches(lines, [], READER, LIMITS)
    positions = (np.cumsum(np.array([1 + len(line) for line in lines], np.int64)) << 20).tolist()
    assert [(positions[number - 1], *rest[:3]) for number, *rest in whole[0]] == rows
    assert [rest[3] for _, *rest in whole[0]] == texts
    assert [(positions[number - 1], reason, raw, 0) for number, reason, raw in whole[1]] == dead
    assert (counts, state) == whole[2:]


@settings(max_examples=150)
@given(sources, st.lists(st.integers(0, 14), max_size=5), st.lists(st.sampled_from([0, 3, 61, 200]), max_size=14))
def test_where_the_batches_of_a_topic_are_cut_changes_nothing(lines, cuts, sent):
    cuts = [min(cut, len(lines)) for cut in cuts]
    sent = np.array([SENT_MS + 1000 * s for s in (*sent, *[0] * 14)][: len(lines)], np.int64)
    whole = read_from_topic(lines, [], sent=sent)
    assert read_from_topic(lines, cuts, sent=sent) == whole
    assert read_from_topic(lines, range(1, len(lines)), sent=sent) == whole


@settings(max_examples=200)
@given(sources, st.lists(st.integers(0, 14), max_size=6), st.sets(st.integers(0, 6)))
def test_a_flush_takes_nothing_but_text_away(lines, cuts, flushes):
    lines = [stamp(4) + b" a first line near to when it was sent\n", *lines]
    cuts = [min(cut, len(lines)) for cut in cuts]
    whole, texts = read_from_topic(lines, [])
    flushed, shorter = read_from_topic(lines, cuts, flushes=flushes)
    assert flushed == whole
    assert all(text.startswith(cut) for text, cut in zip(texts, shorter, strict=True))


def test_a_flush_lets_the_last_event_go_and_later_lines_continue_it():
    def read(state, raw, **how):
        n = raw.count(b"\n")
        at = np.arange(n) + state.next_line + len(state.held_positions)
        return read_events(state, raw, False, READER, LIMITS, positions=at, times_ms=np.full(n, SENT_MS), **how)

    events, state = read(SourceState(), stamp(5) + b" x\n at y\n")
    assert (len(events), state.held_positions, state.held_times) == (0, (1, 2), (SENT_MS, SENT_MS))
    events, state = read(state, b"", flush=True)
    assert (len(events), events.continued, state.held) == (1, 1, b"")
    assert events.data[events.starts[0] : events.text_ends[0]].tobytes() == stamp(5) + b" x\n at y"
    events, state = read(state, b" at z\n" + stamp(6) + b" next\n")
    assert (len(events), events.continued, events.dead) == (0, 1, [])


def test_a_flush_decides_a_first_timestamp_and_holds_a_leap():
    far = np.zeros(1, np.int64)

    def read(state, seconds, **how):
        raw = stamp(seconds) + b" x\n"
        return read_events(state, raw, False, READER, LIMITS, positions=far, times_ms=far, **how)

    events, state = read(SourceState(), 0)
    assert (len(events), state.clock) == (0, ClockState())
    events, state = read(state, 1, flush=True)
    assert (len(events), state.held) == (2, b"")
    events, state = read(state, 4000, flush=True)
    assert (len(events), events.dead) == (0, [])
    events, state = read(state, 2, flush=True)
    assert [len(events), *(letter.reason[:9] for letter in events.dead)] == [1, "timestamp"]


def test_lines_without_timestamps_happen_when_they_were_sent():
    reader = TimestampReader(TimestampSettings((NONE,)))
    lines, sent = [b"a\n", b"b\n", b"\n", b"c\n", b"d\n"], SENT_MS + np.array([0, 2000, 2001, 1000, 9_000_000])
    (rows, dead, counts, _), texts = read_from_topic(lines, [2], reader, ReadLimits(max_leap_ms=60_000), sent=sent)
    assert [(ms - SENT_MS, order - SENT_MS, text) for _, ms, order, text in rows] == [
        (0, 0, b"a"),
        (2000, 2000, b"b"),
        (1000, 2000, b"c"),
    ]
    assert texts == [b"a", b"b\n", b"c"]
    assert [(raw, when) for *_, raw, when in dead] == [(b"d", SENT_MS + 9_000_000)]
    assert counts == {"lines": 5, "continued": 1, "late": 1}


def test_positions_and_times_are_as_many_as_lines():
    with pytest.raises(ValueError, match="1 positions are told of 2 lines"):
        read_events(SourceState(), b"a\nb\n", False, READER, LIMITS, positions=np.arange(1))
    with pytest.raises(ValueError, match="3 times are told of 2 lines"):
        read_events(SourceState(), b"a\nb\n", False, READER, LIMITS, times_ms=np.arange(3))


days = st.sampled_from([0, 1, 100, 200, 250, 300, 306, 307, 308, 310, 365, 400, 672, 673])


@settings(max_examples=100)
@given(st.lists(st.tuples(days, st.booleans()), max_size=12), st.lists(st.integers(0, 20), max_size=4))
def test_where_the_batches_are_cut_changes_no_year(told, cuts):
    lines = []
    for day, followed in told:
        lines += [stamp(day * 86_400, "%b %d %H:%M:%S") + b" x\n", *[b"  and\n"] * followed]
    limits = ReadLimits(max_leap_ms=2 * 86_400_000)
    whole = read_in_batches(lines, [], YEARLESS, limits)
    assert read_in_batches(lines, [min(cut, len(lines)) for cut in cuts], YEARLESS, limits, True) == whole


def test_years_roll_over_from_batch_to_batch():
    lines = [b"Dec 31 23:59:57 a\n", b"Dec 31 23:59:58 b\n", b"Dec 31 23:59:59 c\n", b"Jan  1 00:00:00 d\n"]
    lines += [b"Dec 31 23:59:59 late\n", b"Jan  1 00:00:01 e\n"]
    reader = TimestampReader(TimestampSettings(("MMM d HH:mm:ss",), year=2023))
    for cuts in ([], [3], [1, 2, 3, 4, 5]):
        rows, dead, counts, _ = read_in_batches(lines, cuts, reader, ReadLimits())
        base = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC).timestamp()) * 1000
        assert [ms - base for _, ms, *_ in rows] == [-3000, -2000, -1000, 0, -1000, 1000]
        assert [ms - base for _, _, ms, *_ in rows] == [-3000, -2000, -1000, 0, 0, 1000]
        assert (dead, counts["late"]) == ([], 1)


@settings(max_examples=60)
@given(sources, st.lists(st.integers(0, 14), max_size=4))
def test_timestamps_within_the_line_are_found_in_every_batch(lines, cuts):
    lines = [re.sub(rb"^(\d{4}-\S+ \S{8})", rb"h1 [\1]", line) for line in lines]
    limits = ReadLimits(max_leap_ms=60_000)
    whole = read_in_batches(lines, [], BRACKETED, limits)
    assert read_in_batches(lines, [min(cut, len(lines)) for cut in cuts], BRACKETED, limits) == whole
    for _, _, _, line, _, (begin, end) in whole[0]:
        assert (begin, STAMP.fullmatch(line[begin:end]) is not None) == (4, True)


def test_a_leap_that_is_not_confirmed_is_a_dead_letter_and_says_why():
    lines = [stamp(s) + b" x\n" for s in (0, 1, 2, 4000, 3)] + [b"on\n"]
    rows, dead, counts, state = read_in_batches(lines, [4], READER, LIMITS)
    assert [number for number, *_ in rows] == [1, 2, 3, 5]
    assert dead == [
        (
            4,
            "timestamp 2024-02-29T01:05:40.000Z leaps ahead of the lines around it (max_leap_ms)",
            stamp(4000) + b" x",
        )
    ]
    assert state[2] == ClockState(rows[-1][1], rows[-1][1])
    assert rows[-1][4] == stamp(3) + b" x\non"
    assert counts["continued"] == 1


def test_the_lines_of_an_event_that_is_refused_are_not_the_text_of_the_one_before():
    lines = [stamp(s) + b" x\n" for s in (0, 1, 2)] + [stamp(4000) + b" far\n", b"on\n", stamp(3) + b" y\n"]
    rows, _, counts, _ = read_in_batches(lines, [], READER, LIMITS)
    assert rows[2][4] == stamp(2) + b" x"
    assert counts == {"lines": 6, "continued": 1, "late": 0}


def test_lines_before_the_first_event_are_dead_letters():
    rows, dead, _, _ = read_in_batches([b"head\n", b"\n", stamp(1) + b" x\n", b"tail"], [1], READER, LIMITS)
    assert [number for number, *_ in rows] == [3]
    assert [(n, r, t) for n, r, t in dead] == [
        (1, "no timestamp, and no line before it that it could continue", b"head"),
        (2, "no timestamp, and no line before it that it could continue", b""),
    ]


@pytest.mark.parametrize("cuts", [[], range(1, 4003, 40), [2, 2000]])
def test_an_event_of_many_lines_does_not_wait_in_memory_and_keeps_its_text(cuts):
    lines = [stamp(s) + b" x\n" for s in (0, 1, 2)] + [b"continues this event\n"] * 4000 + [stamp(3) + b" y\n"]
    rows, dead, counts, _ = read_in_batches(lines, cuts, READER, LIMITS)
    assert [number for number, *_ in rows] == [1, 2, 3, 4004]
    assert rows[2][4] == b"".join(lines[2:])[:40]
    assert (dead, counts["continued"]) == ([], 4000)


def test_a_long_event_is_let_go_before_it_ends():
    state = SourceState()
    _, state = read_events(state, b"".join(stamp(s) + b" x\n" for s in (0, 1, 2)), False, READER, LIMITS)
    assert state.held
    events, state = read_events(state, b"continues this event\n" * 4000, False, READER, LIMITS)
    assert (len(events), events.continued, state.held) == (3, 4000, b"")
    events, state = read_events(state, b"and on\n" * 9, False, READER, LIMITS)
    assert (len(events), events.continued, state.held) == (0, 9, b"")


@given(st.data())
@settings(max_examples=60)
def test_a_timestamp_in_doubt_waits_for_a_limited_text_wherever_the_batches_are_cut(draw):
    plain, far = b"no time in this line\n", stamp(400 * 86400) + b" a leap\n"
    pieces = st.sampled_from([plain, plain * 12, far, stamp(0) + b" x\n", stamp(1) + b" y\n"])
    lines = b"".join(draw.draw(st.lists(pieces, min_size=1, max_size=12))).splitlines(keepends=True)
    cuts = draw.draw(st.sets(st.integers(1, len(lines)), max_size=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_lines, "MOST_HELD_BYTES", 200)
        whole = read_in_batches(lines, [], READER, LIMITS)
        assert read_in_batches(lines, sorted(cuts), READER, LIMITS) == whole
        assert read_in_batches(lines, range(1, len(lines)), READER, LIMITS) == whole


def test_a_timestamp_in_doubt_does_not_hold_back_text_without_end():
    text = b"no time in this line\n" * 10_000
    state = SourceState()
    for raw in (stamp(0) + b" x\n", *([text] * 20)):
        _, state = read_events(state, raw, False, READER, LIMITS)
    assert len(state.held) < 2 << 20
    assert state.clock.clock_ms is not None


def test_nothing_read_is_nothing_found():
    events, state = read_events(SourceState(), b"", True, READER, LIMITS)
    assert (len(events), events.lines, events.dead, events.clock_ms) == (0, 0, [], None)
    assert state == SourceState()


def test_the_clock_is_told_less_the_lateness():
    raw = b"".join(stamp(s) + b" x\n" for s in (0, 1, 5))
    base = round(EPOCH.timestamp() * 1000)
    events, state = read_events(SourceState(), raw, False, READER, LIMITS)
    assert (events.clock_before_ms, events.clock_ms) == (None, None)  # two do not make a run of three
    events, state = read_events(state, stamp(4) + b" x\n", True, READER, LIMITS)
    assert (events.clock_before_ms, events.clock_ms) == (None, base + 3000)
    assert state.clock == ClockState(base + 5000, base + 5000)


def test_a_state_survives_as_a_record():
    state = SourceState(
        7, True, ClockState(5, 3), YearCarry(2, 99), b"\xff\x00", (2**62, 2**62 + 1), (-1, 2), ("a",), 77
    )
    assert SourceState.from_record(json.loads(json.dumps(state.to_record()))) == state
    with pytest.raises(ValueError, match="version 4; known are 1 to 3"):
        SourceState.from_record({**state.to_record(), "version": 4})


def test_a_state_that_version_1_wrote_is_read():
    record = {"version": 1, "next_line": 7, "open": True, "clock_ms": 5, "belief_ms": None, "years": [2, 99]}
    state = SourceState.from_record({**record, "held": "YQo="})
    assert state == SourceState(7, True, ClockState(5, None), YearCarry(2, 99), b"a\n")
    told = {"held": "YQo=", "held_positions": [4], "held_times": [9]}
    state = SourceState.from_record({**record, **told, "version": 2})
    assert state == SourceState(7, True, ClockState(5, None), YearCarry(2, 99), b"a\n", (4,), (9,))
