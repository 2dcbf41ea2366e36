r"""The syntax of Grok: a template as a list of elements.

Elements tell constant text from the rest, because only constants can be used to find a template; everything is kept
as it was written, apart from what Python writes differently: ``(?<name>…)``, ``[[:alpha:]]`` and ``\h``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from models.errors import UserError
from models.grok_patterns import WORD_CHARACTERS


class GrokError(UserError):
    """A template or a named pattern cannot be used; ``offset`` is the place in the template."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(slots=True)
class Element:
    """A piece of a template.

    Attributes:
        kind: ``text`` constant; ``gap`` one or more characters that are no word characters; ``soft`` the same or
            nothing; ``reference`` a ``%{…}``; ``alternation`` a ``|`` outside of groups; ``regex`` anything else.
        source: the piece as a Python regex (references: with what quantifies them left to the next element).
        offset: where it begins in the template.
        depth: how many groups it stands in.
        text: the constant text; ``tail`` is how many characters of the source its last one takes.
        name, field, type: of a reference; ``field`` also of ``(?<field>``.
        quantified: a reference is followed by ``?``, ``*``, ``+`` or ``{…}``.
    """

    kind: str
    source: str
    offset: int
    depth: int = 0
    text: str = ""
    tail: int = 0
    name: str = ""
    field: str = ""
    type: str = ""
    quantified: bool = False


SOFT_PATTERNS = frozenset({"SPACE"})
"""Named patterns that match blanks or nothing."""

_REFERENCE = re.compile(r"%\{([^{}:]*)(?::([^{}:]*))?(?::([^{}]*))?\}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_FLAGS = re.compile(r"\(\?([imsx]+)\)")
_GROUP = re.compile(r"\(\?P?<(?![=!])([^>]*)>")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(?!\})[0-9]*(?:,[0-9]*)?\})[?+]?")
_CODE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_WORD = re.compile(f"[{WORD_CHARACTERS}]")
_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "cntrl": r"\x00-\x1f\x7f",
    "print": " -~",
    "graph": "!-~",
}


def parse_grok(grok: str) -> tuple[list[Element], str]:
    """Split a template into elements, and the letters of the flags that it begins with (``(?i)`` → ``i``).

    Raises:
        GrokError: a broken reference, a bad field name or type, brackets that do not close.
    """
    parser = _Parser(grok)
    parser.run()
    return parser.elements, parser.flags


