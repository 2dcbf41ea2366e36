"""What is known to be wrong in a generated log: one record for each injected anomaly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import UserError

TYPES: tuple[str, ...] = (
    "unmatched_log",
    "missing_begin",
    "missing_end",
    "missing_state",
    "too_few",
    "too_many",
    "wrong_order",
    "too_short",
    "too_long",
)
"""The types of anomalies, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Injected:
    """One injected anomaly.

    Attributes:
        type: one of :data:`TYPES`.
        transaction: identifier of the transaction, None for a line that names none.
        line: 1-based number of the line at which the anomaly shows; it belongs to the transaction.
        workflow: name of the transaction's workflow, None when there is no transaction.
        note: one sentence on what was done.
    """

    type: str
    transaction: str | None
    line: int
    workflow: str | None
    note: str


@dataclass(frozen=True, slots=True)
class LogTruth:
    """What one generated file holds.

    Attributes:
        lines: physical lines.
        continued: those among them that continue the line before.
        transactions: transactions, anomalous ones included.
        anomalies: the injected anomalies by line number.
    """

    lines: int
    continued: int
    transactions: int
    anomalies: tuple[Injected, ...]

    def counts(self) -> dict[str, int]:
        """Number of injected anomalies of each type; types without any are there with 0."""
        counts = dict.fromkeys(TYPES, 0)
        for anomaly in self.anomalies:
            counts[anomaly.type] += 1
        return counts

    def as_document(self) -> dict[str, Any]:
        """A JSON-ready description."""
        return {
            "lines": self.lines,
            "continued": self.continued,
            "transactions": self.transactions,
            "counts": self.counts(),
            "anomalies": [asdict(anomaly) for anomaly in self.anomalies],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> LogTruth:
        """Undo :meth:`as_document`; raises KeyError or TypeError when it is something else."""
        anomalies = tuple(Injected(**anomaly) for anomaly in document["anomalies"])
        return cls(document["lines"], document["continued"], document["transactions"], anomalies)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a sample holds: its seed, its training log and the watched log."""

    seed: int
    training: LogTruth
    watched: LogTruth

    def to_json(self) -> str:
        """The truth as an indented JSON document."""
        document = {
            "kind": "weirwatch.truth",
            "format": 1,
            "seed": self.seed,
            "training": self.training.as_document(),
            "watched": self.watched.as_document(),
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read a truth.json.

        Raises:
            UserError: the file cannot be read or is no truth document of this format.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot read the truth: {error}; generate the sample again") from error
        if not isinstance(document, dict) or document.get("kind") != "weirwatch.truth" or document.get("format") != 1:
            raise UserError(f'{path}: no truth of format 1 ("kind": "weirwatch.truth"); generate the sample again')
        try:
            return cls(
                document["seed"],
                LogTruth.from_document(document["training"]),
                LogTruth.from_document(document["watched"]),
            )
        except (KeyError, TypeError) as error:
            raise UserError(f"{path}: the truth is damaged ({error}); generate the sample again") from error
