"""One pass over the anomalies: counts, times, and the worst ones; memory does not grow with their text."""

from __future__ import annotations

import heapq
import json
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import UserError
from models.report.text import parse_time

TYPES = (
    "unmatched_log",
    "missing_begin",
    "missing_state",
    "missing_end",
    "too_few",
    "too_many",
    "excluded_state",
    "wrong_order",
    "too_short",
    "too_long",
    "fast_step",
    "slow_step",
    "rule",
    "new_value",
    "category_drift",
    "spike",
    "drop",
    "level_shift",
    "trend",
    "variance",
    "flat",
    "seasonality",
    "forecast_limit",
    "correlation",
    "custom",
)
"""The types of anomalies, in the order in which the report stacks and lists them."""

Anomaly = Mapping[str, Any]


@dataclass(slots=True)
class Digest:
    """What the report needs to know of all anomalies.

    Attributes:
        worst: the anomalies shown one by one: highest score first, then earliest, then by id.
        by_type: anomalies per type; types that the report does not know are kept under their own names.
        by_automaton: anomalies per automaton id.
        types: names of the types, in order; ``kinds`` are indices into it.
        times: epoch ms of every anomaly that has a time.
        kinds: type of every anomaly that has a time.
        by_series: incidents per type, by the name of the series.
    """

    worst: list[Anomaly] = field(default_factory=list)
    by_type: Counter[str] = field(default_factory=Counter)
    by_automaton: Counter[str] = field(default_factory=Counter)
    types: list[str] = field(default_factory=lambda: list(TYPES))
    times: array[int] = field(default_factory=lambda: array("q"))
    kinds: array[int] = field(default_factory=lambda: array("H"))
    by_series: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many anomalies there are."""
        return self.by_type.total()

    def present(self) -> list[str]:
        """The types that occur, in order."""
        return [name for name in self.types if self.by_type[name]]


def score_of(anomaly: Anomaly) -> float:
    """The score of an anomaly, 0 to 100."""
    return min(max(float(anomaly.get("score") or 0), 0.0), 100.0)


def digest(anomalies: Iterable[Anomaly] | str | Path, keep: int) -> Digest:
    """Count the anomalies and keep the ``keep`` worst.

    Args:
        anomalies: anomaly documents, or the path of a file with one document a line.
        keep: how many to keep whole.

    Raises:
        UserError: the file cannot be read, or a line of it is no anomaly document.
    """
    result = Digest()
    source = read_jsonl(Path(anomalies)) if isinstance(anomalies, str | Path) else anomalies
    incidents = LatestIncidents(keep)
    worst = heapq.nsmallest(keep, _counted(source, result, incidents), key=_rank)
    for known in incidents.known.values():
        _count(result, known.type, known.at)
        result.by_series.setdefault(known.series, Counter())[known.type] += 1
    result.worst = heapq.nsmallest(keep, [*worst, *incidents.kept.values()], key=_rank)
    return result


def _counted(anomalies: Iterable[Anomaly], result: Digest, incidents: LatestIncidents) -> Iterator[Anomaly]:
    """Count the anomalies and give them back, but for the incidents of series, which are told more than once."""
    for anomaly in anomalies:
        if incidents.is_one(anomaly):
            incidents.add(anomaly)
            continue
        _count(result, str(anomaly.get("type")), parse_time(anomaly.get("@timestamp")))
        automaton = (anomaly.get("transaction") or {}).get("automaton")
        if automaton:
            result.by_automaton[automaton] += 1
        yield anomaly


def _count(result: Digest, kind: str, at: int | None) -> None:
    result.by_type[kind] += 1
    if kind not in result.types:
        result.types.append(kind)
    if at is not None:
        result.times.append(at)
        result.kinds.append(result.types.index(kind))


@dataclass(slots=True, frozen=True)
class _Known:
    type: str
    at: int | None
    series: str
    revision: tuple[int, bool]


class LatestIncidents:
    """Incidents of series: begin and end are documents with the same id, of which the one that knows more slots holds.

    Of all a few words are kept, of the worst the document.

    Args:
        keep: how many documents to keep at least.

    Attributes:
        known: type, time and series of every incident, by id.
        kept: documents, by id; the worst ``keep`` among them.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self.known: dict[str, _Known] = {}
        self.kept: dict[str, Anomaly] = {}

    @staticmethod
    def is_one(anomaly: Anomaly) -> bool:
        """Whether an anomaly is an incident of a series."""
        told = anomaly.get("series")
        return isinstance(told, Mapping) and bool(told.get("id")) and bool(anomaly.get("id"))

    def add(self, anomaly: Anomaly) -> None:
        """Take in a document; of one that a later one has replaced already, the slots alone are new."""
        name, told = str(anomaly["id"]), anomaly["series"]
        revision = _revision(told)
        before, kept = self.known.get(name), self.kept.get(name)
        if before is not None and before.revision > revision:
            if kept is not None:
                self.kept[name] = _with_slots(kept, anomaly)
            return
        at = parse_time(anomaly.get("@timestamp"))
        self.known[name] = _Known(str(anomaly.get("type")), at, str(told["id"]), revision)
        self.kept[name] = anomaly if kept is None else _with_slots(anomaly, kept)
        if len(self.kept) > 4 * self._keep:
            worst = heapq.nsmallest(2 * self._keep, self.kept.values(), key=_rank)
            self.kept = {str(one["id"]): one for one in worst}


def _rank(anomaly: Anomaly) -> tuple[float, int, str]:
    return -score_of(anomaly), parse_time(anomaly.get("@timestamp")) or 0, str(anomaly.get("id"))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file with one JSON object a line; empty lines are passed over.

    Raises:
        UserError: the file cannot be read, or a line is not a JSON object.
    """
    try:
        with path.open("rb") as lines:
            for position, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    document = json.loads(line)
                except ValueError as error:
                    raise UserError(
                        f"{path}:{position}: not JSON ({error}); each line must hold one anomaly"
                    ) from error
                if not isinstance(document, dict):
                    raise UserError(f"{path}:{position}: not a JSON object; each line must hold one anomaly")
                yield document
    except OSError as error:
        raise UserError(f"cannot read the anomalies in {path}: {error.strerror or error}") from error


def _revision(told: Mapping[str, Any]) -> tuple[int, bool]:
    """Which of several documents of an incident holds, the highest one: the last slot known, and whether it is over."""
    recent = told.get("recent")
    last = recent[-1] if isinstance(recent, list) and recent else None
    at = parse_time(last[0]) if isinstance(last, list) and last else None
    return (-sys.maxsize if at is None else at), told.get("stage") != "begin"


def _with_slots(anomaly: Anomaly, other: Anomaly) -> Anomaly:
    """A document of an incident, and among its slots those that another document of it has."""
    slots: dict[str, Any] = {}
    for document in (other, anomaly):
        recent = document["series"].get("recent")
        slots |= (
            {str(slot[0]): slot for slot in recent if isinstance(slot, list) and slot}
            if isinstance(recent, list)
            else {}
        )
    return {**anomaly, "series": {**anomaly["series"], "recent": [slots[at] for at in sorted(slots)]}}
