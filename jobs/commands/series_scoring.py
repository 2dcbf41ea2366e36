"""How ``weirwatch series score`` goes through its files with each detector."""

from __future__ import annotations

import contextlib
import csv
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import isnan
from pathlib import Path
from typing import IO, Any

import numpy as np

from jobs.progress import Progress
from models.series.detector import SeriesDetector
from models.series.scoring.documents import shown_score
from models.series.scoring.points import NO_TIME, PointBatch
from models.series.scoring.scored import Scored
from models.series.scoring.settings import TYPED, WEIRWATCH, ScoreSettings
from models.series.scoring.typed import TypedShard
from models.series.sentences import reason
from models.series.settings import PRESETS
from models.series.table import SERIES, SeriesRow, SeriesTable

ADDED = ("anomaly_score", "alarm", "expected", "lower", "upper")
"""The columns that scoring adds."""

ADDED_BY_TYPED = (*ADDED, "type", "reason")
"""The same under the typed detectors."""

_PROGRESS_ROWS = 2_000
_FILES_AT_ONCE = 64
_ROWS_AT_ONCE = 40_000

Source = tuple[str, str]
"""Name and path of a file."""


@dataclass(slots=True)
class Counts:
    """What is said at the end.

    Attributes:
        rows: how many.
        alarms: how many of them are alarms.
        empty: rows without a value.
        untimed: rows without a timestamp.
        backward: rows older than the one before them in their series.
        refused: rows that have no slot of their own, and were not judged; ``untimed`` ones not among them.
        series: names of the series.
        slots: length of a slot, ms → how many series have such.
        unsettled: how many series ended before the length of their slots was known.
    """

    rows: int = 0
    alarms: int = 0
    empty: int = 0
    untimed: int = 0
    backward: int = 0
    refused: int = 0
    series: set[str] = field(default_factory=set)
    slots: dict[int, int] = field(default_factory=dict)
    unsettled: int = 0

    def see(self, row: SeriesRow, times: dict[str, float | None]) -> None:
        """Count a row; ``times`` is the last time of each series of its file."""
        self.rows += 1
        self.series.add(row.series)
        self.empty += row.value is None
        last = times.setdefault(row.series, None)
        if row.time is None:
            self.untimed += 1
        else:
            self.backward += last is not None and row.time < last
            times[row.series] = row.time


def score_row_by_row(
    sources: Sequence[Source], settings: ScoreSettings, out: IO[str], counts: Counts, progress: Progress
) -> None:
    """Score files with the row-by-row detector. A series that several files name is another one in each."""
    writer = csv.writer(out, lineterminator="\n")
    for name, path in sources:
        size = Path(path).stat().st_size
        times: dict[str, float | None] = {}
        detectors: dict[str, SeriesDetector] = {}
        with SeriesTable(path, name) as table:
            several = SERIES in table.columns
            for row in table:
                detector = detectors.get(row.series)
                if detector is None:
                    detector = detectors[row.series] = SeriesDetector(PRESETS[settings.preset])
                result = detector.score_one(row.time, row.value)
                counts.see(row, times)
                counts.alarms += result.alarm
                bounds = (result.expected, result.lower, result.upper)
                numbers = _cells(result.anomaly_score, result.alarm, WEIRWATCH, bounds)
                writer.writerow([*row.cells, *([] if several else [row.series]), *numbers])
                if counts.rows % _PROGRESS_ROWS == 0:
                    progress.text(f"scoring {name}: {table.bytes_read() / size:.0%}, {counts.rows:,} rows in all")


def score_typed(
    sources: Sequence[Source], settings: ScoreSettings, out: IO[str], counts: Counts, progress: Progress
) -> None:
    """Score files with the typed detectors, several side by side: a call for many series costs little more."""
    for first in range(0, len(sources), _FILES_AT_ONCE):
        part = sources[first : first + _FILES_AT_ONCE]
        with contextlib.ExitStack() as stack:
            files = [
                _File(stack.enter_context(SeriesTable(path, name)), name, _spool(stack) if at else out)
                for at, (name, path) in enumerate(part)
            ]
            shard = settings.shard()
            assert isinstance(shard, TypedShard)
            while chunks := [(file, rows) for file in files if (rows := file.next_rows(_ROWS_AT_ONCE // len(files)))]:
                _take(chunks, shard, counts)
                progress.text(f"scoring: file {first + 1:,} to {first + len(part):,}, {counts.rows:,} rows in all")
            for file in files[1:]:
                file.out.seek(0)
                shutil.copyfileobj(file.out, out)
            for slot_ms, series in shard.slot_lengths().items():
                counts.slots[slot_ms] = counts.slots.get(slot_ms, 0) + series
            counts.unsettled += shard.series - sum(shard.slot_lengths().values())


class _File:
    """A file that is read, and where its rows go."""

    def __init__(self, table: SeriesTable, name: str, out: IO[str]) -> None:
        self.name = name
        self.out = out
        self.several = SERIES in table.columns
        self.times: dict[str, float | None] = {}
        self.writer: Any = csv.writer(out, lineterminator="\n")
        self._rows: Iterator[SeriesRow] = iter(table)

    def next_rows(self, count: int) -> list[SeriesRow]:
        """The next so many rows; none at the end."""
        return list(islice(self._rows, count))


def _spool(stack: contextlib.ExitStack) -> IO[str]:
    return stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline=""))


def _take(chunks: Sequence[tuple[_File, list[SeriesRow]]], shard: TypedShard, counts: Counts) -> None:
    """Score some rows of each file and write them."""
    numbers: dict[str, int] = {}
    series, rows = [], []
    for file, some in chunks:
        rows += some
        series += [numbers.setdefault(f"{file.name}\0{row.series}", len(numbers)) for row in some]
    batch = PointBatch(
        0,
        "",
        names=list(numbers),
        series=np.array(series, np.int32),
        time_ms=np.array([NO_TIME if row.time is None else round(row.time * 1000.0) for row in rows], np.int64),
        values=np.array([np.nan if row.value is None else row.value for row in rows]),
        position=np.array([row.line for row in rows], np.int64),
    )
    found = shard.take(batch)
    told: dict[int, list[tuple[str, str]]] = {}
    for turn in found.turns:
        text = reason(rows[turn.place].series, turn.incident, turn.slot_ms)
        told.setdefault(turn.place, []).append((turn.incident.type, text))
    place = 0
    for file, some in chunks:
        for row in some:
            counts.see(row, file.times)
            counts.alarms += bool(found.alarm[place])
            counts.refused += place in found.refused and row.time is not None
            said = told.get(place, [])
            file.writer.writerow(
                [
                    *row.cells,
                    *([] if file.several else [row.series]),
                    *_typed_cells(found, place),
                    "; ".join(kind for kind, _ in said),
                    "; ".join(text for _, text in said),
                ]
            )
            place += 1


def _typed_cells(found: Scored, place: int) -> list[str]:
    bounds = (float(column[place]) for column in (found.expected, found.lower, found.upper))
    return _cells(
        float(found.scores[place]),
        bool(found.alarm[place]),
        TYPED,
        [None if isnan(bound) else bound for bound in bounds],
    )


def _cells(score: float, alarm: bool, detector: str, bounds: Sequence[float | None]) -> list[str]:
    return [
        f"{shown_score(score, alarm, detector):.6f}",
        str(int(alarm)),
        *("" if bound is None else f"{bound:.10g}" for bound in bounds),
    ]


DETECTOR_COLUMNS = {WEIRWATCH: ADDED, TYPED: ADDED_BY_TYPED}
"""Detector → the columns that it adds."""
