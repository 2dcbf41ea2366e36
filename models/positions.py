"""Where a line stands in its source, as one number that orders the lines of a source.

In a file it is the line's number, from 1. In a topic's partition a message may hold many lines, so it is the message's
offset and the line's index in the message together: ``offset << 20 | index``.
"""

from __future__ import annotations

INDEX_BITS = 20
"""A message of more than 2²⁰ lines gives its later lines the same position; they stay in order all the same."""

_LAST_INDEX = (1 << INDEX_BITS) - 1


def position_of(offset: int, index: int = 0) -> int:
    """The position of line ``index`` (from 0) of the message at ``offset``."""
    return offset << INDEX_BITS | min(index, _LAST_INDEX)


def offset_of(position: int) -> int:
    """The offset of a position in a partition."""
    return position >> INDEX_BITS


def index_of(position: int) -> int:
    """The index, from 0, of a position's line in its message."""
    return position & _LAST_INDEX
