"""``parse``: the parse core against Drain3's ``match``, on the same lines, one core each, turn by turn.

Both have seen the same lines before, and then match the same others. Times are processor times, which other work on the
machine matters less to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.corpus import make_corpus
from benchmarks.drain3_peer import peer_python
from benchmarks.parse_core import BATCH_LINES
from benchmarks.processes import ROOT, run_command, run_python
from benchmarks.tables import against, table
from models.document import load_model
from models.parser import content_of, content_ranges
from models.source_reader import ReadLimits, SourceState, read_events
from models.splits import SplitReader, plan_splits
from models.timestamps import TimestampReader, TimestampSettings

GOAL = 5.0
_CORE, _MASKED, _PLAIN = "parse core", "Drain3 match, usual masks", "Drain3 match, no masks"


def run(folder: Path, data: Path, lines: int, rounds: int) -> dict[str, Any]:
    """Measure, print the table, and return the figures.

    Args:
        folder: an empty folder for files.
        data: folder of the real log.
        lines: how many lines to match.
        rounds: how often each contender runs; the median counts.
    """
    peer_python()
    corpus = make_corpus(folder, lines, 1, data)
    model = folder / "model.json"
    run_python("jobs.cli", ["learn", corpus.training, "--out", model, "--quiet"])
    contents = folder / "contents.txt"
    learnt, _ = write_contents(model, (corpus.training, *corpus.files), contents)
    title = f"parse: {corpus.name}; learnt on {learnt:,} lines, matched {corpus.lines:,} others"
    figures = contend(title, model, corpus.training, corpus.files[0], contents, learnt, rounds, GOAL)
    return {"corpus": corpus.name, "lines": corpus.lines, **figures}


def contend(
    title: str, model: Path, training: Path, watched: Path, contents: Path, learnt: int, rounds: int, goal: float
) -> dict[str, Any]:
    """Let the contenders run by turns; prints the table and returns the figures.

    Args:
        title: what is measured, for people.
        model: for the parse core.
        training: lines that it has seen before.
        watched: lines that it is timed with.
        contents: for the peer, both without their timestamps.
        learnt: how many of ``contents`` it learns on.
        rounds: how often each contender runs; the median counts.
        goal: the ratio to reach.

    Raises:
        CommandError: a contender fails.
    """
    peer = [str(peer_python()), str(ROOT / "benchmarks/drain3_match.py"), str(contents), "--learn", str(learnt)]
    commands = {
        _CORE: [sys.executable, "-m", "benchmarks.parse_core", str(model), str(training), str(watched)],
        _MASKED: peer,
        _PLAIN: [*peer, "--no-masks"],
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(json.loads(run_command(command).output))
    return _report(title, learnt, found, goal)


def write_contents(model_path: Path, files: tuple[Path, ...], out: Path) -> list[int]:
    """Write the contents (lines without their timestamps) of files into one; how many each file gave."""
    reader = TimestampReader(TimestampSettings.from_document(load_model(model_path).timestamp))
    limits = ReadLimits()
    counts = []
    with out.open("w", encoding="utf-8") as stream:
        for path in files:
            state, count = SourceState(), 0
            lines = SplitReader(50_000, limits.max_line_bytes)
            for split in plan_splits(str(path), path.name):
                for batch in lines.read(split):
                    events, state = read_events(state, batch.data, batch.at_end, reader, limits)
                    begins, marks = content_ranges(
                        events.data, events.starts, events.ends, events.time_starts, events.time_ends
                    )
                    columns = (begins, events.ends, marks, events.time_ends)
                    spans = zip(*(column.tolist() for column in columns), strict=True)
                    stream.writelines(content_of(events.data, *span) + "\n" for span in spans)
                    count += len(events)
            counts.append(count)
    return counts


def _report(title: str, learnt: int, found: dict[str, list[dict[str, Any]]], goal: float) -> dict[str, Any]:
    speeds = {name: median(each["lines_per_second"] for each in rounds) for name, rounds in found.items()}
    rows = [
        [
            name,
            f"{speeds[name]:,.0f}",
            f"{min(each['lines_per_second'] for each in rounds):,.0f}",
            f"{max(each['lines_per_second'] for each in rounds):,.0f}",
            f"{rounds[-1]['templates']:,}",
            f"{rounds[-1]['matched']:.4%}",
        ]
        for name, rounds in found.items()
    ]
    whole = median(each["whole_lines_per_second"] for each in found[_CORE])
    peer = found[_PLAIN][-1]["peer"]
    ratios = {name: speeds[_CORE] / speeds[name] for name in (_MASKED, _PLAIN)}
    print(title)
    print(f"  one core each, {len(found[_CORE])} rounds by turns, processor time, median; {peer}")
    print(table(["", "lines/s", "slowest", "fastest", "templates", "lines matched"], rows))
    print(
        f"  parse core in batches of {BATCH_LINES:,} lines; with splitting lines and reading timestamps: {whole:,.0f}"
    )
    print(f"  ratio to Drain3 with its usual masks: {against(ratios[_MASKED], goal, 1)}")
    print(f"  ratio to Drain3 without masks:        {against(ratios[_PLAIN], goal, 1)}")
    return {
        "learnt_lines": learnt,
        "peer": peer,
        "rounds": found,
        "lines_per_second": speeds,
        "whole_lines_per_second": whole,
        "ratio_masked": ratios[_MASKED],
        "ratio_plain": ratios[_PLAIN],
        "goal": goal,
    }
