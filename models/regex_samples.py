"""Texts on which a regular expression takes for ever, if it is one of those that do.

An expression that can match a run of text in ever more ways, as ``(a+)+`` can, tries them all when what comes after
the run does not fit. So: a text that leads up to a repetition, the repeated part many times over, and then something
that fits nowhere. That finds the usual kinds, not all there can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

TIMES = 60
"""How often a part is repeated: one step more in each would take longer than anyone waits."""
_ENDS = ("!", "\n\x00")
_MOST = 64
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_WORD: " ",
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_TRIED = "a0 _-.:/,=" + "".join(map(chr, range(0x21, 0x7F)))


def hard_texts(pattern: re.Pattern[str]) -> list[str]:
    """Texts to try an expression on, at most some dozens."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    found: dict[str, None] = {}
    for optional in (False, True):
        for before, part in _repeated(tree, "", optional):
            for end in _ENDS:
                found[before + part * TIMES + end] = None
            if len(found) >= _MOST:
                return list(found)
    return list(found)


def _repeated(tree: Any, before: str, optional: bool) -> Iterator[tuple[str, str]]:
    """For each repetition without end in a tree: a text that leads up to it, and one that it repeats."""
    for code, argument in tree:
        if code in _REPEATS:
            _, most, inner = argument
            if most > TIMES:
                for part in _variants(inner, optional):
                    yield before, part
            yield from _repeated(inner, before, optional)
        for inner in _inside(code, argument):
            yield from _repeated(inner, before, optional)
        before += _sample(code, argument, optional)


def _inside(code: Any, argument: Any) -> list[Any]:
    if code is codes.SUBPATTERN:
        return [argument[3]]
    if code is codes.BRANCH:
        return list(argument[1])
    return [argument] if code is codes.ATOMIC_GROUP else []


def _variants(tree: Any, optional: bool) -> list[str]:
    """What a repeated part may match: by each of its alternatives, if it is a choice."""
    if len(tree) == 1:
        code, argument = tree[0]
        if code is codes.BRANCH:
            return [text for branch in argument[1][:8] if (text := _text(branch, optional))]
        if code is codes.SUBPATTERN:
            return _variants(argument[3], optional)
    text = _text(tree, optional)
    return [text] if text else []


def _text(tree: Any, optional: bool) -> str:
    return "".join(_sample(code, argument, optional) for code, argument in tree)


def _sample(code: Any, argument: Any, optional: bool) -> str:
    """A short text that one node matches, as far as that is easily said."""
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if code is codes.ANY:
        return "a"
    if code is codes.IN:
        return _one_of(argument)
    if code in _REPEATS:
        least, most, inner = argument
        endless = most > TIMES
        return _text(inner, optional) * min(max(least, 1 if optional or endless else 0), TIMES)
    if code is codes.BRANCH:
        return _text(argument[1][0], optional)
    if code is codes.SUBPATTERN:
        return _text(argument[3], optional)
    return _text(argument, optional) if code is codes.ATOMIC_GROUP else ""


def _one_of(items: Any) -> str:
    code, argument = items[0]
    if code is codes.NEGATE:
        refused = [_test(inner, value) for inner, value in items[1:]]
        return next((c for c in _TRIED if not any(test(c) for test in refused)), "\x01")
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.RANGE:
        return chr(argument[0])
    return _CATEGORIES.get(argument, "a")


def _test(code: Any, argument: Any) -> Any:
    """Whether one item of a set holds a character."""
    if code is codes.LITERAL:
        return lambda c: ord(c) == argument
    if code is codes.RANGE:
        return lambda c: argument[0] <= ord(c) <= argument[1]
    return {
        codes.CATEGORY_DIGIT: lambda c: c.isdigit(),
        codes.CATEGORY_SPACE: lambda c: c.isspace(),
        codes.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
        codes.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
        codes.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
        codes.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
    }.get(argument, lambda c: False)
