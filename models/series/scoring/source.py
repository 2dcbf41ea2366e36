"""The lines of one source as points: under a CSV header, or as JSON, whichever its first line is."""

from __future__ import annotations

import csv
import io
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.anomalies import Document
from models.batches import BatchError
from models.dead_letters import bad_record, dead_line
from models.errors import UserError
from models.log_batch import LogBatch
from models.origins import topic_origin
from models.series.scoring.lines import BadPoint, Points, read_csv_lines, read_json_lines
from models.series.scoring.points import PointBatch
from models.series.table import columns_of
from models.source_reader import DeadLine

VERSION = 1

_NEWLINE = b"\n"
_NO_HEADER = "it needs a header with the columns timestamp and value, or lines of JSON"


@dataclass(slots=True)
class SourceState:
    """What is remembered of a file between batches.

    Attributes:
        lines: how many lines have been read.
        columns: of the CSV header; empty before it was read, and for JSON.
        json: the lines are JSON; None before the first line.
        wrong: what is wrong with the header, so that no line is a point.
    """

    lines: int = 0
    columns: list[str] = field(default_factory=list)
    json: bool | None = None
    wrong: str = ""

    def to_json(self) -> str:
        """It as a record of :data:`VERSION`."""
        return json.dumps([VERSION, self.lines, self.columns, self.json, self.wrong])

    @classmethod
    def from_json(cls, text: str) -> SourceState:
        """Undo :meth:`to_json`.

        Raises:
            BatchError: the record is of a version that this one does not know.
        """
        version, *fields = json.loads(text)
        if version != VERSION:
            raise BatchError(f"the state of a source has version {version}; this program reads version {VERSION}")
        return cls(*fields)


@dataclass(slots=True)
class Taken:
    """What came of a batch of lines.

    Attributes:
        batches: points, by shard.
        letters: dead letters of lines that are no points.
        counts: how many ``lines``, ``points`` and ``dead_letters``.
    """

    batches: list[PointBatch]
    letters: list[Document]
    counts: dict[str, int]


def shard_of(scope: str, name: str, shards: int) -> int:
    """The shard of a series: the same wherever and whenever it is asked for."""
    return zlib.crc32(f"{scope}\0{name}".encode("utf-8", "surrogatepass")) % shards


def header_of(line: bytes, where: str) -> tuple[bool, list[str]]:
    """Whether a source is JSON, and else the columns of its CSV header, by its first line.

    Args:
        line: the first line.
        where: file and line, for errors.

    Raises:
        UserError: it is neither.
    """
    if line.lstrip().startswith(b"{"):
        return True, []
    try:
        cells = next(csv.reader(io.StringIO(line.decode("utf-8-sig").strip("\r\n"), newline=""), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{where}: the header is no CSV ({error}); {_NO_HEADER}") from None
    if not cells:
        raise UserError(f"{where}: the first line is empty; {_NO_HEADER}")
    return False, columns_of(cells, where)


def take_file_lines(batch: LogBatch, state: SourceState, shards: int) -> Taken:
    """The points of a batch of lines of a file; the state goes on."""
    data = batch.data
    letters: list[DeadLine] = []
    if state.json is None and data:
        first, _, rest = data.partition(_NEWLINE)
        try:
            state.json, state.columns = header_of(first, f"{batch.source}, line 1")
        except UserError as error:
            state.json, state.wrong = False, str(error)
        if not state.json and not state.wrong:
            data = rest
            state.lines = 1
    lines = data.count(_NEWLINE) + (data[-1:] not in (b"", _NEWLINE))
    if not data:
        points = _none(data, "")
    elif state.wrong:
        points = _none(data, f"no line of the file can be read: {state.wrong}")
    elif state.json:
        points = read_json_lines(data, batch.source)
    else:
        points = read_csv_lines(data, state.columns, batch.source)
    position = np.arange(state.lines + 1, state.lines + lines + 1)
    state.lines += lines
    letters += [DeadLine(int(position[bad.place]), bad.reason, bad.raw) for bad in points.bad]
    if batch.error:
        letters.append(DeadLine(state.lines + 1, batch.error, b""))
    own = [shard_of(batch.source, name, shards) for name in points.names]
    return Taken(
        list(points.shards(batch.source, False, position, own)),
        [dead_line(batch.source, letter) for letter in letters],
        {"lines": lines, "points": len(points.values), "dead_letters": len(letters)},
    )


def take_topic_lines(batch: LogBatch, shards: int) -> Taken:
    """The points of a batch of messages of JSON; a series without a name has that of the source of its messages."""
    assert batch.position is not None
    points = read_json_lines(batch.data, batch.source)
    origin = topic_origin(batch.topic, batch.partition, batch.source)
    letters = [
        dead_line(origin, DeadLine(int(batch.position[bad.place]), bad.reason, bad.raw), topic=True)
        for bad in points.bad
    ]
    letters += [bad_record(batch.topic, batch.partition, batch.source, record) for record in batch.dead]
    own = [shard_of("", name, shards) for name in points.names]
    return Taken(
        list(points.shards(origin, True, batch.position, own)),
        letters,
        {"lines": len(batch.position), "points": len(points.values), "dead_letters": len(letters)},
    )


def _none(data: bytes, reason: str) -> Points:
    """Each line is bad."""
    lines = data.split(_NEWLINE)
    if lines and not lines[-1]:
        lines.pop()
    none: Any = np.empty(0, np.int64)
    bad = [BadPoint(place, reason, line) for place, line in enumerate(lines)]
    return Points([], none, none, np.empty(0), none, bad)
