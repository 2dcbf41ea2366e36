"""``weirwatch series``: anomalies in series of numbers."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.commands.options import command, log_sources, writable
from jobs.commands.series_page import write_page
from jobs.progress import Progress
from models.errors import UserError
from models.series.detector import SeriesDetector, SeriesResult
from models.series.settings import PRESETS, Settings
from models.series.table import SERIES, SeriesTable

ADDED = ("anomaly_score", "alarm", "expected", "lower", "upper")
"""The columns that scoring adds."""

_HIGHEST_BELOW = 0.499999
_PROGRESS_ROWS = 2_000


def add_to(commands: Any) -> None:
    """Declare the commands."""
    what = "find anomalies in series of numbers"
    group = commands.add_parser("series", help=what, description=f"{what[0].upper()}{what[1:]}.")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    score = command(
        actions,
        "score",
        run,
        "score each row of CSV files with timestamp,value",
        description="Score each row of a series by what came before it, row by row: nothing that is written of a row "
        "depends on later rows. Files have the columns timestamp and value; a column series says which of several "
        "series a row belongs to, and without it each file is one. Writes their rows with the columns series (if they "
        f"have none) and {', '.join(ADDED)}.",
    )
    score.add_argument("files", nargs="+", metavar="FILE.csv", help="CSV file with a header, plain or .gz, UTF-8")
    score.add_argument("--out", required=True, metavar="SCORES.csv", help="file to write")
    score.add_argument("--report", metavar="PAGE.html", help="page to look at: a plot of each series with its alarms")
    score.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        default="sensitive",
        help="sensitive misses little; quiet raises fewer alarms and needs more for one (default: %(default)s)",
    )
    score.add_argument("--quiet", action="store_true", help="show no progress")


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    alarms: int = 0
    empty: int = 0
    untimed: int = 0
    backward: int = 0
    seen: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Watched:
    detector: SeriesDetector
    time: float | None = None


def run(options: argparse.Namespace) -> int:
    """Score and write."""
    sources = log_sources(options.files)
    writable(options.out, options.report, inputs=options.files)
    progress = Progress(quiet=options.quiet)
    counts = _Counts()
    part = Path(options.out + ".part")
    try:
        columns = _common_columns(sources)
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*columns, *([] if SERIES in columns else [SERIES]), *ADDED])
            for name, path in sources:
                with SeriesTable(path, name) as table:
                    _score(table, Path(path).stat().st_size, PRESETS[options.preset], writer, counts, progress)
        os.replace(part, options.out)
        if options.report:
            names = Path(sources[0][0]).name + (f" and {len(sources) - 1:,} more" if len(sources) > 1 else "")
            write_page(options.out, options.report, f"Weirwatch: {names}", progress)
    finally:
        progress.close()
        part.unlink(missing_ok=True)
    print(f"{counts.rows:,} rows of {len(counts.seen):,} series, {counts.alarms:,} alarms: {options.out}")
    if options.report:
        print(f"report  {options.report}")
    _tell_notes(counts)
    return 0


def _common_columns(sources: Sequence[tuple[str, str]]) -> list[str]:
    """The columns of all files.

    Raises:
        UserError: they differ, or one of them is a column that scoring adds.
    """
    first: list[str] = []
    for name, path in sources:
        with SeriesTable(path, name) as table:
            columns = table.columns
        for column in ADDED:
            if column in columns:
                raise UserError(f"{name}, line 1: column {column!r} would be written twice; rename or remove it")
        if first and columns != first:
            raise UserError(
                f"{name}, line 1: the columns are {', '.join(columns)}, and those of {sources[0][0]} are "
                f"{', '.join(first)}; score files with other columns by themselves"
            )
        first = columns
    return first


def _score(table: SeriesTable, size: int, settings: Settings, writer: Any, counts: _Counts, progress: Progress) -> None:
    """Score the rows of one file. A series that several files name is another one in each."""
    several = SERIES in table.columns
    watched: dict[str, _Watched] = {}
    for row in table:
        one = watched.get(row.series)
        if one is None:
            one = watched[row.series] = _Watched(SeriesDetector(settings))
            counts.seen.add(row.series)
        result = one.detector.score_one(row.time, row.value)
        writer.writerow([*row.cells, *([] if several else [row.series]), *_cells(result)])
        counts.rows += 1
        counts.alarms += result.alarm
        counts.empty += row.value is None
        if row.time is None:
            counts.untimed += 1
        else:
            counts.backward += one.time is not None and row.time < one.time
            one.time = row.time
        if counts.rows % _PROGRESS_ROWS == 0:
            progress.text(f"scoring {table.name}: {table.bytes_read() / size:.0%}, {counts.rows:,} rows in all")


def _cells(result: SeriesResult) -> list[str]:
    # A score just below an alarm's is not rounded up to one.
    score = result.anomaly_score if result.alarm else min(result.anomaly_score, _HIGHEST_BELOW)
    bounds = (result.expected, result.lower, result.upper)
    return [f"{score:.6f}", str(int(result.alarm)), *("" if bound is None else f"{bound:.10g}" for bound in bounds)]


def _tell_notes(counts: _Counts) -> None:
    if counts.empty:
        print(f"note: {counts.empty:,} rows have no value; they are not judged and leave no trace", file=sys.stderr)
    if counts.untimed:
        print(f"note: {counts.untimed:,} rows have no timestamp; the time of day said nothing there", file=sys.stderr)
    if counts.backward:
        print(
            f"note: {counts.backward:,} rows are older than the row before them in their series; rows are judged in "
            "the order in which they stand, so sort the file first if that is not the order in which they came",
            file=sys.stderr,
        )
