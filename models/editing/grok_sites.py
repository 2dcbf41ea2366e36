r"""Where in the text of a template its fields and its constants stand, so that a part of it can be written anew.

Everything else of the template stays as its author wrote it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from models.editing.checked import EditError
from models.grok import compile_grok
from models.grok_syntax import Element, parse_grok

_UNIT = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|.", re.DOTALL)
_FIELD = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldSite:
    """A field in the text of a template.

    Attributes:
        begin, end: the characters of ``%{PATTERN:field}`` or ``(?<field>…)``.
        name: the field's name.
        pattern: its pattern's name; "" for ``(?<field>…)``.
        type: ``int``, ``float`` or "".
        inner: the expression within ``(?<field>…)``; "" for a reference.
        quantified: what follows repeats it or makes it optional.
    """

    begin: int
    end: int
    name: str
    pattern: str
    type: str = ""
    inner: str = ""
    quantified: bool = False

    def written(self, name: str | None = None) -> str:
        """The field in Grok, by another name if one is given."""
        name = name or self.name
        if not self.pattern:
            return f"(?<{name}>{self.inner})"
        return f"%{{{self.pattern}:{name}{f':{self.type}' if self.type else ''}}}"


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant: its text, and for each of its characters, and for its end, where in the template it stands."""

    text: str
    offsets: tuple[int, ...]


def field_sites(grok: str) -> list[FieldSite]:
    """The fields that a template itself names, in order; not those within the patterns that it refers to."""
    elements, _ = parse_grok(grok)
    sites = []
    for i, element in enumerate(elements):
        if not element.field:
            continue
        if element.kind == "reference":
            end = element.offset + len(element.source)
            site = FieldSite(
                element.offset, end, element.field, element.name, element.type, quantified=element.quantified
            )
        else:
            close = next(
                j
                for j, other in enumerate(elements)
                if j > i and other.kind == "regex" and other.source == ")" and other.depth == element.depth
            )
            end = elements[close].offset + 1
            inner = grok[grok.index(">", element.offset) + 1 : end - 1]
            repeated = close + 1 < len(elements) and _is_quantifier(elements[close + 1])
            site = FieldSite(element.offset, end, element.field, "", inner=inner, quantified=repeated)
        sites.append(site)
    return sites


def find_field(template: str, grok: str, name: str, patterns: Mapping[str, str]) -> FieldSite:
    """The place of one field.

    Args:
        template: id of the template, for errors.
        grok: the template.
        name: the field's name.
        patterns: the model's own patterns.

    Raises:
        EditError: the template has no such field, or it stands within a pattern that the template refers to.
    """
    sites = field_sites(grok)
    for site in sites:
        if site.name == name:
            return site
    every = [field.name for field in compile_grok(grok, patterns).fields]
    if name in every:
        raise EditError(
            f"the field {name} of template {template} stands within a pattern that the template refers to; "
            "write that pattern out in the template first"
        )
    near = difflib.get_close_matches(name, every, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"its fields are {', '.join(every)}" if every else "it has none"
    raise EditError(f"the template {template} has no field {name!r}; {hint}")


def checked_name(template: str, grok: str, name: str, patterns: Mapping[str, str]) -> str:
    """A name for a new field of a template.

    Raises:
        EditError: it can be no name, or another field has it.
    """
    if not _FIELD.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        better = better if _FIELD.fullmatch(better) else f"f_{better}" if better else "field"
        raise EditError(
            f"the field name {name!r} is not usable: write lower-case letters, digits and _, such as {better}"
        )
    if any(field.name == name for field in compile_grok(grok, patterns).fields):
        raise EditError(f"the template {template} has a field {name} already; choose another name")
    return name


def constants(grok: str) -> list[Constant]:
    """The constants of a template, in order, those in groups too."""
    elements, _ = parse_grok(grok)
    found = []
    for element in elements:
        if element.kind == "text":
            offsets = [element.offset + unit.start() for unit in _UNIT.finditer(element.source)]
            found.append(Constant(element.text, (*offsets, element.offset + len(element.source))))
    return found


def replaced(grok: str, begin: int, end: int, text: str) -> str:
    """The template with other text in place of some characters."""
    return grok[:begin] + text + grok[end:]


def refuse_free_spacing(template: str, grok: str) -> None:
    """Raise :class:`EditError` for a template that begins with ``(?x)``: blanks in it are no constants."""
    _, flags = parse_grok(grok)
    if "x" in flags:
        raise EditError(
            f"the template {template} begins with (?{flags}), where blanks mean nothing: constants cannot be told "
            "from layout; write it without the x first"
        )


def _is_quantifier(element: Element) -> bool:
    return element.kind == "regex" and element.source[:1] in ("*", "+", "?", "{")
