"""``weirwatch learn``: a model from logs, or a model brought up to date from newer logs."""

from __future__ import annotations

import argparse
import datetime
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from jobs.commands.format_options import add_formats, format_rows, multiline_of
from jobs.commands.options import add_logs, command, log_sources, whole_number, writable
from jobs.commands.store_options import Reference, add_store, find_store, needed_store, referred
from jobs.embedded import JobError, cause, check_java, worth_telling
from jobs.learn_config import check_learn_config
from jobs.progress import Progress
from jobs.stores.base import ModelStore
from models.anomalies import human_duration
from models.document import ModelDocument, save_model
from models.document_diff import diff
from models.document_diff_text import diff_text
from models.errors import UserError
from models.learner import LearnOptions, LearnReport
from models.learner import learn as learn_model
from models.linear import LinearError, LinearRegex
from models.memory import keep_freed_memory
from models.slots.detected import detected_series
from models.slots.settings import SLOT_MS
from models.timestamps import TimestampSettings


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "learn",
        run,
        "learn a model from logs",
        description="Learn from logs, without labels or a description of their format: timestamps, message templates, "
        "the field that identifies a transaction, and how transactions normally go. The logs are read twice; memory "
        "does not grow with them. On a cluster, from files or topics: flink run -py jobs/learn.py --config FILE.",
    )
    add_logs(parser, optional=True)
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="learn as a job on the embedded mini cluster, from files or topics (conf/learn.yaml); it says all else",
    )
    parser.add_argument(
        "--out", metavar="MODEL.json", help="file to write the model to (default with --update: where the model is)"
    )
    parser.add_argument(
        "--update",
        metavar="MODEL",
        help="bring a model up to date: a file, or ID or ID@VERSION in the store. Its templates, automata and states "
        "keep their ids and what was edited by hand; what is new comes in",
    )
    parser.add_argument("--forget", action="store_true", help="with --update: leave out what these logs do not show")
    parser.add_argument("--push", action="store_true", help="keep the model in the store, as a new version")
    parser.add_argument("--note", default="", metavar="TEXT", help="with --push: a word on it, for the history")
    add_store(parser)
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
        help="what identifiers of transactions look like, as 'blk_-?[0-9]+' or, of several kinds, "
        "'(?:job|task)_[0-9_]+' (default: found)",
    )
    add_formats(parser)
    parser.add_argument(
        "--series",
        action="store_true",
        help="let the model watch series, too: how many lines of each message, and with each usual value, there are in "
        "a time slot; spikes, drops and other incidents of them are told, and pairs that no longer "
        "go together",
    )
    parser.add_argument(
        "--slot",
        type=whole_number(1000, 86_400_000),
        metavar="MS",
        help=f"with --series: how long a slot is, in ms (default: {SLOT_MS})",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Learn, write the model, say what was learnt."""
    if options.config is not None:
        return _run_job(options)
    if not options.logs:
        raise UserError("name the logs to learn from, or a configuration of the job with --config")
    sources = log_sources(options.logs)
    base, store, out, push = _places(options)
    writable(out, inputs=options.logs)
    if options.id_pattern is not None:
        try:
            LinearRegex(options.id_pattern)
        except LinearError as error:
            raise UserError(f"--id-pattern {options.id_pattern!r} is no usable regular expression: {error}") from None
    if options.slot is not None and not options.series:
        raise UserError("--slot is for --series: without series there are no slots")
    keep_freed_memory()
    progress = Progress(quiet=options.quiet)
    learn_options = LearnOptions(
        model_id=_name(options, base, out),
        timezone=options.timezone,
        timestamp_format=options.timestamp_format,
        year=options.year or year_of(sources[0][1]),
        id_pattern=options.id_pattern,
        encoding=options.encoding,
        structure=options.structure,
        multiline=multiline_of(options),
        forget=options.forget,
        series_slot_ms=(options.slot or SLOT_MS) if options.series else None,
    )
    try:
        model, report = learn_model(sources, learn_options, progress.stage, None if base is None else base.document)
    finally:
        progress.close()
    keep(model, report, None if base is None else base.document, out, store if push else None, options.note)
    return 0


def _run_job(options: argparse.Namespace) -> int:
    given = [
        name
        for name in ("update", "out", "id", "id_pattern", "timestamp_format", "year", "series", "slot")
        if getattr(options, name)
    ]
    if options.logs or given or options.push or options.forget:
        raise UserError("--config says what to learn from and how; leave the logs and other options out")
    config = check_learn_config(options.config)
    check_java()
    from jobs.learn import run as run_job  # starts the Java gateway on import of Flink: only when all is checked

    logging.getLogger().addFilter(worth_telling)
    try:
        run_job(config, embedded=True, tell=(lambda text: None) if options.quiet else _tell)
    except (UserError, OSError):
        raise
    except Exception as error:
        details = Path.cwd() / "weirwatch-error.log"
        details.write_text(traceback.format_exc(), encoding="utf-8")
        raise JobError(f"the job failed: {cause(str(error))}; details: {details}") from error
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def keep(
    model: ModelDocument,
    report: LearnReport,
    base: ModelDocument | None,
    out: str | None,
    store: ModelStore | None,
    note: str = "",
) -> None:
    """Write a model that was learnt to its file and its store, and say what was learnt.

    Args:
        model: the model.
        report: what was read.
        base: the model before, if one was brought up to date.
        out: the file; None: none.
        store: the store; None: none.
        note: a word on it for the store's history.
    """
    places = []
    if out is not None:
        save_model(model, out)
        places.append(out)
    if store is not None:
        pushed = store.push(model, note=note)
        places.append(
            f"{model.id} version {pushed.entry.version} in the store" + ("" if pushed.made else ", as it was")
        )
    print(summary_text(model, report, ", ".join(places)))
    if base is not None:
        print(diff_text(diff(base, model), f"version {base.version}", f"version {model.version}"))
    for remark in report.notes:
        print(f"note: {remark}", file=sys.stderr)


def _places(options: argparse.Namespace) -> tuple[Reference | None, ModelStore | None, str | None, bool]:
    """The model to update, the store, the file to write, and whether to write to the store."""
    if options.update is None:
        if options.forget:
            raise UserError("--forget is for --update MODEL: a model that is learnt anew has nothing to forget")
        if options.out is None and not options.push:
            raise UserError("name a file to write the model to with --out, or keep it in a store with --push")
    else:
        for given, name in ((options.timestamp_format, "--timestamp-format"), (options.id, "--id")):
            if given is not None:
                raise UserError(f"{name} cannot be changed by --update: edit the model, or learn a new one")
    store = find_store(options)
    base = None if options.update is None else referred(options.update, store)
    out: str | None = options.out
    push = options.push
    if base is not None and out is None and not push:
        if base.model is None:
            out = options.update
        else:
            push = True
    if push:
        store = needed_store(options)
    return base, store, out, push


def _name(options: argparse.Namespace, base: Reference | None, out: str | None) -> str:
    if base is not None:
        return base.document.id
    return options.id or Path(out or options.logs[0]).name.removesuffix(".json") or "model"


def year_of(path: str) -> int:
    """The year in which a log was last written: a guess for timestamps without one; the model keeps it."""
    return datetime.datetime.fromtimestamp(os.stat(path).st_mtime, datetime.UTC).year


def summary_text(model: ModelDocument, report: LearnReport, places: str) -> str:
    """What was learnt, for people; ``places`` is where the model is kept."""
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
    if model.values:
        count = len(model.values)
        rows.append(f"values        {count:,} field{'' if count == 1 else 's'} whose values are all known")
    if model.categories:
        count = len(model.categories)
        rows.append(f"categories    {count:,} field{'' if count == 1 else 's'} whose shares of values are watched")
    if model.series.enabled:
        found = [f"in slots of {human_duration(model.series.slot_ms)}"]
        if model.series.detect:
            found.insert(0, f"{sum(map(len, detected_series(model).values())):,} watched")
        pairs = len(model.series.correlations)
        if pairs:
            found.append(f"{pairs:,} pair{' goes' if pairs == 1 else 's go'} together")
        rows.append(f"series        {', '.join(found)}")
    return "\n".join([*rows, f"model         {places}"])
