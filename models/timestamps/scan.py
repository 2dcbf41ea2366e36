"""A cursor that walks over the beginnings of many texts at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.timestamps.calendar import BoolArray, Int64

Bytes = npt.NDArray[np.uint8]

ALPHANUMERIC: BoolArray = np.zeros(256, dtype=np.bool_)
for _byte in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz":
    ALPHANUMERIC[_byte] = True


def gather(data: Bytes, begin: Int64, end: Int64, width: int) -> Bytes:
    """The first ``width`` bytes of n texts, as columns.

    Args:
        data: the buffer that holds the texts.
        begin: int64[n], where each text begins, within the buffer.
        end: int64[n], where it ends; not after the buffer's end.
        width: how many bytes of each.

    Returns:
        uint8[width, n], each row contiguous; zero after a text's end.
    """
    if len(data) < width:
        data = np.concatenate([data, np.zeros(width - len(data), dtype=np.uint8)])
    last = len(data) - width
    window = np.lib.stride_tricks.sliding_window_view(data, width)
    columns: Bytes = np.ascontiguousarray(window[np.minimum(begin, last)].T)
    offsets = np.arange(width)[:, None]
    for row in np.flatnonzero((begin > last) & (begin < end)):
        rest = data[begin[row] : end[row]]
        columns[: len(rest), row] = rest
    short = np.flatnonzero(end - begin < width)
    if short.size:
        columns[:, short] *= offsets < (end - begin)[short]
    return columns


class Scan:
    """n texts, read from left to right by the elements of a pattern.

    The cursor is one number while all texts agree on the widths read so far, which makes every access a slice; it
    becomes a column when they differ.

    Attributes:
        ok: bool[n], the texts that match so far. What is read for the others has no meaning.
        fields: what was read, by name; int64[n] each.
        zoned: bool[n], the texts that name their zone (``fields["offset"]``, minutes), or None.
        at: the cursor, a column index or int64[n].
    """

    def __init__(self, columns: Bytes) -> None:
        self._columns = columns
        self._flat = columns.reshape(-1)
        self._texts = np.arange(columns.shape[1], dtype=np.int64)
        self.ok: BoolArray = np.ones(len(self._texts), dtype=np.bool_)
        self.fields: dict[str, Int64] = {}
        self.zoned: BoolArray | None = None
        self.at: int | Int64 = 0

    def __len__(self) -> int:
        return len(self._texts)

    def peek(self, ahead: int = 0) -> Bytes:
        """uint8[n]: the bytes ``ahead`` of the cursor."""
        if isinstance(self.at, int):
            row: Bytes = self._columns[self.at + ahead]
            return row
        picked: Bytes = self._flat[(self.at + ahead) * len(self._texts) + self._texts]
        return picked

    def digit(self, ahead: int = 0) -> Bytes:
        """uint8[n]: the digits ``ahead`` of the cursor; above 9 where there is none."""
        return self.peek(ahead) - np.uint8(48)

    def advance(self, width: int | Int64) -> None:
        """Move on by the same or by different widths."""
        self.at = self.at + width
        if not isinstance(self.at, int):
            live = self.at[self.ok]
            if live.size == 0:
                self.at = 0
            elif (live == live[0]).all():
                self.at = int(live[0])

    def number(self, digits: int) -> Int64:
        """int64[n]: a number of exactly so many digits; the cursor moves behind it."""
        value = np.zeros(len(self), dtype=np.int32)
        for ahead in range(digits):
            digit = self.digit(ahead)
            self.ok &= digit <= 9
            value *= 10
            value += digit
        self.advance(digits)
        return value.astype(np.int64)
