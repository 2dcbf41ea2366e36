"""Lines of a batch to canonical lines: which lines are objects, which ones belong to an object of several lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.structure.canonical import CanonicalWriter
from models.structure.pairs import MalformedError, Pairs, read_json, read_logfmt
from models.structure.settings import JSON, StructureSettings

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

MOST_OBJECT_BYTES = 1 << 16
"""An object that goes on over several lines has no more bytes than this: so far a source is read ahead."""

_OPENS, _CLOSES = 0x7B, 0x7D


@dataclass(slots=True)
class Frames:
    """What n lines are.

    Attributes:
        pairs: for each line that is, or begins, a structured one: index → its pairs.
        last: for each of these that goes on over several lines: index → index of its last line.
        malformed: for each line that begins like a structured one and is none: index → what is wrong with it.
    """

    pairs: dict[int, Pairs] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    malformed: dict[int, str] = field(default_factory=dict)


def find_frames(raw: bytes, starts: Int64, ends: Int64, settings: StructureSettings) -> Frames:
    """Read the structured ones of the lines ``raw[starts[i]:ends[i]]``, which are UTF-8.

    A JSON object begins with a brace at the beginning of a line and may go on to a line that begins with its closing
    brace. A line of logfmt is one line.
    """
    return _json_frames(raw, starts, ends) if settings.format == JSON else _logfmt_frames(raw, starts, ends, settings)


def _json_frames(raw: bytes, starts: Int64, ends: Int64) -> Frames:
    frames = Frames()
    begins, stops = starts.tolist(), ends.tolist()
    i, n = 0, len(begins)
    while i < n:
        begin, stop = begins[i], stops[i]
        if begin < stop and raw[begin] == _OPENS:
            try:
                frames.pairs[i] = read_json(raw[begin:stop].decode("utf-8", "replace"))
            except MalformedError as error:
                closing = _closing(raw, begins, stops, i)
                if closing is None:
                    frames.malformed[i] = f"the line {error}"
                else:
                    try:
                        frames.pairs[i] = read_json(raw[begin : stops[closing]].decode("utf-8", "replace"))
                        frames.last[i] = closing
                        i = closing
                    except MalformedError:
                        frames.malformed[i] = f"the line {error}"
        i += 1
    return frames


def _closing(raw: bytes, begins: list[int], stops: list[int], first: int) -> int | None:
    """The line with which an object of several lines ends."""
    limit = begins[first] + MOST_OBJECT_BYTES
    for i in range(first + 1, len(begins)):
        if stops[i] > limit:
            return None
        byte = raw[begins[i]] if begins[i] < stops[i] else 0
        if byte == _OPENS:
            return None
        if byte == _CLOSES:
            return i
    return None


def _logfmt_frames(raw: bytes, starts: Int64, ends: Int64, settings: StructureSettings) -> Frames:
    frames = Frames()
    mark = f"{settings.timestamp}=".encode()
    for i, (begin, stop) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if begin == stop or raw[begin] in b" \t":
            continue
        line = raw[begin:stop]
        if b"=" not in line:
            continue
        try:
            pairs = read_logfmt(line.decode("utf-8", "replace"))
        except MalformedError as error:
            if settings.timestamp and line.startswith(mark):
                frames.malformed[i] = f"the line {error}"
            continue
        if not settings.timestamp or settings.timestamp in pairs:
            frames.pairs[i] = pairs
    return frames


def write_canonical(
    raw: bytes, starts: Int64, ends: Int64, frames: Frames, writer: CanonicalWriter
) -> tuple[Bytes, Int64, Int64]:
    """The lines anew: structured ones canonical, those within an object empty, others as they are.

    Returns:
        The buffer, and for each line where it begins and ends in it; line ends part them.
    """
    inner = {i for first, last in frames.last.items() for i in range(first + 1, last + 1)}
    begins, stops = starts.tolist(), ends.tolist()
    pairs, write = frames.pairs, writer.write
    lines = [
        write(pairs[i]).encode("utf-8", "replace") if i in pairs else b"" if i in inner else raw[begins[i] : stops[i]]
        for i in range(len(begins))
    ]
    lengths = np.fromiter(map(len, lines), np.int64, len(lines))
    new_ends = np.cumsum(lengths + 1) - 1
    return np.frombuffer(b"\n".join(lines) + b"\n", np.uint8), new_ends - lengths, new_ends
