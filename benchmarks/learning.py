"""``learn``: what learning takes on one core, and in memory, for so many lines and for twice as many; beside Drain3.

Two logs: the HDFS log repeated with later days and fresh blocks, and the contents of all samples of many systems, mixed
and repeated with fresh numbers. Drain3 mines the same lines without their timestamps; it finds templates only, while
learning finds identifiers and automata too.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.corpus import read_log, repeated
from benchmarks.drain3_peer import peer_python
from benchmarks.parsing import read_sample
from benchmarks.parsing_mix import mix
from benchmarks.processes import CommandError, run_command
from benchmarks.tables import MIB, table
from models.sample.generator import write_lines

GOAL_S = 30.0
"""For a million lines."""
_MEMORY_GROWTH = 1.25
"""Memory for twice as many lines is bounded if it grows by no more than a quarter."""
_MILLION = 1_000_000
_BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_STAMP = 24
_HDFS_STAMP = 14
_NUMBER = re.compile(r"[0-9]{3,}")
_SAMPLE_SEED = 2026

Lines = Iterator[bytes]


def run(folder: Path, hdfs: Path, samples: Path, lines: int, peer: bool) -> dict[str, Any]:
    """Measure, print the tables, and return the figures.

    Args:
        folder: an empty folder for files.
        hdfs: folder with ``hdfs.log.gz``; where it is absent, a generated sample is learnt.
        samples: folder of the samples, one folder a system; left out where there are none.
        lines: how many lines to learn from, and then twice as many.
        peer: whether Drain3 mines the lines, too.

    Raises:
        CommandError: a contender fails.
    """
    logs: dict[str, Callable[[Path, int], int]] = {}
    if (hdfs / "hdfs.log.gz").is_file():
        log = read_log(hdfs)
        logs["HDFS log"] = lambda path, count: _write(path, (line for _, line in islice(repeated(log, 1), count)))
    else:
        logs["generated sample"] = _generated
    mixed = mix([read_sample(path, raw=False)[0] for path in sorted(samples.glob("*/*_structured.csv"))])
    if mixed:
        logs["mix of samples"] = lambda path, count: _write(path, islice(fresh(mixed), count))
    figures = {}
    for name, write in logs.items():
        figures[name] = _one(name, write, folder, lines, peer)
    return {"lines": lines, "goal_seconds": GOAL_S, "logs": figures}


def fresh(lines: list[str]) -> Lines:
    """The lines again and again, each with a time of its own, numbers of three digits and more other ones each time."""
    at, copy = _BEGIN, 0
    while True:
        for line in lines:
            at += dt.timedelta(milliseconds=37)
            text = _NUMBER.sub(lambda found: _other(found[0], copy), line) if copy else line  # noqa: B023
            yield f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} {text}\n".encode()
        copy += 1


def _other(digits: str, copy: int) -> str:
    """Another number of as many digits, that does not begin with 0."""
    low, high = 10 ** (len(digits) - 1), 10 ** len(digits)
    return str(low + (int(digits) + copy * 7919) % (high - low))


def _write(path: Path, lines: Lines) -> int:
    with path.open("wb") as out:
        out.writelines(lines)
    return path.stat().st_size


def _generated(path: Path, count: int) -> int:
    write_lines(path, _SAMPLE_SEED, count)
    return path.stat().st_size


def _one(name: str, write: Callable[[Path, int], int], folder: Path, lines: int, peer: bool) -> dict[str, Any]:
    path, contents = folder / "learn.log", folder / "contents.txt"
    found: dict[str, Any] = {}
    for count in (lines, 2 * lines):
        size = write(path, count)
        usage = run_command([sys.executable, "-m", "benchmarks.learn_core", str(path)])
        found[f"{count}"] = {"bytes": size, **_figures(usage.output)}
        if peer and count == lines:
            stamp = _HDFS_STAMP if name == "HDFS log" else _STAMP
            with path.open("rb") as source, contents.open("wb") as out:
                out.writelines(line[stamp:] for line in source)
            usage = run_command([str(peer_python()), "-m", "benchmarks.drain3_mine", str(contents)])
            found["peer"] = _figures(usage.output)
            contents.unlink()
        path.unlink()
    _tell(name, found, lines)
    return found


def _figures(output: str) -> dict[str, Any]:
    try:
        figures: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise CommandError(f"a contender printed no figures:\n{output[-2000:]}") from None
    return figures


def _tell(name: str, found: dict[str, Any], lines: int) -> None:
    print(f"learn: {name}")
    rows = []
    for count in (lines, 2 * lines):
        figures = found[f"{count}"]
        rows.append(["weirwatch", *_cells(figures), f"{figures['automata']:,}", f"{figures['transactions']:,}"])
    if "peer" in found:
        rows.append([found["peer"]["peer"], *_cells(found["peer"]), "–", "–"])
    header = ["one process", "lines", "processor s", "µs a line", "peak MiB", "templates", "automata", "transactions"]
    print(table(header, rows))
    once, twice = found[f"{lines}"], found[f"{2 * lines}"]
    seconds = once["seconds"] * _MILLION / once["lines"]
    print(f"  {seconds:.1f} s a million lines (goal ≤ {GOAL_S:.0f}: {'reached' if seconds <= GOAL_S else 'MISSED'})")
    growth = twice["peak_bytes"] / once["peak_bytes"]
    print(
        f"  memory for twice the lines: {growth:.2f} times (goal ≤ {_MEMORY_GROWTH}: "
        f"{'reached' if growth <= _MEMORY_GROWTH else 'MISSED'})"
    )
    if "peer" in found:
        print(f"  {found['peer']['seconds'] / once['seconds']:.1f} times as fast as {found['peer']['peer']}")
    sys.stdout.flush()


def _cells(figures: dict[str, Any]) -> list[str]:
    lines, seconds = figures["lines"], figures["seconds"]
    return [
        f"{lines:,}",
        f"{seconds:.1f}",
        f"{1e6 * seconds / lines:.1f}",
        f"{figures['peak_bytes'] / MIB:,.0f}",
        f"{figures['templates']:,}",
    ]
