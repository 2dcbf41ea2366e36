"""Messages of a topic to batches of lines, against plain Python a message at a time."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.log_batch import LogBatch
from models.messages import AUTO, ENVELOPE, RAW, MessageSettings, pack_messages
from models.positions import index_of, offset_of, position_of

NOON = 1_700_000_000_000


def pack(rows, form=AUTO, **settings_of):
    """Batches of (partition, offset, value, header) rows; the time of each is its offset after noon."""
    partitions, offsets, values, headers = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    times = np.array([NOON + offset for offset in offsets], np.int64)
    named = headers if any(headers) else None
    return pack_messages(
        "logs", np.array(partitions), np.array(offsets), times, values, named, MessageSettings(form, **settings_of)
    )


def single(*values, form=AUTO, **settings_of):
    (batch,) = pack([(0, k, value, None) for k, value in enumerate(values)], form, **settings_of)
    return batch


def lines_of(batch):
    """(offset, line in the message, time after noon, text with line end) of each line."""
    texts = batch.data.split(b"\n")
    assert texts.pop() == b""
    assert len(texts) == len(batch.position) == len(batch.time_ms)
    assert batch.position.dtype == batch.time_ms.dtype == np.int64
    return [
        (offset_of(p), index_of(p), t - NOON, text)
        for p, t, text in zip(batch.position.tolist(), batch.time_ms.tolist(), texts, strict=True)
    ]


def envelope(message, **more):
    return json.dumps({"message": message, **more}).encode()


def slow(rows, form):
    """What is to come of it, a message at a time: (partition, source) → lines, offsets of dead messages."""
    found: dict[tuple[int, str], tuple[list, list]] = {}
    for partition, offset, value, header in sorted(rows, key=lambda row: row[:2]):
        source, time, dead = header.decode() if header else f"logs/{partition}", offset, value is None
        if value is not None and form != RAW:
            try:
                document = json.loads(value)
            except ValueError:
                document = None
            if isinstance(document, dict) and isinstance(document.get("message"), str):
                value = document["message"].encode()
                source = document.get("source", source)
                time = document.get("timestamp", offset + NOON) - NOON
            else:
                dead = form == ENVELOPE
        lines, lost = found.setdefault((partition, source), ([], []))
        if dead:
            lost.append(offset)
        else:
            lines += [(offset, k, time, text) for k, text in enumerate(value.removesuffix(b"\n").split(b"\n"))]
    return found


plain = st.sampled_from(
    [b"a", b"", b"b\r", b"c\n", b"d\ne", b"\n", b"f\n\ng\r\n", b"\xff", b" {", b'{"msg": "x"}', b"{}"]
)
wrapped = st.builds(
    envelope,
    st.sampled_from(["m", "m\n", "m\nn\n", "", "é"]),
    source=st.sampled_from(["s", "t"]),
    timestamp=st.sampled_from([NOON + 7, NOON + 70]),
) | st.builds(envelope, st.just("bare"))
messages = st.lists(
    st.tuples(st.integers(0, 2), plain | plain | wrapped | st.none(), st.sampled_from([None, None, b"s", b"h"])),
    max_size=12,
).map(lambda rows: [(p, k, value, header) for k, (p, value, header) in enumerate(rows)])


@settings(max_examples=300)
@given(messages, st.sampled_from([RAW, ENVELOPE, AUTO]), st.randoms())
def test_messages_are_packed_as_one_by_one_in_whatever_order_they_come(rows, form, random):
    expected = slow(rows, form)
    random.shuffle(rows)
    batches = pack(rows, form)
    found = {(b.partition, b.source): (lines_of(b), [offset_of(d.position) for d in b.dead]) for b in batches}
    assert found == expected
    assert len(batches) == len(found) <= len(rows)
    assert sum(batch.messages for batch in batches) == len(rows)
    for batch in batches:
        assert batch.topic == "logs"
        last = [b for b in batches if b.partition == batch.partition][-1]
        end = 1 + max(offset for partition, offset, *_ in rows if partition == batch.partition)
        assert batch.next_offset == (end if batch is last else -1)
        assert all(record.reason and record.time_ms == NOON + offset_of(record.position) for record in batch.dead)
        LogBatch.decode(batch.encode())


@settings(max_examples=100)
@given(messages, st.sampled_from([RAW, ENVELOPE, AUTO]), st.integers(0, 12))
def test_how_messages_come_together_changes_no_line(rows, form, cut):
    def lines(parts):
        found: dict[tuple[int, str], tuple[list, list]] = {}
        for part in parts:
            for batch in pack(part, form):
                lines, dead = found.setdefault((batch.partition, batch.source), ([], []))
                lines += lines_of(batch)
                dead += batch.dead
        return found

    assert lines([rows[:cut], rows[cut:]]) == lines([rows])


def test_each_line_of_a_message_has_its_place():
    batch = single(b"a\n at x\r\n at y", b"b")
    assert batch.data == b"a\n at x\r\n at y\nb\n"
    assert batch.position.tolist() == [position_of(0, 0), position_of(0, 1), position_of(0, 2), position_of(1)]
    assert batch.messages == 2


def test_a_message_of_very_many_lines_keeps_them_in_order():
    batch = single(b"x\n" * (2**20 + 5), b"y")
    assert len(batch.position) == 2**20 + 6
    assert (np.diff(batch.position) >= 0).all()
    assert offset_of(int(batch.position[-2])) == 0


def test_the_name_in_the_envelope_goes_before_the_header_and_that_before_the_partition():
    rows = [
        (0, 1, envelope("a", source="e"), b"h"),
        (0, 2, envelope("b"), b"h"),
        (0, 3, envelope("c"), None),
        (0, 4, b"d", "h"),
        (0, 5, b"e", b"\xff"),
        (0, 6, b"f", b""),
    ]
    found = {batch.source: [text for *_, text in lines_of(batch)] for batch in pack(rows)}
    assert found == {"e": [b"a"], "h": [b"b", b"d"], "logs/0": [b"c", b"f"], "�": [b"e"]}


@pytest.mark.parametrize(
    ("value", "form", "says"),
    [
        (None, RAW, r"no value \(a tombstone\): .*cleanup.policy=delete"),
        (None, AUTO, "no value"),
        (b"a line", ENVELOPE, "not valid JSON: .*input.format: raw"),
        (b"{}", ENVELOPE, "no message at .*input.envelope.message"),
        (b'{"message": 5}', ENVELOPE, "is a number, not a text"),
        (b'{"message": "a", "source": 5}', AUTO, "source at .* is a number, not a text"),
    ],
)
def test_what_holds_no_line_is_a_dead_record_with_the_reason(value, form, says):
    batch = single(b"before" if form != ENVELOPE else envelope("before"), value, form=form)
    (record,) = batch.dead
    assert record.position == position_of(1)
    assert record.raw == (value or b"")
    assert re.search(says, record.reason)
    assert [text for *_, text in lines_of(batch)] == [b"before"]


def test_only_dead_records_make_a_batch_too():
    batch = single(None, None, form=RAW)
    assert (batch.data, len(batch.position), len(batch.dead), batch.next_offset, batch.messages) == (b"", 0, 2, 2, 2)


def test_an_unreadable_timestamp_gives_way_to_the_record_s():
    assert lines_of(single(envelope("a", timestamp="soon"), envelope("b", timestamp=NOON + 50))) == [
        (0, 0, 0, b"a"),
        (1, 0, 50, b"b"),
    ]


def test_raw_json_is_lines_and_so_is_automatically_json_without_a_message():
    value = b'{"level": "info", "msg": "x"}'
    assert single(value).data == value + b"\n"
    assert single(envelope("x"), form=RAW).data == envelope("x") + b"\n"


def test_other_encodings_are_decoded_as_files_are():
    assert single("é\nü".encode("latin-1"), encoding="latin-1").data == "é\nü\n".encode()
    assert single("{".encode("utf-16"), encoding="utf-16").data == b"{\n"
    assert single(b"a\x81", encoding="cp1252").data == "a�\n".encode()
    document = json.dumps({"message": "é"}, ensure_ascii=False).encode("latin-1")
    assert single(document, encoding="latin-1", form=ENVELOPE).data == "é\n".encode()
    assert single(b"\xff", form=RAW).data == b"\xff\n"  # UTF-8 is for the reader to check


def test_nothing_is_cut_off():
    assert single(b"x" * (1 << 21)).data == b"x" * (1 << 21) + b"\n"


def test_arrays_of_objects_do_as_well_as_lists():
    values, headers = np.array([b"a", None, b"c"], object), np.array([None, b"h", b"h"], object)
    times, zeros = np.full(3, NOON), np.zeros(3, np.int64)
    batches = pack_messages("logs", zeros, np.arange(3), times, values, headers, MessageSettings())
    assert {b.source: (b.data, len(b.dead)) for b in batches} == {"logs/0": (b"a\n", 0), "h": (b"c\n", 1)}


def test_settings_that_are_none_are_refused():
    with pytest.raises(ValueError, match="no format 'json'; there are auto, raw, envelope"):
        MessageSettings("json")
    with pytest.raises(LookupError):
        MessageSettings(encoding="klingon")
