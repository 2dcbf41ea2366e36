"""``weirwatch demo``: generate, learn, scan, and compare what was found with what was injected."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from jobs.commands.options import command, whole_number
from models.errors import UserError
from models.sample.compare import compare
from models.sample.generator import generate
from models.sample.truth import Truth


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "demo",
        run,
        "show all of it on generated traffic",
        description="Generate the traffic of a small web shop, learn from its first part, scan the second, and print "
        "what was injected against what was found. Exits with 1 if anything was missed or invented.",
    )
    parser.add_argument("--out", default="weirwatch-demo", metavar="FOLDER", help="(default: %(default)s)")
    parser.add_argument("--seed", type=whole_number(0, 2**32), default=1, metavar="N", help="(default: %(default)s)")
    parser.add_argument(
        "--parallelism", type=whole_number(1, 64), default=2, metavar="N", help="(default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the commands that a user would, and compare."""
    folder = Path(options.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from None
    print(f"1. A sample of traffic with injected anomalies (seed {options.seed})")
    training, watched, truth_path = generate(options.seed).write(folder)
    print(f"   {training}, {watched}, the truth in {truth_path}\n")
    model, anomalies, report = folder / "model.json", folder / "anomalies.jsonl", folder / "report.html"
    _step("2. Learn what is normal", ["learn", str(training), "--out", str(model)])
    scan = ["scan", str(watched), "--model", str(model), "--out", str(anomalies), "--report", str(report)]
    scan += ["--summary", str(folder / "summary.json"), "--dead-letters", str(folder / "dead-letters.jsonl")]
    _step("3. Watch the rest", [*scan, "--parallelism", str(options.parallelism)])
    with anomalies.open(encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream]
    comparison = compare(Truth.read(truth_path).watched.anomalies, found)
    print("4. What was injected, and what was found")
    print(comparison.format_table())
    print("\nThe worst:")
    for document in sorted(found, key=lambda d: (-d["score"], d["id"]))[:5]:
        print(f"   {document['score']:5.1f}  {document['type']:<14} {document['reason']}")
    print(f"\nOpen {report.absolute().as_uri()} in a browser.")
    return 0 if comparison.ok else 1


def _step(title: str, arguments: list[str]) -> None:
    from jobs.cli import main  # the very command that the user is told to type

    print(f"{title}\n   $ weirwatch {shlex.join(arguments)}", flush=True)
    code = main(arguments)
    sys.stdout.flush()
    if code:
        raise SystemExit(code)
    print()
