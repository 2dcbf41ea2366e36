"""``weirwatch scan``: the main job on log files, on the embedded mini cluster."""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jobs.checkers import check_checkers, idle_checkers
from jobs.commands.checkers import add_checkers
from jobs.commands.options import add_logs, command, log_sources, whole_number, writable
from jobs.config import DetectConfig, EvidenceConfig, OutputConfig, SourceConfig
from jobs.embedded import run_embedded
from jobs.progress import Progress
from jobs.results import Results, write_lines
from models.document import load_model
from models.document_text import pretty, write_text
from models.report import write_report

_SHARDS_PER_SUBTASK = 8


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "scan",
        run,
        "find what departs from a model",
        description="Run the main job over log files on a Flink mini cluster in this process, and write the anomalies.",
    )
    add_logs(parser)
    parser.add_argument("--model", required=True, metavar="MODEL.json", help="the model, from weirwatch learn")
    parser.add_argument("--out", required=True, metavar="ANOMALIES.jsonl", help="file for the anomalies, one a line")
    parser.add_argument("--report", metavar="REPORT.html", help="page to look at")
    parser.add_argument("--dead-letters", metavar="FILE", help="file for lines that could not be read, one a line")
    parser.add_argument(
        "--series", metavar="FILE", help="file for the counts in time slots, one a line, where the model enables series"
    )
    parser.add_argument("--summary", metavar="FILE.json", help="file for the summary")
    parser.add_argument(
        "--parallelism", type=whole_number(1, 64), default=1, metavar="N", help="subtasks (default: %(default)s)"
    )
    parser.add_argument(
        "--batch-size",
        type=whole_number(1, 10_000_000),
        default=10_000,
        metavar="N",
        help="most lines that travel together (default: %(default)s)",
    )
    parser.add_argument(
        "--lateness",
        type=whole_number(0, 86_400_000),
        default=0,
        metavar="MS",
        help="how far lines may be out of order and still be put in order, in ms (default: %(default)s)",
    )
    parser.add_argument(
        "--evidence",
        type=whole_number(1, 1000),
        default=10,
        metavar="N",
        help="most lines that an anomaly quotes (default: %(default)s)",
    )
    add_checkers(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Scan, write the results, print the summary."""
    sources = log_sources(options.logs)
    writable(
        options.out,
        options.report,
        options.dead_letters,
        options.summary,
        options.series,
        inputs=[*options.logs, options.model],
    )
    model = load_model(options.model)
    check_checkers(options.checkers)
    for text in idle_checkers(options.checkers, [model]):
        print(f"warning: {text}", file=sys.stderr)
    config = DetectConfig(
        sources=tuple(SourceConfig(Path(path), name) for name, path in sources),
        model=Path(options.model).absolute(),
        output=OutputConfig(Path(options.out).absolute().parent),
        parallelism=options.parallelism,
        batch_size=options.batch_size,
        shards=_SHARDS_PER_SUBTASK * options.parallelism,
        lateness_ms=options.lateness,
        evidence=EvidenceConfig(max_lines=options.evidence),
        encoding=options.encoding,
        checkers=tuple(options.checkers),
    )
    progress = Progress(quiet=options.quiet)
    work = Path(tempfile.mkdtemp(prefix="weirwatch-"))
    try:
        results = run_embedded(config, work, progress)
    finally:
        progress.close()
        shutil.rmtree(work, ignore_errors=True)
    write_results(results, options)
    print(results.summary_text())
    for note in _notes(results, options):
        print(f"note: {note}", file=sys.stderr)
    return 0


def write_results(results: Results, options: argparse.Namespace) -> None:
    """Write what the options name."""
    write_lines(results.anomalies, Path(options.out))
    if options.dead_letters:
        write_lines(results.dead_letters, Path(options.dead_letters))
    if options.series:
        write_lines(results.series, Path(options.series))
    if options.summary:
        write_text(pretty(results.summary) + "\n", options.summary)
    if options.report:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        model = load_model(options.model).to_json()
        title = "Weirwatch: " + ", ".join(Path(log).name for log in options.logs[:3])
        write_report(options.report, options.out, model, results.summary, title, now)


def _notes(results: Results, options: argparse.Namespace) -> list[str]:
    summary = results.summary
    notes = []
    if not summary["lines"]:
        notes.append("the logs are empty")
    elif not summary["matched"] + summary["unmatched"]:
        notes.append(
            "no line has a timestamp as the model describes them: is this the right model for these logs? "
            "All lines went to dead letters"
        )
    elif summary["unmatched"] > summary["matched"]:
        notes.append("most lines fit no template of the model: is this the right model for these logs?")
    if summary["dead_letters"] and not options.dead_letters:
        notes.append(f"{summary['dead_letters']:,} lines could not be read; --dead-letters FILE keeps them")
    if options.series and not results.series:
        notes.append('no series are told: write "series": {"enabled": true} into the model')
    if failures := summary.get("checker_failures"):
        last = next(letter for letter in map(json.loads, reversed(results.dead_letters)) if "checker" in letter)
        kept = "" if options.dead_letters else "; --dead-letters FILE keeps them all"
        notes.append(f"checkers failed {failures:,} times{kept}. One of the failures: {last['reason']}")
    return notes
