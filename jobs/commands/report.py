"""``weirwatch report``: the page of an earlier scan."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any

from jobs.commands.options import command, readable, writable
from models.document import load_model
from models.document_text import parse_json, read_text
from models.errors import UserError
from models.report import write_report


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(commands, "report", run, "make the page of an earlier scan")
    parser.add_argument("anomalies", metavar="ANOMALIES.jsonl", help="what weirwatch scan wrote with --out")
    parser.add_argument("--model", required=True, metavar="MODEL.json", help="the model that was used")
    parser.add_argument("--summary", metavar="FILE.json", help="what weirwatch scan wrote with --summary")
    parser.add_argument("--out", required=True, metavar="REPORT.html", help="page to write")


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    readable(options.anomalies)
    writable(options.out, inputs=[options.anomalies, options.model, *filter(None, [options.summary])])
    model = load_model(options.model).to_json()
    summary: dict[str, Any] = {}
    if options.summary:
        found = parse_json(read_text(options.summary), options.summary)
        if not isinstance(found, dict):
            raise UserError(f"{options.summary} is no summary of weirwatch scan")
        summary = found
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    title = f"Weirwatch: {Path(options.anomalies).name}"
    write_report(options.out, options.anomalies, model, summary, title, now)
    print(f"report  {options.out}")
    return 0
