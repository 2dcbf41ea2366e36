"""Finds where in each line the timestamp begins: after some words and a literal text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.timestamps.calendar import BoolArray, Int64
from models.timestamps.scan import Bytes

LONG_LITERAL = 4  # from this length on a literal is telling enough to be looked for beyond its word


class Position:
    """Finds the beginnings of the timestamps of many lines.

    Args:
        skip_words: words to skip; with 0 even leading blanks are kept.
        literal: text that must stand right before the timestamp, bytes.
    """

    def __init__(self, skip_words: int, literal: bytes) -> None:
        self._skip_words = skip_words
        self._literal = literal

    def locate(self, data: Bytes, starts: Int64, ends: Int64) -> tuple[Int64, BoolArray]:
        """Where the timestamps would begin.

        Returns:
            int64[n] absolute positions, from the line's start to its end, and bool[n]: there is such a place.
        """
        if not len(starts) or not (self._skip_words or self._literal):
            return starts, np.ones(len(starts), dtype=np.bool_)
        low, high = int(starts.min()), int(ends.max())
        part = data[low:high]
        begin, end = starts - low, ends - low
        found: BoolArray = np.ones(len(starts), dtype=np.bool_)
        if self._skip_words:
            begin, found = _skip_words(part, begin, end, self._skip_words)
        if self._literal:
            begin, found = self._after_literal(part, begin, end, found)
        return np.where(found, begin + low, starts), found

    def _after_literal(self, part: Bytes, begin: Int64, end: Int64, found: BoolArray) -> tuple[Int64, BoolArray]:
        size = len(self._literal)
        here = found & (begin + size <= end)
        rows = np.flatnonzero(here)
        for i, byte in enumerate(self._literal):
            rows = rows[part[begin[rows] + i] == byte]
        done: BoolArray = np.zeros(len(begin), dtype=np.bool_)
        done[rows] = True
        result = begin + size
        rest = np.flatnonzero(here & ~done)
        if rest.size:
            limit = end[rest]
            if size < LONG_LITERAL:
                limit = np.minimum(limit, _next(_blanks(part).nonzero()[0], begin[rest], len(part)))
            places = _occurrences(part, self._literal)
            at = _next(places, begin[rest], len(part))
            fits = at + size <= limit
            result[rest] = at + size
            done[rest] = fits
        return result, done


def _blanks(part: Bytes) -> BoolArray:
    blank: BoolArray = part == 32
    blank |= part == 9
    return blank


def _skip_words(part: Bytes, begin: Int64, end: Int64, words: int) -> tuple[Int64, BoolArray]:
    """The beginning of word number ``words`` (0-based) of each line, and whether it has so many."""
    at, near = _skip_near(part, begin, words)
    far = np.flatnonzero(~near & (end - begin > 1))
    if far.size:
        at[far], near[far] = _skip_far(part, begin[far], end[far], words)
    return at, near & (at < end)


def _skip_near(part: Bytes, begin: Int64, words: int) -> tuple[Int64, BoolArray]:
    """Skip words within the first 64 bytes of each line, whatever its end: one bit a byte, one integer a line."""
    last = len(part) - 64
    if last < 0:
        return begin.copy(), np.zeros(len(begin), dtype=np.bool_)
    rows = np.lib.stride_tricks.sliding_window_view(part, 64)[np.minimum(begin, last)]
    blank = _blanks(rows)
    edge = np.zeros(rows.shape, dtype=np.bool_)
    np.logical_and(blank[:, :-1], ~blank[:, 1:], out=edge[:, 1:])
    edge[begin > last] = False  # those windows begin before their lines
    bits = np.packbits(edge, axis=1, bitorder="little").view("<u8").reshape(-1)
    for _ in range(words - 1):
        bits &= bits - np.minimum(bits, 1)  # clear the lowest bit
    bits = np.where(blank[:, 0], bits & (bits - np.minimum(bits, 1)), bits)  # an indented line's first word has an edge
    found: BoolArray = bits != 0
    lowest = np.where(found, bits & (~bits + np.uint64(1)), 1)
    return begin + np.log2(lowest.astype(np.float64)).astype(np.int64), found


def _skip_far(part: Bytes, begin: Int64, end: Int64, words: int) -> tuple[Int64, BoolArray]:
    """Skip words over the whole buffer; for lines with long words."""
    blank = _blanks(part)
    # Words that follow a blank. A line's first word is none of these unless the line begins with a blank.
    firsts = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    if not firsts.size:
        return begin, np.zeros(len(begin), dtype=np.bool_)
    which = np.searchsorted(firsts, begin, side="right") + (words - 1) + blank[begin]
    there = which < len(firsts)
    at = firsts[np.minimum(which, len(firsts) - 1)].astype(np.int64)
    return at, there & (at < end)


def _occurrences(part: Bytes, literal: bytes) -> npt.NDArray[np.intp]:
    """Where a literal occurs, in order."""
    places = np.flatnonzero(part[: max(0, len(part) - len(literal) + 1)] == literal[0])
    for i, byte in enumerate(literal[1:], start=1):
        places = places[part[places + i] == byte]
    return places


def _next(places: npt.NDArray[np.intp], at: Int64, otherwise: int) -> Int64:
    """The first of the ordered places that is not before each position."""
    which = np.searchsorted(places, at)
    return np.append(places, otherwise)[which].astype(np.int64)
