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


def measure(lines: list[str], learnt: int, masked: bool, repeat: int) -> dict[str, object]:
    """Learn on the first lines, match the others ``repeat`` times; the fastest time counts."""
    miner = new_miner(masked)
    started = time.perf_counter()
    for line in lines[:learnt]:
        miner.add_log_message(line)
    learning = time.perf_counter() - started
    rest = lines[learnt:]
    match = miner.match
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        matched = sum(1 for line in rest if match(line) is not None)
        times.append(time.perf_counter() - started)
    return {
        "peer": f"drain3 {version('drain3')}",
        "masks": len(USUAL_MASKS) if masked else 0,
        "templates": len(miner.drain.clusters),
        "learned_lines": learnt,
        "learned_lines_per_second": round(learnt / learning),
        "matched_lines": matched,
        "lines": len(rest),
        "seconds": round(min(times), 4),
        "lines_per_second": round(len(rest) / min(times)),
    }


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Drain3's speed on a file of content lines, as JSON.")
    parser.add_argument("file", type=Path, help="content lines, UTF-8, without their timestamps")
    parser.add_argument("--learn", type=float, default=0.5, help="share of the lines to learn on (default: 0.5)")
    parser.add_argument("--no-masks", action="store_true", help="leave the masks out")
    parser.add_argument("--repeat", type=int, default=3, help="how often to match; the fastest counts (default: 3)")
    options = parser.parse_args()
    try:
        lines = options.file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        parser.error(f"{options.file}: {error.strerror}")
    if lines[-1] == "":
        del lines[-1]
    learnt = int(len(lines) * options.learn)
    if not 0 < learnt < len(lines) or options.repeat < 1:
        parser.error("there must be lines to learn on, lines to match and a repetition at least")
    logging.disable(logging.WARNING)
    json.dump(measure(lines, learnt, not options.no_masks, options.repeat), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
