"""``hdfs``: how well learning from half of the blocks of a real log finds the anomalous blocks of the other half.

The whole path is taken: the lines of half of the blocks are written to a file, a model is learnt from it, and the
lines of the other half are scanned with it. A block counts as found when any anomaly names it; the average precision
looks at the order in which the scores of the anomalies put the blocks. Labels are read to split and to score, never to
learn or to scan. The first split is scanned by the real job as well, which must give the same
documents as the pure pieces that scan the others.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

import numpy as np

from benchmarks.corpus import BLOCK, read_log
from benchmarks.processes import run_python
from benchmarks.tables import against, table
from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.detection import LineDetector
from models.document import ModelDocument, save_model
from models.learner import LearnOptions, learn
from models.source_reader import ReadLimits, SourceState

GOALS = {"normal": 0.98, "unlabelled": 0.95}
"""What half of the blocks a model is learnt from → the F1 to reach."""

_SHARDS = 16
_BATCH_LINES = 10_000
_EVIDENCE = 10
_COLUMNS = {"precision": "precision", "recall": "recall", "f1": "F1", "average_precision": "average precision"}


@dataclass(frozen=True, slots=True)
class Score:
    """How well blocks were found, and put in order by how severe they are."""

    f1: float
    precision: float
    recall: float
    average_precision: float

    @classmethod
    def of(cls, found: Mapping[str, float], wanted: set[str]) -> Score:
        """Compare the blocks found, each with its severity, with those wanted."""
        hits = len(found.keys() & wanted)
        return cls(
            2 * hits / max(1, len(found) + len(wanted)),
            hits / max(1, len(found)),
            hits / max(1, len(wanted)),
            average_precision(found, wanted),
        )


def average_precision(found: Mapping[str, float], wanted: set[str]) -> float:
    """The mean of the precisions at which each wanted one is found: the area under precision over recall, in steps.

    Blocks are taken from the most severe on, equally severe ones together. Those that are not found add nothing.

    >>> average_precision({"a": 90, "b": 80, "c": 70}, {"a", "c"})
    0.8333333333333333
    """
    area, hits, taken = 0.0, 0, 0
    for _, group in groupby(sorted(found, key=lambda name: -found[name]), key=lambda name: found[name]):
        names = list(group)
        new = len(wanted.intersection(names))
        hits, taken = hits + new, taken + len(names)
        area += new * hits / taken
    return area / max(1, len(wanted))


@dataclass(frozen=True, slots=True)
class Blocks:
    """The log by blocks: each line with its block, and which blocks are anomalous."""

    lines: list[tuple[str, bytes]]
    anomalous: dict[str, bool]

    @classmethod
    def read(cls, data: Path) -> Blocks:
        """Read the log and the labels; a line belongs to the first block that it names."""
        with (data / "labels.csv").open(encoding="utf-8") as file:
            labels = {row["block_id"]: row["anomalous"] == "1" for row in csv.DictReader(file)}
        lines = []
        for line in read_log(data):
            found = BLOCK.search(line)
            lines.append((found[0].decode() if found else "", line))
        return cls(lines, {name: labels[name] for name, _ in lines if name in labels})

    def halves(self, seed: int) -> tuple[set[str], set[str]]:
        """Two random halves of the blocks."""
        names = sorted(self.anomalous)
        order = np.random.default_rng(seed).permutation(len(names)).tolist()
        middle = len(names) // 2
        return {names[at] for at in order[:middle]}, {names[at] for at in order[middle:]}

    def write(self, path: Path, blocks: set[str]) -> None:
        """Write the lines of some blocks."""
        path.write_bytes(b"".join(line for name, line in self.lines if name in blocks))


def run(folder: Path, data: Path, splits: int, verbose: bool = False) -> dict[str, Any] | None:
    """Measure, print the table, and return the figures; None where the log is absent.

    Args:
        folder: an empty folder for files.
        data: folder of the real log.
        splits: how many random halves.
        verbose: print each split.
    """
    if not (data / "hdfs.log.gz").is_file() or not (data / "labels.csv").is_file():
        print(f"hdfs: {data} has no hdfs.log.gz with labels.csv; left out")
        return None
    begin = time.perf_counter()
    blocks = Blocks.read(data)
    scores: dict[str, list[Score]] = {kind: [] for kind in GOALS}
    same: dict[str, bool] = {}
    for seed in range(splits):
        training, watched = blocks.halves(seed)
        wanted = {name for name in watched if blocks.anomalous[name]}
        path = folder / "watched.log"
        blocks.write(path, watched)
        for kind in GOALS:
            normal = {name for name in training if not blocks.anomalous[name]}
            model = _learn(blocks, normal if kind == "normal" else training, folder)
            documents = scan(model, path)
            scores[kind].append(Score.of({k: v for k, v in severity(documents).items() if k in watched}, wanted))
            if seed == 0:
                same[kind] = _scan_with_job(model, path, folder) == _as_lines(documents)
            if verbose:
                print(f"  split {seed}, {kind}: {scores[kind][-1]}, templates {len(model.templates)}")
    return _report(blocks, scores, same, time.perf_counter() - begin)


def scan(model: ModelDocument, path: Path) -> list[dict[str, Any]]:
    """All anomalies of a log, by the same pure functions that the job's operators call."""
    detector = LineDetector(model, ReadLimits(max_text_bytes=1000), _SHARDS)
    automata = CompiledAutomata(model)
    shards = [ShardState(automata, _EVIDENCE) for _ in range(_SHARDS)]
    found: list[dict[str, Any]] = []
    state = SourceState()
    lines = path.read_bytes().splitlines(keepends=True)
    for begin in range(0, len(lines), _BATCH_LINES):
        data = b"".join(lines[begin : begin + _BATCH_LINES])
        at_end = begin + _BATCH_LINES >= len(lines)
        outcome, events, state = detector.process(str(path), state, data, at_end)
        found += outcome.unmatched
        for batch in outcome.batches:
            shards[batch.shard].add(batch)
        if events.clock_ms is not None:
            for shard in shards:
                found += shard.advance(events.clock_ms)
    for shard in shards:
        found += shard.advance(FOREVER)
    return found


