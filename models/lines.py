"""Raw bytes to lines: where each begins and ends, and which cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.folding import RESERVED

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

_NEWLINE, _RETURN = 0x0A, 0x0D
_CONTROL = np.zeros(256, np.bool_)
_CONTROL[sorted(RESERVED | {0x05, 0x06, 0x07, 0x08, 0x0B})] = True
"""Bytes that no text log holds. Tab, form feed, carriage return and escape (colours) are let through."""


@dataclass(slots=True)
class Lines:
    r"""Lines of one buffer.

    Attributes:
        data: uint8[m], the buffer.
        starts: int64[n], first byte of each line.
        ends: int64[n], one past its last byte, without ``\n`` or ``\r\n``.
        nexts: int64[n], one past its line end.
        bad: for lines that cannot be read, index → reason.
    """

    data: Bytes
    starts: Int64
    ends: Int64
    nexts: Int64
    bad: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts)


def split_lines(data: Bytes) -> Lines:
    r"""Split at ``\n``; a last line without one counts as a line. A ``\r`` before it belongs to the line end."""
    newlines = np.flatnonzero(data == _NEWLINE)
    starts = np.empty(len(newlines) + 1, np.int64)
    starts[0] = 0
    starts[1:] = newlines + 1
    nexts = np.append(newlines + 1, len(data))
    ends = np.append(newlines, len(data))
    if starts[-1] == len(data):
        starts, ends, nexts = starts[:-1], ends[:-1], nexts[:-1]
    some = np.flatnonzero(ends > starts)
    ends[some] -= data[ends[some] - 1] == _RETURN
    return Lines(data, starts, ends, nexts)


def find_bad(lines: Lines, max_line_bytes: int) -> None:
    """Fill ``lines.bad``: lines that are too long, hold control bytes, or are not valid UTF-8."""
    data, starts, ends = lines.data, lines.starts, lines.ends
    for i in np.flatnonzero(ends - starts > max_line_bytes).tolist():
        lines.bad[i] = f"line longer than {max_line_bytes:,} bytes (max_line_bytes)"
    if not len(data):
        return
    if data.min() < 0x09 or (data == 0x0B).any():
        at = np.flatnonzero(_CONTROL[data])
        owners = np.searchsorted(starts, at, side="right") - 1
        for i, where in zip(owners.tolist(), at.tolist(), strict=True):
            if i not in lines.bad and where < ends[i]:
                byte, column = int(data[where]), where - int(starts[i]) + 1
                lines.bad[i] = f"binary content: control byte 0x{byte:02x} at byte {column} of the line"
    if data.max() >= 0x80:
        _find_bad_utf8(lines)


def _find_bad_utf8(lines: Lines) -> None:
    try:
        str(memoryview(lines.data), "utf-8")  # type: ignore[arg-type]
        return
    except UnicodeDecodeError:
        pass
    high = np.flatnonzero(lines.data >= 0x80)
    for i in np.unique(np.searchsorted(lines.starts, high, side="right") - 1).tolist():
        if i in lines.bad:
            continue
        try:
            lines.data[lines.starts[i] : lines.ends[i]].tobytes().decode()
        except UnicodeDecodeError as error:
            lines.bad[i] = f"not valid UTF-8 at byte {error.start + 1} of the line (give the encoding of the log)"
