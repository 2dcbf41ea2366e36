"""Log files cut into splits that can be read one by one, and the reading of a split into batches of lines.

A plain UTF-8 file is cut at byte offsets: a split owns the lines that *begin* inside it. What cannot be entered in
the middle (gzip, other encodings) is read in sequence: its splits are ranges of the file as stored, and the reader
keeps the decompressor between them, or builds it again from the start of the file when it is asked to go on elsewhere.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from models.log_batch import LogBatch

SPLIT_BYTES = 1 << 20
"""Bytes of a file that make one split."""

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 16
_GZIP_SPLIT_BYTES = 1 << 17
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(slots=True, frozen=True)
class Split:
    """Part of one file: bytes ``begin`` to ``end`` as stored.

    Attributes:
        source: name of the source: the path as the user gave it.
        path: where the file is.
        begin, end: byte offsets in the file as stored.
        last: no further split of this file follows.
        encoding: of the text.
        gzip: the file is compressed.
    """

    source: str
    path: str
    begin: int
    end: int
    last: bool
    encoding: str = "utf-8"
    gzip: bool = False

    def to_json(self) -> str:
        """The split as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Split:
        """Undo :meth:`to_json`."""
        return cls(**json.loads(text))


def plan_splits(path: str, source: str, encoding: str = "utf-8", split_bytes: int = SPLIT_BYTES) -> list[Split]:
    """Cut one file. An empty file has one empty split.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as stream:
        head = stream.read(4)
    size = Path(path).stat().st_size
    gzip = head.startswith(_GZIP)
    if not gzip:
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), encoding)
    step = min(split_bytes, _GZIP_SPLIT_BYTES) if gzip else split_bytes
    begins = range(0, max(size, 1), step)
    return [
        Split(source, path, b, min(b + step, size), b + step >= size, codecs.lookup(encoding).name, gzip)
        for b in begins
    ]


class SplitReader:
    """Reads splits into :class:`LogBatch` records of at most ``batch_lines`` lines.

    A line longer than ``max_line_bytes`` is cut to one byte more, so that it is known as too long and costs no memory.
    """

    def __init__(self, batch_lines: int, max_line_bytes: int) -> None:
        self._batch_lines = batch_lines
        self._max_line = max_line_bytes
        self._sequences: dict[str, _Sequence] = {}

    def read(self, split: Split) -> Iterator[LogBatch]:
        """The lines of one split; the last batch of a file is marked ``at_end``, also when the file breaks off."""
        error = ""
        data = b""
        try:
            if split.gzip or split.encoding != "utf-8":
                data, error = self._read_on(split)
            else:
                data = self._read_plain(split)
        except OSError as problem:
            error = f"cannot read on: {problem.strerror or problem}"
        at_end = split.last or bool(error)
        pieces = list(_cut(data, self._batch_lines))
        for k, piece in enumerate(pieces):
            final = at_end and k == len(pieces) - 1
            yield LogBatch(split.source, piece, at_end=final, error=error if final else "")

    def _read_plain(self, split: Split) -> bytes:
        with open(split.path, "rb") as stream:
            begin = split.begin
            if begin:
                stream.seek(begin - 1)
                skipped = _skip_line(stream, split.end - begin + 1)
                begin += skipped - 1
                if begin >= split.end:
                    return b""
            data = stream.read(split.end - begin)
            if data and not data.endswith(b"\n"):
                data += _rest_of_line(stream, self._max_line)
            if not split.begin:
                data = data.removeprefix(codecs.BOM_UTF8)
        return _shorten(data, self._max_line)

    def _read_on(self, split: Split) -> tuple[bytes, str]:
        """Go on with a file that is read in sequence; returns lines and why it cannot be read further."""
        sequence = self._sequences.get(split.path)
        if sequence is None or sequence.position != split.begin:
            sequence = _Sequence(split, self._max_line)
            self._sequences[split.path] = sequence
            while sequence.position < split.begin and not sequence.error:
                sequence.read_to(min(split.begin, sequence.position + SPLIT_BYTES))
        if sequence.error:
            return b"", ""  # told with an earlier split
        data = sequence.read_to(split.end)
        if split.last or sequence.error:
            data += sequence.finish()
        if split.last:
            del self._sequences[split.path]
        return data, sequence.error


class _Sequence:
    """A file that can only be read from its start: compressed, or in an encoding without self-evident line ends."""

    def __init__(self, split: Split, max_line_bytes: int) -> None:
        self.position = 0
        self.error = ""
        self._split = split
        self._max_line = max_line_bytes
        self._inflate = zlib.decompressobj(31) if split.gzip else None
        self._begun = False
        self._decoder = None
        if split.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(split.encoding)("replace")
        self._tail = b""
        self._fresh = True

    def read_to(self, end: int) -> bytes:
        """Whole lines from the position to ``end`` (bytes as stored), as UTF-8."""
        with open(self._split.path, "rb") as stream:
            stream.seek(self.position)
            raw = stream.read(end - self.position)
        self.position = end
        text = self._tail + self._decode(self._decompress(raw))
        cut = text.rfind(b"\n") + 1
        self._tail = text[cut:][: self._max_line + 1 + len(codecs.BOM_UTF8)]
        return _shorten(self._without_mark(text[:cut]), self._max_line)

    def finish(self) -> bytes:
        """What is left without a line end."""
        rest, self._tail = self._tail + self._decode(b"", final=True), b""
        if self._inflate is not None and self._begun and not self._inflate.eof and not self.error:
            self.error = "the gzip file breaks off before its end"
        return self._without_mark(rest)[: self._max_line + 1]

    def _without_mark(self, lines: bytes) -> bytes:
        """The lines without the byte order mark that the file may begin with."""
        if not lines or not self._fresh:
            return lines
        self._fresh = False
        return lines.removeprefix(codecs.BOM_UTF8)

    def _decompress(self, raw: bytes) -> bytes:
        if self._inflate is None:
            return raw
        out = []
        while raw and not self.error:
            before = self._inflate.copy()
            try:
                out.append(self._inflate.decompress(raw))
            except zlib.error as problem:
                self.error = f"the gzip file is damaged: {problem}"
                out.append(_up_to_the_damage(before, raw))
                break
            self._begun = True
            raw = self._inflate.unused_data
            if self._inflate.eof and raw:
                if not raw.startswith(_GZIP[: len(raw)]):
                    break  # padding behind the last member
                self._inflate = zlib.decompressobj(31)
        return b"".join(out)

    def _decode(self, raw: bytes, final: bool = False) -> bytes:
        if self._decoder is None:
            return raw
        return self._decoder.decode(raw, final).encode("utf-8", "replace")


def _up_to_the_damage(inflate: zlib._Decompress, raw: bytes) -> bytes:
    """What can be had of a stretch whose decompression fails; the failing call itself gives nothing."""
    out = bytearray()
    with contextlib.suppress(zlib.error):
        for i in range(len(raw)):
            out += inflate.decompress(raw[i : i + 1])
    return bytes(out)


def _cut(data: bytes, batch_lines: int) -> Iterator[bytes]:
    """Pieces of at most ``batch_lines`` lines; one empty piece for no data."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)[batch_lines - 1 :: batch_lines] + 1
    begin = 0
    for end in ends.tolist():
        yield data[begin:end]
        begin = end
    if begin < len(data) or begin == 0:
        yield data[begin:]


