"""From the tokens of a group of contents to one template: constants as text, variables as typed, named fields."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.grok import compile_grok, escape_literal
from models.linear import Match
from models.mining.masking import BLANK, Tokens, is_wordlike
from models.mining.naming import FieldSite

_PATTERNS = (
    "INT",
    "NUMBER",
    "IPV4",
    "UUID",
    "COMMONMAC",
    "TIME",
    "TIMESTAMP_ISO8601",
    "DATE",
    "SYSLOGTIMESTAMP",
    "HTTPDATE",
    "URI",
    "PATH",
)
_TYPES = {"INT": ":int", "NUMBER": ":float"}
_ADDRESS = re.compile(r"/?[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\Z")
_EMAIL_HINT = re.compile(r"[^@]+@[^@]+\.[A-Za-z]+\Z")
_IPV6_HINT = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\Z")
_PREFIXED_HEX = re.compile(r"[+-]?0[xX]")
_WITH_PORT = re.compile(r"([0-9.]+):([0-9]+)\Z")
_LONGEST_SPELT_OUT = 48
_NO_GAP = re.compile(r"\S+\Z")


@dataclass(slots=True)
class Piece:
    """A constant (``text``), a run of blanks of varying length (neither), or a field (``pattern``, ``values``)."""

    text: str = ""
    pattern: str = ""
    values: frozenset[str] = frozenset()


def find_fields(members: Sequence[Tokens], masked: Sequence[bool]) -> list[Piece]:
    """The constants and fields of a group, in order.

    Args:
        members: the tokens of each content, at least one; all of the same length, delimiters and blanks alike.
        masked: for each token whether it is variable.
    """
    pieces = _join_constants(_pieces(members, masked))
    for i, piece in enumerate(pieces):
        if piece.values:
            after = pieces[i + 1] if i + 1 < len(pieces) else None
            enclosed = after is not None and bool(after.text) and not after.text[0].isspace()
            piece.pattern = pattern_of(piece.values, enclosed=enclosed, last=after is None)
    return pieces


def field_sites(pieces: Sequence[Piece]) -> list[FieldSite]:
    """What :mod:`models.mining.naming` has to know of each field."""
    around = [""]
    for piece in pieces:
        if piece.pattern:
            around.append("")
        else:
            around[-1] += piece.text
    fields = [piece for piece in pieces if piece.pattern]
    return [FieldSite(around[i], around[i + 1], piece.pattern, piece.values) for i, piece in enumerate(fields)]


def write_grok(pieces: Sequence[Piece], names: Sequence[str]) -> str:
    """The template in Grok syntax; ``names`` are those of its fields."""
    rest = iter(names)
    parts = []
    for piece in pieces:
        if piece.pattern:
            parts.append(f"%{{{piece.pattern}:{next(rest)}{_type(piece)}}}")
        else:
            parts.append(escape_literal(piece.text) if piece.text else "%{SPACE}")
    return "".join(parts)


def _type(piece: Piece) -> str:
    """The conversion of a field's values; numbers written with leading zeros are names, not numbers."""
    if piece.pattern not in _TYPES or any(re.match(r"[+-]?0[0-9]", value) for value in piece.values):
        return ""
    return _TYPES[piece.pattern]


def _pieces(members: Sequence[Tokens], masked: Sequence[bool]) -> list[Piece]:
    pieces: list[Piece] = []
    for i, variable in enumerate(masked):
        texts = {member.texts[i] for member in members}
        if not variable:
            pieces.extend(_constant(texts))
            continue
        inner = _same_lists(members, i)
        if inner:
            pieces.extend(_pieces(inner, _masked_columns(inner)))
        elif texts != {""}:
            pieces.extend(_split_ports(texts))
    return pieces


def _constant(texts: set[str]) -> list[Piece]:
    """Constant text; of blanks of varying width what they begin with, so that it still parts its neighbours."""
    if len(texts) == 1:
        return [Piece(text=min(texts))]
    firsts = {text[0] for text in texts}
    return [Piece(text=min(firsts)), Piece()] if len(firsts) == 1 else [Piece()]


def _same_lists(members: Sequence[Tokens], i: int) -> list[Tokens]:
    """The lists at token i when all members have one there, of the same moderate length and delimiters."""
    first = members[0].parts.get(i)
    if first is None or len(first.keys) > _LONGEST_SPELT_OUT:
        return []
    shape = _shape(first)
    lists = []
    for member in members:
        part = member.parts.get(i)
        if part is None or _shape(part) != shape:
            return []
        lists.append(part)
    return lists


def _shape(tokens: Tokens) -> list[str]:
    return ["\0" if is_wordlike(key) else key for key in tokens.keys]


def _masked_columns(members: Sequence[Tokens]) -> list[bool]:
    masked = []
    for i, key in enumerate(members[0].keys):
        keys = {member.keys[i] for member in members}
        masked.append(key != BLANK and (len(keys) > 1 or key[0] == "\0"))
    return masked


def _split_ports(texts: set[str]) -> list[Piece]:
    pairs = [_WITH_PORT.match(text) for text in texts]
    if all(pairs):
        return [
            Piece(values=frozenset(pair[1] for pair in pairs if pair)),
            Piece(text=":"),
            Piece(values=frozenset(pair[2] for pair in pairs if pair)),
        ]
    return [Piece(values=frozenset(texts))]


def _join_constants(pieces: Sequence[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        if piece.text and joined and joined[-1].text:
            joined[-1] = Piece(text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


def pattern_of(values: frozenset[str], *, enclosed: bool = False, last: bool = False) -> str:
    """The narrowest pattern that fits all values and that values yet unseen will likely fit as well.

    Args:
        values: what stood there, one value of each fold at least.
        enclosed: a delimiter follows, at which the field has to stop.
        last: the field ends the template.
    """
    for name in _PATTERNS:
        if _fits(name, values):
            return name
    if all(_PREFIXED_HEX.match(value) for value in values) and _fits("BASE16NUM", values):
        return "BASE16NUM"
    if all(_EMAIL_HINT.match(value) for value in values) and _fits("EMAILADDRESS", values):
        return "EMAILADDRESS"
    if all(_IPV6_HINT.match(value) for value in values) and _fits("IPV6", values):
        return "IPV6"
    if any(_ADDRESS.match(value) for value in values) and _fits("IPORHOST", values):
        return "IPORHOST"
    if all(_NO_GAP.match(value) for value in values):
        return "USERNAME" if enclosed and _fits("USERNAME", values) else "NOTSPACE"
    return "GREEDYDATA" if last else "DATA"


def _fits(name: str, values: frozenset[str]) -> bool:
    match = _matcher(name)
    return all(match(value) for value in values)


@functools.cache
def _matcher(name: str) -> Callable[[str], Match | None]:
    return compile_grok(f"%{{{name}}}").regex.fullmatch
