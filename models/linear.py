r"""Regular expressions that no text can make slow: written as Python's, matched by RE2 in time linear in the text.

Python's own engine tries alternatives one after the other, and some expressions, ``(a+)+b`` or a few ``.*?`` in a row,
make it try more of them than there is time for. RE2 (R. Cox, "Regular Expression Matching in the Wild", 2010) follows
all of them at once. What cannot be matched like that is refused: look-ahead and look-behind, references to groups, and
repeats of more than 1,000. Atomic groups and possessive repeats are read as ordinary ones.

Expressions are ASCII, as with ``re.ASCII``: ``\d``, ``\w``, ``\s`` and ``\b`` know no other letters and digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import re2

_MOST_REPEATS = 1_000
_MEMORY = 8 << 20
"""Bytes that one expression may take, what it remembers of texts included."""
_LAST = 0x10FFFF
_SETS: dict[Any, tuple[tuple[int, int], ...]] = {
    codes.CATEGORY_DIGIT: ((0x30, 0x39),),
    codes.CATEGORY_SPACE: ((0x09, 0x0D), (0x20, 0x20)),
    codes.CATEGORY_WORD: ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}
_SETS |= {
    codes.CATEGORY_NOT_DIGIT: ((0, 0x2F), (0x3A, _LAST)),
    codes.CATEGORY_NOT_SPACE: ((0, 0x08), (0x0E, 0x1F), (0x21, _LAST)),
    codes.CATEGORY_NOT_WORD: ((0, 0x2F), (0x3A, 0x40), (0x5B, 0x5E), (0x60, 0x60), (0x7B, _LAST)),
}
_PLACES = {
    codes.AT_BEGINNING_STRING: r"\A",
    codes.AT_END_STRING: r"\z",
    codes.AT_BOUNDARY: r"\b",
    codes.AT_NON_BOUNDARY: r"\B",
}
_REFUSED = {
    codes.ASSERT: "looks ahead or behind, as (?=…) and (?<=…) do",
    codes.ASSERT_NOT: "looks ahead or behind, as (?!…) and (?<!…) do",
    codes.GROUPREF: "refers to a group, as \\1 and (?P=…) do",
    codes.GROUPREF_EXISTS: "depends on a group, as (?(1)…) does",
}


class LinearError(ValueError):
    """An expression cannot be used; the text says why, ``at`` near which character, if that is known."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


class Match:
    """Where an expression matched; groups are asked for by name."""

    __slots__ = ("_found", "_groups", "_text")

    def __init__(self, text: bytes, found: Any, groups: dict[str, int]) -> None:
        self._text = text
        self._found = found
        self._groups = groups

    def __getitem__(self, name: str) -> str | None:
        """The text of a group; None if it has no part in the match. Raises KeyError for an unknown name."""
        begin, end = self.byte_span(name)
        return None if begin < 0 else self._text[begin:end].decode("utf-8", "replace")

    @property
    def matched(self) -> str:
        """All that was matched."""
        begin, end = self.byte_span()
        return self._text[begin:end].decode("utf-8", "replace")

    def byte_span(self, name: str | None = None) -> tuple[int, int]:
        """Where a group lies in the text as UTF-8 bytes, or the whole match; (−1, −1) if it has no part in it."""
        span: tuple[int, int] = self._found.span(0 if name is None else self._groups[name])
        return span

    def span(self, name: str | None = None) -> tuple[int, int]:
        """The same in characters."""
        begin, end = self.byte_span(name)
        if begin < 0:
            return begin, end
        head = len(self._text[:begin].decode("utf-8", "replace"))
        return head, head + len(self._text[begin:end].decode("utf-8", "replace"))

    def groupdict(self) -> dict[str, str | None]:
        """The text of each named group."""
        return {name: self[name] for name in self._groups}


