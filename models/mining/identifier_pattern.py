"""A regular expression for the identifiers of transactions, to find them in lines that fit no template."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from models.folding import HEX_MIXED, HEX_PREFIXED, MIXED, fold_one

_UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_PIECES = {
    ord("0"): "[0-9]+",
    HEX_MIXED: "[0-9A-Fa-f]+",
    MIXED: "[0-9][0-9A-Za-z]*",
    HEX_PREFIXED: "0x[0-9A-Fa-f]+",
}
_LEAST_LETTERS = 2
_MOST_SHAPES = 4
_COVERED = 0.95


def identifier_pattern(kinds: Sequence[Sequence[str]]) -> str | None:
    """A pattern for several kinds of identifiers, each given by some of its values; None if none can be told from text.

    An identifier is told by its constant head (``blk_…``, ``ord-…``) or by being a UUID; a mere number is not.
    """
    found = {pattern for values in kinds if values for pattern in _of_kind(values)}
    return "|".join(sorted(found)) if found else None


def _of_kind(values: Sequence[str]) -> list[str]:
    if sum(re.fullmatch(_UUID, value) is not None for value in values) >= _COVERED * len(values):
        return [rf"\b{_UUID}\b"]
    shapes = Counter(_shape(value) for value in values)
    patterns: list[str] = []
    covered = 0
    for shape, count in sorted(shapes.items(), key=lambda item: (-item[1], item[0])):
        if covered >= _COVERED * len(values):
            break
        head = re.match(r"[A-Za-z]*", shape)
        if len(patterns) == _MOST_SHAPES or head is None or len(head[0]) < _LEAST_LETTERS:
            return []
        patterns.append(rf"\b{shape}\b")
        covered += count
    return patterns


def _shape(value: str) -> str:
    """The value as a pattern: words with digits become classes, a sign before a number is optional."""
    folded = fold_one(value).decode("utf-8", "replace")
    text = "".join(_PIECES.get(ord(c), re.escape(c)) for c in folded)
    return re.sub(r"(?:\\-)?\[0-9\]\+", "-?[0-9]+", text) if re.search(r"_(?:\\-)?\[0-9\]\+", text) else text
