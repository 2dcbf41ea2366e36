"""``weirwatch model try``: see on a sample what a model makes of its lines, and which change with another model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.commands.options import command, encoding, log_sources, whole_number
from jobs.commands.store_options import add_store, find_store, referred
from jobs.progress import Progress
from models.document import ModelDocument
from models.document_text import pretty
from models.editing.trial import Comparison, Log, compare_models, try_model
from models.editing.trial_text import comparison_text, trial_text

_MOST = 999_999_999


def add_to(actions: Any) -> None:
    """Declare the command among those of ``weirwatch model``."""
    parser = command(
        actions,
        "try",
        _try,
        "see on a sample which lines fit which template, and which change with another model",
        description="Count the lines of logs by template, and show lines that fit none. With --against, show the lines "
        "whose template or fields are others with that model. Nothing is written.",
    )
    parser.add_argument("model", metavar="MODEL", help="model file, or with --store the ID or ID@VERSION of a model")
    parser.add_argument("logs", nargs="+", metavar="LOG", help="log file, plain or .gz")
    parser.add_argument("--against", metavar="MODEL", help="another model, to be compared with this one")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    add_trial(parser)
    add_store(parser)


def add_trial(parser: Any) -> None:
    """How much of a log is looked at, how much of it is shown, and how it is written."""
    parser.add_argument(
        "--limit", type=whole_number(1, _MOST), metavar="N", help="look at the first N lines of each log (default: all)"
    )
    parser.add_argument(
        "--examples", type=whole_number(0, 1000), metavar="N", help="most examples of each change (default: 3)"
    )
    parser.add_argument("--encoding", type=encoding, metavar="NAME", help="of the logs (default: utf-8)")


def compared(old: ModelDocument, new: ModelDocument, logs: Sequence[str], options: argparse.Namespace) -> Comparison:
    """Which lines of logs change between two models, as the options say.

    Raises:
        UserError: a log cannot be read.
    """
    progress = Progress()
    try:
        return compare_models(old, new, _logs(logs, options), options.limit, _examples(options), progress.stage)
    finally:
        progress.close()


def _try(options: argparse.Namespace) -> int:
    store = find_store(options)
    model = referred(options.model, store).document
    if options.against is not None:
        found = compared(model, referred(options.against, store).document, options.logs, options)
        print(pretty(found.to_json()) if options.json else comparison_text(found) + "\n", end="")
        return 0
    progress = Progress()
    try:
        trial = try_model(model, _logs(options.logs, options), options.limit, _examples(options), progress.stage)
    finally:
        progress.close()
    print(pretty(trial.to_json()) if options.json else trial_text(trial, model) + "\n", end="")
    return 0


def _logs(names: Sequence[str], options: argparse.Namespace) -> list[Log]:
    return [Log(name, str(Path(path)), options.encoding or "utf-8") for name, path in log_sources(names)]


def _examples(options: argparse.Namespace) -> int:
    return 3 if options.examples is None else int(options.examples)
