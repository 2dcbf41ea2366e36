"""Constants and variables of a template: the one made of the other."""

from __future__ import annotations

import re

from models.document import ModelDocument
from models.editing.checked import EditError, copied, find_template, finished, refuse_identifier
from models.editing.fields import checked_pattern, field_fits
from models.editing.grok_sites import Constant, checked_name, constants, find_field, refuse_free_spacing, replaced
from models.grok import compile_grok, escape_literal
from models.grok_patterns import WORD_CHARACTERS

_WORD = re.compile(f"[{WORD_CHARACTERS}]")


def specialise(model: ModelDocument, template: str, field: str, value: str) -> ModelDocument:
    """Make a constant of a variable: from now on only lines with this value fit the template.

    Args:
        model: the document; it stays as it is.
        template: id of the template.
        field: the field's name.
        value: the text that shall stand in its place.

    Raises:
        EditError: there is no such template or field, the field tells the transaction, or it never takes the value.
    """
    after = copied(model)
    found = find_template(after, template)
    found.grok = specialised(model, template, field, value)
    return finished(model, after, [template])


def specialised(model: ModelDocument, template: str, field: str, value: str) -> str:
    """The Grok of a template with a constant in place of a field; errors as of :func:`specialise`."""
    grok = find_template(model, template).grok
    refuse_free_spacing(template, grok)
    site = find_field(template, grok, field, model.patterns)
    refuse_identifier(
        model, template, field, "a constant in its place would join all transactions; choose another field"
    )
    if not value:
        raise EditError(
            f"the value for the field {field} of template {template} is empty; give the text to stand there"
        )
    if not field_fits(grok, field, value, model.patterns):
        raise EditError(
            f"the field {field} of template {template}, {site.written()}, never takes the value {value!r}, so no line "
            "would fit any more; retype the field first if it should"
        )
    text = escape_literal(value)
    return replaced(grok, site.begin, site.end, f"(?:{text})" if site.quantified else text)


def generalise(
    model: ModelDocument, template: str, text: str, pattern: str, name: str, occurrence: str | int | None = None
) -> ModelDocument:
    """Make a variable of a constant: from now on lines fit with whatever the pattern takes in its place.

    Args:
        model: the document; it stays as it is.
        template: id of the template.
        text: the constant text, as it stands in lines (not escaped).
        pattern: the pattern of the new field, as ``WORD`` or ``INT:int``; it has to take the text.
        name: the new field's name.
        occurrence: which of several places with this text, from 1. Places where the text stands as whole words count
            before all others.

    Raises:
        EditError: there is no such template or pattern, the text does not stand in it or stands there several times,
            the pattern does not take it, or the name cannot be used.
    """
    after = copied(model)
    found = find_template(after, template)
    refuse_free_spacing(template, found.grok)
    checked_name(template, found.grok, name, model.patterns)
    kind, converted = checked_pattern(pattern, model.patterns)
    if not text:
        raise EditError("the text to become a variable is empty; give the constant words of the template")
    if not compile_grok(f"%{{{kind}}}", model.patterns).regex.fullmatch(text):
        raise EditError(
            f"the pattern {kind} does not take {text!r}, so the lines that fit the template now would no longer; "
            "choose a wider one, such as NOTSPACE for one word or DATA for several"
        )
    begin, end = _place(template, found.grok, text, occurrence)
    field = f"%{{{kind}:{name}{f':{converted}' if converted else ''}}}"
    found.grok = replaced(found.grok, begin, end, field)
    return finished(model, after, [template])


def _place(template: str, grok: str, text: str, occurrence: str | int | None) -> tuple[int, int]:
    """The characters of the template that are the text."""
    every = [
        (constant, at)
        for constant in constants(grok)
        for at in range(len(constant.text))
        if constant.text.startswith(text, at)
    ]
    whole = [(constant, at) for constant, at in every if _stands_alone(constant, at, text)]
    found = whole or every
    if not found:
        known = ", ".join(repr(c.text.strip()) for c in constants(grok) if c.text.strip())
        raise EditError(
            f"the constants of template {template} do not hold {text!r}; "
            + (f"they are {known}" if known else "it has none")
        )
    if occurrence is None:
        if len(found) > 1:
            raise EditError(
                f"{text!r} stands {len(found)} times in template {template}; give more of the text, or say which one "
                f"with a number from 1 to {len(found)} behind the name"
            )
        number = 1
    else:
        number = int(occurrence) if re.fullmatch(r"[0-9]{1,6}", str(occurrence)) else 0
        if not 1 <= number <= len(found):
            raise EditError(
                f"{occurrence!r} names no place of {text!r} in template {template}: "
                f"write a number from 1 to {len(found)}"
            )
    constant, at = found[number - 1]
    return constant.offsets[at], constant.offsets[at + len(text)]


def _stands_alone(constant: Constant, at: int, text: str) -> bool:
    """Whether the text is no part of a longer word there."""
    before = constant.text[at - 1 : at] if at else ""
    after = constant.text[at + len(text) : at + len(text) + 1]
    cut_left = bool(_WORD.match(before)) and bool(_WORD.match(text[0]))
    cut_right = bool(_WORD.match(after)) and bool(_WORD.match(text[-1]))
    return not (cut_left or cut_right)
