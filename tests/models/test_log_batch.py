"""Batches of raw lines survive being written and read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import BatchError, pack_columns
from models.log_batch import DeadRecord, LogBatch

int64 = st.integers(-(2**63), 2**63 - 1)
dead = st.builds(DeadRecord, st.integers(0, 2**62), st.text(max_size=5), st.binary(max_size=9), st.none() | int64)


def parts(batch):
    """A batch as values that can be compared."""
    columns = [
        None if column is None else (column.dtype, column.tolist()) for column in (batch.position, batch.time_ms)
    ]
    rest = [
        getattr(batch, name) for name in ("source", "data", "at_end", "error", "kind", "clock_ms", "topic", "partition")
    ]
    return [*rest, *columns, batch.dead, batch.next_offset, batch.messages]


def of_topic(lines=((5 << 20, 12), (6 << 20, 13)), dead=(), **change):
    position, time_ms = (np.array(column, np.int64) for column in (zip(*lines, strict=True) if lines else ([], [])))
    return LogBatch(
        "app.log",
        b"a line\n" * len(lines),
        topic="logs",
        partition=3,
        position=position,
        time_ms=time_ms,
        dead=list(dead),
        next_offset=8,
        messages=len(lines) + len(dead),
        **change,
    )


@pytest.mark.parametrize(
    "batch",
    [
        LogBatch("a"),
        LogBatch("é\n", b"line\nno end", at_end=True, error="broken off"),
        LogBatch("a", kind=LogBatch.OPEN, clock_ms=-5),
        LogBatch("a", kind=LogBatch.LANE),
        LogBatch("logs/0", kind=LogBatch.OPEN, topic="logs", partition=0, next_offset=17),
        of_topic(),
        of_topic(lines=()),
        of_topic(dead=[DeadRecord(7 << 20, "no value", b"", 14)]),
        of_topic(lines=(), dead=[DeadRecord(7 << 20, "no \ud800", b"\xff\n")]),
    ],
)
def test_a_log_batch_is_read_as_it_was_written(batch):
    assert parts(LogBatch.decode(batch.encode())) == parts(batch)


@settings(max_examples=100)
@given(st.lists(st.tuples(int64, int64), max_size=4), st.lists(dead, max_size=3))
def test_a_log_batch_of_a_topic_is_read_as_it_was_written(lines, records):
    batch = of_topic(lines, records)
    assert parts(LogBatch.decode(batch.encode())) == parts(batch)


@pytest.mark.parametrize("batch", [LogBatch("a", b"x"), of_topic(dead=[DeadRecord(1, "bad", b"raw")])])
def test_a_record_cut_off_anywhere_is_refused(batch):
    record = batch.encode()
    for length in range(len(record)):
        with pytest.raises(BatchError):
            LogBatch.decode(record[:length])


def test_a_batch_that_lacks_a_column_is_refused():
    with pytest.raises(BatchError, match="cut off"):
        LogBatch.decode(pack_columns(LogBatch.VERSION, {"source": "a", "lines": 1}, [b"x\n", b"\0" * 8]))
    with pytest.raises(BatchError, match="layout 1; this version reads layout 2"):
        LogBatch.decode(pack_columns(1, {"source": "a"}, [b""]))


@pytest.mark.parametrize("offset", range(4, 12))
def test_a_batch_is_cut_between_messages(offset):
    """Lines of the offsets 5 (two of them), 7 and 9; dead messages at 6 and 10."""
    position = np.array([5 << 20, 5 << 20 | 1, 7 << 20, 9 << 20])
    dead = [DeadRecord(6 << 20, "x", b"?"), DeadRecord(10 << 20, "y", b"!")]
    data = b"a\nb\nc\nd\n"
    batch = LogBatch(
        "s", data, topic="t", partition=3, position=position, time_ms=position + 1, dead=dead, next_offset=11
    )
    first, rest = batch.cut(offset)
    lines = dict(zip(position.tolist(), data.splitlines(keepends=True), strict=True))
    for part, belongs in ((first, lambda p: p < offset << 20), (rest, lambda p: p >= offset << 20)):
        kept = [p for p in position.tolist() if belongs(p)]
        records = [record for record in dead if belongs(record.position)]
        if not kept and not records:
            assert part is None
            continue
        assert part is not None
        assert part.position is not None
        assert part.time_ms is not None
        assert (part.source, part.topic, part.partition, part.next_offset) == ("s", "t", 3, -1)
        assert part.data == b"".join(lines[p] for p in kept)
        assert (part.position.tolist(), part.time_ms.tolist()) == (kept, [p + 1 for p in kept])
        assert part.dead == records
