"""What every operation begins and ends with: finding what it names, and a new document that is checked as a whole."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable

from models.document import Automaton, ModelDocument, State, Template
from models.editing.content import prune_values
from models.editing.contents import ContentReader
from models.errors import UserError
from models.grok import compile_grok


class EditError(UserError):
    """An operation cannot be done with this model; the message says why, and what can be done instead."""


def copied(model: ModelDocument) -> ModelDocument:
    """A document that shares nothing with the given one."""
    return copy.deepcopy(model)


def find_template(model: ModelDocument, name: str) -> Template:
    """The template with an id.

    Raises:
        EditError: there is none.
    """
    for template in model.templates:
        if template.id == name:
            return template
    raise EditError(f"there is no template {name!r}; {_hint(name, [t.id for t in model.templates], 'templates')}")


def states_of(model: ModelDocument, template: str) -> list[tuple[Automaton, State]]:
    """The states that lines of a template lead to, with their automata: one for each identifier, or none."""
    return [(a, s) for a in model.automata for s in a.states if s.template == template]


def refuse_identifier(model: ModelDocument, template: str, field: str, why: str) -> None:
    """Raise :class:`EditError` if a state finds its transaction by this field; ``why`` says what that hinders."""
    for automaton, state in states_of(model, template):
        if state.field == field:
            raise EditError(
                f"the field {field} of template {template} tells the transaction of state {state.id} in automaton "
                f"{automaton.id}: {why}"
            )


def finished(before: ModelDocument, after: ModelDocument, touched: Iterable[str] = ()) -> ModelDocument:
    """The edited document: the version counted up by one, and everything in it checked.

    The example of a template that was ``touched`` and fits it no longer is taken out, and so are links whose states,
    and categories and series whose templates and fields, are gone.

    Args:
        before: the document before the operation.
        after: the document that the operation made; it is changed.
        touched: ids of templates whose Grok is another one.

    Raises:
        EditError: two templates would be the same.
        ModelError: the document would not be valid.
    """
    after.version = before.version + 1
    prune_values(after)
    visits = {(a.id, s.template, s.field) for a in after.automata for s in a.states}
    after.links = [
        link
        for link in after.links
        if {(link.parent, link.template, link.parent_field), (link.child, link.template, link.child_field)} <= visits
    ]
    known: dict[str, str] = {}
    for template in after.templates:
        other = known.setdefault(template.grok, template.id)
        if other != template.id:
            raise EditError(
                f"the templates {other} and {template.id} would be the same, {template.grok}; "
                f"delete one of them first, or merge them"
            )
    _keep_slots_in_step(after)
    checked = ModelDocument.from_json(after.to_json(), "the edited model")
    old = {t.id: t.grok for t in before.templates}
    reader = ContentReader(checked)
    for template in checked.templates:
        if template.id in set(touched) and template.example:
            content = reader.content(template.example)
            was = old.get(template.id)
            fitted = was is None or compile_grok(was, before.patterns).regex.fullmatch(content) is not None
            if fitted and not compile_grok(template.grok, checked.patterns).regex.fullmatch(content):
                template.example = ""
    return checked


def _keep_slots_in_step(after: ModelDocument) -> None:
    """Take out the categories and series whose template or field is gone."""
    fields: dict[str, set[str]] = {}
    for template in after.templates:
        try:
            fields[template.id] = {f.name for f in compile_grok(template.grok, after.patterns).fields}
        except UserError:
            return  # what is wrong with it is told when the document is checked
    after.categories = [c for c in after.categories if c.field in fields.get(c.template, ())]
    after.series.fields = [f for f in after.series.fields if f.field in fields.get(f.template, ())]
    after.series.correlations = [
        pair
        for pair in after.series.correlations
        if all(r.template in fields and (not r.field or r.field in fields[r.template]) for r in pair.key)
    ]
    after.series.metrics = [f for f in after.series.metrics if f.field in fields.get(f.template, ())]
    after.series.limits = [
        limit
        for limit in after.series.limits
        if limit.template in fields and (not limit.field or limit.field in fields[limit.template])
    ]


def _hint(name: str, known: list[str], what: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(known[:5]) + (f" and {len(known) - 5:,} more" if len(known) > 5 else "")
    return f"the {what} are {shown}" if known else f"the model has no {what}"
