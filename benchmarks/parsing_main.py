"""``make bench-parsing``: accuracy and speed of parsing, beside Drain3 in the same run on the same lines."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import parsing, parsing_mix, parsing_scale
from benchmarks.program import tell

BENCHMARKS = ("accuracy", "mix", "scale")


def main() -> int:
    """The command line; returns the exit code."""
    options = _options()
    return tell(_measured(options), options.json)


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    for name in options.which or BENCHMARKS:
        print(flush=True)
        with tempfile.TemporaryDirectory(prefix="weirwatch-bench-") as folder:
            yield name, _run(name, Path(folder), options)


def _run(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    if name == "accuracy":
        return parsing.run(options.data, options.systems)
    if name == "mix":
        return parsing_mix.run(folder, options.data, options.lines, options.rounds)
    return parsing_scale.run(folder, options.lines, options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parsing_main", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="accuracy|mix|scale", help="what to measure (default: all three)")
    parser.add_argument("--lines", type=int, default=1_000_000, metavar="N", help="to parse (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of mix and scale (default: 3)")
    parser.add_argument("--systems", nargs="*", default=(), metavar="NAME", help="of accuracy: only these samples")
    parser.add_argument(
        "--data", type=Path, default=parsing.DEFAULT_DATA, metavar="DIR", help="folder with one folder a system"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    options = parser.parse_args()
    unknown = sorted(set(options.which) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    if min(options.lines, options.rounds) < 1:
        parser.error("--lines and --rounds must be 1 at least")
    return options


if __name__ == "__main__":
    sys.exit(main())
