"""Drain3's speed on a file of content lines, as JSON; runs in an environment of its own (``make .venv-drain3``).

It learns on a first part of the lines and is then timed matching the others against what it has learnt, one call of
``match`` a line. The masks are the usual three (addresses, hexadecimal numbers, decimal numbers).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from importlib.metadata import version
from pathlib import Path

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

USUAL_MASKS = (
    (r"(?<![A-Za-z0-9])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![A-Za-z0-9])", "IP"),
    (r"(?<![A-Za-z0-9])0x[0-9a-fA-F]+(?![A-Za-z0-9])", "HEX"),
    (r"(?<![A-Za-z0-9])[-+]?\d+(?![A-Za-z0-9])", "NUM"),
)


def new_miner(masked: bool) -> TemplateMiner:
    """A miner with Drain3's defaults, keeping nothing on disk."""
    config = TemplateMinerConfig()
    config.profiling_enabled = False
    if masked:
        config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in USUAL_MASKS]
    return TemplateMiner(config=config)


def measure(lines: list[str], learnt: int, masked: bool) -> dict[str, object]:
    """Learn on the first lines, match the others once."""
    miner = new_miner(masked)
    for line in lines[:learnt]:
        miner.add_log_message(line)
    rest = lines[learnt:]
    match = miner.match
    started = time.process_time()
    matched = sum(1 for line in rest if match(line) is not None)
    seconds = time.process_time() - started
    return {
        "peer": f"Drain3 {version('drain3')}",
        "templates": len(miner.drain.clusters),
        "matched": matched / len(rest),
        "lines_per_second": len(rest) / seconds,
    }


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Drain3's speed on a file of content lines, as JSON.")
    parser.add_argument("file", type=Path, help="content lines, UTF-8, without their timestamps")
    parser.add_argument("--learn", type=int, required=True, help="how many lines to learn on")
    parser.add_argument("--no-masks", action="store_true", help="leave the masks out")
    options = parser.parse_args()
    lines = options.file.read_text(encoding="utf-8", errors="replace").split("\n")
    if lines[-1] == "":
        del lines[-1]
    if not 0 < options.learn < len(lines):
        parser.error("there must be lines to learn on and lines to match")
    logging.disable(logging.WARNING)
    json.dump(measure(lines, options.learn, not options.no_masks), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
