"""Batches survive being written and read; what is no batch is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import (
    BatchError,
    EventBatch,
    LogBatch,
    columns_to_strings,
    pack_columns,
    strings_to_columns,
    unpack_columns,
)

int64 = st.integers(-(2**63), 2**63 - 1)
events = st.lists(
    st.tuples(int64, int64, int64, st.integers(-1, 2**31 - 1), st.binary(max_size=9), st.binary(max_size=9)), max_size=5
)


def batch_of(rows, source="é/log", shard=7):
    columns: list[tuple] = list(zip(*rows, strict=True)) if rows else [()] * 6
    order_ms, event_ms, position = (np.array(column, np.int64) for column in columns[:3])
    template = np.array(columns[3], np.int32)
    return EventBatch(source, shard, 3, order_ms, event_ms, position, template, list(columns[4]), list(columns[5]))


@settings(max_examples=60)
@given(events, st.text(max_size=5), st.integers(0, 4095))
def test_an_event_batch_is_read_as_it_was_written(rows, source, shard):
    batch = batch_of(rows, source, shard)
    again = EventBatch.decode(batch.encode())
    assert len(again) == len(batch) == len(rows)
    assert (again.source, again.shard, again.model_version) == (source, shard, 3)
    for name in ("order_ms", "event_ms", "position", "template"):
        assert getattr(again, name).tolist() == getattr(batch, name).tolist()
        assert getattr(again, name).dtype == getattr(batch, name).dtype
    assert again.transaction == batch.transaction
    assert again.text == batch.text


@pytest.mark.parametrize(
    "batch",
    [
        LogBatch("a"),
        LogBatch("é\n", b"line\nno end", at_end=True, error="broken off"),
        LogBatch("a", kind=LogBatch.OPEN, clock_ms=-5),
        LogBatch("a", kind=LogBatch.LANE),
    ],
)
def test_a_log_batch_is_read_as_it_was_written(batch):
    assert LogBatch.decode(batch.encode()) == batch


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=5), max_size=6))
def test_strings_come_back_from_their_columns(values):
    lengths, joined = strings_to_columns(values)
    assert columns_to_strings(memoryview(lengths), memoryview(joined)) == values


@pytest.mark.parametrize("record", [batch_of([(1, 2, 3, 4, b"id", b"text")]).encode(), LogBatch("a", b"x").encode()])
def test_a_record_cut_off_anywhere_is_refused(record):
    kind = LogBatch if b"at_end" in record else EventBatch
    for length in range(len(record)):
        with pytest.raises(BatchError):
            kind.decode(record[:length])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"", "cut off"),
        (b"WW\x01", "cut off"),
        (b"XX" + LogBatch("a").encode()[2:], "not a batch"),
        (pack_columns(2, {}, [b""]), "layout 2; this version reads layout 1"),
        (pack_columns(1, {}, [b"abc"])[:-1], "cut off"),
        (pack_columns(1, {}, [b"abc"]) + b"\x01", "cut off"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(record, message):
    with pytest.raises(BatchError, match=message):
        unpack_columns(record, 1)
