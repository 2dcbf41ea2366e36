"""Folding against its docstring written out for one line in plain Python."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.folding import HEX_MIXED, HEX_PREFIXED, MIXED, RESERVED, TIMESTAMP, fold, fold_one

_FORBIDDEN = RESERVED | {0x0A}

# Words are what folding is about, so half of the text is made of pieces of them.
word_pieces = st.sampled_from(
    [
        b"0",
        b"7",
        b"42",
        b"0x",
        b"0X",
        b"x",
        b"a",
        b"F",
        b"g",
        b"Z",
        b"blk",
        "é".encode(),
        b"\xff",
        b"_",
        b"-",
        b" ",
        b".",
    ]
)
any_byte = st.integers(0, 255).filter(lambda b: b not in _FORBIDDEN).map(lambda b: bytes([b]))
line = st.lists(word_pieces | word_pieces | any_byte, max_size=8).map(b"".join)
gap_bytes = [
    b"",
    b"",
    b"1",
    b"\r",
    b"a1\n\n",
    b"\x0b\x0b",
    b"\x04 0x1f",
    b"1234567890" * 5,
    "é".encode(),
    bytes(range(256)),
]
filler = st.sampled_from(gap_bytes)
fillers_and_line_end = st.sampled_from([gap + b"\n" for gap in gap_bytes])


def slow_word(word: bytes) -> bytes:
    if not re.search(rb"[0-9]", word):
        return word
    if re.fullmatch(rb"[0-9]+", word):
        return b"0"
    if re.fullmatch(rb"0[xX][0-9a-fA-F]+", word):
        return bytes([HEX_PREFIXED])
    if re.fullmatch(rb"[0-9a-fA-F]+", word):
        return bytes([HEX_MIXED])
    return re.split(rb"[0-9]", word)[0] + bytes([MIXED])


def slow_fold(text: bytes) -> bytes:
    return re.sub(rb"[A-Za-z0-9\x80-\xff]+", lambda m: slow_word(m[0]), text)


def slow_fold_marked(before: bytes, after: bytes) -> bytes:
    mark = bytes([TIMESTAMP])
    return slow_fold(before) + mark + b"0" + mark + slow_fold(after)


def buffer_of(lines, gaps, head=b"", tail=b""):
    """The lines in one buffer, parted by gaps; the last gap is not used."""
    data, starts, ends = bytearray(head), [], []
    for k, (text, gap) in enumerate(zip(lines, gaps, strict=True)):
        starts.append(len(data))
        data += text
        ends.append(len(data))
        if k < len(lines) - 1:
            data += gap
    data += tail
    return np.frombuffer(bytes(data), np.uint8), np.array(starts, np.int64), np.array(ends, np.int64)


def folds_of(folded):
    keys, codes = folded.distinct()
    result = [keys[code] for code in codes.tolist()]
    for key, begin in zip(result, folded.offsets.tolist(), strict=False):
        assert folded.data[begin : begin + len(key)].tobytes() == key
        assert folded.data[begin + len(key)] == 0x0A
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b""),
        (b"no digits, all stays\t\r\x1b[m", b"no digits, all stays\t\r\x1b[m"),
        (b"-42 +7.5", b"-0 +0.0"),
        (b"blk_-1608999687919862906", b"blk_-0"),
        (b"0x1F 0X2 0x 00x1 0xg1 x0", b"\x03 \x03 \x02 \x02 \x02 x\x02"),
        (b"7f 12ab34 dead beef1 0", b"\x01 \x01 dead \x01 0"),
        (b"abc12def34gh worker7", b"abc\x02 worker\x02"),
        ("é1 1é naïve x²".encode(), "é\x02 \x02 naïve x²".encode()),
        (b"1", b"0"),
        (b"a1", b"\x01"),
        (b"_1_", b"_0_"),
    ],
)
def test_words_with_digits_fold_as_the_table_says(text, expected):
    assert fold_one(text) == expected
    assert slow_fold(text) == expected


def test_one_line_may_be_given_as_text():
    assert fold_one("é 12") == "é 0".encode()


def test_no_lines_fold_to_nothing():
    none = np.empty(0, np.int64)
    folded = fold(np.empty(0, np.uint8), none, none)
    keys, codes = folded.distinct()
    assert (keys, len(codes), len(folded.data)) == ([], 0, 0)


@settings(max_examples=200)
@given(text=line)
def test_one_line_folds_as_its_docstring_says(text):
    assert fold_one(text) == slow_fold(text)


@settings(max_examples=100)
@given(
    lines=st.lists(line, min_size=1, max_size=6),
    gaps=st.lists(fillers_and_line_end, min_size=6, max_size=6),
    head=filler,
    tail=filler,
)
def test_a_batch_folds_line_by_line_whatever_stands_between(lines, gaps, head, tail):
    data, starts, ends = buffer_of(lines, gaps[: len(lines)], head, tail)
    untouched = data.copy()
    folded = fold(data, starts, ends)
    assert folds_of(folded) == [slow_fold(text) for text in lines]
    assert (data == untouched).all()


@settings(max_examples=80)
@given(
    parts=st.lists(st.tuples(line, st.integers(0, 9), line), min_size=1, max_size=5),
    gaps=st.lists(st.sampled_from([b"1", b"\n", b"abc", b"12\n", b"\x0b1"]), min_size=5, max_size=5),
)
def test_timestamps_fold_to_one_mark_whatever_their_width(parts, gaps):
    stamps = [b"2024-01-0"[:width] if width > 2 else b"" for _, width, _ in parts]
    texts = [before + stamp + after for (before, _, after), stamp in zip(parts, stamps, strict=True)]
    data, starts, ends = buffer_of(texts, gaps[: len(texts)])
    mark = starts + np.array([len(before) for before, _, _ in parts])
    mark_end = mark + np.array([len(stamp) for stamp in stamps])
    expected = [
        slow_fold_marked(before, after) if stamp else slow_fold(before + after)
        for (before, _, after), stamp in zip(parts, stamps, strict=True)
    ]
    assert folds_of(fold(data, starts, ends, mark, mark_end)) == expected


@settings(max_examples=80)
@given(
    lines=st.lists(line, min_size=1, max_size=5),
    gaps=st.lists(fillers_and_line_end, min_size=5, max_size=5),
    head=filler,
)
def test_a_stretch_of_a_fold_is_cut_out_of_the_line_by_its_origin(lines, gaps, head):
    data, starts, ends = buffer_of(lines, gaps[: len(lines)], head, b"x")
    folded = fold(data, starts, ends)
    origin = folded.came_from(np.arange(len(folded.data)))
    assert (np.diff(origin) > 0).all()
    places = {int(at): k for k, at in enumerate(origin)}
    for at in range(int(starts[0]), int(ends[-1]) + 1):
        assert folded.place_of(at) == places.get(at)
    keys, codes = folded.distinct()
    raw = data.tobytes()
    for k, text in enumerate(lines):
        key, begin = keys[codes[k]], int(folded.offsets[k])
        assert int(origin[begin]) == starts[k]
        assert int(origin[begin + len(key)]) == ends[k]
        for token in re.finditer(rb"[A-Za-z0-9\x80-\xff\x01-\x03]+|.", key, re.DOTALL):
            piece = raw[origin[begin + token.start()] : origin[begin + token.end()]]
            assert slow_fold(piece) == token[0], text


@pytest.mark.parametrize("width", [1, 7, 8, 9, 16, 127, 128, 129, 1000])
def test_words_of_any_length_are_folded_whole(width):
    for head, tail in ((b"a" * width, b"1"), (b"g" * width, b"1"), (b"1" * width, b"b"), (b"x1", b"c" * width)):
        text = b"- " + head + tail + b" " + tail + head + b" -"
        assert fold_one(text) == slow_fold(text)


def test_equal_lines_share_a_fold_wherever_they_stand():
    data, starts, ends = buffer_of([b"a 1", b"a 22", b"a 333", b"b"], [b"\n", b"\nxx", b"\r\n", b""])
    keys, codes = fold(data, starts, ends).distinct()
    assert {keys[code] for code in codes[:3].tolist()} == {b"a 0"}
    assert keys[codes[3]] == b"b"
