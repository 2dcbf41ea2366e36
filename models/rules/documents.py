"""Anomalies of single lines that fit a template: a rule that is broken, a value that is new in its field."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.anomalies import NEW_VALUE, RULE, Document, anomaly_id, build, evidence_line, place_in_words
from models.document import ModelDocument
from models.document_content import ValueSet
from models.origins import Origin
from models.rules.conditions import shown
from models.rules.content_rules import Broken

_MOST_KNOWN = 50
_NAMED_VALUES = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line that something is told of.

    Attributes:
        origin: where it comes from, see :mod:`models.origins`.
        position: 1-based line number, or position in a topic.
        event_ms: time written in it, epoch ms.
        text: the line with those that continue it.
        template: id of its template, or None.
        automaton: id of the automaton to which that belongs, or None.
        transaction: its transaction's identifier, or None.
        topic: the origin is one in a topic.
    """

    origin: str
    position: int
    event_ms: int
    text: str
    template: str | None = None
    automaton: str | None = None
    transaction: str | None = None
    topic: bool = False


def rule_broken(model: ModelDocument, line: Line, broken: Broken) -> Document:
    """The anomaly of a line for which a rule's condition holds; its score is the rule's severity."""
    rule = broken.rule
    called = f'"{rule.name}" ({rule.id})' if rule.name else rule.id
    told = f"{broken.told}: {broken.held}" if broken.told else broken.held
    return _build(
        RULE,
        model,
        line,
        (rule.id,),
        score=rule.score,
        actual=broken.held,
        typical=f"no line where {broken.condition}",
        reason=f"{_place(line)} breaks the rule {called}: {told}",
        more={
            "rule": {
                "id": rule.id,
                "name": rule.name or rule.id,
                "severity": rule.severity,
                "condition": broken.condition,
            },
            "fields": [{"name": name, "value": value} for name, value in broken.fields.items()],
        },
    )


def new_value(model: ModelDocument, line: Line, known: ValueSet, value: str) -> Document:
    """The anomaly of a value that its field never had.

    Its score grows with the number of lines that the known values were learnt from: 40 without any, 10 more for each
    factor of ten, 90 at most.
    """
    values = sorted(known.values, key=lambda entry: -entry.count)
    named = ", ".join(shown(entry.value) for entry in values[:_NAMED_VALUES])
    named += f" and {len(values) - _NAMED_VALUES:,} more" if len(values) > _NAMED_VALUES else ""
    learnt = f" in {known.support:,} lines" if known.support else ""
    return _build(
        NEW_VALUE,
        model,
        line,
        (known.template, known.field, value),
        score=min(90.0, 40.0 + 10.0 * math.log10(1 + known.support)),
        actual=shown(value),
        typical=named,
        reason=f"{_place(line)} has {known.field} {shown(value)}; known{learnt}: {named}",
        more={
            "fields": [{"name": known.field, "value": value}],
            "known": {"support": known.support, "values": [entry.value for entry in values[:_MOST_KNOWN]]},
        },
    )


def _build(
    kind: str,
    model: ModelDocument,
    line: Line,
    parts: tuple[str, ...],
    *,
    score: float,
    actual: str,
    typical: str,
    reason: str,
    more: Mapping[str, Any],
) -> Document:
    transaction: dict[str, Any] | None = None
    if line.transaction is not None:
        transaction = {"id": line.transaction, "automaton": line.automaton, "begin": None, "end": None, "states": []}
    return build(
        kind,
        identity=anomaly_id(model.id, kind, *parts, _name(line), line.position),
        timestamp_ms=line.event_ms,
        score=score,
        model_id=model.id,
        model_version=model.version,
        source=Origin.parse(line.origin).source if line.topic else line.origin,
        transaction=transaction,
        template=line.template,
        evidence=[evidence_line(line.origin, line.position, line.event_ms, line.text, topic=line.topic)],
        actual=actual,
        typical=typical,
        reason=reason,
        more=more,
    )


def _name(line: Line) -> str:
    return line.origin if line.topic else posixpath.basename(line.origin)


def _place(line: Line) -> str:
    return place_in_words(line.origin, line.position) if line.topic else f"Line {line.position:,} of {_name(line)}"
