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
whole batch and keeps, for each byte of the folded text, where it came from: a field found once in a fold is then cut
out of every line with that fold by arithmetic.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

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
RESERVED = frozenset([HEX_MIXED, MIXED, HEX_PREFIXED, TIMESTAMP, 0x0B])
"""Bytes that folding uses for itself: lines that hold one must not be folded."""

_FEW, _LONG_WORD = 64, 32
_ZERO, _LINE_END, _GAP_END, _BLANK = 0x30, 0x0A, 0x0B, 0x20


@dataclass(slots=True, frozen=True)
class Folded:
    """Folded text of a batch of n lines.

    Attributes:
        data: uint8[m], the folds of all lines, each followed by a line end, with what is left of gaps between them.
        offsets: int32[n + 1], where each line's piece begins in ``data``.
        origin: int64[m], for each byte of ``data`` the index in the original buffer that it came from.
    """

    data: Bytes
    offsets: Int32
    origin: Int64

    def distinct(self) -> tuple[list[bytes], Int32, Int64]:
        """The distinct folds, the index of each line's fold among them, and where each line's fold begins in ``data``.

        Two entries may be equal where gaps of different kinds stand before the lines.
        """
        if len(self.offsets) == 1:
            return [], np.empty(0, np.int32), np.empty(0, np.int64)
        pieces = pa.BinaryArray.from_buffers(
            pa.binary(), len(self.offsets) - 1, [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        ).dictionary_encode()
        keys: list[bytes] = []
        leads: list[int] = []
        for piece in pieces.dictionary.to_pylist():
            lead = piece.find(_GAP_END) + 1
            leads.append(lead)
            keys.append(piece[lead:-1])
        codes = pieces.indices.to_numpy()
        return keys, codes, self.offsets[:-1] + np.array(leads, np.int64)[codes]


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
        return Folded(np.empty(0, np.uint8), np.zeros(1, np.int32), np.empty(0, np.int64))
    base = int(starts[0]) - 1
    size = int(ends[-1]) - base
    text = np.empty(size + 1, np.uint8)  # one blank before the first line, one line end after the last
    text[0] = _BLANK
    text[1:size] = data[base + 1 : base + size]
    text[size] = _LINE_END
    starts, ends = starts - base, ends - base
    _close_gaps(text, ends[:-1], starts[1:])
    if mark is not None and mark_end is not None:
        some = np.flatnonzero(mark_end - mark > 1)
        first, last = mark[some] - base, mark_end[some] - base - 1
        _fill(text, first + 1, last - first - 1, _ZERO)
        text[first] = text[last] = TIMESTAMP

    digit = (text - np.uint8(48)) < 10
    lower = text | np.uint8(0x20)
    letter = ((lower - np.uint8(97)) < 26) | (text >= 0x80)
    flips = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    firsts, lasts = flips[0::2], flips[1::2]
    touching = np.flatnonzero(letter[firsts - 1] | letter[lasts])
    if len(touching):
        firsts, lasts = _fold_mixed(text, lower, digit, letter, firsts, lasts, touching)

    long = np.flatnonzero(lasts - firsts > 1)
    pure = text[firsts]
    text[firsts] = np.where((pure - np.uint8(48)) < 10, np.uint8(_ZERO), pure)
    # Kept are the stretches between cuts; a cut takes all of a word but the byte that holds its symbol.
    begin = np.concatenate(([1], lasts[long]))
    end = np.concatenate((firsts[long] + 1, [size + 1]))
    lengths = end - begin
    stops = np.cumsum(lengths)
    origin = np.repeat(begin - (stops - lengths), lengths)
    origin += _ramp(len(origin))
    out = text[origin]
    offsets = np.zeros(len(starts) + 1, np.int32)
    offsets[1:] = np.flatnonzero(out == _LINE_END) + 1
    origin += base
    return Folded(out, offsets, origin)


@functools.cache
def _ramp_of(bits: int) -> Int64:
    return np.arange(1 << bits)


def _ramp(n: int) -> Int64:
    """int64[n]: 0, 1, 2, …; to be read only, it is made once."""
    return _ramp_of(n.bit_length())[:n]


def _fill(text: Bytes, begin: Int64, lengths: Int64, byte: int) -> None:
    """Overwrite the ranges with one byte."""
    total = int(lengths.sum())
    if total:
        stops = np.cumsum(lengths)
        text[np.repeat(begin - (stops - lengths), lengths) + _ramp(total)] = byte


def _close_gaps(text: Bytes, begin: Int64, end: Int64) -> None:
    """Between lines stand line ends, timestamps cut off, lines left out: make each gap a line end and a few bytes.

    A gap becomes a line end, zeros (which fold to one) and a mark of the gap's end, so that it can be told from the
    line after it.
    """
    lengths = end - begin
    wide = np.flatnonzero(lengths > 1)
    _fill(text, begin[wide] + 1, lengths[wide] - 2, _ZERO)
    text[begin] = _LINE_END
    text[end[wide] - 1] = _GAP_END


def _fold_mixed(
    text: Bytes,
    lower: Bytes,
    digit: npt.NDArray[np.bool_],
    letter: npt.NDArray[np.bool_],
    firsts: Int64,
    lasts: Int64,
    touching: Int64,
) -> tuple[Int64, Int64]:
    """Treat the words in which digits touch letters: write their symbol into ``text`` and widen their run of digits.

    Of a word with several runs of digits the first stands for the whole word, the others go.
    """
    first, last = _words_around(digit | letter, firsts[touching], lasts[touching])
    head_of_word = np.concatenate(([True], first[1:] != first[:-1]))
    runs = touching[head_of_word]
    first, last = first[head_of_word], last[head_of_word]
    lengths = last - first
    stops = np.cumsum(lengths)
    at = np.repeat(first - (stops - lengths), lengths) + np.arange(int(stops[-1]))
    no_hex = ~(digit[at] | ((lower[at] - np.uint8(97)) < 6))
    odd = np.add.reduceat(no_hex, stops - lengths, dtype=np.int64)
    # "0x1f": the x is its one letter that is no hexadecimal digit, and it stands second after a zero.
    prefixed = (odd == 1) & (lengths > 2) & (text[first] == _ZERO) & (lower[first + 1] == 0x78)
    whole = (odd == 0) | prefixed
    symbol = np.where(odd == 0, HEX_MIXED, np.where(prefixed, HEX_PREFIXED, MIXED)).astype(np.uint8)
    firsts, lasts = firsts.copy(), lasts.copy()
    firsts[runs] = np.where(whole, first, firsts[runs])
    lasts[runs] = last
    text[firsts[runs]] = symbol
    gone = touching[~head_of_word]
    if len(gone):
        firsts, lasts = np.delete(firsts, gone), np.delete(lasts, gone)
    return firsts, lasts


def _words_around(word: npt.NDArray[np.bool_], begin: Int64, end: Int64) -> tuple[Int64, Int64]:
    """The words that hold the given stretches: where each begins and ends."""
    if len(begin) * _FEW < len(word):  # walk out from each, which is cheaper than to look at every byte
        first, last = begin.copy(), end.copy()
        left = right = np.arange(len(begin))
        for _ in range(_LONG_WORD):
            left = left[word[first[left] - 1]]
            right = right[word[last[right]]]
            if not len(left) and not len(right):
                return first, last
            first[left] -= 1
            last[right] += 1
    edges = np.flatnonzero(word[1:] != word[:-1]) + 1
    which = np.searchsorted(edges, begin, side="right") - 1  # even: the edge where the word begins
    return edges[which], edges[which + 1]


def fold_one(content: bytes | str) -> bytes:
    """Fold one line; the same result as :func:`fold`."""
    raw = content.encode() if isinstance(content, str) else content
    data = np.frombuffer(raw, np.uint8)
    return fold(data, np.zeros(1, np.int64), np.array([len(raw)], np.int64)).data[:-1].tobytes()
