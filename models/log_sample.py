"""Some lines of a log, from all over it: what its timestamps and its structure are found from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.splits import Split, SplitReader

_PLACES = 8
_PLACE_BYTES = 1 << 16
_HEAD = 0.6


def sample_lines(splits: Sequence[Split], most: int, max_line_bytes: int) -> list[bytes]:
    r"""Lines of one log, in their order, without ``\n``.

    Most of them are its first ones; the rest stands at places spread evenly over what follows, for the way of writing
    may change. A log that cannot be entered in the middle (compressed, not UTF-8) gives its first lines alone.

    Args:
        splits: all splits of the log.
        most: how many lines at most.
        max_line_bytes: a longer line is cut.

    Raises:
        OSError: the log cannot be read.
    """
    first = splits[0]
    lines = _read(first, most, max_line_bytes)
    size = splits[-1].end
    at = sum(map(len, lines)) + len(lines)
    if first.gzip or first.encoding != "utf-8" or at >= size:
        return lines
    lines = lines[: max(1, int(most * _HEAD))]
    at = sum(map(len, lines)) + len(lines)
    each = (most - len(lines)) // _PLACES
    for place in range(_PLACES):
        begin = at + (size - at) * place // _PLACES
        end = min(begin + _PLACE_BYTES, at + (size - at) * (place + 1) // _PLACES)
        if each and begin < end:
            lines += _read(replace(first, begin=begin, end=end, last=end >= size), each, max_line_bytes)
    return lines


def _read(split: Split, most: int, max_line_bytes: int) -> list[bytes]:
    for batch in SplitReader(most, max_line_bytes).read(split):
        return batch.data.removesuffix(b"\n").split(b"\n")[:most]
    return []
