"""Signatures that differ in a few words, merged where those words behave as the values of a variable.

A signature is the row of a content's words, variables already masked; rows are compared when delimiters and blanks
around the words agree. In the lines of one template its constant words occur in more distinct rows than any one value
of a variable does, so for each row the candidates are: its rarest word variable, its two rarest words, and so on. Such
a pattern is taken when each of its variable columns shows enough distinct words for the lines behind it, and enough
constant words remain to hold it together. Wide patterns are tried first; rows taken leave the others.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.mining.masking import BLANK, VARIABLE, is_wordlike

Row = tuple[str, ...]

_PROSE = re.compile(r"[^\W\d_](?:[^\W\d_A-Z]*|[^\W\d_a-z]*)\Z")
_HEADER_ENDS = frozenset(":]-")
_QUOTES = frozenset("\"'")
_MOST_ROUNDS = 8
_MOST_VARIABLE = 6
_MOST_SETS = 64


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """When a column of words is a variable.

    Attributes:
        fewest: distinct words that any column needs; two words are a flag rather than a variable.
        distinct: distinct words that a column of a single line's worth of support would need.
        distinct_per_decade: further distinct words for every tenfold number of lines: a handful of words that fill
            millions of lines are names of states, the same handful in fifty lines are values.
        value_bonus: how many fewer are needed behind ``=``, and where the words are names rather than prose.
        first_factor: how many times as many are needed for the first word of a line, or a message of nothing else.
    """

    fewest: int = 3
    distinct: float = 2.5
    distinct_per_decade: float = 0.7
    value_bonus: float = 1.0
    first_factor: float = 3.0

    def needed(self, lines: int) -> float:
        """Distinct words that make a column variable in a pattern of so many lines."""
        return self.distinct + self.distinct_per_decade * math.log10(max(lines, 1))


def merge_signatures(lines: Mapping[Row, int], settings: MergeSettings) -> dict[Row, Row]:
    """The pattern of each signature: the signature itself, or with ``VARIABLE`` in the place of some words.

    Args:
        lines: number of lines behind each distinct signature (all keys of a content, delimiters and blanks included).
        settings: thresholds.
    """
    shapes: dict[Row, list[Row]] = defaultdict(list)
    for signature in lines:
        shapes[tuple(["\0" if is_wordlike(key) else key for key in signature])].append(signature)
    patterns: dict[Row, Row] = {}
    for shape, signatures in shapes.items():
        columns = [i for i, key in enumerate(shape) if key == "\0"]
        rows = {tuple([signature[i] for i in columns]): signature for signature in signatures}
        group = _Group(_Layout.of(shape, columns), settings)
        merged = group.merge({row: lines[signature] for row, signature in rows.items()})
        for row, signature in rows.items():
            pattern = list(signature)
            for i, key in zip(columns, merged[row], strict=True):
                pattern[i] = key
            patterns[signature] = tuple(pattern)
    return patterns


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the delimiters say about the columns of a shape.

    Attributes:
        value: which words stand behind an equals sign.
        fixed: which words never become variable on their own: the first, and names before an equals sign.
        message: the first column behind the last ``: ``, ``] `` or `` - ``: the message proper; 0 without one.
    """

    value: tuple[bool, ...]
    fixed: tuple[bool, ...]
    message: int

    @classmethod
    def of(cls, shape: Row, columns: Sequence[int]) -> _Layout:
        """The layout of a shape whose words stand at ``columns``."""
        value = [_value_before(shape, i) for i in columns]
        fixed = [number == 0 or _name_before(shape, i + 1) for number, i in enumerate(columns)]
        ends = [i for i in range(1, len(shape)) if shape[i] == BLANK and shape[i - 1] in _HEADER_ENDS]
        message = sum(1 for i in columns if i < ends[-1]) if ends else 0
        return cls(tuple(value), tuple(fixed), message if message < len(columns) else 0)


def _value_before(shape: Row, i: int) -> bool:
    """Whether a value begins at i: behind ``=`` or, quoted, behind ``=`` or a colon."""
    quoted = i > 0 and shape[i - 1] in _QUOTES
    i -= 1 + quoted
    if i > 0 and shape[i] == BLANK:
        i -= 1
    return i >= 0 and (shape[i] == "=" or (quoted and shape[i] == ":"))


def _name_before(shape: Row, i: int) -> bool:
    """Whether a name ends at i: before ``=`` or, quoted, before a colon."""
    quoted = i < len(shape) and shape[i] in _QUOTES
    i += quoted
    return i < len(shape) and (shape[i] == "=" or (quoted and shape[i] == ":"))


