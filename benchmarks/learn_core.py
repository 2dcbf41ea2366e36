"""What learning from a file takes, as JSON: processor seconds of one process, its peak memory, and what it found."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

from models.learner import LearnOptions, learn
from models.memory import keep_freed_memory


def measure(path: Path) -> dict[str, object]:
    """Learn from one file, once."""
    begin = time.process_time()
    model, report = learn([(path.name, str(path))], LearnOptions())
    return {
        "lines": report.lines,
        "seconds": time.process_time() - begin,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "templates": len(model.templates),
        "automata": len(model.automata),
        "transactions": report.transactions,
    }


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path, help="a log")
    keep_freed_memory()
    json.dump(measure(options.parse_args().file), sys.stdout)
    print()


if __name__ == "__main__":
    main()
