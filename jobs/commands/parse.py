"""``weirwatch parse``: which template each line fits, as CSV."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

from jobs.commands.options import add_logs, command, log_sources, writable
from jobs.progress import Progress
from models.document import load_model
from models.line_table import parse_lines
from models.memory import keep_freed_memory


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "parse",
        run,
        "write the template and parameters of each line",
        description="Write a CSV with the columns line (1-based), template_id, template and parameters (JSON), one row "
        "a line. A line that fits no template has no template_id; one that continues the line before has its template.",
    )
    add_logs(parser)
    parser.add_argument("--model", required=True, metavar="MODEL.json", help="the model, from weirwatch learn")
    parser.add_argument("--out", required=True, metavar="PARSED.csv", help="file to write")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Parse and write."""
    sources = log_sources(options.logs)
    writable(options.out, inputs=[*options.logs, options.model])
    model = load_model(options.model)
    keep_freed_memory()
    progress = Progress(quiet=options.quiet)
    lines = matched = 0
    problems: list[str] = []
    part = Path(options.out + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            several = ["source"] if len(sources) > 1 else []
            writer.writerow([*several, "line", "template_id", "template", "parameters"])
            for name, path in sources:
                for row in parse_lines(model, path, name, options.encoding, progress.stage, problems):
                    lines += 1
                    matched += row.template_id is not None
                    parameters = json.dumps(row.parameters, ensure_ascii=False)
                    writer.writerow([name] * len(several) + [row.line, row.template_id or "", row.template, parameters])
        os.replace(part, options.out)
    finally:
        progress.close()
        part.unlink(missing_ok=True)
    print(f"{lines:,} lines, {matched:,} with a template: {options.out}")
    for problem in problems:
        print(f"note: {problem}", file=sys.stderr)
    return 0
