"""One pass over the anomalies: counts, times, and the worst ones; memory does not grow with their text."""

from __future__ import annotations

import heapq
import json
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
    """

    worst: list[Anomaly] = field(default_factory=list)
    by_type: Counter[str] = field(default_factory=Counter)
    by_automaton: Counter[str] = field(default_factory=Counter)
    types: list[str] = field(default_factory=lambda: list(TYPES))
    times: array[int] = field(default_factory=lambda: array("q"))
    kinds: array[int] = field(default_factory=lambda: array("H"))

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
    result.worst = heapq.nsmallest(keep, _counted(source, result), key=_rank)
    return result


def _counted(anomalies: Iterable[Anomaly], result: Digest) -> Iterator[Anomaly]:
    indices = {name: index for index, name in enumerate(result.types)}
    for anomaly in anomalies:
        kind = str(anomaly.get("type"))
        result.by_type[kind] += 1
        if kind not in indices:
            indices[kind] = len(result.types)
            result.types.append(kind)
        automaton = (anomaly.get("transaction") or {}).get("automaton")
        if automaton:
            result.by_automaton[automaton] += 1
        at = parse_time(anomaly.get("@timestamp"))
        if at is not None:
            result.times.append(at)
            result.kinds.append(indices[kind])
        yield anomaly


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