class _Parser:
    def __init__(self, grok: str) -> None:
        self.grok = grok
        self.elements: list[Element] = []
        self.depth = 0
        flags = _FLAGS.match(grok)
        self.flags = flags[1] if flags else ""
        self.at = flags.end() if flags else 0

    def run(self) -> None:
        grok, opened = self.grok, [-1]
        while self.at < len(grok):
            c = grok[self.at]
            quantifier = _QUANTIFIER.match(grok, self.at) if c in "*+?{" else None
            if grok.startswith("%{", self.at):
                self._reference()
            elif quantifier:
                self._quantify(quantifier[0])
            elif c == "\\":
                self._escape()
            elif c == "[":
                self._class()
            elif c == "(":
                opened.append(self.at)
                self._group()
            elif c == ")":
                if len(opened) == 1:
                    raise GrokError(
                        f"a ) without ( at offset {self.at} of {grok!r}: write \\) for the character", self.at
                    )
                opened.pop()
                self._put(Element("regex", c, self.at, self.depth), 1)
                self.depth -= 1
            elif c == "|":
                self._put(Element("alternation" if self.depth == 0 else "regex", c, self.at, self.depth), 1)
            elif (c == "^" and self.at == 0) or (c == "$" and self.at == len(grok) - 1):
                self.at += 1  # a template describes the whole content anyway
            elif c in ".^$":
                self._put(Element("regex", c, self.at, self.depth), 1)
            else:
                self._constant(c, c)
        if len(opened) > 1:
            raise GrokError(
                f"the ( at offset {opened[-1]} of {grok!r} is never closed: write \\( for the character", opened[-1]
            )

    def _put(self, element: Element, length: int) -> None:
        self.elements.append(element)
        self.at += length

    def _constant(self, text: str, source: str) -> None:
        last = self.elements[-1] if self.elements else None
        if last and last.kind == "text" and last.depth == self.depth:
            last.text += text
            last.source += source
            last.tail = len(source)
            self.at += len(source)
        else:
            self._put(Element("text", source, self.at, self.depth, text=text, tail=len(source)), len(source))

    def _reference(self) -> None:
        grok, at = self.grok, self.at
        found = _REFERENCE.match(grok, at)
        if not found or not _NAME.fullmatch(found[1]):
            raise GrokError(
                f"the %{{ at offset {at} of {grok!r} begins no reference: write %{{NAME}} or %{{NAME:field}}, "
                "or %\\{ for the characters",
                at,
            )
        name, field, kind = found[1], found[2], found[3]
        if field is not None:
            self._check_field(field, at)
        if kind is not None and kind not in ("int", "float"):
            near = difflib.get_close_matches(kind, ["int", "float"], n=1)
            hint = f"did you mean {near[0]}?" if near else "write int or float, or leave it out for text"
            raise GrokError(f"unknown type {kind!r} of the field {field} at offset {at} of {grok!r}: {hint}", at)
        self._put(
            Element("reference", found[0], at, self.depth, name=name, field=field or "", type=kind or ""), len(found[0])
        )

    def _check_field(self, field: str, at: int) -> None:
        if _FIELD.fullmatch(field):
            return
        better = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()).strip("_")
        better = better if _FIELD.fullmatch(better) else "f_" + better if better else "field"
        raise GrokError(
            f"the field name {field!r} at offset {at} of {self.grok!r} is not usable: "
            f"write lower-case letters, digits and _, such as {better}",
            at,
        )

    def _escape(self) -> None:
        grok, at = self.grok, self.at
        if at + 1 == len(grok):
            raise GrokError(f"{grok!r} ends in a lone \\: write \\\\ for the character", at)
        c = grok[at + 1]
        code = _CODE.match(grok, at)
        if not c.isalnum() or not c.isascii():
            self._constant(c, grok[at : at + 2])
        elif c in _CONTROLS:
            self._constant(_CONTROLS[c], grok[at : at + 2])
        elif code:
            number = int(code[0].lstrip("\\xuU"), 16)
            if number > 0x10FFFF:
                raise GrokError(f"{code[0]} at offset {at} of {grok!r} is no character", at)
            self._constant(chr(number), code[0])
        elif c == "s":
            self._put(Element("gap", "\\s", at, self.depth), 2)
        else:
            self._put(Element("regex", "[0-9A-Fa-f]" if c == "h" else grok[at : at + 2], at, self.depth), 2)

    def _class(self) -> None:
        grok, start = self.grok, self.at
        at = start + 1
        at += grok.startswith("^", at)
        at += grok.startswith("]", at)
        while at < len(grok) and grok[at] != "]":
            if grok[at] == "\\":
                at += 2
            elif grok.startswith("[:", at) and (end := grok.find(":]", at)) > 0:
                at = end + 2
            else:
                at += 1
        if at >= len(grok):
            raise GrokError(f"the [ at offset {start} of {grok!r} is never closed: write \\[ for the character", start)
        source = re.sub(r"\[:(\w+):\]", lambda m: _POSIX.get(m[1], m[0]), grok[start : at + 1])
        # Python warns of a bare [ in a class: newer versions may read it differently
        source = "[" + re.sub(r"(\\.)|\[", lambda m: m[1] or "\\[", source[1:], flags=re.DOTALL)
        self._put(Element("regex", source, start, self.depth), at + 1 - start)

    def _group(self) -> None:
        grok, at = self.grok, self.at
        self.depth += 1
        named = _GROUP.match(grok, at)
        if named:
            self._check_field(named[1], at)
            element = Element("regex", f"(?P<{named[1]}>", at, self.depth, field=named[1])
            self._put(element, len(named[0]))
            return
        lead = re.compile(r"\((?:\?(?:[:>=!]|<[=!]|#[^)]*|[a-z]*(?:-[a-z]+)?:)?)?").match(grok, at)
        assert lead is not None  # the text begins with "("
        self._put(Element("regex", lead[0], at, self.depth), len(lead[0]))

    def _quantify(self, quantifier: str) -> None:
        if not self.elements:
            raise GrokError(
                f"{quantifier!r} at offset {self.at} of {self.grok!r} repeats nothing: write \\ before it", self.at
            )
        last = self.elements[-1]
        may_be_none = quantifier[0] in "*?" or quantifier.startswith(("{0", "{,"))
        if last.kind == "text":
            if len(last.text) > 1:  # only the last character is repeated
                character, source = last.text[-1], last.source[-last.tail :]
                last.text, last.source = last.text[:-1], last.source[: -last.tail]
                last = Element("text", source, self.at - len(source), self.depth, text=character)
                self.elements.append(last)
            last.kind = "regex" if _WORD.match(last.text) else "soft" if may_be_none else "gap"
            last.source += quantifier
            last.text = ""
            self.at += len(quantifier)
        elif last.kind == "gap":
            last.source += quantifier
            last.kind = "soft" if may_be_none else "gap"
            self.at += len(quantifier)
        else:
            last.quantified = last.kind == "reference"
            self._put(Element("regex", quantifier, self.at, self.depth), len(quantifier))
