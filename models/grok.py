r"""Grok: message templates as Logstash and Elasticsearch users write them, compiled to regular expressions.

``%{PATTERN}`` refers to a named pattern, ``%{PATTERN:field}`` names what it matched, ``%{PATTERN:field:int}`` and
``:float`` convert it; all the rest is a regular expression (:mod:`models.linear`). A template describes the *whole*
content of a line.
Besides the regex, a compiled template tells what is constant in it, so that a parser finds its candidates by words
and knows whether lines that differ in their digits only need to be looked at one by one.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import UserError
from models.grok_constants import constant_words, is_digit_blind
from models.grok_patterns import BREADTH, LIBRARY
from models.grok_syntax import SOFT_PATTERNS, Element, GrokError, parse_grok
from models.linear import LinearError, LinearRegex

__all__ = [
    "Field",
    "GrokError",
    "GrokTemplate",
    "Value",
    "check_patterns",
    "compile_grok",
    "escape_literal",
    "plain_text",
]

Value = str | int | float

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MUST_ESCAPE = frozenset("\\.^$*+?{}[]()|")
_NAMED_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\x04": "%{TIMESTAMP}"}


@dataclass(frozen=True, slots=True)
class Field:
    """A named field: its name, the pattern that it was written with ("" for ``(?<name>…)``), and str, int or float."""

    name: str
    pattern_name: str
    type: type[str] | type[int] | type[float] = str

    def convert(self, text: str) -> Value:
        """The value in the field's type; text that is no such number stays text."""
        if self.type is int:
            try:
                return int(text) if _INTEGER.fullmatch(text) else text
            except ValueError:  # more digits than Python converts
                return text
        if self.type is float:
            try:
                number = float(text)
            except ValueError:
                return text
            return number if math.isfinite(number) else text
        return text


@dataclass(frozen=True, slots=True)
class GrokTemplate:
    r"""A compiled template.

    Attributes:
        grok: the template as written.
        regex: the expression for a whole content, one named group a field; ``.`` does not match a line break.
        fields: the named fields, in order of appearance.
        literals: the constant pieces of text between fields, in order, unescaped.
        words: the constant words (runs of ASCII letters, digits and characters from U+0080 on) that every matching
            line holds as whole words. Maybe not all of them, never one too many.
        digit_blind: whether the regex matches a line is the same for all lines of one fold.
        specificity: sort key: more constant characters first, then fewer fields, then narrower ones.
    """

    grok: str
    regex: LinearRegex
    fields: tuple[Field, ...]
    literals: tuple[str, ...]
    words: frozenset[str]
    digit_blind: bool
    specificity: tuple[int, int, int, str]

    def values(self, content: str) -> dict[str, Value] | None:
        """The fields of a line's content, converted; None when it does not match. Groups left out have no entry."""
        found = self.regex.fullmatch(content)
        if found is None:
            return None
        return {f.name: f.convert(text) for f in self.fields if (text := found[f.name]) is not None}


def compile_grok(pattern: str, custom: Mapping[str, str] | None = None) -> GrokTemplate:
    """Compile a template.

    Args:
        pattern: the template in Grok syntax.
        custom: further named patterns; they win over the standard ones.

    Raises:
        GrokError: an unknown or circular pattern, a field twice or badly named, a broken regular expression, or one
            that cannot be matched in linear time.
    """
    return _compile(pattern, tuple(sorted((custom or {}).items())))


@functools.lru_cache(maxsize=16384)
def _compile(pattern: str, custom_items: tuple[tuple[str, str], ...]) -> GrokTemplate:
    expansion = _Expansion(pattern, dict(custom_items))
    elements, flags = parse_grok(pattern)
    body, offsets = expansion.body(elements)
    try:
        regex = LinearRegex(f"(?{flags}:{body})" if flags else body)
    except LinearError as error:
        at = (error.at or 0) - (len(f"(?{flags}:") if flags else 0)
        offset = max((o for start, o in offsets if start <= at), default=0)
        near = "" if error.at is None else f", near offset {offset}"
        raise GrokError(f"{pattern!r} is no usable regular expression: {error}{near}", offset) from None
    constant = not flags and not any(e.kind == "alternation" for e in elements)
    literals = tuple(e.text for e in elements if constant and e.kind == "text" and e.depth == 0)
    fields = tuple(expansion.fields)
    return GrokTemplate(
        grok=pattern,
        regex=regex,
        fields=fields,
        literals=literals,
        words=constant_words(elements) if constant else frozenset(),
        digit_blind=constant and not expansion.custom_used and is_digit_blind(elements),
        specificity=(
            -sum(map(len, literals)),
            len(fields),
            sum(BREADTH.get(e.name, 1) for e in elements if e.kind == "reference"),
            pattern,
        ),
    )


