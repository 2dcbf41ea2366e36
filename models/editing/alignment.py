"""Two templates side by side: what they share, in order, and where they differ.

The longest common subsequence of their tokens, weighted so that words count more than the blanks and marks between
them (Needleman & Wunsch 1970, without penalties for gaps).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.grok import escape_literal
from models.grok_patterns import WORD_CHARACTERS
from models.grok_syntax import Element, parse_grok

_PIECES = re.compile(f"[{WORD_CHARACTERS}_]+|\\s+|.", re.DOTALL)
_WORD = re.compile(f"[{WORD_CHARACTERS}]")

TEXT, FIELD, OTHER = "text", "field", "other"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a template.

    Attributes:
        kind: ``text`` a constant word, mark or run of blanks; ``field`` a reference that names a field; ``other``
            anything else, such as ``%{SPACE}`` or a group.
        source: as it is written in Grok.
        text: the constant.
        name, type: of a field.
        patterns: the patterns that stood at the place of a field.
        values: the constants that stood there.
    """

    kind: str
    source: str
    text: str = ""
    name: str = ""
    type: str = ""
    patterns: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[object, ...]:
        """Tokens with the same key take the same texts."""
        if self.kind == FIELD:
            return FIELD, self.patterns, self.values
        return self.kind, self.text or self.source

    @property
    def is_word(self) -> bool:
        """Whether it is a constant with a letter or digit in it."""
        return self.kind == TEXT and bool(_WORD.search(self.text))


def tokens_of(grok: str) -> list[Token] | None:
    """A template as tokens; None where it has flags or alternatives outside of groups, which have no pieces."""
    elements, flags = parse_grok(grok)
    if flags or any(element.kind == "alternation" for element in elements):
        return None
    tokens: list[Token] = []
    at = 0
    while at < len(elements):
        last = _unit(elements, at)
        element = elements[at]
        begin = element.offset
        end = elements[last + 1].offset if last + 1 < len(elements) else _end(grok)
        at = last + 1
        if element.kind == "text" and element.depth == 0:
            tokens += _constants(element)
        elif element.kind == "reference" and element.field and not element.quantified:
            tokens.append(
                Token(FIELD, element.source, name=element.field, type=element.type, patterns=frozenset([element.name]))
            )
        else:
            tokens.append(Token(OTHER, grok[begin:end]))
    return tokens


def aligned(one: Sequence[Token], two: Sequence[Token]) -> Iterator[tuple[list[Token], list[Token]]]:
    """The tokens of both in stretches: a pair of single tokens that are alike, or what differs in between."""
    n, m = len(one), len(two)
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            most = max(best[i + 1][j], best[i][j + 1])
            if one[i].key == two[j].key:
                most = max(most, best[i + 1][j + 1] + _weight(one[i]))
            best[i][j] = most
    i = j = 0
    left: list[Token] = []
    right: list[Token] = []
    while i < n or j < m:
        alike = i < n and j < m and one[i].key == two[j].key
        if alike and best[i][j] == best[i + 1][j + 1] + _weight(one[i]):
            if left or right:
                yield left, right
                left, right = [], []
            yield [one[i]], [two[j]]
            i, j = i + 1, j + 1
        elif j == m or (i < n and best[i + 1][j] >= best[i][j + 1]):
            left.append(one[i])
            i += 1
        else:
            right.append(two[j])
            j += 1
    if left or right:
        yield left, right


def _weight(token: Token) -> int:
    """How much it counts that a token is shared."""
    if token.is_word:
        return 8 + len(token.text)
    return 6 if token.kind == FIELD else 3 if token.text.strip() or token.kind == OTHER else 2


def _unit(elements: Sequence[Element], at: int) -> int:
    """The last element of the one that begins at ``at``: of a group its end, of what is repeated the quantifier."""
    last = at
    if elements[at].depth:
        while last + 1 < len(elements) and not (elements[last].source == ")" and elements[last].depth == 1):
            last += 1
    following = elements[last + 1] if last + 1 < len(elements) else None
    # A repeated character has its quantifier in its own element; one that stands alone belongs to what is before.
    if following is not None and following.kind == "regex" and following.source[:1] in ("*", "+", "?", "{"):
        return last + 1
    return last


def _constants(element: Element) -> list[Token]:
    return [Token(TEXT, escape_literal(found[0]), text=found[0]) for found in _PIECES.finditer(element.text)]


def _end(grok: str) -> int:
    """Where the last element ends: before an anchor that means nothing."""
    escaped = len(grok) >= 2 and (len(grok) - len(grok[:-1].rstrip("\\")) - 1) % 2 == 1
    return len(grok) - 1 if grok.endswith("$") and not escaped else len(grok)
