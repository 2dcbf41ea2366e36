"""Grouping accuracy of template mining on labelled samples of real logs.

A line counts when the set of lines in its predicted group is exactly the set of lines in its true group: the measure
that parsers publish. Each system's folder holds ``<System>_2k.log_structured.csv`` with the columns ``Content`` and
``EventId``, and ``<System>_2k.log`` with the raw lines. One configuration serves all.

    python benchmarks/parsing.py --column content
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from models.folding import fold_one
from models.mining.templates import assignment, mine_templates

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "loghub"

DEVELOPED_ON = frozenset({"Android", "BGL", "HDFS", "Linux", "Zookeeper"})
"""Systems that were looked at while the rules were made; the others only check them."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with one folder a system")
    parser.add_argument("--column", choices=("content", "raw"), default="content", help="messages, or whole lines")
    parser.add_argument("--systems", nargs="*", help="only these systems")
    options = parser.parse_args(arguments)
    halves: dict[bool, list[float]] = {True: [], False: []}
    print(f"{'system':12} {'lines':>6} {'true':>5} {'found':>5} {'accuracy':>8} {'seconds':>7}  half")
    for path in sorted(options.data.glob("*/*_structured.csv")):
        system = path.parent.name
        if options.systems and system not in options.systems:
            continue
        contents, truth = read_sample(path, raw=options.column == "raw")
        started = time.perf_counter()
        found = group(contents)
        seconds = time.perf_counter() - started
        accuracy = grouping_accuracy(found, truth)
        halves[system in DEVELOPED_ON].append(accuracy)
        half = "developed on" if system in DEVELOPED_ON else "held out"
        sizes = f"{len(contents):6} {len(set(truth)):5} {len(set(found)):5}"
        print(f"{system:12} {sizes} {accuracy:8.4f} {seconds:7.2f}  {half}")
    for developed, title in ((True, "developed on"), (False, "held out")):
        if halves[developed]:
            print(f"mean, {title:13} {sum(halves[developed]) / len(halves[developed]):.4f}")
    both = halves[True] + halves[False]
    if both:
        print(f"mean {sum(both) / len(both):.4f}")


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


if __name__ == "__main__":
    main()
