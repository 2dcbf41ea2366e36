"""Checks of a model's rules, sets of values and allowed findings that its JSON Schema cannot express."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from models.anomalies import TYPES
from models.document import ModelDocument
from models.grok import GrokTemplate
from models.linear import LinearError, LinearRegex
from models.rules.conditions import ALL, ANY, FIELD, LINE, NOT, NUMERIC, OPERATORS
from models.rules.lines import fields_in
from models.schema_check import Problem, json_path

Where = list[str | int]
Compiled = Mapping[str, GrokTemplate | None]
_MOST_DEPTH = 20
_LEVELS = ("fatal", "error", "warning", "other")


def content_problems(model: ModelDocument, compiled: Compiled) -> Iterator[Problem]:
    """Everything that is wrong with these sections of a model that fits the schema, in the order of the document.

    Args:
        model: the model.
        compiled: id of each template → its Grok; None for one that is broken, whose fields are not known.
    """
    yield from _rules(model, compiled)
    yield from _values(model, compiled)
    yield from _allow(model)


def _rules(model: ModelDocument, compiled: Compiled) -> Iterator[Problem]:
    ids: dict[str, int] = {}
    for i, rule in enumerate(model.rules):
        where: Where = ["rules", i]
        yield from _unique(ids, rule.id, where)
        fields: list[str] | None = []
        if rule.template is not None:
            fields = _fields(rule.template, compiled)
            if rule.template not in compiled:
                yield _no_template(rule.template, compiled, where)
        yield from _condition(rule.when, [*where, "when"], rule.template, fields, 0)
        for name in fields_in(rule.message):
            if rule.template is None:
                yield Problem(
                    json_path([*where, "message"]),
                    f"names the field {name!r}, but a rule for all lines has no fields; take {{{name}}} out, or give "
                    "the rule a template",
                )
            elif fields is not None and name not in fields:
                yield Problem(json_path([*where, "message"]), _no_field(rule.template, name, fields))


def _condition(
    data: Mapping[str, Any], where: Where, template: str | None, fields: list[str] | None, depth: int
) -> Iterator[Problem]:
    """Problems of a condition; ``fields``: those of the rule's template, None where they are not known."""
    if depth > _MOST_DEPTH:
        yield Problem(json_path(where), f"is nested more than {_MOST_DEPTH} deep; write several rules")
        return
    subjects = [key for key in (ALL, ANY, NOT, FIELD, LINE) if key in data]
    operators = [key for key in OPERATORS if key in data]
    if len(subjects) != 1:
        told = f"has {' and '.join(subjects)}" if subjects else "does not say what it is about"
        yield Problem(json_path(where), f'{told}; write one of "all", "any", "not", "field" and "line"')
        return
    subject = subjects[0]
    if subject in (ALL, ANY, NOT):
        if operators:
            yield Problem(
                json_path([*where, operators[0]]), f'does not go with "{subject}"; put it beside a "field" or "line"'
            )
        parts = [data[NOT]] if subject == NOT else data[subject]
        for k, part in enumerate(parts):
            inner = [*where, subject] if subject == NOT else [*where, subject, k]
            yield from _condition(part, inner, template, fields, depth + 1)
        return
    if len(operators) != 1:
        told = f"has the operators {' and '.join(operators)}" if operators else "has no operator"
        mend = 'write one test for each under "all"' if operators else f"add one of {', '.join(OPERATORS)}"
        yield Problem(json_path(where), f"{told}; {mend}")
        return
    if subject == FIELD:
        if template is None:
            yield Problem(
                json_path([*where, FIELD]),
                'a rule for all lines has no fields; give the rule a template, or write "line": "text"',
            )
        elif fields is not None and data[FIELD] not in fields:
            yield Problem(json_path([*where, FIELD]), _no_field(template, data[FIELD], fields))
    yield from _operand(data, operators[0], where)