class LinearRegex:
    """One expression.

    Args:
        pattern: in Python's syntax.

    Raises:
        LinearError: it is no regular expression, or none that can be matched in linear time.
    """

    __slots__ = ("_compiled", "_groups", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            self._compiled = re2.compile(to_re2(pattern).encode(), options)
        except re2.error as error:
            reason = error.args[0]
            said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            raise LinearError(f"it is too large to be matched ({said}): write it with fewer repeats") from None
        self._groups: dict[str, int] = {name.decode(): at for name, at in self._compiled.groupindex.items()}

    def __reduce__(self) -> tuple[type[LinearRegex], tuple[str]]:
        return LinearRegex, (self.pattern,)

    @property
    def groupindex(self) -> dict[str, int]:
        """The number of each named group."""
        return dict(self._groups)

    def fullmatch(self, text: str | bytes) -> Match | None:
        """Match the whole of a text; bytes are UTF-8."""
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        found = self._compiled.fullmatch(raw)
        return None if found is None else Match(raw, found, self._groups)

    def match(self, text: str | bytes) -> Match | None:
        """Match a text from its beginning on, not to its end; bytes are UTF-8."""
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        found = self._compiled.match(raw)
        return None if found is None else Match(raw, found, self._groups)

    def search(self, text: str | bytes) -> Match | None:
        """The first match in a text; bytes are UTF-8."""
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        found = self._compiled.search(raw)
        return None if found is None else Match(raw, found, self._groups)


def to_re2(pattern: str) -> str:
    """An expression of Python's in RE2's syntax.

    Raises:
        LinearError: it is none, or has no like there.
    """
    try:
        tree = parser.parse(pattern, re.ASCII)
        return _Writer().sequence(tree, tree.state.flags)
    except re.error as error:
        raise LinearError(error.msg, error.pos) from None
    except (OverflowError, RecursionError) as error:
        raise LinearError(str(error)) from None


class _Writer:
    """Writes the tree that Python makes of an expression."""

    def sequence(self, nodes: Iterable[Any], flags: int) -> str:
        return "".join(self.one(kind, value, flags) for kind, value in nodes)

    def one(self, kind: Any, value: Any, flags: int) -> str:
        if kind in _REFUSED:
            raise LinearError(f"it {_REFUSED[kind]}, which takes more than linear time: write it without")
        if kind is codes.LITERAL:
            return self.folded(_character(value), flags)
        if kind is codes.NOT_LITERAL:
            return self.folded(f"[^{_character(value)}]", flags)
        if kind is codes.ANY:
            return "(?s:.)" if flags & re.DOTALL else "[^\\n]"
        if kind is codes.IN:
            return self.folded(_class(value), flags)
        if kind is codes.BRANCH:
            return f"(?:{'|'.join(self.sequence(branch, flags) for branch in value[1])})"
        if kind is codes.ATOMIC_GROUP:
            return f"(?:{self.sequence(value, flags)})"
        if kind is codes.SUBPATTERN:
            return self.group(value, flags)
        if kind is codes.AT:
            return self.place(value, flags)
        return self.repeat(kind, value, flags)

    def folded(self, text: str, flags: int) -> str:
        return f"(?i:{text})" if flags & re.IGNORECASE else text

    def group(self, value: Any, flags: int) -> str:
        number, added, removed, body = value
        text = self.sequence(body, (flags | added) & ~removed)
        if number is None:
            return f"(?:{text})"
        names = {at: name for name, at in body.state.groupdict.items()}
        return f"(?P<{names[number]}>{text})" if number in names else f"(?:{text})"

    def place(self, value: Any, flags: int) -> str:
        if value is codes.AT_BEGINNING:
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if value is codes.AT_END:
            return "(?m:$)" if flags & re.MULTILINE else r"(?:\z)"
        return _PLACES[value]

    def repeat(self, kind: Any, value: Any, flags: int) -> str:
        least, most, body = value
        if least > _MOST_REPEATS or (most is not codes.MAXREPEAT and most > _MOST_REPEATS):
            raise LinearError(f"it repeats a part more than {_MOST_REPEATS:,} times: write * or + instead")
        text = f"(?:{self.sequence(body, flags)}){{{least},{'' if most is codes.MAXREPEAT else most}}}"
        return f"{text}?" if kind is codes.MIN_REPEAT else text


def _character(code: int) -> str:
    text = chr(code)
    return text if text.isascii() and text.isalnum() else f"\\x{{{code:x}}}"


def _class(items: Iterable[Any]) -> str:
    negated, parts = "", []
    for kind, value in items:
        if kind is codes.NEGATE:
            negated = "^"
        elif kind is codes.LITERAL:
            parts.append(_character(value))
        elif kind is codes.RANGE:
            parts.append(f"{_character(value[0])}-{_character(value[1])}")
        else:
            parts += [f"{_character(first)}-{_character(last)}" for first, last in _SETS[value]]
    return f"[{negated}{''.join(parts)}]"
