"""One template split into several, by the values of a field."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from models.document import ModelDocument, Template
from models.editing.checked import EditError, copied, find_template, finished, refuse_identifier, states_of
from models.editing.constants import specialised
from models.editing.contents import ContentReader
from models.editing.states import split_state
from models.grok import compile_grok
from models.mining.templates import template_id


def split(model: ModelDocument, template: str, field: str, values: Sequence[str]) -> ModelDocument:
    """Give each of some values of a field a template of its own; the template stays for all other values.

    A line with one of the values fits both, and goes to the new one, which has more constant text. A state becomes as
    many states, see :func:`models.editing.states.split_state`.

    Args:
        model: the document; it stays as it is.
        template: id of the template.
        field: the field's name.
        values: at least one.

    Raises:
        EditError: there is no such template or field, the field tells the transaction or never takes a value, or a
            value is given twice.
    """
    if not values:
        raise EditError(f"no values of the field {field} are given; name at least one")
    for value in values:
        if values.count(value) > 1:
            raise EditError(f"the value {value!r} is given twice; give each once")
    after = copied(model)
    rest = find_template(after, template)
    refuse_identifier(model, template, field, "its values are the transactions; choose another field")
    content = ContentReader(model).content(rest.example) if rest.example else None
    example, made = rest.example, []
    taken = {t.id for t in model.templates}
    for value in values:
        grok = specialised(model, template, field, value)
        new = Template(_free(template_id(grok), taken), grok)
        taken.add(new.id)
        if content is not None and compile_grok(grok, model.patterns).regex.fullmatch(content):
            new.example, rest.example = example, ""
        made.append(new)
    place = after.templates.index(rest)
    after.templates[place + 1 : place + 1] = made
    for automaton, state in states_of(after, template):
        split_state(automaton, state, [(new.id, value) for new, value in zip(made, values, strict=True)])
    after.links += [
        dataclasses.replace(k, template=new.id, support=0)
        for k in after.links
        if k.template == template
        for new in made
    ]
    return finished(model, after)


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
