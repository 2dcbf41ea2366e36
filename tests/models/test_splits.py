"""Reading split by split against reading the file whole."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import splits as splits_module
from models.splits import Split, SplitReader, plan_splits

# hypothesis runs many examples in one folder: each overwrites the file of the one before.
pieces = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b"a", b"bc", "é".encode(), b"a longer line", b"\x00", b"\xff"])
contents = st.lists(pieces, max_size=14).map(b"".join)


def read(path, split_bytes, batch_lines=3, max_line_bytes=100, encoding="utf-8", reader=None):
    """All batches of a file, split by split."""
    reader = reader or SplitReader(batch_lines, max_line_bytes)
    plan = plan_splits(str(path), "log", encoding, split_bytes)
    assert [split.begin for split in plan[1:]] == [split.end for split in plan[:-1]]
    assert [split.last for split in plan] == [False] * (len(plan) - 1) + [True]
    return [batch for split in plan for batch in reader.read(Split.from_json(split.to_json()))]


def joined(batches):
    return b"".join(batch.data for batch in batches)


def shortened(data, most):
    """Every line cut to one byte more than the limit."""
    return b"\n".join(line[: most + 1] for line in data.split(b"\n"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("splits")


def check(batches, data, batch_lines):
    assert joined(batches) == data
    assert [batch.at_end for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert not any(batch.error for batch in batches)
    texts = [batch.data for batch in batches if batch.data]
    assert all(text.endswith(b"\n") for text in texts[:-1])
    assert all(len(text.removesuffix(b"\n").split(b"\n")) <= batch_lines for text in texts)


@settings(max_examples=150)
@given(data=contents, split_bytes=st.integers(1, 12), batch_lines=st.integers(1, 4), most=st.integers(1, 14))
def test_plain_files_read_the_same_in_splits_as_whole(folder, data, split_bytes, batch_lines, most):
    path = folder / "plain.log"
    path.write_bytes(data)
    check(read(path, split_bytes, batch_lines, most), shortened(data, most), batch_lines)


@settings(max_examples=100)
@given(
    members=st.lists(contents, min_size=1, max_size=3),
    split_bytes=st.integers(1, 40),
    most=st.integers(3, 14),
    padding=st.sampled_from([b"", b"\0" * 20]),
)
def test_gzip_files_of_several_members_read_as_one_text(folder, members, split_bytes, most, padding):
    path = folder / "log.gz"
    path.write_bytes(b"".join(gzip.compress(member) for member in members) + padding)
    check(read(path, split_bytes, 3, most), shortened(b"".join(members), most), 3)


@settings(max_examples=100)
@given(
    text=st.lists(st.sampled_from(["\n", "\r\n", "a", "é", "ÿ", "Ċ\u0a0a", "a longer line"]), max_size=10).map("".join),
    encoding=st.sampled_from(["latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    split_bytes=st.integers(1, 12),
)
def test_other_encodings_come_out_as_utf8(folder, text, encoding, split_bytes):
    path = folder / "encoded.log"
    raw = text.encode(encoding, "replace")
    path.write_bytes(raw)
    check(read(path, split_bytes, encoding=encoding), raw.decode(encoding).encode(), 3)


@pytest.mark.parametrize("split_bytes", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize(
    ("raw", "encoding", "expected"),
    [
        (b"\xef\xbb\xbfa\nb\n", "utf-8", "a\nb\n"),
        (b"\xef\xbb\xbf", "utf-8", ""),
        (b"\xef\xbb\xbf\xef\xbb\xbf\n", "utf-8", "\ufeff\n"),
        ("a\n\ufeffb\n".encode(), "utf-8", "a\n\ufeffb\n"),
        (gzip.compress(b"\xef\xbb\xbfa\nb\n"), "utf-8", "a\nb\n"),
        ("\ufeffa\n\ufeffb\n".encode("utf-16-le"), "utf-8", "a\n\ufeffb\n"),
        ("\ufeffa\n\ufeffb\n".encode("utf-16-be"), "latin-1", "a\n\ufeffb\n"),
        ("\ufeffa\n\ufeffb".encode("utf-16-le"), "utf-16-le", "a\n\ufeffb"),
        (gzip.compress("a\nb\n".encode("utf-16")), "utf-16", "a\nb\n"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, raw, encoding, expected, split_bytes):
    path = tmp_path / "bom.log"
    path.write_bytes(raw)
    assert joined(read(path, split_bytes, encoding=encoding)).decode() == expected


@pytest.mark.parametrize("raw", [b"", gzip.compress(b"")])
def test_an_empty_file_is_one_empty_batch_at_its_end(tmp_path, raw):
    path = tmp_path / "empty.log"
    path.write_bytes(raw)
    (batch,) = read(path, 1000)
    assert (batch.data, batch.at_end, batch.error, batch.source) == (b"", True, "", "log")


def some_lines(count):
    return b"".join(b"line %d of a log\n" % i for i in range(count))


@pytest.mark.parametrize("split_bytes", [7, 100, 10_000])
@pytest.mark.parametrize("keep", [2, 5, 11, 200, -9, -1])
def test_a_gzip_file_that_breaks_off_gives_what_can_be_read_and_says_so_once(tmp_path, keep, split_bytes):
    data = some_lines(300)
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(data)[:keep])
    batches = read(path, split_bytes, batch_lines=50)
    assert data.startswith(joined(batches))
    assert [batch.error for batch in batches if batch.error] == ["the gzip file breaks off before its end"]
    first = next(k for k, batch in enumerate(batches) if batch.error)
    assert batches[first].at_end
    assert joined(batches[first + 1 :]) == b""


@pytest.mark.parametrize("split_bytes", [7, 100, 10_000])
def test_a_damaged_gzip_file_gives_what_can_be_read_and_says_so_once(tmp_path, split_bytes):
    data = some_lines(300)
    raw = bytearray(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    at = raw.index(b"\x1f\x8b", 4)
    raw[at + 12 : at + 40] = b"\xff" * 28
    path = tmp_path / "log.gz"
    path.write_bytes(raw)
    batches = read(path, split_bytes, batch_lines=50)
    assert joined(batches) == data[:1000]
    (error,) = [batch.error for batch in batches if batch.error]
    assert error.startswith("the gzip file is damaged: ")


def test_what_is_read_before_the_damage_does_not_depend_on_the_splits(tmp_path):
    data = b"".join(b"%d\n" % zlib.crc32(b"%d" % i) for i in range(3000))
    raw = bytearray(gzip.compress(data))
    raw[len(raw) // 2 : len(raw) // 2 + 60] = bytes(range(60))
    path = tmp_path / "log.gz"
    path.write_bytes(raw)
    found = {joined(read(path, split_bytes)) for split_bytes in (100, 999, 4096, 1 << 20)}
    assert len(found) == 1


@pytest.mark.parametrize("name", ["a.log.gz", "latin.log"])
def test_reading_goes_on_in_another_process_where_it_stopped(tmp_path, name):
    data = some_lines(400)
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    plan = plan_splits(str(path), "log", "latin-1", 130)
    assert len(plan) > 5
    one = SplitReader(50, 1000)
    whole = [[batch.data for batch in one.read(split)] for split in plan]
    for k in (1, 3, len(plan) - 1):
        assert [batch.data for batch in SplitReader(50, 1000).read(plan[k])] == whole[k]
    assert [batch.data for batch in one.read(plan[2])] == whole[2]  # back again


def test_a_file_that_goes_away_ends_with_an_error(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(some_lines(10))
    plan = plan_splits(str(path), "log", split_bytes=50)
    reader = SplitReader(50, 1000)
    next(reader.read(plan[0]))
    path.unlink()
    (batch,) = reader.read(plan[1])
    assert (batch.data, batch.at_end) == (b"", True)
    assert batch.error == "cannot read on: No such file or directory"


def test_a_file_that_cannot_be_read_cannot_be_planned(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        plan_splits(str(tmp_path / "none"), "log")


@pytest.mark.parametrize("compress", [False, True])
def test_a_very_long_line_costs_no_memory(tmp_path, monkeypatch, compress):
    monkeypatch.setattr(splits_module, "_BLOCK", 1 << 12)
    data = b"a\n" + b"x" * (1 << 23) + b"\nb\n"
    path = tmp_path / "long.log"
    path.write_bytes(gzip.compress(data, 1) if compress else data)
    plan = plan_splits(str(path), "log", split_bytes=1 << 10 if compress else 1 << 16)
    reader = SplitReader(100, 50)
    tracemalloc.start()
    try:
        got = b"".join(batch.data for split in plan for batch in reader.read(split))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got == b"a\n" + b"x" * 51 + b"\nb\n"
    assert peak < 1 << 22


def test_a_split_is_one_line_of_json():
    split = Split("é\nlog", "/tmp/é", 3, 9, True, "utf-16", True)
    assert "\n" not in split.to_json()
    assert json.loads(split.to_json())["begin"] == 3
    assert Split.from_json(split.to_json()) == split
