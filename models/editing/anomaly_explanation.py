"""An anomaly explained with the model: the bound that it breaks, what that was learnt from, the lines that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.anomalies import CATEGORY_DRIFT, CORRELATION, NEW_VALUE, RULE, UNMATCHED_LOG, human_duration
from models.automata.reasons import times
from models.document import Automaton, ModelDocument, State
from models.editing.line_explanation import LineExplainer, duration_sentence, state_names, state_rows, usual_times
from models.errors import UserError
from models.schema_check import check
from models.series.sentences import number_in_words
from models.slots.detected import detected_series
from models.slots.drift_document import percent
from models.slots.series import METRIC

Anomaly = Mapping[str, Any]

_LEAST_PREFIX = 4
_ABOUT_LINES = (UNMATCHED_LOG, RULE, NEW_VALUE)
"""Types that are about single lines."""
_MOST_AFTER = 5
_MOST_RECENT = 12


def find_anomaly(lines: Iterable[str], wanted: str, name: str) -> Anomaly:
    """The anomaly with an id, or with an id that begins so.

    Args:
        lines: JSON documents, one a line, as ``weirwatch scan`` writes them.
        wanted: the id, or at least its first four characters.
        name: what the file is called.

    Raises:
        UserError: a line is no anomaly, none has the id, or several ids begin so.
    """
    if len(wanted) < _LEAST_PREFIX:
        raise UserError(f"{wanted!r} is too short for the id of an anomaly; write at least {_LEAST_PREFIX} characters")
    found: dict[str, Anomaly] = {}
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        document = _parsed(line, number, name)
        count += 1
        if str(document["id"]).startswith(wanted):
            found[str(document["id"])] = document
    if wanted in found:
        return found[wanted]
    if len(found) > 1:
        raise UserError(
            f"{name}: {len(found)} ids begin with {wanted}, such as {' and '.join(sorted(found)[:2])}; write more of it"
        )
    if not found:
        raise UserError(f"{name}: none of the {count:,} anomalies has the id {wanted}; is it the right file?")
    return next(iter(found.values()))


def _parsed(line: str, number: int, name: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise UserError(
            f"{name}, line {number}: is no JSON ({error}); is it what weirwatch scan wrote with --out?"
        ) from None
    if not isinstance(document, dict):
        raise UserError(f"{name}, line {number}: is no anomaly; is it what weirwatch scan wrote with --out?")
    wrong = check("anomaly", document)
    if wrong:
        raise UserError(f"{name}, line {number}: is no anomaly: {wrong[0]}")
    return document


def anomaly_rows(model: ModelDocument, anomaly: Anomaly) -> list[str]:
    """The explanation as lines of text, evidence marked with ``>`` where a line is of a state concerned.

    Args:
        model: the model that found it; a newer version is told as such.
        anomaly: the document.
    """
    explainer = LineExplainer(model)
    rows = [f"{anomaly['type']} {anomaly['id']}, score {anomaly['score']}", anomaly["reason"], ""]
    rows += _model_rows(model, anomaly)
    transaction = anomaly["transaction"]
    automaton = _automaton(model, anomaly)
    if anomaly["type"] in _ABOUT_LINES:
        rows += _content_rows(model, anomaly)
        text = anomaly["evidence"][0]["text"].partition("\n")[0] if anomaly["evidence"] else ""
        rows += [f"{head:<12}{said}" for head, said in explainer.explain(text).rows]
    elif anomaly["type"] == CATEGORY_DRIFT:
        rows += _category_rows(model, anomaly)
    elif anomaly["type"] == CORRELATION:
        rows += _pair_rows(model, anomaly)
    elif "series" in anomaly:
        rows += _series_rows(model, anomaly)
    elif automaton is None:
        rows.append(
            f"note: the model has no automaton {transaction['automaton'] if transaction else ''}; "
            "what was normal for it is not known any more"
        )
    else:
        rows += _violation_rows(model, automaton, anomaly)
    if transaction and transaction["states"]:
        rows.append(f"passed      {' → '.join(transaction['states'])}")
    if transaction and transaction["begin"]:
        rows.append(f"time        {transaction['begin']} to {transaction['end']}")
    rows += _linked_rows(model, transaction)
    if anomaly["evidence"]:
        rows += ["", "evidence", *_evidence_rows(explainer, automaton, anomaly)]
    return rows


def _content_rows(model: ModelDocument, anomaly: Anomaly) -> Iterator[str]:
    """What is told of a single line: the rule that it breaks, the values that its field is known to take."""
    if anomaly["type"] == RULE:
        found = anomaly["rule"]
        there = any(rule.id == found["id"] for rule in model.rules)
        yield f'rule        {found["id"]} "{found["name"]}", severity {found["severity"]}' + ("" if there else ", gone")
        yield f"asks        {found['condition']}"
    for field in anomaly.get("fields", ()):
        yield f"value       {field['name']} = {field['value']}"
    if "known" in anomaly:
        yield f"known       {', '.join(anomaly['known']['values'])} (in {anomaly['known']['support']:,} lines)"


def _model_rows(model: ModelDocument, anomaly: Anomaly) -> Iterator[str]:
    found = anomaly["model"]
    if found["id"] != model.id:
        yield f"note: found with the model {found['id']}, not with {model.id}; the bounds below are of another model"
    elif found["version"] != model.version:
        yield f"note: found with version {found['version']} of the model; the bounds below are of {model.version}"


def _category_rows(model: ModelDocument, anomaly: Anomaly) -> Iterator[str]:
    """The shares as they were and as they usually are, and what that was learnt from."""
    category = anomaly.get("category")
    if category is None:
        return
    yield f"field       {category['field']} of template {anomaly['template']}, {category['lines']:,} lines"
    yield f"time        {category['begin']} to {category['end']}"
    for share in category["shares"]:
        yield f"share       {percent(share['actual'])} of {share['value']}, usually {percent(share['typical'])}"
    for known in model.categories:
        if (known.template, known.field) == (anomaly["template"], category["field"]):
            windows = ", ".join(human_duration(window.slots * known.slot_ms) for window in known.windows)
            yield f"learnt      from {known.support:,} lines; judged over {windows}"


def _series_rows(model: ModelDocument, anomaly: Anomaly) -> Iterator[str]:
    """The series, its bounds when it was furthest off, and the last slots; the reason says what was learnt from."""
    series = anomaly["series"]
    watched = {one.id for some in detected_series(model).values() for one in some}
    yield f"series      {series['id']}, slots of {human_duration(series['slot_ms'])}" + (
        "" if series["id"] in watched else "; the model does not watch it any more"
    )
    if series["kind"] == METRIC:
        yield f"metric      the numbers of {series['field']}"
    over = ", and goes on" if series["end"] is None else f" to {series['end']}"
    yield f"time        {series['begin']}{over}" + ("; it has become usual" if series["lasting"] else "")
    yield f"peak        {number_in_words(series['actual'])} at {series['peak']}, {series['direction']}"
    yield f"expected    {number_in_words(series['typical'])}, {_bounds(series['lower'], series['upper'])}"
    if "limit" in series:
        yield f"limit       {number_in_words(series['limit'])}, reached about {series['eta'] or 'an unknown time'}"
    if series["id"] in watched:
        yield f"judged      with preset {model.series.preset}"
    for begin, actual, _, lower, upper in series["recent"][-_MOST_RECENT:]:
        yield f"slot        {begin}  {number_in_words(actual)}, {_bounds(lower, upper)}"


def _bounds(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "bounds are not known"
    return f"usual is {number_in_words(lower)} to {number_in_words(upper)}"


def _pair_rows(model: ModelDocument, anomaly: Anomaly) -> Iterator[str]:
    """Both series, when they departed, and what their pair was learnt from."""
    series, other = anomaly["series"], anomaly["other"]
    yield f"series      {series['id']} follows {other['id']}, {anomaly['lag_slots']} slots later"
    yield f"time        {series['begin']} to {series['end']}"
    for pair in model.series.correlations:
        if (pair.a.name, pair.b.name) == (other["id"], series["id"]):
            yield f"relation    {pair.intercept:.4g} + {pair.slope:.4g} · {other['id']}"
            yield f"learnt      from {pair.support:,} slots, correlation {pair.correlation:.2f}"
            return
    yield "note: the model has no such pair any more"


def _automaton(model: ModelDocument, anomaly: Anomaly) -> Automaton | None:
    wanted = (anomaly["transaction"] or {}).get("automaton")
    return next((a for a in model.automata if a.id == wanted), None)


def _violation_rows(model: ModelDocument, automaton: Automaton, anomaly: Anomaly) -> Iterator[str]:
    states = {s.id: s for s in automaton.states}
    names = state_names(model, automaton)
    groks = {t.id: t.grok for t in model.templates}
    yield f'automaton   {automaton.id} "{automaton.name}", learnt from {automaton.support:,} transactions'
    told: set[str] = set()
    for violation in anomaly["violations"]:
        yield f"bound       {_violation_sentence(violation, automaton, names, states)}"
        for key in ("state", "other"):
            state = states.get(violation[key])
            if state is not None and state.id not in told:
                told.add(state.id)
                yield f"state       {names[state.id]}: template {state.template}, {groks.get(state.template, 'gone')}"
                # The relations that matter are told as bounds.
                rows = state_rows(model, automaton, state)
                yield from (f"  {head:<10}{said}" for head, said in rows if head in ("occurs", "place"))
    yield f"duration    {duration_sentence(automaton)}"


def _violation_sentence(
    violation: Mapping[str, Any], automaton: Automaton, names: Mapping[str, str], states: Mapping[str, State]
) -> str:
    one = names.get(violation["state"], violation["state"] or "the transaction")
    two = names.get(violation["other"], violation["other"] or "")
    actual, low, high = violation["actual"], violation["min"], violation["max"]
    if violation["unit"] == "ms":
        usual = [f"at least {human_duration(low)}"] if low is not None else []
        usual += [f"at most {human_duration(high)}"] if high is not None else []
        took = f"from {one} to {two} it" if two else "the transaction"
        said = f"{took} took {human_duration(actual or 0)}; normal is {' and '.join(usual) or 'anything'}"
        return said + _learnt(_transition_support(violation, automaton) if two else automaton.duration.support)
    if violation["unit"] == "transition":
        return _transition_sentence(violation, automaton, names)
    if violation["unit"] == "order":
        return f"{one} normally comes before {two}; here it came after" + _order_learnt(violation, automaton)
    state = states.get(violation["state"])
    if two and high == 0:
        return f"{one} and {two} normally never occur together; here both did" + _excludes_learnt(violation, automaton)
    if two and not actual:
        return f"{one} never occurred, though {two} did; they occur together"
    if two:
        return f"{one} occurred {times(actual or 0)}, {two} {times(low or 0)}; they occur equally often"
    said = (
        f"{one} {f'occurred {times(actual)}' if actual else 'never occurred'}; normal is {usual_times(low or 0, high)}"
    )
    return said + _learnt(state.support if state is not None else 0)


def _order_learnt(violation: Mapping[str, Any], automaton: Automaton) -> str:
    pair = violation["state"], violation["other"]
    for order in automaton.order:
        if (order.before, order.after) == pair:
            return _learnt(order.support)
    return " (a transaction begins or ends with one of them)"


def _transition_support(violation: Mapping[str, Any], automaton: Automaton) -> int:
    pair = violation["state"], violation["other"]
    return next((t.support for t in automaton.transitions if (t.from_, t.to) == pair), 0)


def _transition_sentence(violation: Mapping[str, Any], automaton: Automaton, names: Mapping[str, str]) -> str:
    one, two = (names.get(violation[key], violation[key]) for key in ("state", "other"))
    after = sorted((t for t in automaton.transitions if t.from_ == violation["state"]), key=lambda t: -t.support)
    usual = ", ".join(f"{names.get(t.to, t.to)}{_learnt(t.support)}" for t in after[:_MOST_AFTER])
    more = f" or {len(after) - _MOST_AFTER} others" if len(after) > _MOST_AFTER else ""
    return f"{two} never follows {one} at once; what does is {usual or 'nothing'}{more}"


def _excludes_learnt(violation: Mapping[str, Any], automaton: Automaton) -> str:
    pair = {violation["state"], violation["other"]}
    for excludes in automaton.excludes:
        if set(excludes.states) == pair:
            return _learnt(excludes.support)
    return ""


def _learnt(support: int) -> str:
    return f" (learnt from {support:,} transaction{'' if support == 1 else 's'})" if support else ""


def _linked_rows(model: ModelDocument, transaction: Mapping[str, Any] | None) -> Iterator[str]:
    names = {a.id: f' "{a.name}"' for a in model.automata}
    said = {"parent": "came of", "child": "led to"}
    for other in (transaction or {}).get("linked", ()):
        name = names.get(other["automaton"], "")
        yield f"linked      {said[other['role']]} {other['transaction']} of automaton {other['automaton']}{name}"


def _evidence_rows(explainer: LineExplainer, automaton: Automaton | None, anomaly: Anomaly) -> Iterator[str]:
    blamed = {v[key] for v in anomaly["violations"] for key in ("state", "other")} - {None}
    whole = any(v["unit"] == "ms" and v["state"] is None for v in anomaly["violations"])
    evidence = anomaly["evidence"]
    for at, line in enumerate(evidence):
        found = explainer.states_of(line["text"])
        states = [state.id for owner, state in found if automaton is not None and owner.id == automaton.id]
        marked = not blamed.isdisjoint(states) or anomaly["type"] in _ABOUT_LINES
        marked = marked or (whole and at in (0, len(evidence) - 1))
        place = f"{line['file']}:{line['line']}" if "file" in line else _place(line)
        first, _, rest = line["text"].partition("\n")
        more = f" (and {rest.count(chr(10)) + 1} more)" if rest else ""
        yield f"{'>' if marked else ' '} {place}  [{', '.join(states) or 'no state'}]  {first}{more}"


def _place(line: Mapping[str, Any]) -> str:
    inner = f", line {line['line']}" if "line" in line else ""
    return f"{line['topic']}/{line['partition']}, offset {line['offset']}{inner}"