def _operand(data: Mapping[str, Any], operator: str, where: Where) -> Iterator[Problem]:
    operand = data[operator]
    here = [*where, operator]
    if operator == "matches":
        yield from _expression(operand, here)
    elif operator in ("in", "not_in"):
        if not operand:
            yield Problem(json_path(here), "is an empty list; write at least one text or number")
        for k, entry in enumerate(operand):
            if not _is_plain(entry):
                yield Problem(json_path([*here, k]), f"is {_kind(entry)}; write a text or a number")
                break
    elif operator in ("between", "outside") and operand[0] > operand[1]:
        yield Problem(json_path(here), f"goes from {operand[0]} to {operand[1]}; write the smaller number first")
    numbers = operand if isinstance(operand, list) else [operand]
    if operator in (*NUMERIC, "equals", "not_equals") and not all(_is_plain(n) for n in numbers):
        yield Problem(json_path(here), "is no finite number; write one, or a text")
    line = data.get(LINE)
    if line is not None and (operator == "exists" or operator in NUMERIC):
        told = "every line has it" if operator == "exists" else "it is no number"
        yield Problem(json_path(here), f'does not go with "line": "{line}": {told}; write another operator')
    if line == "level" and operator in ("equals", "not_equals", "in", "not_in"):
        for name in operand if isinstance(operand, list) else [operand]:
            if name not in _LEVELS:
                hint = near(str(name), _LEVELS) or f"the levels are {', '.join(_LEVELS)}"
                yield Problem(json_path(here), f"there is no level {name!r}; {hint}")


def _values(model: ModelDocument, compiled: Compiled) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for i, known in enumerate(model.values):
        where: Where = ["values", i]
        fields = _fields(known.template, compiled)
        if known.template not in compiled:
            yield _no_template(known.template, compiled, where)
        elif fields is not None and known.field not in fields:
            yield Problem(json_path([*where, "field"]), _no_field(known.template, known.field, fields))
        other = seen.setdefault((known.template, known.field), i)
        if other != i:
            yield Problem(json_path(where), f"is about the same field as $.values[{other}]; make one of the two")
        values: dict[str, int] = {}
        for k, entry in enumerate(known.values):
            if values.setdefault(entry.value, k) != k:
                yield Problem(json_path([*where, "values", k, "value"]), f"{entry.value!r} stands twice; remove one")


def _allow(model: ModelDocument) -> Iterator[Problem]:
    ids: dict[str, int] = {}
    for i, entry in enumerate(model.allow):
        where: Where = ["allow", i]
        yield from _unique(ids, entry.id, where)
        if entry.type not in TYPES:
            hint = near(entry.type, TYPES) or f"there are {', '.join(TYPES)}"
            yield Problem(json_path([*where, "type"]), f"there is no anomaly type {entry.type!r}; {hint}")
        if entry.text_pattern is not None:
            yield from _expression(entry.text_pattern, [*where, "text_pattern"])
        for key in ("until", "at"):
            time = getattr(entry, key)
            if time is not None and not _is_time(time):
                yield Problem(json_path([*where, key]), f"{time!r} is no date and time that there is; correct it")


def _expression(text: str, where: Where) -> Iterator[Problem]:
    try:
        LinearRegex(text)
    except LinearError as error:
        near_to = "" if error.at is None else f" at offset {error.at}"
        yield Problem(json_path(where), f"is no usable regular expression: {error}{near_to}; mend it")


def _unique(ids: dict[str, int], name: str, where: Where) -> Iterator[Problem]:
    number = int(where[1])
    first = ids.setdefault(name, number)
    if first != number:
        yield Problem(json_path([*where, "id"]), f"{name!r} is taken by $.{where[0]}[{first}]; write another id")


def _fields(template: str, compiled: Compiled) -> list[str] | None:
    found = compiled.get(template)
    return None if found is None else [field.name for field in found.fields]


def _no_template(name: str, compiled: Compiled, where: Where) -> Problem:
    hint = near(name, compiled) or 'write the "id" of one of the templates'
    return Problem(json_path([*where, "template"]), f"there is no template {name!r}; {hint}")


def _no_field(template: str, name: str, fields: list[str]) -> str:
    hint = near(name, fields) or (
        f"its fields are {', '.join(fields)}" if fields else "it has no fields: name one in its Grok"
    )
    return f"the template {template!r} has no field {name!r}; {hint}"


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is most like one, as a question; "" if none is."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def _is_plain(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "no finite number")
