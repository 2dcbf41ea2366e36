"""Batches survive being written and read; what is no batch is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import (
    BatchError,
    EventBatch,
    columns_to_strings,
    pack_columns,
    strings_to_columns,
    unpack_columns,
)

int64 = st.integers(-(2**63), 2**63 - 1)
events = st.lists(
    st.tuples(int64, int64, int64, st.integers(-1, 2**31 - 1), st.binary(max_size=9), st.binary(max_size=9)), max_size=5
)


def batch_of(rows, source="é/log", shard=7, templates=("t-é", "t-2")):
    columns: list[tuple] = list(zip(*rows, strict=True)) if rows else [()] * 6
    order_ms, event_ms, position = (np.array(column, np.int64) for column in columns[:3])
    template = np.array(columns[3], np.int32)
    strings = list(columns[4]), list(columns[5])
    return EventBatch(source, shard, "shop", 3, order_ms, event_ms, position, template, list(templates), *strings)


@settings(max_examples=60)
@given(events, st.text(max_size=5), st.integers(0, 4095), st.lists(st.text(max_size=3), max_size=3))
def test_an_event_batch_is_read_as_it_was_written(rows, source, shard, templates):
    batch = batch_of(rows, source, shard, templates)
    again = EventBatch.decode(batch.encode())
    assert len(again) == len(batch) == len(rows)
    assert (again.source, again.shard, again.model, again.epoch, again.kind) == (source, shard, "shop", 3, "events")
    assert again.templates == templates
    for name in ("order_ms", "event_ms", "position", "template"):
        assert getattr(again, name).tolist() == getattr(batch, name).tolist()
        assert getattr(again, name).dtype == getattr(batch, name).dtype
    assert again.transaction == batch.transaction
    assert again.text == batch.text


def test_the_marker_of_the_end_of_a_source_holds_no_event_and_its_last_time():
    again = EventBatch.decode(EventBatch.end("logs/0/a", 7, "shop", 3, 1000).encode())
    assert (len(again), again.kind, again.order_ms.tolist()) == (0, "end", [1000])
    assert (again.source, again.shard, again.model, again.epoch) == ("logs/0/a", 7, "shop", 3)


def test_a_batch_of_an_unknown_kind_is_refused():
    batch = batch_of([])
    batch.kind = "other"
    with pytest.raises(BatchError, match="unknown kind 'other'"):
        EventBatch.decode(batch.encode())


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=5), max_size=6))
def test_strings_come_back_from_their_columns(values):
    lengths, joined = strings_to_columns(values)
    assert columns_to_strings(memoryview(lengths), memoryview(joined)) == values


def test_a_record_cut_off_anywhere_is_refused():
    record = batch_of([(1, 2, 3, 4, b"id", b"text")]).encode()
    for length in range(len(record)):
        with pytest.raises(BatchError):
            EventBatch.decode(record[:length])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"", "cut off"),
        (b"WW\x01", "cut off"),
        (b"XX" + pack_columns(1, {}, [b""])[2:], "not a batch"),
        (pack_columns(2, {}, [b""]), "layout 2; this version reads layout 1"),
        (pack_columns(1, {}, [b"abc"])[:-1], "cut off"),
        (pack_columns(1, {}, [b"abc"]) + b"\x01", "cut off"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(record, message):
    with pytest.raises(BatchError, match=message):
        unpack_columns(record, 1)
