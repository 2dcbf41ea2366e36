"""The parts of a model document that judge lines one by one, and what an operator has marked as normal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SEVERITIES: Mapping[str, float] = {"low": 30.0, "medium": 55.0, "high": 75.0, "critical": 95.0}
"""What a rule calls its severity → the score of its anomalies; a number is the score itself."""


@dataclass(slots=True)
class Rule:
    """A content rule: a line for which its condition holds is an anomaly.

    Attributes:
        id: unique in the model; name: what people call it.
        template: id of the template whose lines it is for; None: all lines, those that fit no template too.
        sources: globs of the names of the sources it is for; none: all.
        when: the condition, JSON data as the schema has it, see :mod:`models.rules.conditions`.
        severity: a key of :data:`SEVERITIES`, or the score, 0 to 100.
        message: what to tell, with ``{field}`` for a field's value; "": the condition in words.
        enabled: whether it is looked at.
    """

    id: str
    when: dict[str, Any]
    severity: str | float = "medium"
    name: str = ""
    template: str | None = None
    sources: list[str] = field(default_factory=list)
    message: str = ""
    enabled: bool = True

    @property
    def score(self) -> float:
        """The score of its anomalies, 0 to 100."""
        return SEVERITIES[self.severity] if isinstance(self.severity, str) else float(self.severity)


@dataclass(slots=True)
class KnownValue:
    """A value of a field, and how often it was seen."""

    value: str
    count: int = 0


@dataclass(slots=True)
class ValueSet:
    """All values that a field of a template takes; ``support``: how many lines they were learnt from."""

    template: str
    field: str
    values: list[KnownValue]
    support: int = 0


@dataclass(slots=True)
class AllowEntry:
    """Findings that are normal, says an operator: those that fit all that is given here.

    Attributes:
        id: unique in the model.
        type: type of the anomalies.
        reason: why they are normal; by: who says so; at: when, ISO 8601.
        template, automaton, rule, series: id of what the finding is about; None: any.
        states: the states concerned; none: any.
        fields: name of a field → its value, as the finding has it.
        source: glob of the name of the source; None: any.
        text_pattern: regular expression to be found in the content of the line; None: any.
        until: findings of this time (the log's own) or later are told again, ISO 8601; None: without end.
    """

    id: str
    type: str
    reason: str = ""
    by: str = ""
    at: str | None = None
    template: str | None = None
    automaton: str | None = None
    rule: str | None = None
    series: str | None = None
    states: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    text_pattern: str | None = None
    until: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON data; what is not given is left out."""
        found = dataclasses.asdict(self)
        return {key: value for key, value in found.items() if key in ("id", "type", "reason") or value}


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """The rule as JSON data, in the order in which people read it."""
    result: dict[str, Any] = {"id": rule.id}
    if rule.name:
        result["name"] = rule.name
    result["template"] = rule.template
    if rule.sources:
        result["sources"] = list(rule.sources)
    result |= {"when": _fresh(rule.when), "severity": rule.severity}
    if rule.message:
        result["message"] = rule.message
    if not rule.enabled:
        result["enabled"] = False
    return result


def value_set_from_json(data: Mapping[str, Any]) -> ValueSet:
    """A set of values from JSON data that the schema has accepted."""
    values = [KnownValue(**value) for value in data["values"]]
    return ValueSet(data["template"], data["field"], values, data.get("support", 0))


def content_to_json(rules: list[Rule], values: list[ValueSet], allow: list[AllowEntry]) -> dict[str, Any]:
    """The sections of a model's document that these are; a section without anything is left out."""
    sections = {
        "rules": [rule_to_json(rule) for rule in rules],
        "values": [dataclasses.asdict(found) for found in values],
        "allow": [entry.to_json() for entry in allow],
    }
    return {name: section for name, section in sections.items() if section}


def content_from_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """``rules``, ``values`` and ``allow`` of a document that the schema has accepted, as arguments of the model."""
    return {
        "rules": [Rule(**rule) for rule in document.get("rules", [])],
        "values": [value_set_from_json(found) for found in document.get("values", [])],
        "allow": [AllowEntry(**entry) for entry in document.get("allow", [])],
    }


def _fresh(value: Any) -> Any:
    """A deep copy of a condition."""
    if isinstance(value, dict):
        return {key: _fresh(inner) for key, inner in value.items()}
    return [_fresh(inner) for inner in value] if isinstance(value, list) else value
