"""``weirwatch series``: anomalies in series of numbers."""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.commands import series_run
from jobs.commands.options import command, log_sources, writable
from jobs.commands.series_page import write_page
from jobs.commands.series_scoring import ADDED, DETECTOR_COLUMNS, Counts, Source, score_row_by_row, score_typed
from jobs.durations import duration_ms
from jobs.progress import Progress
from models.anomalies import human_duration
from models.errors import UserError
from models.series.scoring.settings import DETECTORS, PRESETS, TYPED, WEIRWATCH, ScoreSettings
from models.series.table import SERIES, SeriesTable


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
        f"have none) and {', '.join(ADDED)}; --detector {TYPED} adds type and reason where incidents begin and end.",
    )
    score.add_argument("files", nargs="+", metavar="FILE.csv", help="CSV file with a header, plain or .gz, UTF-8")
    score.add_argument("--out", required=True, metavar="SCORES.csv", help="file to write")
    score.add_argument("--report", metavar="PAGE.html", help="page to look at: a plot of each series with its alarms")
    score.add_argument(
        "--detector",
        choices=sorted(DETECTORS),
        default=WEIRWATCH,
        help=f"{'; '.join(f'{name}: {does}' for name, does in sorted(DETECTORS.items()))} (default: %(default)s)",
    )
    score.add_argument(
        "--preset",
        choices=PRESETS,
        default="sensitive",
        help="sensitive misses little; quiet raises fewer alarms and needs more for one (default: %(default)s)",
    )
    score.add_argument(
        "--slot",
        type=_slot,
        metavar="LENGTH",
        help=f"with --detector {TYPED}: the step of the values, as 30s, 5m, 1h "
        "(default: found for each series from its first timestamps)",
    )
    score.add_argument(
        "--limit",
        type=_limit,
        action="append",
        default=[],
        metavar="[SERIES=]NUMBER",
        help=f"with --detector {TYPED}: warn a day before series reach it; SERIES is a glob of their names, as "
        "'*disk*=95' (default: all); may be given several times, the first that fits counts",
    )
    score.add_argument("--quiet", action="store_true", help="show no progress")
    series_run.add_to(actions)


def run(options: argparse.Namespace) -> int:
    """Score and write."""
    if options.slot is not None and options.detector != TYPED:
        raise UserError(f"--slot is for --detector {TYPED}: rows are judged whatever the steps between them")
    if options.limit and options.detector != TYPED:
        raise UserError(f"--limit is for --detector {TYPED}: row by row, no limit is looked ahead for")
    sources = log_sources(options.files)
    writable(options.out, options.report, inputs=options.files)
    settings = ScoreSettings(options.detector, options.preset, options.slot, tuple(options.limit))
    added = DETECTOR_COLUMNS[settings.detector]
    progress = Progress(quiet=options.quiet)
    counts = Counts()
    part = Path(options.out + ".part")
    try:
        columns = _common_columns(sources, added)
        with part.open("w", encoding="utf-8", newline="") as stream:
            header = [*columns, *([] if SERIES in columns else [SERIES]), *added]
            csv.writer(stream, lineterminator="\n").writerow(header)
            score = score_typed if settings.detector == TYPED else score_row_by_row
            score(sources, settings, stream, counts, progress)
        os.replace(part, options.out)
        if options.report:
            names = Path(sources[0][0]).name + (f" and {len(sources) - 1:,} more" if len(sources) > 1 else "")
            write_page(options.out, options.report, f"Weirwatch: {names}", progress)
    finally:
        progress.close()
        part.unlink(missing_ok=True)
    print(f"{counts.rows:,} rows of {len(counts.series):,} series, {counts.alarms:,} alarms: {options.out}")
    if options.report:
        print(f"report  {options.report}")
    if settings.detector == TYPED:
        _tell_typed_notes(counts)
    else:
        _tell_notes(counts)
    return 0


def _slot(text: str) -> int:
    found = duration_ms(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; write it as 30s, 5m or 1h")
    return found


def _limit(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise argparse.ArgumentTypeError(f"{text!r} is no limit; write it as 95, or for some series as '*disk*=95'")
    return name or "*", limit


def _common_columns(sources: Sequence[Source], added: Sequence[str]) -> list[str]:
    """The columns of all files.

    Raises:
        UserError: they differ, or one of them is a column that scoring adds.
    """
    first: list[str] = []
    for name, path in sources:
        with SeriesTable(path, name) as table:
            columns = table.columns
        for column in added:
            if column in columns:
                raise UserError(f"{name}, line 1: column {column!r} would be written twice; rename or remove it")
        if first and columns != first:
            raise UserError(
                f"{name}, line 1: the columns are {', '.join(columns)}, and those of {sources[0][0]} are "
                f"{', '.join(first)}; score files with other columns by themselves"
            )
        first = columns
    return first


def _tell_notes(counts: Counts) -> None:
    if counts.empty:
        _note(f"{counts.empty:,} rows have no value; they are not judged and leave no trace")
    if counts.untimed:
        _note(f"{counts.untimed:,} rows have no timestamp; the time of day said nothing there")
    if counts.backward:
        _note(
            f"{counts.backward:,} rows are older than the row before them in their series; rows are judged in "
            "the order in which they stand, so sort the file first if that is not the order in which they came"
        )


def _tell_typed_notes(counts: Counts) -> None:
    for slot_ms, series in sorted(counts.slots.items()):
        _note(f"slots of {human_duration(slot_ms)}: {series:,} series")
    if counts.unsettled:
        _note(f"too short to find their step: {counts.unsettled:,} series; name it with --slot")
    if counts.empty:
        _note(f"{counts.empty:,} rows have no value; they count as slots in which the series said nothing")
    if counts.untimed:
        _note(f"{counts.untimed:,} rows have no timestamp; without one a row has no slot, and is not judged")
    if counts.refused:
        _note(
            f"{counts.refused:,} rows are not judged, since they are no later than the slot of the row before them in "
            "their series, or far ahead of it; sort the file, or name the step of the values with --slot"
        )


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
