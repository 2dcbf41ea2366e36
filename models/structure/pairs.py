"""Structured texts to flat pairs of key and value: JSON (RFC 8259) and logfmt (as Heroku and go-kit write it)."""

from __future__ import annotations

import json
import re
from typing import Any

Pairs = dict[str, Any]
"""Key → value, mostly text; :func:`text_of` makes text of the rest."""

_SCAN = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False).scan_once  # type: ignore[attr-defined]
"""Numbers stay as they are written: no rounding, and no limit on their length."""
_MOST_LEVELS = 16
_PAIR = re.compile(r'([^\s="]++)(?:(=)(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*+)))?(?:\s++|\Z)|(.++)', re.DOTALL)
"""A pair, or all the rest from where there is none: so that a long line of rubbish is read once."""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class MalformedError(ValueError):
    """A text is not of the format; the message says what is wrong, and ends where the mend follows."""


def read_json(text: str) -> Pairs:
    """The pairs of a text that is one JSON object; of a key that occurs twice the last one counts.

    Raises:
        MalformedError: it is none, or something follows it.
    """
    try:
        found, end = _SCAN(text, 0)
    except StopIteration as stop:
        raise MalformedError(f"is not valid JSON: a value is expected at character {stop.value + 1}") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"is not valid JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise MalformedError("is JSON that is nested too deeply") from None
    if type(found) is not dict:
        raise MalformedError("is no JSON object")
    if end != len(text) and text[end:].strip():
        raise MalformedError(f"is not valid JSON: more text follows the object at character {end + 1}")
    for value in found.values():
        if type(value) is dict:
            return _flat(found, "", {}, 1)
    return found


def _flat(found: Pairs, before: str, into: Pairs, level: int) -> Pairs:
    for key, value in found.items():
        if type(value) is dict and value and level < _MOST_LEVELS:
            _flat(value, f"{before}{key}.", into, level + 1)
        else:
            into[before + key] = value
    return into


def read_logfmt(text: str) -> Pairs:
    """The pairs of a text of ``key=value``, ``key="quoted value"`` and ``key`` alone, which is ``true``.

    Raises:
        MalformedError: something in it is none of these.
    """
    pairs: Pairs = {}
    rest = text = text.strip()
    for key, equals, quoted, bare, rest in _PAIR.findall(text):  # noqa: B007
        if quoted:
            pairs[key] = _ESCAPE.sub(_unescaped, quoted) if "\\" in quoted else quoted
        elif equals:
            pairs[key] = bare
        elif key:
            pairs[key] = "true"
    if rest or not pairs:
        raise MalformedError(f"is not valid logfmt: no key=value at character {len(text) - len(rest) + 1}")
    return pairs


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPED.get(match[1], match[1])


def text_of(value: object) -> str:
    """A value as text: nothing for null, ``true`` and ``false``, the elements of a list joined by commas, else JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is list and not any(type(some) in (list, dict) for some in value):
        return ",".join(map(text_of, value))
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "…"
