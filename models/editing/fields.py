"""Fields of a template: another name, another pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from models.document import ModelDocument
from models.editing.checked import EditError, copied, find_template, finished, states_of
from models.editing.content import rename_in_content
from models.editing.grok_sites import checked_name, field_sites, find_field, replaced
from models.grok import GrokError, compile_grok
from models.slots.settings import FieldOf

_WHOLE_NUMBERS = frozenset({"INT", "NONNEGINT", "POSINT"})
_NUMBERS = frozenset({"NUMBER", "BASE10NUM"})


def rename_field(model: ModelDocument, template: str, field: str, new: str) -> ModelDocument:
    """Give a field another name, in the template and in all that names it: states, links, rules, values and the like.

    Args:
        model: the document; it stays as it is.
        template: id of the template.
        field: the field's name.
        new: the name that it shall have: lower-case letters, digits and ``_``.

    Raises:
        EditError: there is no such template or field, or the name cannot be used.
    """
    after = copied(model)
    found = find_template(after, template)
    site = find_field(template, found.grok, field, model.patterns)
    checked_name(template, found.grok, new, model.patterns)
    found.grok = replaced(found.grok, site.begin, site.end, site.written(new))
    for _, state in states_of(after, template):
        if state.field == field:
            state.field = new
    rename_in_content(after, template, field, new)
    after.categories = [
        replace(c, field=new) if (c.template, c.field) == (template, field) else c for c in after.categories
    ]
    old, named = FieldOf(template, field), FieldOf(template, new)
    after.series.fields = [named if f == old else f for f in after.series.fields]
    after.series.metrics = [
        replace(m, field=new) if (m.template, m.field) == (template, field) else m for m in after.series.metrics
    ]
    after.series.limits = [
        replace(x, field=new) if (x.template, x.field) == (template, field) else x for x in after.series.limits
    ]
    after.series.correlations = [pair.renamed(template, field, new) for pair in after.series.correlations]
    for link in after.links:
        if link.template == template:
            link.parent_field = new if link.parent_field == field else link.parent_field
            link.child_field = new if link.child_field == field else link.child_field
    return finished(model, after, [template])


def retype_field(model: ModelDocument, template: str, field: str, pattern: str) -> ModelDocument:
    """Let a field take another pattern.

    Args:
        model: the document; it stays as it is.
        template: id of the template.
        field: the field's name.
        pattern: name of a standard pattern or of one of the model's own, as ``WORD``; ``INT:int``, ``NUMBER:float``
            or ``INT:text`` also say what its values become. Without that, a field that was a number stays one if the
            pattern is a number too.

    Raises:
        EditError: there is no such template, field or pattern, or it is the field's pattern already.
    """
    after = copied(model)
    found = find_template(after, template)
    site = find_field(template, found.grok, field, model.patterns)
    name, kind = checked_pattern(pattern, model.patterns)
    if kind is None:
        kind = _kept_type(site.type, name)
    text = f"%{{{name}:{field}{f':{kind}' if kind else ''}}}"
    if text == site.written():
        raise EditError(f"the field {field} of template {template} is {text} already")
    found.grok = replaced(found.grok, site.begin, site.end, text)
    return finished(model, after, [template])


def checked_pattern(pattern: str, patterns: Mapping[str, str]) -> tuple[str, str | None]:
    """The name of a pattern and the type behind its colon, None where none is given, "" for text.

    Raises:
        EditError: there is no such pattern or type, or the pattern holds fields of its own.
    """
    name, colon, kind = pattern.partition(":")
    if kind == "text":
        return checked_pattern(name, patterns)[0], ""
    try:
        compiled = compile_grok(f"%{{{name}:value{colon}{kind}}}", patterns)
    except GrokError as error:
        raise EditError(f"the pattern {pattern!r} cannot be used: {error}") from None
    if len(compiled.fields) > 1:
        inner = ", ".join(field.name for field in compiled.fields[1:])
        raise EditError(f"the pattern {name} names fields itself ({inner}); choose one that does not")
    return name, kind if colon else None


def field_fits(grok: str, field: str, value: str, patterns: Mapping[str, str]) -> bool:
    """Whether a value is one that a field of a template takes."""
    site = next(site for site in field_sites(grok) if site.name == field)
    return compile_grok(site.written(), patterns).regex.fullmatch(value) is not None


def _kept_type(old: str, pattern: str) -> str:
    if old and pattern in _NUMBERS:
        return "float"
    return old if pattern in _WHOLE_NUMBERS else ""
