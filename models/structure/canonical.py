"""Pairs to a *canonical* line, which everything that reads plain lines reads, too.

``timestamp LEVEL message key=value key=value …``: whatever the order and the spacing of a structured line, what says
the same looks the same. A value is one word: blanks in it become ``␣``, and what would end a word its full-width twin
(``(`` becomes ``（``), so that a field has the same shape whatever it says. :func:`plain_value` undoes that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from models.grok import Value
from models.structure.pairs import Pairs, text_of
from models.structure.settings import StructureSettings

_MOST_SHAPES = 20_000
_MOST_CHARACTERS = 2000
"""Of one value, in the content; the evidence has all of it."""
_ENDS_WORD = " \"'(),;<>[]{}|=&?!`\\^"
_TWINS = {ord(c): chr(ord(c) + 0xFEE0) for c in _ENDS_WORD if c != " "} | {ord(" "): "␣", ord("\t"): "␣"}
_TWINS |= dict.fromkeys([*range(9), *range(11, 32), 0x7F], "�")
_PLAIN = {ord(twin): chr(code) for code, twin in _TWINS.items() if twin not in "␣�"} | {ord("␣"): " ", ord("："): ":"}
_ODD = re.compile(f"[\\x00-\\x20\\x7f{re.escape(_ENDS_WORD)}]")
_BARE_COLON = re.compile(":(?![0-9A-Za-z/])")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_LINE_END = re.compile("[\r\n]")
_KEY = re.compile(r"[^\w.@$-]|[0-9]")
"""Digits in keys would fold: what is constant must not look like a value."""
_LEVELS = {"10": "trace", "20": "debug", "30": "info", "40": "warn", "50": "error", "60": "fatal"}
"""As bunyan and pino write them."""


@dataclass(slots=True, frozen=True)
class _Plan:
    """How lines with certain keys are written: whether they have the three that are not pairs, and all others."""

    has: tuple[bool, bool, bool]
    values: Callable[[Pairs], Sequence[object]]
    text: str


class CanonicalWriter:
    """Writes canonical lines.

    Args:
        settings: which keys say what.
    """

    def __init__(self, settings: StructureSettings) -> None:
        self._settings = settings
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._roles = (settings.timestamp, settings.level, settings.message)

    def write(self, pairs: Pairs) -> str:
        """One line, without its end."""
        shape = tuple(pairs)
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= _MOST_SHAPES:
                self._plans.clear()
            plan = self._plans[shape] = self._plan(shape)
        values = plan.values(pairs)
        try:
            joined = "".join(values)  # type: ignore[arg-type]  # what is no text raises
        except TypeError:
            values = tuple(map(text_of, values))
            joined = "".join(values)  # type: ignore[arg-type]
        if len(joined) > _MOST_CHARACTERS:
            values = tuple(value[:_MOST_CHARACTERS] for value in values)  # type: ignore[index]
        if _ODD.search(joined) or (":" in joined and _BARE_COLON.search(joined)):
            values = tuple(map(_word, values))  # type: ignore[arg-type]
        timed, graded, said = plan.has
        time_key, level_key, message_key = self._roles
        parts = []
        if timed:
            parts.append(_first_line(pairs[time_key]))
        if graded and (level := text_of(pairs[level_key])):
            parts.append(_LEVELS.get(level) or _word(level))
        if said and (message := _first_line(pairs[message_key])):
            parts.append(message)
        if plan.text:
            parts.append(plan.text % tuple(values))
        return " ".join(parts)

    def _plan(self, shape: tuple[str, ...]) -> _Plan:
        there = set(shape)
        has = tuple(key != "" and key in there for key in self._roles)
        known = self._settings.keys
        keys = sorted(there - set(self._roles)) if known is None else [key for key in known if key in there]
        absent = [key for key in self._settings.optional if key not in there]
        if absent:
            order = {key: i for i, key in enumerate(known)} if known is not None else {}
            keys = sorted([*keys, *absent], key=lambda key: (order.get(key, 0), key))
        text = " ".join(f"{canonical_key(key)}={'%s' if key in there else ''}" for key in keys)
        return _Plan(has, _getter([key for key in keys if key in there]), text)  # type: ignore[arg-type]


def canonical_key(key: str) -> str:
    """A key as canonical lines have it: without digits, and without what would end a word."""
    return _KEY.sub(lambda match: "" if match[0].isdecimal() else "_", key) or "_"


def plain_value(value: str) -> str:
    """A value of a canonical line as the structured line has it."""
    return value if value.isascii() else value.translate(_PLAIN)


def plain_values(values: dict[str, Value]) -> dict[str, Value]:
    """The values of a template's fields as the structured line has them."""
    return {name: plain_value(value) if isinstance(value, str) else value for name, value in values.items()}


def _getter(keys: list[str]) -> Callable[[Pairs], Sequence[object]]:
    if not keys:
        return lambda pairs: ()
    if len(keys) == 1:
        only = keys[0]
        return lambda pairs: (pairs[only],)
    return itemgetter(*keys)


def _word(value: str) -> str:
    if value.isalnum():
        return value
    value = _LINE_END.split(value.strip(), 1)[0]
    return _BARE_COLON.sub("：", value).translate(_TWINS)


def _first_line(value: object) -> str:
    text = text_of(value).strip()
    if not text.isprintable() and _CONTROL.search(text):
        text = _CONTROL.sub("�", _LINE_END.split(text, 1)[0])
    return text