def check_patterns(custom: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with custom patterns: their name → a message, in order; empty when all compile."""
    wrong = {}
    for name in custom:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            wrong[name] = f"the pattern name {name!r} is not usable: write letters, digits and _, as in ORDER_ID"
            continue
        try:
            compile_grok(f"%{{{name}}}", custom)
        except GrokError as error:
            wrong[name] = str(error)
    return wrong


class _Expansion:
    """Turns elements into regex text, following references to other patterns."""

    def __init__(self, whole: str, custom: Mapping[str, str]) -> None:
        self.whole = whole
        self.custom = custom
        self.fields: list[Field] = []
        self.custom_used = False

    def body(self, elements: list[Element]) -> tuple[str, list[tuple[int, int]]]:
        """The regex of a template, and where in it (first) which offset of the template (second) begins."""
        parts: list[str] = []
        offsets: list[tuple[int, int]] = []
        length = 0
        for element in elements:
            text = self._one(element, (), element.offset)
            offsets.append((length, element.offset))
            parts.append(text)
            length += len(text)
        return "".join(parts), offsets

    def _one(self, element: Element, inside: tuple[str, ...], offset: int) -> str:
        if element.kind != "reference":
            if element.field:
                self._add(Field(element.field, ""), offset)
            return element.source
        if element.field:
            kind = {"int": int, "float": float}.get(element.type, str)
            self._add(Field(element.field, element.name, kind), offset)
        group = f"?P<{element.field}>" if element.field else "?:"
        return f"({group}{self._pattern(element.name, inside, offset)})"

    def _pattern(self, name: str, inside: tuple[str, ...], offset: int) -> str:
        if name in inside:
            raise GrokError(f"the pattern {name} refers to itself: {' → '.join((*inside, name))}", offset)
        if name in self.custom:
            self.custom_used = True
            text = self.custom[name]
        elif name in LIBRARY:
            text = LIBRARY[name]
        else:
            near = difflib.get_close_matches(name.upper(), [*self.custom, *LIBRARY], n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else 'define it under "patterns" of the model'
            raise GrokError(f"unknown pattern {name} at offset {offset} of {self.whole!r}: {hint}", offset)
        try:
            elements, flags = parse_grok(text)
        except GrokError as error:
            raise GrokError(f"in the pattern {name}: {error}", offset) from None
        body = "".join(self._one(e, (*inside, name), offset) for e in elements)
        if name in self.custom:
            try:
                LinearRegex(f"(?{flags}:{body})")
            except LinearError as error:
                message = f"the pattern {name} is no usable regular expression: {error}: {text!r}"
                raise GrokError(message, offset) from None
        return f"(?{flags}:{body})" if flags else body

    def _add(self, field: Field, offset: int) -> None:
        if any(field.name == other.name for other in self.fields):
            raise GrokError(
                f"the field {field.name} stands twice in {self.whole!r}, again at offset {offset}: "
                f"give the second another name, such as {field.name}_2",
                offset,
            )
        self.fields.append(field)


def escape_literal(text: str) -> str:
    r"""Constant text as a piece of a template.

    Only what a regular expression would misread is escaped; blanks and plain punctuation stay readable. Characters
    that cannot be seen become ``\xNN``, the mark of the line's timestamp becomes ``%{TIMESTAMP}``.
    """
    parts = []
    for c in text:
        if c in _MUST_ESCAPE:
            parts.append("\\" + c)
        elif c in _NAMED_ESCAPES:
            parts.append(_NAMED_ESCAPES[c])
        elif c.isprintable():
            parts.append(c)
        else:
            code = ord(c)
            parts.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "".join(parts)


def plain_text(grok: str) -> str:
    """A template for people: constants unescaped, fields as ``<name>``, unnamed patterns as ``<pattern>``.

    The line's own timestamp is left out. What is neither constant nor field stays as it is written; a template that
    does not compile comes back unchanged.
    """
    try:
        elements, _ = parse_grok(grok)
    except UserError:
        return grok
    parts = []
    for element in elements:
        if element.kind == "text":
            parts.append(element.text)
        elif element.kind in ("gap", "soft"):
            parts.append(" ")
        elif element.kind != "reference":
            parts.append(element.source)
        elif element.name.startswith("TIMESTAMP") and not element.field:
            continue
        elif element.name in SOFT_PATTERNS and not element.field:
            parts.append(" ")
        else:
            parts.append(f"<{element.field or element.name.lower()}>")
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()
