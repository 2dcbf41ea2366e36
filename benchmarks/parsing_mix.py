"""``mix``: the parse core against Drain3's ``match`` on the contents of all samples, mixed and repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.parsing import read_sample
from benchmarks.parsing_speed import contend
from benchmarks.processes import CommandError, run_python

GOAL = 10.0
_SEED = 2026


def run(folder: Path, data: Path, lines: int, rounds: int) -> dict[str, Any]:
    """Measure, print the table, and return the figures.

    Both learn on the mixed lines once and match them again and again; each line of the samples comes up as often.

    Args:
        folder: an empty folder for files.
        data: folder of the samples.
        lines: how many lines to match.
        rounds: how often each contender runs; the median counts.

    Raises:
        CommandError: there are no samples, or a contender fails.
    """
    mixed = mix([read_sample(path, raw=False)[0] for path in sorted(data.glob("*/*_structured.csv"))])
    if not mixed:
        raise CommandError(f"there are no samples in {data}: name a folder with one folder a system (--data)")
    training, watched, contents = (folder / name for name in ("training.log", "watched.log", "contents.txt"))
    write_lines(training, mixed, len(mixed))
    write_lines(watched, mixed, lines)
    write_lines(contents, mixed, len(mixed) + lines)
    model = folder / "model.json"
    run_python("jobs.cli", ["learn", training, "--timestamp-format", "NONE", "--out", model, "--quiet"])
    title = f"mix of all samples: learnt on its {len(mixed):,} lines, matched {lines:,}"
    return contend(title, model, training, watched, contents, len(mixed), rounds, GOAL)


def mix(samples: Sequence[Sequence[str]]) -> list[str]:
    """The lines of all samples in one fixed order at random; lines that hold nothing or line breaks are left out."""
    lines = [line for sample in samples for line in sample if line.strip() and len(line.splitlines()) == 1]
    random.Random(_SEED).shuffle(lines)
    return lines


def write_lines(path: Path, lines: Sequence[str], count: int) -> None:
    """Write so many lines into a file, from the beginning again when they are through."""
    whole, rest = divmod(count, len(lines))
    block = "".join(f"{line}\n" for line in lines).encode()
    with path.open("wb") as out:
        for _ in range(whole):
            out.write(block)
        out.write("".join(f"{line}\n" for line in lines[:rest]).encode())