class _Group:
    """Rows of one shape: as many words, the same delimiters and blanks between them."""

    def __init__(self, layout: _Layout, settings: MergeSettings) -> None:
        self._value = layout.value
        self._fixed = layout.fixed
        self._message = layout.message
        self._settings = settings

    def merge(self, lines: Mapping[Row, int]) -> dict[Row, Row]:
        """Merge until nothing more merges; the pattern of each row."""
        current = dict(lines)
        pattern = {row: row for row in lines}
        for _ in range(_MOST_ROUNDS):
            if len(current) < 2:
                break
            moved = self._masked_siblings(current)
            if not moved:
                moved = self._columns(current)
            if not moved:
                moved = self._columns(current, first=True)
            if not moved:
                break
            after: Counter[Row] = Counter()
            for row, count in current.items():
                after[moved.get(row, row)] += count
            pattern = {row: moved.get(at, at) for row, at in pattern.items()}
            current = dict(after)
        return pattern

    def _masked_siblings(self, lines: Mapping[Row, int]) -> dict[Row, Row]:
        """Rows that equal another row but for words where that other is variable already."""
        sets: Counter[tuple[int, ...]] = Counter()
        for row in lines:
            sets[tuple([i for i, word in enumerate(row) if word == VARIABLE])] += 1
        # Most variables last, so that a row moves as little as possible; ties in a fixed order.
        chosen = sorted(sorted(sets, key=lambda s: (-sets[s], s))[:_MOST_SETS], key=lambda s: (len(s), s))
        moved: dict[Row, Row] = {}
        for row in lines:
            for columns in chosen:
                masked = self._mask(row, columns)
                if masked is not None and masked in lines:
                    moved[row] = masked
                    break
        # A row may move to one that moves itself: follow to the end (each step masks one more word).
        return {row: _follow(moved, target) for row, target in moved.items()}

    def _mask(self, row: Row, columns: tuple[int, ...]) -> Row | None:
        """The row with the words at ``columns`` variable; None if nothing changes or too few constants remain."""
        masked = list(row)
        loose = 0
        for i in columns:
            if masked[i] != VARIABLE:
                if self._fixed[i]:
                    return None
                masked[i] = VARIABLE
                loose += 1
        if not loose or _constants(masked) < 2 * loose - 1:
            return None
        return tuple(masked)

    def _columns(self, lines: Mapping[Row, int], *, first: bool = False) -> dict[Row, Row]:
        """Rows that share all but their rarest words, where those words are many; the first word only if told so."""
        parts: dict[str, list[Row]] = defaultdict(list)
        for row in lines:
            parts["" if first else row[0]].append(row)
        moved: dict[Row, Row] = {}
        for rows in parts.values():
            if len(rows) > 1:
                self._part(sorted(rows), lines, moved, first)
        return moved

    def _part(self, rows: list[Row], lines: Mapping[Row, int], moved: dict[Row, Row], first: bool) -> None:
        frequency: Counter[tuple[int, str]] = Counter()
        for row in rows:
            frequency.update(enumerate(row))
        members: dict[Row, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            for pattern in self._candidates(row, frequency, len(rows), first):
                members[pattern].append(number)
        alive = [True] * len(rows)
        heap = [(-len(numbers), pattern.count(VARIABLE), pattern) for pattern, numbers in members.items()]
        heap = [entry for entry in heap if entry[0] < -1]
        heapq.heapify(heap)
        while heap:
            size, variables, pattern = heapq.heappop(heap)
            numbers = [number for number in members[pattern] if alive[number]]
            if len(numbers) < 2:
                continue
            if len(numbers) < -size:
                members[pattern] = numbers
                heapq.heappush(heap, (-len(numbers), variables, pattern))
                continue
            if self._accept(pattern, [rows[number] for number in numbers], lines):
                for number in numbers:
                    alive[number] = False
                    moved[rows[number]] = pattern

    def _candidates(self, row: Row, frequency: Mapping[tuple[int, str], int], rows: int, first: bool) -> Iterable[Row]:
        order = sorted(
            (frequency[i, word], i)
            for i, word in enumerate(row)
            if word != VARIABLE and frequency[i, word] < rows and (not self._fixed[i] or (first and i == 0))
        )
        constants = _constants(row)
        current = list(row)
        loose = 0
        for _, i in order[:_MOST_VARIABLE]:
            if row[i][0] != "\0":
                constants -= 1
            if not self._value[i]:
                loose += 1
            if constants < (2 * loose - 1 if loose else 1):
                return
            current[i] = VARIABLE
            yield tuple(current)

    def _accept(self, pattern: Row, rows: list[Row], lines: Mapping[Row, int]) -> bool:
        needed = self._settings.needed(sum(lines[row] for row in rows))
        crossed = math.sqrt(len(rows))
        # A message of one word is its name, as the first word of a line is: it takes more to call it a variable.
        bare = self._message if all(key == VARIABLE for key in pattern[self._message :]) else len(pattern)
        for i, key in enumerate(pattern):
            if key != VARIABLE:
                continue
            words = {row[i] for row in rows}
            if VARIABLE in words:
                continue
            bonus = self._settings.value_bonus * (self._value[i] + _names(words))
            factor = self._settings.first_factor if i == 0 or i >= bare else 1.0
            if len(words) < max((needed - bonus) * factor, crossed, self._settings.fewest):
                return False
        return True


def _constants(row: Sequence[str]) -> int:
    return sum(1 for key in row if key[0] != "\0")


def _follow(moved: Mapping[Row, Row], row: Row) -> Row:
    while row in moved:
        row = moved[row]
    return row


def _names(words: set[str]) -> bool:
    """Whether at least half of the words are names (``READ_SMS``, ``nova-api``, ``getUser``) rather than prose."""
    return 2 * sum(1 for word in words if not _PROSE.match(word)) >= len(words)
