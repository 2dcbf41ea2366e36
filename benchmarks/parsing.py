"""Grouping accuracy of template mining on labelled samples of real logs.

A line counts when the set of lines in its predicted group is exactly the set of lines in its true group: the measure
that parsers publish. Each system's folder holds ``<System>_2k.log_structured.csv`` with the columns ``Content`` and
``EventId``, and ``<System>_2k.log`` with the raw lines. One configuration serves all.

Beside it stands Drain3 with its defaults, on the same lines.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.drain3_peer import peer_python
from benchmarks.processes import ROOT, CommandError, run_command
from benchmarks.tables import against, table
from models.folding import fold_one
from models.mining.templates import assignment, mine_templates

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "loghub"

GOAL = 0.95
OURS, PEER = "Weirwatch", "Drain3"
COLUMNS = {"contents": False, "whole lines": True}
"""What is grouped, and whether it is the raw lines: messages as all published parsers get them, or all of a line."""

DEVELOPED_ON = frozenset({"Android", "BGL", "HDFS", "Linux", "Zookeeper"})
"""Systems that were looked at while the rules were made; the others only check them."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one sample.

    Attributes:
        system: its name.
        lines: how many it has.
        groups: how many true groups.
        found: column → contender → its accuracy.
    """

    system: str
    lines: int
    groups: int
    found: dict[str, dict[str, float]]


def run(data: Path, systems: Sequence[str] = ()) -> dict[str, Any]:
    """Measure, print the table, and return the figures.

    Args:
        data: folder with one folder a system.
        systems: only these; all where there are none.

    Raises:
        CommandError: there is no such sample, or Drain3 cannot be run.
    """
    paths = [path for path in sorted(data.glob("*/*_structured.csv")) if not systems or path.parent.name in systems]
    if not paths:
        raise CommandError(f"there are no samples in {data}: name a folder with one folder a system (--data)")
    peer = {column: _peer_groups([read_sample(path, raw=raw)[0] for path in paths]) for column, raw in COLUMNS.items()}
    found = []
    for at, path in enumerate(paths):
        accuracies: dict[str, dict[str, float]] = {}
        for column, raw in COLUMNS.items():
            lines, truth = read_sample(path, raw=raw)
            ours = grouping_accuracy(group(lines), truth)
            accuracies[column] = {OURS: ours, PEER: grouping_accuracy(peer[column][at], truth)}
        found.append(Accuracy(path.parent.name, len(truth), len(set(truth)), accuracies))
    _print(found)
    return {"goal": GOAL, "samples": [asdict(sample) for sample in found], "means": _means(found)}


def _means(found: Sequence[Accuracy]) -> dict[str, dict[str, float]]:
    return {
        column: {name: fmean(sample.found[column][name] for sample in found) for name in (OURS, PEER)}
        for column in COLUMNS
    }


def _print(found: Sequence[Accuracy]) -> None:
    print(f"grouping accuracy on {len(found)} labelled samples, one default configuration each; peer: {PEER}")
    places = [(column, name) for column in COLUMNS for name in (OURS, PEER)]
    rows = [
        [
            f"{sample.system}{' *' if sample.system in DEVELOPED_ON else ''}",
            f"{sample.lines:,}",
            f"{sample.groups:,}",
            *(f"{sample.found[column][name]:.3f}" for column, name in places),
        ]
        for sample in found
    ]
    means = _means(found)
    rows.append(["mean", "", "", *(f"{means[column][name]:.3f}" for column, name in places)])
    print(table(["", "lines", "groups", *(f"{column}, {name}" for column, name in places)], rows))
    print("  * looked at while the rules were made; the others only check them")
    print(f"  mean on contents: {against(means['contents'][OURS], GOAL, 3)}", flush=True)


def _peer_groups(samples: Sequence[Sequence[str]]) -> list[list[int]]:
    """Drain3's groups of each sample."""
    with tempfile.TemporaryDirectory(prefix="weirwatch-bench-") as name:
        files = []
        for at, lines in enumerate(samples):
            files.append(Path(name) / f"{at}.json")
            files[-1].write_text(json.dumps(list(lines)), encoding="utf-8")
        command = [str(peer_python()), "-m", "benchmarks.drain3_groups", *map(str, files)]
        found: list[list[int]] = json.loads(run_command(command, {"PYTHONPATH": str(ROOT)}).output)
    return found


def read_sample(path: Path, *, raw: bool) -> tuple[list[str], list[str]]:
    """The messages (or raw lines) of a sample and the true group of each."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = [row["EventId"] for row in rows]
    if not raw:
        return [row["Content"] for row in rows], truth
    lines = path.with_name(path.name.removesuffix("_structured.csv")).read_text(encoding="utf-8").split("\n")
    return [lines[int(row["LineId"]) - 1].rstrip("\r") for row in rows], truth


def group(contents: Sequence[str]) -> list[int]:
    """Mine templates and give the number of each content's template, as the product does: once for each fold."""
    folds = [fold_one(content) for content in contents]
    counts = Counter(folds)
    first: dict[bytes, str] = {}
    for fold, content in zip(folds, contents, strict=True):
        first.setdefault(fold, content)
    templates = mine_templates(list(first.values()), [counts[fold] for fold in first])
    owner = dict(zip(first, assignment(templates, len(first)), strict=True))
    return [owner[fold] for fold in folds]


def grouping_accuracy(found: Sequence[int], truth: Sequence[str]) -> float:
    """Share of lines whose found group is exactly their true group."""
    groups: dict[int, set[int]] = defaultdict(set)
    wanted: dict[str, set[int]] = defaultdict(set)
    for line, (number, label) in enumerate(zip(found, truth, strict=True)):
        groups[number].add(line)
        wanted[label].add(line)
    exact = sum(len(lines) for lines in groups.values() if lines == wanted[truth[min(lines)]])
    return exact / len(truth)
