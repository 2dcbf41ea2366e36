"""Checks of a model document that its JSON Schema cannot express: references, bounds, Grok, regular expressions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from models.document import Automaton, ModelDocument
from models.grok import GrokError, GrokTemplate, check_patterns, compile_grok
from models.linear import LinearError, LinearRegex
from models.multiline import MultilineError, MultilineSettings
from models.rules.content_checks import content_problems
from models.schema_check import Problem, json_path
from models.series.correlation.pair import CATEGORY, LINES, METRIC, SeriesRef
from models.slots.settings import FieldOf, MetricOf
from models.structure.settings import StructureError, StructureSettings
from models.timestamps.errors import TimestampFormatError
from models.timestamps.patterns import compile_pattern
from models.timestamps.settings import TimestampSettings
from models.timestamps.zones import LocalTime


def cross_check(model: ModelDocument) -> list[Problem]:
    """Everything that is wrong with a model that fits the schema, in the order of the document."""
    problems = [*_general(model)]
    compiled: dict[str, GrokTemplate | None] = {}
    problems += _templates(model, compiled)
    problems += _automata(model, compiled)
    problems += content_problems(model, compiled)
    problems += _slots(model, compiled)
    problems += _links(model)
    return problems


def _timestamp(section: dict[str, Any]) -> Iterator[Problem]:
    found = False
    for i, pattern in enumerate(section["formats"]):
        try:
            compile_pattern(pattern)
        except TimestampFormatError as error:
            found = True
            yield Problem(f"$.timestamp.formats[{i}]", str(error))
    try:
        LocalTime(section.get("timezone", "UTC"))
    except TimestampFormatError as error:
        found = True
        yield Problem("$.timestamp.timezone", str(error))
    if not found:
        try:
            TimestampSettings.from_document(section)
        except TimestampFormatError as error:
            yield Problem("$.timestamp", str(error))


def _lines(model: ModelDocument) -> Iterator[Problem]:
    if model.structure is not None:
        try:
            StructureSettings.from_document(model.structure)
        except StructureError as error:
            yield Problem(f"$.structure{error.path}", error.message)
    if model.multiline is not None:
        try:
            MultilineSettings.from_document(model.multiline)
        except MultilineError as error:
            yield Problem(f"$.multiline{error.path}", error.message)


def _general(model: ModelDocument) -> Iterator[Problem]:
    yield from _timestamp(model.timestamp)
    yield from _lines(model)
    for name, message in check_patterns(model.patterns).items():
        yield Problem(json_path(["patterns", name]), message)
    if model.id_pattern is not None:
        try:
            found = LinearRegex(model.id_pattern)
        except LinearError as error:
            near = "" if error.at is None else f" at offset {error.at}"
            yield Problem("$.id_pattern", f"is no usable regular expression: {error}{near}; mend it, or remove the key")
        else:
            if found.fullmatch(""):
                yield Problem("$.id_pattern", "also matches nothing at all; write a pattern of at least one character")


def _templates(model: ModelDocument, compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    """Problems of the templates; fills ``compiled`` (id → None when its Grok is broken)."""
    by_grok: dict[str, int] = {}
    first: dict[str, int] = {}
    broken_patterns = set(check_patterns(model.patterns))
    for i, template in enumerate(model.templates):
        where: list[str | int] = ["templates", i]
        if template.id in first:
            yield _twin([*where, "id"], template.id, f"$.templates[{first[template.id]}]")
            continue
        first[template.id] = i
        compiled[template.id] = None
        if template.grok in by_grok:
            other = f"$.templates[{by_grok[template.grok]}]"
            yield Problem(json_path([*where, "grok"]), f"is the same as in {other}; remove one of the two")
        by_grok.setdefault(template.grok, i)
        try:
            compiled[template.id] = compile_grok(template.grok, model.patterns)
        except GrokError as error:
            # a broken pattern of the model's own has been told already
            if not any(re.search(rf"%\{{{re.escape(p)}[:}}]", template.grok) for p in broken_patterns):
                yield Problem(json_path([*where, "grok"]), str(error))


def _automata(model: ModelDocument, compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    ids: dict[str, int] = {}
    owners: dict[tuple[str, str], str] = {}
    for i, automaton in enumerate(model.automata):
        where: list[str | int] = ["automata", i]
        if automaton.id in ids:
            yield _twin([*where, "id"], automaton.id, f"$.automata[{ids[automaton.id]}]")
        ids.setdefault(automaton.id, i)
        yield from _states(automaton, where, compiled, owners)
        yield from _relations(automaton, where)
        yield from _graph(automaton, where)
        yield from _times(automaton, where)


def _states(
    automaton: Automaton,
    where: list[str | int],
    compiled: dict[str, GrokTemplate | None],
    owners: dict[tuple[str, str], str],
) -> Iterator[Problem]:
    names: dict[str, str] = {}
    for i, state in enumerate(automaton.states):
        here = [*where, "states", i]
        if state.id in names:
            yield _twin([*here, "id"], state.id, names[state.id])
        names.setdefault(state.id, json_path(here))
        if state.template not in compiled:
            hint = _near(state.template, compiled) or 'write the "id" of one of the templates'
            yield Problem(json_path([*here, "template"]), f"there is no template {state.template!r}; {hint}")
        elif (state.template, state.field) in owners:
            yield Problem(
                json_path([*here, "template"]),
                f"the template {state.template!r} already belongs to {owners[state.template, state.field]} through the "
                f"field {state.field!r}; remove one of the two states, or name another field",
            )
        else:
            owners[state.template, state.field] = json_path(here)
            template = compiled[state.template]
            fields = [f.name for f in template.fields] if template else [state.field]
            if state.field not in fields:
                hint = _near(state.field, fields) or (
                    f"its fields are {', '.join(fields)}" if fields else "it has no fields: name one in its Grok"
                )
                yield Problem(
                    json_path([*here, "field"]), f"the template {state.template!r} has no field {state.field!r}; {hint}"
                )
        if state.max is not None and state.max < state.min:
            yield Problem(
                json_path([*here, "max"]),
                f"is {state.max} but min is {state.min}; write a number ≥ {state.min}, or null for no bound",
            )


def _relations(automaton: Automaton, where: list[str | int]) -> Iterator[Problem]:
    names = {s.id for s in automaton.states}
    orders = {(o.before, o.after) for o in automaton.order}
    for i, order in enumerate(automaton.order):
        here = [*where, "order", i]
        yield from _known(names, {"before": order.before, "after": order.after}, here)
        if order.before == order.after:
            yield Problem(json_path(here), f"puts {order.before!r} before itself; name two states or remove it")
        elif order.before < order.after and (order.after, order.before) in orders:
            yield Problem(
                json_path(here),
                f"contradicts another entry, {order.after!r} before {order.before!r}; remove one of them",
            )
    for i, rule in enumerate(automaton.requires):
        here = [*where, "requires", i]
        yield from _known(names, {"if": rule.if_, "then": rule.then}, here)
        if rule.if_ == rule.then:
            yield Problem(json_path(here), f"lets {rule.if_!r} require itself; name two states or remove it")
    for i, equal in enumerate(automaton.equal):
        here = [*where, "equal", i, "states"]
        yield from _known(names, dict(enumerate(equal.states)), here)
        if len(set(equal.states)) < len(equal.states):
            yield Problem(json_path(here), "names a state twice; name each once")


def _graph(automaton: Automaton, where: list[str | int]) -> Iterator[Problem]:
    names = {s.id for s in automaton.states}
    for i, pair in enumerate(automaton.excludes):
        here = [*where, "excludes", i, "states"]
        yield from _known(names, dict(enumerate(pair.states)), here)
        if pair.states[0] == pair.states[1]:
            yield Problem(
                json_path(here), f"lets {pair.states[0]!r} exclude itself; name two states, or write its max as 0"
            )
    seen: dict[tuple[str, str], str] = {}
    for i, transition in enumerate(automaton.transitions):
        here = [*where, "transitions", i]
        yield from _known(names, {"from": transition.from_, "to": transition.to}, here)
        pair_of = (transition.from_, transition.to)
        if pair_of in seen:
            yield Problem(json_path(here), f"is the same transition as {seen[pair_of]}; remove one of them")
        seen.setdefault(pair_of, json_path(here))
        low, high = transition.min_ms, transition.max_ms
        if low is not None and high is not None and high < low:
            yield Problem(
                json_path([*here, "max_ms"]),
                f"is {high} but min_ms is {low}; write a number ≥ {low}, or null for no bound",
            )
    leading = {transition.from_ for transition in automaton.transitions}
    for i, state in enumerate(automaton.states):
        if state.closed and not state.end and state.id not in leading:
            yield Problem(
                json_path([*where, "states", i, "closed"]),
                f"is true, but no transition starts in {state.id!r}, so that nothing may follow it and it is no end; "
                "add its transitions, or write false",
            )


def _known(names: set[str], used: dict[str, str] | dict[int, str], where: list[str | int]) -> Iterator[Problem]:
    for key, name in used.items():
        if name not in names:
            hint = _near(name, names) or f"the states are {', '.join(sorted(names))}"
            yield Problem(json_path([*where, key]), f"there is no state {name!r} in this automaton; {hint}")


def _times(automaton: Automaton, where: list[str | int]) -> Iterator[Problem]:
    low, high = automaton.duration.min_ms, automaton.duration.max_ms
    if low is not None and high is not None and high < low:
        yield Problem(
            json_path([*where, "duration", "max_ms"]),
            f"is {high} but min_ms is {low}; write a number ≥ {low}, or null for no bound",
        )
    longest = max(high or 0, low or 0)
    if automaton.expires_ms < longest:
        yield Problem(
            json_path([*where, "expires_ms"]),
            f"is {automaton.expires_ms}: a transaction would be given up within its normal duration of {longest}; "
            f"write a number ≥ {longest}",
        )


def _slots(model: ModelDocument, compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    """Problems of the categories and the series."""
    first: dict[tuple[str, str, int], str] = {}
    for i, category in enumerate(model.categories):
        where: list[str | int] = ["categories", i]
        yield from _field_of(category.template, category.field, where, compiled)
        key = category.template, category.field, category.slot_ms
        if key in first:
            yield Problem(json_path(where), f"is about the same field and slots as {first[key]}; remove one of the two")
        first.setdefault(key, json_path(where))
        values = [share.value for share in category.shares]
        for j, value in enumerate(values):
            if value in values[:j]:
                yield Problem(json_path([*where, "shares", j]), f"the value {value!r} stands twice; remove one of them")
        total = sum(share.share for share in category.shares)
        if total > 1.001:
            yield Problem(json_path([*where, "shares"]), f"add up to {total:.4g}; lower them so that they add up to 1")
        lengths = [window.slots for window in category.windows]
        if len(set(lengths)) < len(lengths):
            yield Problem(json_path([*where, "windows"]), "name a number of slots twice; name each once")
    listed: tuple[tuple[str, Sequence[FieldOf | MetricOf]], ...] = (
        ("fields", model.series.fields),
        ("metrics", model.series.metrics),
    )
    for name, fields in listed:
        for i, found in enumerate(fields):
            yield from _field_of(found.template, found.field, ["series", name, i], compiled)
    yield from _limits(model, compiled)
    yield from _correlations(model, compiled)


def _limits(model: ModelDocument, compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    """Problems of the limits of series, and of metrics that are there twice."""
    metrics = [(m.template, m.field) for m in model.series.metrics]
    for i, metric in enumerate(model.series.metrics):
        first = model.series.metrics[metrics.index(metrics[i])]
        if first.statistic != metric.statistic:
            yield Problem(
                json_path(["series", "metrics", i]), f"is there already with {first.statistic}; remove one of the two"
            )
    seen: set[tuple[str, str]] = set()
    for i, limit in enumerate(model.series.limits):
        where: list[str | int] = ["series", "limits", i]
        about = limit.template, limit.field
        if about in seen:
            yield Problem(json_path(where), "is about a series that has a limit already; remove one of the two")
        seen.add(about)
        if limit.field:
            wrong = list(_field_of(limit.template, limit.field, where, compiled))
            yield from wrong
            if not wrong and about not in metrics:
                yield Problem(
                    json_path([*where, "field"]),
                    f"{limit.field!r} of {limit.template!r} is no metric; add it to $.series.metrics",
                )
        elif limit.template not in compiled:
            hint = _near(limit.template, compiled) or 'write the "id" of one of the templates'
            yield Problem(json_path([*where, "template"]), f"there is no template {limit.template!r}; {hint}")


def _correlations(model: ModelDocument, compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    """Problems of the pairs of series."""
    first: dict[frozenset[SeriesRef], str] = {}
    for i, pair in enumerate(model.series.correlations):
        where: list[str | int] = ["series", "correlations", i]
        for side, ref in (("a", pair.a), ("b", pair.b)):
            yield from _series_ref(ref, [*where, side], compiled)
        if pair.a == pair.b:
            yield Problem(json_path(where), "pairs a series with itself; name another one, or remove the pair")
        if pair.slope == 0:
            yield Problem(json_path([*where, "slope"]), "is 0: then b does not follow a; remove the pair")
        key = frozenset(pair.key)
        if key in first:
            yield Problem(json_path(where), f"is about the same series as {first[key]}; remove one of the two")
        first.setdefault(key, json_path(where))


def _series_ref(ref: SeriesRef, where: list[str | int], compiled: dict[str, GrokTemplate | None]) -> Iterator[Problem]:
    if ref.kind == LINES:
        if ref.field or ref.value:
            yield Problem(json_path(where), "counts lines, which have no field or value; remove these, or change kind")
        elif ref.template not in compiled:
            yield from _field_of(ref.template, "", where, compiled)
        return
    if not ref.field:
        yield Problem(json_path(where), f"is of kind {ref.kind}, which is about a field; add field")
        return
    yield from _field_of(ref.template, ref.field, where, compiled)
    if ref.kind == CATEGORY and not ref.value:
        yield Problem(json_path(where), "counts the lines with a value; add value")
    if ref.kind == METRIC and ref.value:
        yield Problem(json_path(where), "is about the numbers of a field, not about one value; remove value")


def _field_of(
    template: str, field: str, where: list[str | int], compiled: dict[str, GrokTemplate | None]
) -> Iterator[Problem]:
    if template not in compiled:
        hint = _near(template, compiled) or 'write the "id" of one of the templates'
        yield Problem(json_path([*where, "template"]), f"there is no template {template!r}; {hint}")
        return
    grok = compiled[template]
    names = [f.name for f in grok.fields] if grok else [field]
    if field not in names:
        hint = _near(field, names) or (
            f"its fields are {', '.join(names)}" if names else "it has no fields: name one in its Grok"
        )
        yield Problem(json_path([*where, "field"]), f"the template {template!r} has no field {field!r}; {hint}")


def _links(model: ModelDocument) -> Iterator[Problem]:
    states = {(a.id, s.template, s.field) for a in model.automata for s in a.states}
    automata = [a.id for a in model.automata]
    for i, link in enumerate(model.links):
        for end, automaton, field in (
            ("parent", link.parent, link.parent_field),
            ("child", link.child, link.child_field),
        ):
            if automaton not in automata:
                hint = _near(automaton, automata) or "remove the link"
                yield Problem(json_path(["links", i, end]), f"there is no automaton {automaton!r}; {hint}")
            elif (automaton, link.template, field) not in states:
                yield Problem(
                    json_path(["links", i, f"{end}_field"]),
                    f"the automaton {automaton} has no state with the template {link.template!r} and the field "
                    f"{field!r}; name the template and the field of one of its states, or remove the link",
                )
        if (link.parent, link.parent_field) == (link.child, link.child_field):
            yield Problem(json_path(["links", i]), "leads from a transaction to itself; name two, or remove the link")


def _twin(where: list[str | int], name: str, other: str) -> Problem:
    return Problem(json_path(where), f"{name!r} is taken by {other}; write another id")


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
