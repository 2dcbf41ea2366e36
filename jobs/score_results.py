"""What a run of the job that scores series found: its part files brought together, sorted, counted and written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.results import DEAD_LETTERS, STATISTICS, read_parts, write_lines
from models.document_text import pretty, write_text

INCIDENTS, SCORES = "incidents", "scores"
_COUNTS = ("lines", "points", "series", "scored", "dead_letters", "alarms")


@dataclass(slots=True)
class ScoreResults:
    """What a run found.

    Attributes:
        incidents: documents as lines of JSON, by time, source and series; of an incident that has ended, the end.
        dead_letters: the same, by source, then line.
        scores: the same, by source, then line; empty where none were wanted.
        summary: counts, and the seconds that it took.
    """

    incidents: list[str]
    dead_letters: list[str]
    scores: list[str]
    summary: dict[str, Any]

    def write(self, directory: Path) -> None:
        """Write ``incidents.jsonl``, ``dead_letters.jsonl``, ``summary.json`` and, if there are, ``scores.jsonl``."""
        directory.mkdir(parents=True, exist_ok=True)
        write_lines(self.incidents, directory / "incidents.jsonl")
        write_lines(self.dead_letters, directory / "dead_letters.jsonl")
        if self.scores:
            write_lines(self.scores, directory / "scores.jsonl")
        write_text(pretty(self.summary) + "\n", directory / "summary.json")

    def summary_text(self) -> str:
        """The summary for a terminal."""
        rows = [(name.replace("_", " "), f"{self.summary[name]:,}") for name in _COUNTS]
        rows += [(f"  {kind}", f"{count:,}") for kind, count in self.summary["types"].items()]
        rows.append(("seconds", f"{self.summary['seconds']:,.1f}"))
        rows.append(("points per second", f"{self.summary['points_per_second']:,.0f}"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value:>12}" for name, value in rows)


def collect_scores(work: Path, seconds: float) -> ScoreResults:
    """Bring the part files below ``work`` together."""
    totals: Counter[str] = Counter()
    for line in read_parts(work / STATISTICS):
        record = json.loads(line)
        record.pop("source", None)
        totals.update(record)
    incidents: dict[str, dict[str, Any]] = {}
    for line in _documents(work / INCIDENTS):
        document = json.loads(line)
        if document.get("stage") == "end" or document["id"] not in incidents:
            incidents[document["id"]] = document
    ordered = sorted(incidents.values(), key=_moment)
    kinds = Counter(document["type"] for document in ordered if "type" in document)
    letters = sorted(map(json.loads, _documents(work / DEAD_LETTERS)), key=_place)
    scores = sorted((_place(json.loads(line)), line) for line in _documents(work / SCORES))
    dead = totals["dead_letters"] + totals["refused"]
    summary: dict[str, Any] = {name: totals[name] for name in _COUNTS} | {"dead_letters": dead}
    summary |= {
        "types": {kind: kinds[kind] for kind in sorted(kinds)},
        "seconds": round(seconds, 3),
        "points_per_second": round(totals["points"] / seconds, 1) if seconds > 0 else 0,
    }
    return ScoreResults(
        [json.dumps(document, ensure_ascii=False) for document in ordered],
        [json.dumps(letter, ensure_ascii=False) for letter in letters],
        [score[-1] for score in scores],
        summary,
    )


def _documents(folder: Path) -> Any:
    return read_parts(folder) if folder.is_dir() else ()


def _moment(document: dict[str, Any]) -> tuple[str, str, str, str]:
    return document["@timestamp"] or "", document["source"], document["series"], document["id"]


def _place(document: dict[str, Any]) -> tuple[str, str, int, int, int]:
    """Where a document's point or line stands: in a file, or in a topic."""
    numbers = (document.get(key, 0) for key in ("partition", "offset", "line"))
    return document["source"], document.get("topic", ""), *numbers
