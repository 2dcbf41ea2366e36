"""Header fields whose values are words: threads, hosts, tenants.

A word near the start of a line is a variable when it does not matter to what follows. Two values of such a word, behind
the same beginning, are followed by the same messages: ``main`` and ``worker`` before a dozen messages alike. It takes
continuations of several *shapes* to show that, for the words of one message may vary freely as well
(``opened``/``closed`` before any database's name). What tells messages apart, such as a level or a component, is
followed by messages of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from models.mining.masking import BLANK, VARIABLE, is_wordlike

Row = tuple[str, ...]

_REACH = 16
"""Words, delimiters and blanks from the start of a line that may be its header."""

_SHARED_SHAPES = 3
_SHARED_LINES = 0.6


def free_headers(lines: Mapping[Row, int]) -> dict[Row, Row]:
    """Each signature, with ``VARIABLE`` in the place of header words that do not matter to what follows.

    Args:
        lines: number of lines behind each distinct signature (all keys of a content).
    """
    current = {row: row for row in lines}
    for at in range(_REACH):
        by_start: dict[Row, list[Row]] = defaultdict(list)
        for original, row in current.items():
            if at + 1 < len(row) and row[at] != VARIABLE and row[at] != BLANK and is_wordlike(row[at]):
                by_start[row[:at]].append(original)
        free: dict[Row, set[str]] = defaultdict(set)
        for start, originals in by_start.items():
            if len(originals) >= 2 * _SHARED_SHAPES:
                free[_shape(start)] |= _free_words(originals, current, lines, at)
        # What is free behind one beginning is so behind another of its shape: fewer messages are warnings.
        for start, originals in by_start.items():
            words = free.get(_shape(start), set())
            for original in originals:
                row = current[original]
                if row[at] in words:
                    current[original] = (*row[:at], VARIABLE, *row[at + 1 :])
    return current


def _free_words(originals: Sequence[Row], current: Mapping[Row, Row], lines: Mapping[Row, int], at: int) -> set[str]:
    """The words at ``at`` of rows alike before it that are followed by what follows another of these words as well."""
    rests: dict[str, Counter[Row]] = defaultdict(Counter)
    for original in originals:
        row = current[original]
        rests[row[at]][row[at + 1 :]] += lines[original]
    shapes = {word: {_shape(rest) for rest in counter} for word, counter in rests.items()}
    words = sorted(
        (word for word in rests if len(shapes[word]) >= _SHARED_SHAPES),
        key=lambda word: (-sum(rests[word].values()), word),
    )
    commoner: dict[Row, list[int]] = defaultdict(list)
    free: set[str] = set()
    for number, word in enumerate(words):
        # Only words with rests in common need to be compared, the commonest first.
        others = Counter(other for rest in rests[word] for other in commoner.get(rest, ()))
        for other in sorted(at for at, shared in others.items() if shared >= _SHARED_SHAPES):
            if _interchangeable(rests[word], rests[words[other]]):
                free |= {word, words[other]}
                break
        for rest in rests[word]:
            commoner[rest].append(number)
    return free


def _interchangeable(rarer: Counter[Row], commoner: Counter[Row]) -> bool:
    shared = [rest for rest in rarer if rest in commoner]
    if len({_shape(rest) for rest in shared}) < _SHARED_SHAPES:
        return False
    return sum(rarer[rest] for rest in shared) >= _SHARED_LINES * sum(rarer.values()) and (
        sum(commoner[rest] for rest in shared) >= _SHARED_LINES * sum(commoner.values())
    )


def _shape(rest: Row) -> Row:
    return tuple(["\0" if is_wordlike(key) else key for key in rest])