def _learn(blocks: Blocks, names: set[str], folder: Path) -> ModelDocument:
    path = folder / "training.log"
    blocks.write(path, names)
    return learn([("training.log", str(path))], LearnOptions(model_id="hdfs"))[0]


def severity(documents: Iterable[dict[str, Any]]) -> dict[str, float]:
    """The transactions that anomalies name, each with the highest score of these."""
    named: dict[str, float] = {}
    for document in documents:
        if document["transaction"]:
            name = str(document["transaction"]["id"])
            named[name] = max(float(document["score"]), named.get(name, 0.0))
    return named


def _scan_with_job(model: ModelDocument, path: Path, folder: Path) -> list[str]:
    """The anomalies that ``weirwatch scan`` finds, in a fixed order."""
    save_model(model, folder / "model.json")
    out = folder / "anomalies.jsonl"
    arguments: list[str | Path] = ["scan", path, "--model", folder / "model.json", "--out", out]
    run_python("jobs.cli", [*arguments, "--parallelism", "2", "--quiet"])
    return _as_lines(json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())


def _as_lines(documents: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(document, sort_keys=True) for document in documents)


def _report(blocks: Blocks, scores: dict[str, list[Score]], same: dict[str, bool], seconds: float) -> dict[str, Any]:
    rows = []
    figures: dict[str, Any] = {"blocks": len(blocks.anomalous), "lines": len(blocks.lines)}
    for kind, some in scores.items():
        columns = {name: [getattr(score, name) for score in some] for name in _COLUMNS}
        rows.append([f"learnt on {kind} blocks", *(f"{mean(c):.3f} ± {pstdev(c):.3f}" for c in columns.values())])
        figures[kind] = {**columns, "goal": GOALS[kind], "job_gives_the_same": same[kind]}
    splits = len(scores["normal"])
    anomalous = sum(blocks.anomalous.values())
    print(
        f"hdfs: {len(blocks.lines):,} lines, {len(blocks.anomalous):,} blocks, {anomalous} anomalous; learnt on one "
        f"half of the blocks, scanned the other; {splits} random halves; mean ± standard deviation; {seconds:,.0f} s"
    )
    print(table(["", *_COLUMNS.values()], rows))
    for kind, goal in GOALS.items():
        print(f"  F1, learnt on {kind} blocks: {against(mean(figures[kind]['f1']), goal, 3)}")
    verdict = "the very same" if all(same.values()) else "NOT the same"
    print(f"  the real job gives {verdict} anomaly documents as the pure functions (first halves)")
    return figures
