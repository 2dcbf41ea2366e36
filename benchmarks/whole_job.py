"""``job``: the whole job as ``weirwatch scan`` runs it, beside a record-at-a-time job of the same logic.

Every run is a process of its own on the embedded mini cluster. What starting takes is measured by a run over a tiny
file and taken off. The record-at-a-time job reads the first part of the same lines, since it is slow; both jobs have to
find the same anomalies in them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus, make_corpus
from benchmarks.processes import KINDS, ROOT, CommandError, Usage, run_python
from benchmarks.tables import MIB, against, table

GOAL_RATIO = 8.0
GOAL_LINES_PER_SECOND = 80_000.0

_FILES = 4
_TINY_LINES = 1_000
_OURS, _PEER = "Weirwatch", "record at a time"

Anomalies = Counter[tuple[str, str]]
"""Anomalies by type and transaction ("" for none)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One job's run, and its run over hardly any lines.

    Attributes:
        lines: how many lines, and how many in the tiny run.
        full, tiny: what the runs took.
    """

    lines: tuple[int, int]
    full: Usage
    tiny: Usage

    @property
    def lines_per_second(self) -> float:
        """With what starting takes."""
        return self.lines[0] / self.full.seconds

    @property
    def lines_per_second_running(self) -> float:
        """Without what starting takes."""
        return (self.lines[0] - self.lines[1]) / max(1e-3, self.full.seconds - self.tiny.seconds)

    @property
    def cpu_us(self) -> dict[str, float]:
        """Processor microseconds a line, by kind of process, without what starting takes."""
        lines = self.lines[0] - self.lines[1]
        return {kind: max(0.0, self.full.cpu[kind] - self.tiny.cpu[kind]) / lines * 1e6 for kind in KINDS}

    def figures(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return {
            "lines": self.lines[0],
            "seconds": self.full.seconds,
            "start_up_seconds": self.tiny.seconds,
            "lines_per_second": self.lines_per_second,
            "lines_per_second_without_start_up": self.lines_per_second_running,
            "cpu_us_per_line": self.cpu_us,
            "peak_mib": self.full.peak_bytes / MIB,
            "peak_mib_by_kind": {kind: size / MIB for kind, size in self.full.peaks.items()},
        }


def run(folder: Path, data: Path, lines: int, peer_lines: int, parallelism: int) -> dict[str, Any]:
    """Measure, print the tables, and return the figures.

    Args:
        folder: an empty folder for files.
        data: folder of the real log.
        lines: how many lines the job reads.
        peer_lines: how many the record-at-a-time job reads; 0 leaves it out.
        parallelism: subtasks of each operator.
    """
    tiny, full = (_corpus(folder / name, n, _FILES, data) for name, n in (("tiny", _TINY_LINES), ("full", lines)))
    model = folder / "model.json"
    run_python("jobs.cli", ["learn", full.training, "--out", model, "--quiet"])
    counts = (full.lines, tiny.lines)
    start = _scan(tiny, model, parallelism)[0]
    ours = Measured(counts, _scan(full, model, parallelism)[0], start)
    print(f"job: {full.name}; {full.lines:,} lines, {full.bytes / MIB:,.0f} MiB in {_FILES} files")
    print(f"  embedded mini cluster, parallelism {parallelism}, learnt on the log itself")
    figures: dict[str, Any] = {"corpus": full.name, "parallelism": parallelism, "weirwatch": ours.figures()}
    measured = {_OURS: ours}
    same = ""
    if peer_lines:
        # One file a subtask: all that the record-at-a-time job can put in order of time.
        part = _corpus(folder / "part", min(peer_lines, lines), parallelism, data)
        peer_tiny = _corpus(folder / "part-tiny", _TINY_LINES, parallelism, data)
        peer_start = _record_at_a_time(peer_tiny, model, folder / "out-tiny", parallelism)[0]
        usage, found = _record_at_a_time(part, model, folder / "out", parallelism)
        peer = measured[_PEER] = Measured((part.lines, peer_tiny.lines), usage, peer_start)
        wanted = _scan(part, model, parallelism)[1]
        same = _compare(wanted, found)
        ratio = ours.lines_per_second_running / peer.lines_per_second_running
        cpu_ratio = sum(peer.cpu_us.values()) / max(1e-9, sum(ours.cpu_us.values()))
        figures |= {
            "record_at_a_time": peer.figures(),
            "ratio": ratio,
            "cpu_ratio": cpu_ratio,
            "goal_ratio": GOAL_RATIO,
            "anomalies": wanted.total(),
            "anomalies_of_record_at_a_time": found.total(),
            "anomalies_that_differ": _difference(wanted, found),
        }
    _print(measured)
    speed = ours.lines_per_second_running
    print(f"  lines/s without start-up: {against(speed, GOAL_LINES_PER_SECOND)}")
    if peer_lines:
        print(f"  ratio to record at a time, lines/s without start-up: {against(figures['ratio'], GOAL_RATIO, 1)}")
        print(f"  ratio to record at a time, processor time a line:    {figures['cpu_ratio']:,.1f}")
        print(f"  {same}")
    return {**figures, "goal_lines_per_second": GOAL_LINES_PER_SECOND}


def _corpus(folder: Path, lines: int, files: int, data: Path) -> Corpus:
    folder.mkdir()
    return make_corpus(folder, lines, files, data)


def _scan(corpus: Corpus, model: Path, parallelism: int) -> tuple[Usage, Anomalies]:
    """Run the job as a user does; checks that every line was counted."""
    out, summary = (corpus.training.with_name(name) for name in ("anomalies.jsonl", "summary.json"))
    arguments: list[str | Path] = ["scan", *corpus.files, "--model", model, "--out", out, "--summary", summary]
    usage = run_python("jobs.cli", [*arguments, "--parallelism", str(parallelism), "--quiet"])
    counted = json.loads(summary.read_text(encoding="utf-8"))["lines"]
    if counted != corpus.lines:
        raise CommandError(f"the job counted {counted:,} lines of {corpus.lines:,}")
    with out.open(encoding="utf-8") as stream:
        return usage, _by_transaction(stream)


def _record_at_a_time(corpus: Corpus, model: Path, out: Path, parallelism: int) -> tuple[Usage, Anomalies]:
    out.mkdir()
    arguments: list[str | Path] = ["--model", model, "--out", out, "--parallelism", str(parallelism), *corpus.files]
    usage = run_python("benchmarks.record_at_a_time", arguments, {"PYTHONPATH": str(ROOT)})
    found: Anomalies = Counter()
    for path in sorted(out.glob("part-*")):
        with path.open(encoding="utf-8") as stream:
            found += _by_transaction(stream)
    return usage, found


def _by_transaction(lines: Iterable[str]) -> Anomalies:
    documents = map(json.loads, lines)
    return Counter((d["type"], d["transaction"]["id"] if d["transaction"] else "") for d in documents)


def _difference(wanted: Anomalies, found: Anomalies) -> int:
    return (wanted - found).total() + (found - wanted).total()


def _compare(wanted: Anomalies, found: Anomalies) -> str:
    differ = _difference(wanted, found)
    if not differ:
        return f"both found the same {wanted.total():,} anomalies (by type and transaction)"
    examples = [*(wanted - found), *(found - wanted)][:3]
    return (
        f"NOT the same anomalies: {wanted.total():,} and {found.total():,} by record, {differ:,} differ, "
        f"such as {examples}"
    )


def _print(measured: dict[str, Measured]) -> None:
    header = ["", "lines", "start-up s", "whole s", "lines/s", "lines/s without start-up"]
    rows = []
    for name, one in measured.items():
        seconds = [f"{one.tiny.seconds:,.1f}", f"{one.full.seconds:,.1f}"]
        speeds = [f"{one.lines_per_second:,.0f}", f"{one.lines_per_second_running:,.0f}"]
        rows.append([name, f"{one.lines[0]:,}", *seconds, *speeds])
    print(table(header, rows))
    rows = []
    for name, one in measured.items():
        rows.append([f"{name}: µs of processor a line", *_row(one.cpu_us, sum(one.cpu_us.values()), 2)])
        peaks = {kind: size / MIB for kind, size in one.full.peaks.items()}
        rows.append([f"{name}: peak memory, MiB", *_row(peaks, one.full.peak_bytes / MIB, 0)])
    print(table(["", *KINDS, "all together"], rows))


def _row(values: dict[str, float], total: float, digits: int) -> list[str]:
    return [f"{value:,.{digits}f}" for value in (*values.values(), total)]
