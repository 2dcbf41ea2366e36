"""Templates and states taken out of a model, with all that refers to them; a template added to it."""

from __future__ import annotations

from collections.abc import Collection

from models.document import Automaton, Equal, ModelDocument, Template
from models.editing.checked import EditError, copied, find_template, finished
from models.editing.contents import ContentReader
from models.editing.transitions import bypass
from models.grok import GrokError, compile_grok
from models.mining.templates import template_id


def delete(model: ModelDocument, template: str) -> ModelDocument:
    """Take a template out: its lines fit no template any more, or another one that is wider.

    The state that it leads to goes too, with the relations that name it; an automaton without states goes as a whole.

    Args:
        model: the document; it stays as it is.
        template: id of the template.

    Raises:
        EditError: there is no such template.
    """
    after = copied(model)
    find_template(after, template)
    after.templates = [t for t in after.templates if t.id != template]
    for automaton in after.automata:
        remove_states(automaton, {s.id for s in automaton.states if s.template == template})
    after.automata = [automaton for automaton in after.automata if automaton.states]
    return finished(model, after)


def remove_states(automaton: Automaton, gone: Collection[str]) -> None:
    """Take states out of an automaton, and of its relations what names them."""
    bypass(automaton, gone)
    automaton.states = [s for s in automaton.states if s.id not in gone]
    automaton.order = [o for o in automaton.order if o.before not in gone and o.after not in gone]
    automaton.requires = [r for r in automaton.requires if r.if_ not in gone and r.then not in gone]
    rest = [Equal([s for s in e.states if s not in gone], e.support) for e in automaton.equal]
    automaton.equal = [equal for equal in rest if len(equal.states) > 1]


def add(model: ModelDocument, grok: str, identifier: str | None = None, example: str | None = None) -> ModelDocument:
    """Add a message that was not learnt; it belongs to no automaton.

    Args:
        model: the document; it stays as it is.
        grok: the whole content of its lines in Grok, with the standard patterns or the model's own.
        identifier: id of the template; made from the Grok if None, as learning does.
        example: a whole line that fits, for people.

    Raises:
        EditError: the Grok is wrong, a template has the id or the Grok already, or the example does not fit.
    """
    try:
        compiled = compile_grok(grok, model.patterns)
    except GrokError as error:
        raise EditError(f"the new template cannot be used: {error}") from None
    if not grok:
        raise EditError("the new template is empty; write the content of its lines in Grok")
    identifier = template_id(grok) if identifier is None else identifier
    for template in model.templates:
        if template.grok == grok:
            raise EditError(f"the template {template.id} is the same already; nothing has to be added")
        if template.id == identifier:
            raise EditError(f"the id {identifier!r} is taken by the template {template.grok}; choose another id")
    if example and not compiled.regex.fullmatch(ContentReader(model).content(example)):
        raise EditError(f"the example does not fit the new template {grok}: {example}")
    after = copied(model)
    after.templates.append(Template(identifier, grok, example=example or ""))
    return finished(model, after)
