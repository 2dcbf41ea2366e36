"""Lines of sources for tests of the reader, and reading them in batches."""

from __future__ import annotations

import datetime
import json
import re

from hypothesis import strategies as st

from models.source_reader import ReadLimits, SourceState, read_events
from models.timestamps import TimestampReader, TimestampSettings

READER = TimestampReader(TimestampSettings(("yyyy-MM-dd HH:mm:ss",)))
BRACKETED = TimestampReader(TimestampSettings(("yyyy-MM-dd HH:mm:ss",), skip_words=1, literal="["))
YEARLESS = TimestampReader(TimestampSettings(("MMM dd HH:mm:ss",), year=2023))
LIMITS = ReadLimits(lateness_ms=2000, max_leap_ms=60_000, max_line_bytes=60, max_text_bytes=40)
STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

moments = st.sampled_from([0, 1, 2, 3, 5, 9, 30, 59, 61, 100, 4000, 4001, 4003, 90_000])
EPOCH = datetime.datetime(2024, 2, 28, 23, 59, tzinfo=datetime.UTC)


def stamp(seconds, form="%Y-%m-%d %H:%M:%S"):
    return (EPOCH + datetime.timedelta(seconds=seconds)).strftime(form).encode()


timed = st.tuples(moments, st.sampled_from([b" a", b" b 1", b"", b" a rather long message that goes on"])).map(
    lambda pair: stamp(pair[0]) + pair[1]
)
others = st.sampled_from(
    [
        b"  continues",
        b"",
        b"\tat x.y",
        b"x" * 61,
        b"nul \x00",
        b"\xff",
        b"2024-02-30 10:00:00 no such day",
        "é".encode(),
        stamp(7) + b" bad \x01",
        stamp(8) + b"y" * 60,
        stamp(9) + b" \xc3",
    ]
)
ends = st.sampled_from([b"\n", b"\n", b"\r\n"])
sources = st.lists(st.tuples(timed | timed | others, ends), max_size=14).map(
    lambda lines: [line + end for line, end in lines]
)


def read_in_batches(lines, cuts, reader, limits, through_record=False):
    """What comes out of all batches: rows of events, dead letters, and the sums of the counts."""
    state, rows, dead, begin = SourceState(), [], [], 0
    counts = {"lines": 0, "continued": 0, "late": 0}
    bounds = [*sorted(cuts), len(lines)]
    for k, end in enumerate(bounds):
        before = state
        if through_record:
            state = SourceState.from_record(json.loads(json.dumps(state.to_record())))
            assert state == before
        events, state = read_events(state, b"".join(lines[begin:end]), k == len(bounds) - 1, reader, limits)
        assert events.lines == len(events) + events.continued + len(events.dead)
        assert state.next_line == before.next_line + events.lines
        if events.clock_before_ms is not None:
            assert all(ms >= events.clock_before_ms for ms in events.order_ms.tolist())
            assert events.clock_ms is not None
            assert events.clock_ms >= events.clock_before_ms
        for name in counts:
            counts[name] += getattr(events, name)
        data, raw = events.data.tobytes(), events.raw.tobytes()
        columns = (
            events.starts,
            events.ends,
            events.text_starts,
            events.text_ends,
            events.time_starts,
            events.time_ends,
        )
        for number, event_ms, order_ms, a, b, text, text_end, c, d in zip(
            *(column.tolist() for column in (events.line, events.event_ms, events.order_ms, *columns)), strict=True
        ):
            rows.append((number, event_ms, order_ms, data[a:b], raw[text:text_end], (c - a, d - a)))
        dead += [(letter.line, letter.reason, letter.raw) for letter in events.dead]
        begin = end
    assert state.held == b""
    return rows, dead, counts, (state.next_line, state.open, state.clock, state.years)
