"""``weirwatch sample``: generated traffic to try things on, with the truth beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jobs.commands.options import command, whole_number
from models.sample.generator import generate
from models.sample.structured import FORMS, restructure


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "sample",
        run,
        "generate a sample log with injected anomalies",
        description="Generate training.log and watched.log of a small web shop, with anomalies of nine types "
        "injected, and truth.json, which says what was injected where.",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder to write to")
    parser.add_argument("--seed", type=whole_number(0, 2**32), default=1, metavar="N", help="(default: %(default)s)")
    parser.add_argument(
        "--transactions",
        type=whole_number(100, 10_000_000),
        default=4000,
        metavar="N",
        help="to learn from; half as many are watched (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("plain", *FORMS),
        default="plain",
        help="how lines are written: as text, as JSON objects, or as logfmt (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Generate and write."""
    sample = generate(options.seed, transactions=options.transactions)
    if options.format != "plain":
        sample = restructure(sample, options.format)
    for path in sample.write(Path(options.out)):
        print(path)
    return 0
