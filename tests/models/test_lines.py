"""Splitting bytes into lines against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.folding import RESERVED
from models.lines import find_bad, split_lines

pieces = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"\r",
        b"\r\r\n",
        b"a",
        b" ",
        b"\t",
        b"\x00",
        b"\x0b",
        b"\x0c",
        b"\x04",
        b"\x1b[m",
        b"\xff",
        "é".encode(),
        "€".encode()[:2],
        b"\xc3",
        "😀".encode(),
        b"long text",
    ]
)
buffers = st.lists(pieces, max_size=14).map(b"".join)
NEVER_IN_TEXT = RESERVED | {0x05, 0x06, 0x07, 0x08, 0x0B}


def split(data):
    return split_lines(np.frombuffer(data, np.uint8))


def slow_lines(data):
    """(line without its end, line with it) of each line."""
    whole = [part + b"\n" for part in data.split(b"\n")]
    whole[-1] = whole[-1][:-1]
    if not whole[-1]:
        whole.pop()
    lines = []
    for line in whole:
        text = line.removesuffix(b"\n")
        lines.append((text.removesuffix(b"\r"), line))
    return lines


def is_utf8(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(max_examples=200)
@given(buffers)
def test_lines_are_those_of_plain_python_and_cover_all_bytes(data):
    lines = split(data)
    assert len(lines) == len(lines.starts)
    assert [
        (data[a:b], data[a:c])
        for a, b, c in zip(lines.starts.tolist(), lines.ends.tolist(), lines.nexts.tolist(), strict=True)
    ] == slow_lines(data)


@settings(max_examples=300)
@given(buffers, st.integers(1, 12))
def test_bad_lines_are_those_that_are_long_binary_or_no_utf8(data, most):
    lines = split(data)
    find_bad(lines, most)
    expected = {
        i: len(text) > most or bool(NEVER_IN_TEXT.intersection(text)) or not is_utf8(text)
        for i, (text, _) in enumerate(slow_lines(data))
    }
    assert set(lines.bad) == {i for i, bad in expected.items() if bad}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ok\n" + b"x" * 21, "line longer than 20 bytes (max_line_bytes)"),
        (b"ok\nab\x00\x01", "binary content: control byte 0x00 at byte 3 of the line"),
        (b"ok\n\x0b", "binary content: control byte 0x0b at byte 1 of the line"),
        (b"ok\nab\xc3\xa9\xff", "not valid UTF-8 at byte 5 of the line (give the encoding of the log)"),
        (b"ok\n" + "é".encode()[:1], "not valid UTF-8 at byte 1 of the line (give the encoding of the log)"),
        (b"ok\n" + b"\x00" * 30 + b"\xff", "line longer than 20 bytes (max_line_bytes)"),  # one reason is enough
    ],
)
def test_the_reason_says_what_is_wrong_and_where(data, reason):
    lines = split(data)
    find_bad(lines, 20)
    assert lines.bad == {1: reason}


def test_a_line_of_the_greatest_length_is_good():
    lines = split(b"x" * 20 + b"\r\n" + b"y" * 20)
    find_bad(lines, 20)
    assert lines.bad == {}
