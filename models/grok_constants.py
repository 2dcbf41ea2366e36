"""What a Grok template tells about its lines without matching them: constant words, and whether digits matter."""

from __future__ import annotations

import re

from models.grok_patterns import FOLD_INVARIANT, OPEN, WORD_CHARACTERS
from models.grok_syntax import SOFT_PATTERNS, Element

_WORD = re.compile(f"[{WORD_CHARACTERS}]+")
_NOT_HEX_LETTER = re.compile("[G-Zg-z]")
_GAP_PATTERNS = frozenset({"TIMESTAMP"})


def _edge(element: Element) -> str:
    """What an element is to its neighbour: "gap" (non-word characters), "soft" (those or nothing), else its kind."""
    if element.kind == "reference" and not element.quantified and not element.field:
        if element.name in _GAP_PATTERNS:
            return "gap"
        if element.name in SOFT_PATTERNS:
            return "soft"
    return element.kind


def constant_words(elements: list[Element]) -> frozenset[str]:
    """Whole constant words: between non-word constants, gaps and the template's ends."""
    words: set[str] = set()
    for i, element in enumerate(elements):
        if element.kind != "text" or element.depth:
            continue
        open_left = i > 0 and _edge(elements[i - 1]) != "gap"
        open_right = i + 1 < len(elements) and _edge(elements[i + 1]) != "gap"
        for found in _WORD.finditer(element.text):
            cut_left = open_left and found.start() == 0
            cut_right = open_right and found.end() == len(element.text)
            if not (cut_left or cut_right):
                words.add(found[0])
    return frozenset(words)


def is_digit_blind(elements: list[Element]) -> bool:
    """Whether all fields are fold-invariant and begin and end where words do, between constants without digits."""
    for i, element in enumerate(elements):
        edge = _edge(element)
        if edge == "text":
            fine = not any(c.isdigit() for c in element.text)
        elif edge == "reference":
            fine = not (element.quantified or element.depth) and element.name in FOLD_INVARIANT
            fine = fine and _meets(elements, i, -1) and _meets(elements, i, +1)
        else:
            fine = edge in ("gap", "soft")
        if not fine:
            return False
    return True


def _meets(elements: list[Element], i: int, step: int) -> bool:
    """Whether field i ends at the border of a word on the side of ``step`` (-1 left, +1 right)."""
    j = i + step
    while 0 <= j < len(elements) and _edge(elements[j]) == "soft":
        j += step
    if not 0 <= j < len(elements):
        return True
    edge = _edge(elements[j])
    if edge == "gap":
        return True
    if edge != "text":
        return False
    text = elements[j].text
    if not _WORD.match(text[-1] if step < 0 else text[0]):
        return True
    return step < 0 and j == i - 1 and elements[i].name in OPEN and _is_head(elements, j)


def _is_head(elements: list[Element], j: int) -> bool:
    """Whether text j ends in a word that a fold keeps as leading letters: whole, ASCII, and not hexadecimal."""
    text = elements[j].text
    head = next(w for w in _WORD.finditer(text) if w.end() == len(text))
    whole = head.start() > 0 or j == 0 or _edge(elements[j - 1]) == "gap"
    return whole and head[0].isascii() and _NOT_HEX_LETTER.search(head[0]) is not None
