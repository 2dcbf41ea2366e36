"""Fold lines to a canonical form, many at a time: the key of the cache that makes parsing fast.

Two lines that differ only in their numbers and identifiers fold to the same bytes, so that a batch of ten thousand
lines has some dozen distinct folds and only those are looked up. A *word* is a maximal run of ``[A-Za-z0-9]`` or bytes
from 0x80 up; each word that holds a digit is replaced:

====================================  =====================================================================
all digits                            ``0``
``0x`` and hexadecimal digits         :data:`HEX_PREFIXED`
hexadecimal digits and letters mixed  :data:`HEX_MIXED`
else                                  its leading letters (those before its first digit), then :data:`MIXED`
====================================  =====================================================================

Words without a digit and all other bytes stay as they are. The kernel is a dozen passes of numpy over the bytes of a
whole batch, one byte wide where it can be, and then one that drops what has been struck out. Where each byte of the
folded text came from can be told: a field found once in a fold is then cut out of every line with that fold by
arithmetic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

HEX_MIXED = 0x01
MIXED = 0x02
HEX_PREFIXED = 0x03
TIMESTAMP = 0x04
"""Stands for the timestamp of a line that does not begin with it."""
RESERVED = frozenset([0x00, HEX_MIXED, MIXED, HEX_PREFIXED, TIMESTAMP])
"""Bytes that folding uses for itself: lines that hold one must not be folded."""

_EIGHT, _MOST_STEPS = 8, 16
_ONES = np.uint64(0x0101010101010101)
_STRUCK = 0x00
_ZERO, _LINE_END, _BLANK = 0x30, 0x0A, 0x20
_DIGITS_TO_ZERO = bytes(_ZERO if chr(byte) in "123456789" else byte for byte in range(256))


class Folded:
    """Folded text of a batch of n lines.

    Attributes:
        data: uint8[m], the folds of all lines, each followed by a line end.
        offsets: int32[n + 1], where each line begins in ``data``.
    """

    __slots__ = ("_base", "_gone", "_struck", "data", "offsets")

    def __init__(self, data: Bytes, offsets: Int32, struck: Bytes, base: int) -> None:
        """``struck``: the text before bytes that are ``_STRUCK`` were dropped; its first byte lay at ``base``."""
        self.data = data
        self.offsets = offsets
        self._struck = struck
        self._base = base
        self._gone: Int64 | None = None

    def came_from(self, at: Int64) -> Int64:
        """For bytes of ``data`` where they lay in the original buffer."""
        gone = self._dropped()
        return at + np.searchsorted(gone - np.arange(len(gone)), at, side="right") + self._base

    def place_of(self, origin: int) -> int | None:
        """Where a byte of the original buffer lies in ``data``; None if it was dropped."""
        gone, at = self._dropped(), origin - self._base
        before = int(np.searchsorted(gone, at))
        return None if before < len(gone) and int(gone[before]) == at else at - before

    def _dropped(self) -> Int64:
        if self._gone is None:
            self._gone = np.flatnonzero(self._struck == _STRUCK)
        return self._gone

    def pieces(self) -> pa.BinaryArray:
        """The folds of the lines, each with its line end."""
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        return pa.BinaryArray.from_buffers(pa.binary(), len(self.offsets) - 1, buffers)

    def distinct(self) -> tuple[list[bytes], Int32]:
        """The distinct folds, and the index of each line's fold among them."""
        pieces = self.pieces().dictionary_encode()
        return [piece[:-1] for piece in pieces.dictionary.to_pylist()], pieces.indices.to_numpy()


