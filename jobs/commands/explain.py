"""``weirwatch explain``: what a model knows of a line, and why something is an anomaly."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from jobs.commands.options import command, readable
from jobs.commands.store_options import add_store, find_store, referred
from models.document_text import pretty, printable
from models.editing.anomaly_explanation import anomaly_rows, find_anomaly
from models.editing.line_explanation import LineExplainer, LineExplanation
from models.errors import UserError

_MOST_LINES = 1000


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "explain",
        run,
        "say what a model knows of a line, or why something is an anomaly",
        description="Of a line: its template and fields, the state of which automaton it leads to, and what was learnt "
        "of that. Of an anomaly: the bound that it breaks, from how many examples that was learnt, and which lines "
        "show it. Without an anomaly or a line, lines are read from standard input.",
    )
    parser.add_argument(
        "what", nargs="?", metavar="ANOMALY_ID|LINE", help="with --anomalies an id, else a line of a log"
    )
    parser.add_argument(
        "--model", required=True, metavar="MODEL", help="model file, or with --store the ID or ID@VERSION of a model"
    )
    parser.add_argument("--anomalies", metavar="FILE.jsonl", help="what weirwatch scan wrote with --out")
    parser.add_argument("--line", metavar="TEXT", help="the line, also if it looks like an option")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    add_store(parser)


def run(options: argparse.Namespace) -> int:
    """Explain what is named, or the lines of standard input."""
    if options.what is not None and options.line is not None:
        raise UserError("a line is given twice, with --line and without; give it once")
    if options.anomalies is not None and options.line is not None:
        raise UserError("--line and --anomalies exclude each other; an anomaly is named by its id")
    model = referred(options.model, find_store(options)).document
    if options.anomalies is not None:
        return _anomaly(options, model)
    line = options.line if options.line is not None else options.what
    explainer = LineExplainer(model)
    lines = [line] if line is not None else _from_input(sys.stdin)
    found = [explainer.explain(text) for text in lines]
    if options.json:
        print(pretty([explanation.to_json() for explanation in found]), end="")
    else:
        print("\n\n".join(map(_text, found)))
    return 0


def _anomaly(options: argparse.Namespace, model: Any) -> int:
    if options.what is None:
        raise UserError(f"name the id of one of the anomalies in {options.anomalies}, or its first characters")
    readable(options.anomalies)
    with open(options.anomalies, encoding="utf-8", errors="replace") as stream:
        anomaly = find_anomaly(stream, options.what, options.anomalies)
    rows = anomaly_rows(model, anomaly)
    if options.json:
        print(json.dumps({"anomaly": anomaly, "sentences": [row for row in rows if row]}, ensure_ascii=False, indent=2))
    else:
        print(printable("\n".join(rows)))
    return 0


def _from_input(stream: Iterable[str]) -> list[str]:
    """The lines of standard input that are not blank.

    Raises:
        UserError: there is none, or there are too many to be read one by one.
    """
    lines: list[str] = []
    for line in stream:
        if line.strip():
            lines.append(line.rstrip("\r\n"))
        if len(lines) > _MOST_LINES:
            raise UserError(
                f"more than {_MOST_LINES:,} lines to explain; weirwatch model try counts those of a whole log"
            )
    if not lines:
        raise UserError("no line to explain; give one as argument, with --line, or on standard input")
    return lines


def _text(found: LineExplanation) -> str:
    rows = [("line", found.text), *found.rows]
    return printable("\n".join(f"{head:<12}{text}" for head, text in rows))
