"""``weirwatch learn``: a model from logs."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path
from typing import Any

from jobs.commands.format_options import add_formats, format_rows, multiline_of
from jobs.commands.options import add_logs, command, log_sources, whole_number, writable
from jobs.progress import Progress
from models.document import ModelDocument, save_model
from models.errors import UserError
from models.learner import LearnOptions, LearnReport
from models.learner import learn as learn_model
from models.linear import LinearError, LinearRegex
from models.memory import keep_freed_memory
from models.timestamps import TimestampSettings


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "learn",
        run,
        "learn a model from logs",
        description="Learn from logs, without labels or a description of their format: timestamps, message templates, "
        "the field that identifies a transaction, and how transactions normally go.",
    )
    add_logs(parser)
    parser.add_argument("--out", required=True, metavar="MODEL.json", help="file to write the model to")
    parser.add_argument("--id", metavar="NAME", help="name of the model (default: the name of its file)")
    parser.add_argument(
        "--timezone",
        default="UTC",
        metavar="ZONE",
        help="of timestamps that do not tell theirs, as Europe/Berlin or +02:00 (default: %(default)s)",
    )
    parser.add_argument(
        "--timestamp-format",
        metavar="FORMAT",
        help="format of the timestamps, as 'yyyy-MM-dd HH:mm:ss,SSS', ISO8601, UNIX or UNIX_MS; NONE for logs without "
        "(default: found)",
    )
    parser.add_argument(
        "--year",
        type=whole_number(1970, 9999),
        help="year of the first line, for timestamps without a year (default: from the file's date)",
    )
    parser.add_argument(
        "--id-pattern",
        metavar="REGEX",
        help="what identifiers of transactions look like, as 'blk_-?[0-9]+' (default: found)",
    )
    add_formats(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Learn, write the model, say what was learnt."""
    sources = log_sources(options.logs)
    writable(options.out, inputs=options.logs)
    if options.id_pattern is not None:
        try:
            LinearRegex(options.id_pattern)
        except LinearError as error:
            raise UserError(f"--id-pattern {options.id_pattern!r} is no usable regular expression: {error}") from None
    keep_freed_memory()
    progress = Progress(quiet=options.quiet)
    learn_options = LearnOptions(
        model_id=options.id or Path(options.out).name.removesuffix(".json") or "model",
        timezone=options.timezone,
        timestamp_format=options.timestamp_format,
        year=options.year or year_of(sources[0][1]),
        id_pattern=options.id_pattern,
        encoding=options.encoding,
        structure=options.structure,
        multiline=multiline_of(options),
    )
    try:
        model, report = learn_model(sources, learn_options, progress.stage)
    finally:
        progress.close()
    save_model(model, options.out)
    print(_summary(model, report, options.out))
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def year_of(path: str) -> int:
    """The year in which a log was last written: a guess for timestamps without one; the model keeps it."""
    return datetime.datetime.fromtimestamp(os.stat(path).st_mtime, datetime.UTC).year


def _summary(model: ModelDocument, report: LearnReport, out: str) -> str:
    rows = [
        f"lines         {report.lines:,} ({report.continued:,} continue the line before, "
        f"{report.dead_letters:,} could not be read)",
        f"timestamps    {TimestampSettings.from_document(model.timestamp).describe()}",
        *format_rows(model),
        f"templates     {len(model.templates):,}",
        f"transactions  {report.transactions:,}",
    ]
    for automaton in model.automata:
        fields = ", ".join(sorted({state.field for state in automaton.states}))
        states = f"{len(automaton.states)} states, told apart by {fields}"
        rows.append(f"  {automaton.name}: {automaton.support:,} transactions, {states}")
    if model.categories:
        count = len(model.categories)
        rows.append(f"categories    {count:,} field{'' if count == 1 else 's'} whose shares of values are watched")
    return "\n".join([*rows, f"model         {out}"])
