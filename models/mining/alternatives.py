"""Templates that are one step of a transaction with another word in it, found from how transactions use them.

``provider=visa`` and ``provider=paypal`` look like two messages to whoever reads single lines: two words are no
variable. In transactions they show as one step: every transaction passes one of them and hardly any both, and which one
it is makes no difference to the rest of the transaction. Kept apart, each would be a step that may be missing; as one,
it is a step that must occur. ``accepted`` and ``declined`` differ in what follows and stay two.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.batches import Int32
from models.mining.masking import BLANK, VARIABLE, is_wordlike
from models.mining.transactions import EventTable

Row = tuple[str, ...]
Bools = npt.NDArray[np.bool_]

_FEWEST = 5
_RAREST = 0.03
_BOTH = 0.02
_ALWAYS = 0.9
_UNLIKE = 0.1
_PROSE_WORDS = 3
_MOST_WORDS = 2
_QUOTES = frozenset("\"'")


def find_alternatives(patterns: Sequence[Row], table: EventTable, kinds: Int32) -> dict[Row, Row]:
    """For the patterns that are alternatives of each other, the pattern that has a variable where they differ.

    Args:
        patterns: the keys of each template.
        table: the events; template indices are places in ``patterns``.
        kinds: int32[templates], the kind of each template's first identifier, -1 for none.
    """
    families: dict[tuple[int, Row], list[int]] = defaultdict(list)
    for template, pattern in enumerate(patterns):
        if kinds[template] >= 0:
            families[int(kinds[template]), tuple(_shape(pattern))].append(template)
    candidates = [group for family in families.values() if len(family) > 1 for group in _groups(family, patterns)]
    if not candidates:
        return {}
    passed = _Passed(table, kinds)
    joined: dict[Row, Row] = {}
    for columns, group in candidates:
        members = [template for template in group if patterns[template] not in joined]
        steps = passed.one_step(members)
        if not _enough(steps, columns, patterns):
            continue
        for template in steps:
            row = patterns[template]
            joined[row] = tuple([VARIABLE if i in columns else key for i, key in enumerate(row)])
    return joined


def _shape(pattern: Row) -> Iterable[str]:
    return ["\0w" if key[0] != "\0" and is_wordlike(key) else key for key in pattern]


def _groups(family: Sequence[int], patterns: Sequence[Row]) -> list[tuple[tuple[int, ...], list[int]]]:
    """Templates of one shape that differ at the same one or two words, with these places; the largest groups first."""
    found: dict[tuple[tuple[int, ...], Row], set[int]] = defaultdict(set)
    for at, a in enumerate(family):
        for b in family[at + 1 :]:
            one, two = patterns[a], patterns[b]
            columns = tuple([i for i in range(len(one)) if one[i] != two[i]])
            words = sum(1 for key in one if key != BLANK and key[0] != "\0" and is_wordlike(key)) - len(columns)
            if 1 <= len(columns) <= _MOST_WORDS and words >= 2 * len(columns) - 1:
                rest = tuple([VARIABLE if i in columns else key for i, key in enumerate(one)])
                found[columns, rest] |= {a, b}
    groups = [(columns, sorted(members)) for (columns, _), members in found.items()]
    return sorted(groups, key=lambda group: (-len(group[1]), len(group[0]), group[1]))


def _enough(steps: Sequence[int], columns: tuple[int, ...], patterns: Sequence[Row]) -> bool:
    """Whether so many words make a variable: two where values stand, some more in prose."""
    if len(steps) < 2:
        return False
    return len(steps) >= _PROSE_WORDS or all(_is_value(patterns[steps[0]], column) for column in columns)


def _is_value(pattern: Row, i: int) -> bool:
    """Whether a value stands at i: behind ``=`` or, quoted, behind a colon."""
    quoted = i > 0 and pattern[i - 1] in _QUOTES
    i -= 1 + quoted
    if i > 0 and pattern[i] == BLANK:
        i -= 1
    return i >= 0 and (pattern[i] == "=" or (quoted and pattern[i] == ":"))


class _Passed:
    """Which transactions pass which templates."""

    def __init__(self, table: EventTable, kinds: Int32) -> None:
        # What lines visit through further identifiers is numbered behind the templates.
        keep = (table.transaction >= 0) & (table.template >= 0) & (table.template < len(kinds))
        keep[keep] = kinds[table.template[keep]] >= 0
        template, transaction = table.template[keep], table.transaction[keep]
        self._by_template: dict[int, npt.NDArray[np.int64]] = {
            int(t): np.unique(transaction[template == t]) for t in np.unique(template)
        }
        self._kinds: Mapping[int, int] = {t: int(kinds[t]) for t in self._by_template}

    def one_step(self, members: Sequence[int]) -> list[int]:
        """Those of the templates that together are one step; empty if they are not."""
        found = [t for t in members if len(self._by_template.get(t, ())) >= _FEWEST]
        all_of_them = sum(len(self._by_template[t]) for t in found)
        found = [t for t in found if len(self._by_template[t]) >= _RAREST * all_of_them]
        if len(found) < 2:
            return []
        together = np.concatenate([self._by_template[t] for t in found])
        union, times = np.unique(together, return_counts=True)
        if int((times > 1).sum()) > _BOTH * min(len(self._by_template[t]) for t in found):
            return []
        companions = self._companions(found, union)
        # One of them occurs wherever the steps occur that nearly always go with them.
        close = [other for other, count in companions.items() if count >= _ALWAYS * len(union)]
        if not any(companions[other] >= _ALWAYS * len(self._by_template[other]) for other in close):
            return []
        for other in companions:
            shares = [
                (
                    len(np.intersect1d(self._by_template[t], self._by_template[other], assume_unique=True)),
                    len(self._by_template[t]),
                )
                for t in found
            ]
            if not _alike(shares):
                return []
        return found

    def _companions(self, members: Sequence[int], union: npt.NDArray[np.int64]) -> dict[int, int]:
        kind = self._kinds[members[0]]
        counts = {
            other: len(np.intersect1d(union, own, assume_unique=True))
            for other, own in self._by_template.items()
            if other not in members and self._kinds[other] == kind
        }
        return {other: count for other, count in counts.items() if count}


def _alike(shares: Sequence[tuple[int, int]]) -> bool:
    """Whether several samples (hits, size) may well come from the same share, but for a tenth."""
    whole = sum(hits for hits, _ in shares) / sum(size for _, size in shares)
    return all(abs(hits / size - whole) <= _UNLIKE + 2 * math.sqrt(whole * (1 - whole) / size) for hits, size in shares)
