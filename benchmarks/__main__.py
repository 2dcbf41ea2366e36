"""``make bench``: speed and accuracy, each beside its goal, with peers in the same run on the same lines."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import hdfs, learning, parsing_speed, series, whole_job
from benchmarks.corpus import HDFS
from benchmarks.program import tell

BENCHMARKS = ("job", "parse", "hdfs", "learn", "series")
_DEFAULT = BENCHMARKS[:-1]
"""Those that run when none is named; ``series`` has peers of its own (``make bench-series``)."""
_PARSE_LINES = 400_000
_LEARN_LINES = 1_000_000


def main() -> int:
    """The command line; returns the exit code."""
    options = _options()
    return tell(_measured(options), options.json)


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    for name in options.which or _DEFAULT:
        print(flush=True)
        with tempfile.TemporaryDirectory(prefix="weirwatch-bench-") as folder:
            yield name, _run(name, Path(folder), options)


def _run(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    if name == "job":
        return whole_job.run(folder, options.data, options.lines, options.peer_lines, options.parallelism)
    if name == "parse":
        return parsing_speed.run(folder, options.data, min(options.lines, _PARSE_LINES), options.rounds)
    if name == "learn":
        lines = min(options.lines, _LEARN_LINES)
        return learning.run(folder, options.data, options.samples, lines, options.peer_lines > 0)
    if name == "series":
        peers = options.peer_points
        return series.run(folder, options.series, options.slots, peers, options.nab, peers, options.parallelism)
    return hdfs.run(folder, options.data, options.splits, options.verbose)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "which", nargs="*", metavar="|".join(BENCHMARKS), help="what to measure (default: all but series)"
    )
    parser.add_argument("--lines", type=int, default=4_000_000, metavar="N", help="lines to read (default: 4,000,000)")
    parser.add_argument(
        "--peer-lines",
        type=int,
        default=150_000,
        metavar="N",
        help="lines that the record-at-a-time job reads; 0 leaves it, and the peer of learn, out (default: 150,000)",
    )
    parser.add_argument("--parallelism", type=int, default=2, metavar="N", help="of both jobs (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of parse (default: 5)")
    parser.add_argument("--splits", type=int, default=10, metavar="N", help="random halves of hdfs (default: 10)")
    parser.add_argument("--data", type=Path, default=HDFS, metavar="DIR", help="folder with hdfs.log.gz and labels.csv")
    parser.add_argument(
        "--samples",
        type=Path,
        default=HDFS.parent / "loghub",
        metavar="DIR",
        help="folder of the samples that learn mixes",
    )
    parser.add_argument("--series", type=int, default=10_000, metavar="N", help="of series (default: 10,000)")
    parser.add_argument("--slots", type=int, default=300, metavar="N", help="points of each series (default: 300)")
    parser.add_argument(
        "--peer-points",
        type=int,
        default=40_000,
        metavar="N",
        help="points that the peers of series get, and of the benchmark the slow one; 0 leaves them out "
        "(default: 40,000)",
    )
    parser.add_argument(
        "--nab", type=Path, default=HDFS.parent / "nab", metavar="DIR", help="folder of the benchmark of series"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument("--verbose", action="store_true", help="print each split of hdfs")
    options = parser.parse_args()
    unknown = sorted(set(options.which) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    positive = (options.lines, options.parallelism, options.rounds, options.splits, options.series, options.slots)
    if min(options.peer_lines, options.peer_points, min(positive) - 1) < 0:
        parser.error("numbers must be 1 at least (--peer-lines and --peer-points 0)")
    return options


if __name__ == "__main__":
    sys.exit(main())
