"""Violations as anomaly documents, and failures as dead letters."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from models.anomalies import CUSTOM, Document, anomaly_id, build, evidence_line, iso_ms, place_in_topic
from models.checkers.events import EvidenceLine
from models.checkers.interface import Violation
from models.checkers.spec import CheckerSpec
from models.origins import Origin

_TEXT_BYTES = 2000


def violation_document(
    violation: Violation,
    number: int,
    *,
    spec: CheckerSpec,
    model: tuple[str, int],
    identity: Sequence[str | int | None],
    time_ms: int,
    evidence: Sequence[EvidenceLine],
    topic: bool,
    key: str | None = None,
    template: str | None = None,
    transaction: Mapping[str, Any] | None = None,
) -> Document:
    """The anomaly document of a violation.

    Args:
        violation: what was found.
        number: which it is of those with its name in one call, from 0.
        spec: the checker.
        model: id and version of the model in force.
        identity: what tells it from the checker's others of this name; see :func:`models.anomalies.anomaly_id`.
        time_ms: event time, epoch ms.
        evidence: lines that show it, one at least; the first one gives its source.
        topic: lines come from topics, not files.
        key: of keyed checkers, the key.
        template: id of the template, of what is about one line.
        transaction: as :func:`models.anomalies.build` takes it.
    """
    first = evidence[0]["origin"]
    return build(
        CUSTOM,
        identity=anomaly_id(model[0], CUSTOM, spec.id, violation.name, number, *identity),
        timestamp_ms=time_ms,
        score=100 * violation.score,
        model_id=model[0],
        model_version=model[1],
        source=Origin.parse(first).source if topic else first,
        evidence=[
            evidence_line(line["origin"], line["position"], line["time_ms"], line["text"], topic=topic)
            for line in evidence
        ],
        actual=violation.actual,
        typical=violation.typical,
        reason=violation.reason,
        transaction=transaction,
        template=template,
        more={"checker": {"id": spec.id, "violation": violation.name or None, "key": key}},
    )


def place_of(origin: str, position: int, topic: bool) -> tuple[str, int]:
    """What names a line in an id: of files without their folder, so that it may move."""
    return origin if topic else posixpath.basename(origin), position


def failure_letter(
    spec: CheckerSpec, reason: str, line: EvidenceLine | None, topic: bool, *more: str | int
) -> Document:
    """The dead letter of a failure.

    Args:
        spec: the checker that failed.
        reason: how.
        line: at what it failed; None: at a model.
        topic: lines come from topics, not files.
        more: what tells it from other failures at this line.
    """
    if line is None:
        return {
            "id": anomaly_id("dead_letter", "checker", spec.id, *more),
            "source": "",
            "line": 0,
            "reason": reason,
            "timestamp": None,
            "text": "",
            "bytes": 0,
            "checker": spec.id,
        }
    origin, position, raw = line["origin"], line["position"], line["text"].encode("utf-8", "replace")
    return {
        "id": anomaly_id("dead_letter", "checker", spec.id, *place_of(origin, position, topic), *more),
        "source": Origin.parse(origin).source if topic else origin,
        **(place_in_topic(origin, position) if topic else {"line": position}),
        "reason": reason,
        "timestamp": iso_ms(line["time_ms"]),
        "text": raw[:_TEXT_BYTES].decode("utf-8", "replace"),
        "bytes": len(raw),
        "checker": spec.id,
    }
