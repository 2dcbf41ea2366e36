"""Runs of the commands in this process, on one Java machine for all, with everything they write checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.cli import main
from models.sample.compare import Comparison, compare
from models.sample.generator import generate
from models.sample.structured import restructure
from models.sample.truth import Truth
from models.schema_check import check

COUNTED = ("matched", "unmatched", "continued", "dead_letters")


@dataclass(frozen=True)
class SampleFiles:
    """A generated sample with the model learnt from its first part."""

    folder: Path
    training: Path
    watched: Path
    model: Path
    truth: Truth


@dataclass(frozen=True)
class Run:
    """What a scan wrote."""

    folder: Path
    text: str
    anomalies: list[dict[str, Any]]
    dead: list[dict[str, Any]]
    summary: dict[str, Any]

    def compared(self, truth: Truth) -> Comparison:
        return compare(truth.watched.anomalies, self.anomalies)

    def told(self) -> list[tuple[str, ...]]:
        """What was told, without where it stands: type, transaction, time, actual and typical."""
        return sorted(
            (a["type"], (a["transaction"] or {}).get("id", ""), a["@timestamp"], a["actual"], a["typical"])
            for a in self.anomalies
        )


def make_sample(folder: Path, seed: int, watched: int | None = None, form: str = "plain") -> SampleFiles:
    """Generate a sample and learn from its training log; ``watched`` transactions are watched."""
    sample = generate(seed, watched_transactions=watched)
    if form != "plain":
        sample = restructure(sample, form)
    training, log, _ = sample.write(folder)
    model = folder / "model.json"
    assert main(["learn", str(training), "--out", str(model), "--quiet"]) == 0
    return SampleFiles(folder, training, log, model, sample.truth)


def read_run(folder: Path, anomalies: str, dead: str, summary: str) -> Run:
    """Read what a run wrote, and check all of it against its schema."""
    text = (folder / anomalies).read_text()
    run = Run(
        folder,
        text,
        [json.loads(line) for line in text.splitlines()],
        [json.loads(line) for line in (folder / dead).read_text().splitlines()],
        json.loads((folder / summary).read_text()),
    )
    for kind, documents in (("anomaly", run.anomalies), ("dead_letter", run.dead), ("summary", [run.summary])):
        for document in documents:
            assert check(kind, document) == [], document
    assert sum(run.summary[name] for name in COUNTED) == run.summary["lines"]
    assert run.summary["dead_letters"] == len(run.dead)
    assert sum(run.summary["anomalies"].values()) == len(run.anomalies)
    assert len({document["id"] for document in run.anomalies}) == len(run.anomalies)
    return run


def scan(model: Path, logs: list[Path | str], folder: Path, *options: object) -> Run:
    """Run ``weirwatch scan`` into an empty folder."""
    folder.mkdir()
    code = main(
        [
            *("scan", *map(str, logs), "--model", str(model), "--quiet"),
            *("--out", str(folder / "anomalies.jsonl"), "--dead-letters", str(folder / "dead.jsonl")),
            *("--summary", str(folder / "summary.json"), *map(str, options)),
        ]
    )
    assert code == 0
    return read_run(folder, "anomalies.jsonl", "dead.jsonl", "summary.json")


def how(parallelism: int, batch_size: int) -> list[object]:
    """Options of a scan."""
    return ["--parallelism", parallelism, "--batch-size", batch_size]