def first_lines(codes: Int32, distinct: int) -> Int64:
    """int64[distinct]: for each distinct fold the first line that has it, given the fold of each line."""
    first = np.empty(distinct, np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # of several writes to one place the last one stays
    return first


def fold(data: Bytes, starts: Int64, ends: Int64, mark: Int64 | None = None, mark_end: Int64 | None = None) -> Folded:
    """Fold the lines ``data[starts[i]:ends[i]]``, which must be disjoint, in order, and parted by at least one byte.

    Args:
        data: uint8 buffer that holds the lines; none may hold a line end or a byte of :data:`RESERVED`.
        starts: int64[n] first byte of each line.
        ends: int64[n] one past the last byte of each line.
        mark: int64[n], optional: a range in each line, ``mark[i]:mark_end[i]``, that holds the timestamp: it folds to
            :data:`TIMESTAMP`, ``0``, :data:`TIMESTAMP`. An empty range leaves the line as it is.
        mark_end: int64[n], end of that range.
    """
    if len(starts) == 0:
        return Folded(np.empty(0, np.uint8), np.zeros(1, np.int32), np.empty(0, np.uint8), 0)
    base = int(starts[0]) - 1
    size = int(ends[-1]) - base
    text = np.empty(size + 1, np.uint8)  # one struck byte before the first line, one line end after the last
    text[0] = _BLANK
    text[1:size] = data[base + 1 : base + size]
    text[size] = _LINE_END
    starts, ends = starts - base, ends - base
    _close_gaps(text, ends[:-1], starts[1:])
    if mark is not None and mark_end is not None:
        some = np.flatnonzero(mark_end - mark > 1)
        first, last = mark[some] - base, mark_end[some] - base - 1
        _fill(text, first + 1, last - first - 1, _STRUCK)
        text[first + 1] = _ZERO
        text[first] = text[last] = TIMESTAMP

    digit = (text - np.uint8(48)) < 10
    lower = text | np.uint8(0x20)
    letter = ((lower - np.uint8(97)) < 26) | (text >= 0x80)
    mixed = np.flatnonzero((digit[1:] & letter[:-1]) | (digit[:-1] & letter[1:]))
    if len(mixed):
        _fold_mixed(text, lower, digit, letter, mixed)
    # Of a run of digits the first one stays.
    text[1:] *= ~(digit[1:] & digit[:-1])
    text[0] = _STRUCK
    out = np.frombuffer(text.tobytes().translate(_DIGITS_TO_ZERO, bytes([_STRUCK])), np.uint8)
    offsets = np.zeros(len(starts) + 1, np.int32)
    offsets[1:] = np.flatnonzero(out == _LINE_END) + 1
    return Folded(out, offsets, text, base)


def _fill(text: Bytes, begin: Int64, lengths: Int64, byte: int) -> None:
    """Overwrite the ranges with one byte."""
    total = int(lengths.sum())
    if total:
        stops = np.cumsum(lengths)
        text[np.repeat(begin - (stops - lengths), lengths) + np.arange(total)] = byte


def _close_gaps(text: Bytes, begin: Int64, end: Int64) -> None:
    """Between lines stand line ends, timestamps cut off, lines left out: of each gap a line end stays."""
    lengths = end - begin
    wide = np.flatnonzero(lengths > 1)
    _fill(text, begin[wide] + 1, lengths[wide] - 1, _STRUCK)
    text[begin] = _LINE_END


def _fold_mixed(
    text: Bytes,
    lower: Bytes,
    digit: npt.NDArray[np.bool_],
    letter: npt.NDArray[np.bool_],
    mixed: Int64,
) -> None:
    """Treat the words in which digits touch letters, each such place given by the byte before it.

    Their symbol is written into ``text`` and what it stands for is struck out; in ``digit`` these words have none.
    """
    mixed, first, last = _words_of(digit | letter, mixed)
    lengths = last - first
    stops = np.cumsum(lengths)
    at = np.repeat(first - (stops - lengths), lengths) + np.arange(int(stops[-1]))
    no_hex = ~(digit[at] | ((lower[at] - np.uint8(97)) < 6))
    odd = np.add.reduceat(no_hex, stops - lengths, dtype=np.int64)
    # "0x1f": the x is its one letter that is no hexadecimal digit, and it stands second after a zero.
    prefixed = (odd == 1) & (lengths > 2) & (text[first] == _ZERO) & (lower[first + 1] == 0x78)
    symbol = np.where(odd == 0, HEX_MIXED, np.where(prefixed, HEX_PREFIXED, MIXED)).astype(np.uint8)
    first_digit = np.where(digit[first], first, mixed + 1)
    place = np.where((odd == 0) | prefixed, first, first_digit)
    kept = np.repeat(place, lengths) > at
    text[at] *= kept
    text[place] = symbol
    digit[at] = False


def _words_of(word: npt.NDArray[np.bool_], inside: Int64) -> tuple[Int64, Int64, Int64]:
    """The words that hold the given bytes (ascending): of each the first of these, where it begins, where it ends."""
    edge = _EIGHT * _MOST_STEPS
    padded = np.zeros(len(word) + 2 * edge, np.bool_)
    padded[edge:-edge] = word
    eights: npt.NDArray[np.uint64] = np.ndarray((len(padded) - _EIGHT + 1,), "<u8", padded, strides=(1,))
    # Most bytes follow another one in their word closely.
    gap = np.concatenate(([_EIGHT + 1], np.diff(inside)))
    near = np.flatnonzero(gap <= _EIGHT)
    between = (~eights[inside[near] + edge - _EIGHT + 1] & _ONES) >> (64 - 8 * gap[near]).astype(np.uint64)
    heads = np.ones(len(inside), np.bool_)
    heads[near[between == 0]] = False
    inside = inside[heads]
    first, last = inside.copy(), inside.copy()
    left = right = np.arange(len(inside))
    for _ in range(_MOST_STEPS):
        # Of the eight bytes up to here, the last that is in no word; of the eight behind, the first.
        no_word = ~eights[first[left] + edge - _EIGHT] & _ONES
        first[left] -= _EIGHT - np.where(no_word == 0, 0, (np.frexp(no_word.astype(np.float64))[1] + 7) // 8)
        left = left[no_word == 0]
        no_word = ~eights[last[right] + edge] & _ONES
        lowest = np.frexp((no_word & -no_word).astype(np.float64))[1]
        last[right] += np.where(no_word == 0, _EIGHT, lowest // 8)
        right = right[no_word == 0]
        if not len(left) and not len(right):
            break
    else:
        edges = np.flatnonzero(word[1:] != word[:-1]) + 1
        which = np.searchsorted(edges, inside, side="right") - 1  # even: the edge where the word begins
        first, last = edges[which], edges[which + 1]
    heads = np.concatenate(([True], first[1:] != first[:-1]))
    return inside[heads], first[heads], last[heads]


def fold_one(content: bytes | str) -> bytes:
    """Fold one line; the same result as :func:`fold`."""
    raw = content.encode() if isinstance(content, str) else content
    data = np.frombuffer(raw, np.uint8)
    return fold(data, np.zeros(1, np.int64), np.array([len(raw)], np.int64)).data[:-1].tobytes()