def _skip_line(stream: BinaryIO, limit: int) -> int:
    """Skip through the next line end; the number of bytes skipped, at most ``limit``."""
    skipped = 0
    while skipped < limit:
        block = stream.read(min(_BLOCK, limit - skipped))
        if not block:
            return skipped
        at = block.find(b"\n")
        if at >= 0:
            stream.seek(at + 1 - len(block), 1)
            return skipped + at + 1
        skipped += len(block)
    return skipped + 1  # no line begins before the limit


def _rest_of_line(stream: BinaryIO, max_bytes: int) -> bytes:
    """The bytes up to and with the next line end; of a very long line no more than ``max_bytes`` and a line end."""
    parts: list[bytes] = []
    held = 0
    while block := stream.read(_BLOCK):
        at = block.find(b"\n")
        if at >= 0:
            parts.append(block[: at + 1])
            return b"".join(parts)
        if held <= max_bytes:
            parts.append(block)
            held += len(block)
    return b"".join(parts)


def _shorten(data: bytes, max_line_bytes: int) -> bytes:
    """Cut lines longer than the limit to one byte more than it."""
    if len(data) <= max_line_bytes:
        return data
    array = np.frombuffer(data, np.uint8)
    ends = np.append(np.flatnonzero(array == 0x0A), len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    if int((ends - starts).max()) <= max_line_bytes + 1:
        return data
    lines = [data[a : min(b, a + max_line_bytes + 1)] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return b"\n".join(lines)
