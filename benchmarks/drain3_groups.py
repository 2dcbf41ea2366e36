"""Drain3's groups of the lines of files, as JSON; runs in an environment of its own (``make .venv-drain3``).

Each file is mined by itself, with Drain3's defaults; a line's group is the cluster that ``match`` gives it in the end.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from benchmarks.drain3_match import new_miner


def groups(lines: list[str]) -> list[int]:
    """The number of each line's group."""
    miner = new_miner(masked=False)
    first = [int(miner.add_log_message(line)["cluster_id"]) for line in lines]
    last = [miner.match(line) for line in lines]
    return [at if found is None else int(found.cluster_id) for at, found in zip(first, last, strict=True)]


def main() -> None:
    """The command line: files of JSON lists of lines; prints a JSON list of lists of numbers."""
    logging.disable(logging.WARNING)
    json.dump([groups(json.loads(Path(name).read_text(encoding="utf-8"))) for name in sys.argv[1:]], sys.stdout)
    print()


if __name__ == "__main__":
    main()
