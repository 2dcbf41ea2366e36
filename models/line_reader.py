"""The lines of a batch that begin an event: where they stand, what they say, and when.

In plain logs these are the lines with a timestamp. A model's ``structure`` section makes events of JSON objects and
lines of logfmt (:mod:`models.structure`), its ``multiline`` section tells the lines that begin an event by how they
look (:mod:`models.multiline`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.document import ModelDocument
from models.lines import Lines
from models.multiline import LineJoiner, MultilineSettings
from models.structure.canonical import CanonicalWriter
from models.structure.frames import find_frames, write_canonical
from models.structure.settings import StructureSettings
from models.timestamps.reader import MISSING, TimestampColumn, TimestampReader, Yearless
from models.timestamps.settings import TimestampSettings

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]


@dataclass(slots=True, frozen=True)
class FirstLines:
    """The n lines that begin an event; byte ranges are of ``data``.

    Attributes:
        rows: int64[n], their indices among the lines of the batch.
        data: uint8[m], what they say: the batch itself, or canonical lines (:mod:`models.structure.canonical`).
        starts, ends: int64[n], where each stands in it.
        times: their timestamps, of n lines; ``MISSING`` where a line has none.
        until: int64[n], the index after the last line that is needed to tell what the event says.
        malformed: for those that cannot be used, index of the line → reason.
    """

    rows: Int64
    data: Bytes
    starts: Int64
    ends: Int64
    times: TimestampColumn
    until: Int64
    malformed: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def before(self, count: int) -> FirstLines:
        """The first ``count`` of them."""
        some = slice(0, count)
        return FirstLines(
            self.rows[some],
            self.data,
            self.starts[some],
            self.ends[some],
            rows_of(self.times, np.arange(count)),
            self.until[some],
            self.malformed,
        )


_SECTIONS = ("timestamp", "structure", "multiline")


class LineReader:
    """Finds the lines that begin an event.

    Args:
        timestamp: how timestamps are written; of structured lines, in their canonical form.
        structure: how structured lines are read; None: lines are plain.
        multiline: which lines begin an event; None: those with a timestamp.
    """

    def __init__(
        self,
        timestamp: TimestampSettings | TimestampReader,
        structure: StructureSettings | None = None,
        multiline: MultilineSettings | None = None,
    ) -> None:
        self._times = timestamp if isinstance(timestamp, TimestampReader) else TimestampReader(timestamp)
        self.settings = self._times.settings
        self.structure = structure
        self.multiline = multiline
        self._writer = None if structure is None else CanonicalWriter(structure)
        self._joiner = None if multiline is None else LineJoiner(multiline)

    @classmethod
    def of(cls, model: ModelDocument | Mapping[str, Any]) -> LineReader:
        """The reader for a model, or for the sections of its JSON that say how lines are read."""
        sections = model if isinstance(model, Mapping) else {key: getattr(model, key) for key in _SECTIONS}
        structure, multiline = sections.get("structure"), sections.get("multiline")
        return cls(
            TimestampSettings.from_document(sections["timestamp"]),
            None if structure is None else StructureSettings.from_document(structure),
            None if multiline is None else MultilineSettings.from_document(multiline),
        )

    def sections(self) -> dict[str, Any]:
        """The sections of a model's JSON that say how lines are read; :meth:`of` undoes it."""
        found: dict[str, Any] = {"timestamp": self.settings.to_document()}
        if self.structure is not None:
            found["structure"] = self.structure.to_document()
        if self.multiline is not None:
            found["multiline"] = self.multiline.to_document()
        return found

    def read(self, data: Bytes, lines: Lines, readable: Int64) -> FirstLines:
        """Find the first lines of events among the lines of a batch.

        Args:
            data: uint8 buffer that holds the lines.
            lines: all lines of it.
            readable: int64, the indices of those that can be read, rising.
        """
        starts, ends = lines.starts[readable], lines.ends[readable]
        if self._writer is None and self._joiner is None:
            times = self._times.read(data, starts, ends)
            timed = np.flatnonzero(times.ms != MISSING)
            rows = readable[timed]
            return FirstLines(rows, data, starts[timed], ends[timed], rows_of(times, timed), rows + 1)
        raw = data.tobytes()
        if self._writer is None or self.structure is None:
            times = self._times.read(data, starts, ends)
            begins = self._begins(raw, starts, ends, times)
            some = np.flatnonzero(begins)
            rows = readable[some]
            return FirstLines(rows, data, starts[some], ends[some], rows_of(times, some), rows + 1)
        frames = find_frames(raw, starts, ends, self.structure)
        text, new_starts, new_ends = write_canonical(raw, starts, ends, frames, self._writer)
        times = self._times.read(text, new_starts, new_ends)
        begins = self._begins(raw, starts, ends, times)
        begins[list(frames.pairs)] = True
        begins[list(frames.malformed)] = True
        last = np.arange(len(readable))
        for i, until in frames.last.items():
            begins[i + 1 : until + 1] = False
            last[i] = until
        some = np.flatnonzero(begins)
        return FirstLines(
            readable[some],
            text,
            new_starts[some],
            new_ends[some],
            rows_of(times, some),
            readable[last[some]] + 1,
            {int(readable[i]): reason for i, reason in frames.malformed.items()},
        )

    def read_one(self, line: bytes) -> tuple[Bytes, int, int, TimestampColumn]:
        """What one line, or one object of several lines, says.

        Returns:
            A buffer, where the line begins and ends in it, and its timestamp.
        """
        data = np.frombuffer(line or b"\n", np.uint8)
        start, end = np.zeros(1, np.int64), np.full(1, len(line), np.int64)
        if self._writer is not None and self.structure is not None:
            frames = find_frames(line, start, end, self.structure)
            data, start, end = write_canonical(line, start, end, frames, self._writer)
        return data, int(start[0]), int(end[0]), self._times.read(data, start, end)

    def _begins(self, raw: bytes, starts: Int64, ends: Int64, times: TimestampColumn) -> npt.NDArray[np.bool_]:
        begins: npt.NDArray[np.bool_]
        begins = times.ms != MISSING if self._joiner is None else self._joiner.begins(raw, starts, ends)
        return begins


def rows_of(column: TimestampColumn, rows: Int64) -> TimestampColumn:
    """Some rows of a column."""
    yearless = column.yearless
    if yearless is not None:
        yearless = Yearless(yearless.in_year[rows], yearless.offset[rows])
    return TimestampColumn(column.ms[rows], column.begin[rows], column.end[rows], yearless)
