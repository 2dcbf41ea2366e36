"""What mining a file takes Drain3, as JSON; runs in an environment of its own (``make .venv-drain3``).

One call of ``add_log_message`` a line, with Drain3's defaults and the masks of :mod:`benchmarks.drain3_match`.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.drain3_match import new_miner


def measure(path: Path) -> dict[str, object]:
    """Mine the content lines of one file, once."""
    miner = new_miner(masked=True)
    lines = 0
    begin = time.process_time()
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            miner.add_log_message(line.rstrip("\n"))
            lines += 1
    return {
        "peer": f"Drain3 {version('drain3')}",
        "lines": lines,
        "seconds": time.process_time() - begin,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "templates": len(miner.drain.clusters),
    }


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description="What mining a file of content lines takes Drain3, as JSON.")
    options.add_argument("file", type=Path, help="content lines, UTF-8, without their timestamps")
    logging.disable(logging.WARNING)
    json.dump(measure(options.parse_args().file), sys.stdout)
    print()


if __name__ == "__main__":
    main()
