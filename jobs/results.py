"""What a bounded run of the job found: its part files brought together, sorted, counted and written."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.anomalies import TYPES, iso_ms, revision
from models.document_text import pretty, write_text

ANOMALIES, DEAD_LETTERS, STATISTICS = "anomalies", "dead_letters", "statistics"
SERIES, LATE = "series", "late"
_COUNTS = ("lines", "matched", "unmatched", "continued", "dead_letters")


@dataclass(slots=True)
class Results:
    """What a run found.

    Attributes:
        anomalies: documents as lines of JSON, by time, then id.
        dead_letters: the same, by source, then line.
        summary: see ``models/schemas/summary.schema.json``.
        series: closed time slots, by time, then series; ``late`` are the lines that came too late to count in one.
    """

    anomalies: list[str]
    dead_letters: list[str]
    summary: dict[str, Any]
    series: list[str] = field(default_factory=list)

    def write(self, directory: Path) -> None:
        """Write ``anomalies.jsonl``, ``dead_letters.jsonl`` and ``summary.json``, each all at once.

        Where series are told, ``series.jsonl`` too.
        """
        directory.mkdir(parents=True, exist_ok=True)
        write_lines(self.anomalies, directory / "anomalies.jsonl")
        write_lines(self.dead_letters, directory / "dead_letters.jsonl")
        write_text(pretty(self.summary) + "\n", directory / "summary.json")
        if self.series:
            write_lines(self.series, directory / "series.jsonl")

    def summary_text(self) -> str:
        """The summary for a terminal."""
        summary = self.summary
        rows = [(name.replace("_", " "), f"{summary[name]:,}") for name in (*_COUNTS, "templates", "transactions")]
        rows.append(("anomalies", f"{sum(summary['anomalies'].values()):,}"))
        rows += [(f"  {kind}", f"{count:,}") for kind, count in summary["anomalies"].items()]
        rows += [("allowed", f"{summary['allowed']:,}")] if summary.get("allowed") else []
        if "checker_failures" in summary:
            rows.append(("checker failures", f"{summary['checker_failures']:,}"))
        rows.append(("seconds", f"{summary['seconds']:,.1f}"))
        rows.append(("lines per second", f"{summary['lines_per_second']:,.0f}"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value:>12}" for name, value in rows)


def write_lines(lines: list[str], path: Path) -> None:
    """Write lines to a file that appears only when it is whole."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    os.replace(part, path)


def read_parts(folder: Path) -> Iterator[str]:
    """The lines of all finished part files of one sink."""
    for path in sorted(folder.glob("part-*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                yield line.rstrip("\n")


def collect_results(work: Path, seconds: float) -> Results:
    """Bring the part files below ``work`` together."""
    totals: Counter[str] = Counter(dict.fromkeys((*_COUNTS, "late", "transactions"), 0))
    templates: Counter[str] = Counter()
    sources: set[str] = set()
    times: list[int] = []
    for line in read_parts(work / STATISTICS):
        record = json.loads(line)
        templates.update(record.pop("templates", {}))
        sources.update([record.pop("source")] if "source" in record else [])
        times += [record.pop(key) for key in ("from_ms", "to_ms") if key in record]
        totals.update(record)
    keyed = []
    kinds: Counter[str] = Counter()
    for line, document in _latest(work):
        kinds[document["type"]] += 1
        keyed.append((document["@timestamp"], document["id"], line))
    keyed.sort()
    letters = sorted((json.loads(line) for line in read_parts(work / DEAD_LETTERS)), key=_origin)
    failures = sum("checker" in letter for letter in letters)
    summary: dict[str, Any] = {name: totals[name] for name in _COUNTS}
    summary |= {
        "late": totals["late"],
        "templates": len(templates),
        "transactions": totals["transactions"],
        "anomalies": {kind: kinds[kind] for kind in TYPES if kinds[kind]},
        **({"allowed": totals["allowed"]} if totals["allowed"] else {}),
        **({"checker_failures": failures} if failures else {}),
        "seconds": round(seconds, 3),
        "lines_per_second": round(totals["lines"] / seconds, 1) if seconds > 0 else 0,
        "files": sorted(sources),
        "from": iso_ms(min(times)) if times else None,
        "to": iso_ms(max(times)) if times else None,
        "template_counts": dict(sorted(templates.items())),
    }
    return Results(
        [line for _, _, line in keyed],
        [json.dumps(letter, ensure_ascii=False) for letter in letters],
        summary,
        [json.dumps(slot, ensure_ascii=False) for slot in _series(work)],
    )


def _latest(work: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The anomalies as lines and documents; of those with the same id the one that holds."""
    held: dict[str, tuple[int, str, dict[str, Any]]] = {}
    for line in read_parts(work / ANOMALIES):
        document = json.loads(line)
        number = revision(document)
        if number is None:
            yield line, document
        elif document["id"] not in held or number >= held[document["id"]][0]:
            held[document["id"]] = number, line, document
    yield from ((line, document) for _, line, document in held.values())


def _series(work: Path) -> list[dict[str, Any]]:
    """The closed slots in order, those among them that have nothing but late lines."""
    slots = {_slot(document): document for document in map(json.loads, read_parts(work / SERIES))}
    if slots:
        for document in map(json.loads, read_parts(work / LATE)):
            late = document.pop("late")
            slot = slots.setdefault(_slot(document), document)
            slot["late"] = slot.get("late", 0) + late
    return [slots[key] for key in sorted(slots)]


def _slot(document: dict[str, Any]) -> tuple[str, str, str, str, int]:
    return (
        document["@timestamp"],
        document["template"],
        document["kind"],
        document.get("field", ""),
        document["slot_ms"],
    )


def _origin(letter: dict[str, Any]) -> tuple[str, int, str]:
    return letter["source"], letter["line"], letter["id"]
