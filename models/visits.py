"""Visits: which states a line of a template leads to, and the names under which visits travel and rest.

A line visits one state for each identifier that it holds: one with a request and an instance visits a state of the
request's transaction and one of the instance's. Where a template is one state, a visit has the name of the template, so
that a renamed field changes nothing; where it is several, that of the template and the field. Names of both forms are
understood by every model, so batches and snapshots outlive a change of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.document import Automaton

_BETWEEN = " "
"""Neither ids of templates nor names of fields hold a blank."""


def identifier_fields(automata: Iterable[Automaton]) -> dict[str, tuple[str, ...]]:
    """For each template that is a state the fields that hold its identifiers, in the order of the automata."""
    fields: dict[str, tuple[str, ...]] = {}
    for automaton in automata:
        for state in automaton.states:
            fields[state.template] = (*fields.get(state.template, ()), state.field)
    return fields


def full_name(template: str, field: str) -> str:
    """The name of a visit that tells its field, whether or not the template has others: ``t-1a2b3c4d request``."""
    return f"{template}{_BETWEEN}{field}"


def visit_names(template: str, fields: tuple[str, ...]) -> list[str]:
    """The names of the visits of a template's lines, one for each of its fields that hold identifiers."""
    return [template] if len(fields) == 1 else [full_name(template, field) for field in fields]
