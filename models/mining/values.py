"""Fields that take a few values and, as far as the log shows, no others.

Values are counted in one pass over the logs (:class:`ValueCounts`): mergeable, and bounded, since a field with too many
values is given up. A field is *closed* when what has been seen leaves no room for more:

- It was seen often, each of its values several times. By I. J. Good, *The population frequencies of species and the
  estimation of population parameters* (Biometrika 40, 1953), the chance that the next line has a value never seen is
  about N1 / n, N1 values having been seen once in n lines; here N1 is 0, and no value is near 1.
- That holds for independent lines. Logs come in bursts, so tenths of the log are counted as well: by I. J. Good and
  G. H. Toulmin, *The number of new species, and the increase in population coverage, when a sample is increased*
  (Biometrika 43, 1956), as many tenths again bring about Q1 - Q2 + Q3 - … new values, Qk values having been seen in k
  tenths; here Q1, Q2 and Q3 are 0. And each value has to stand in the first half of the log.
- It is a category: several words, none with digits, as numbers, identifiers and names of threads and machines have, and
  not the units of a number (``B``, ``KB``), of which larger numbers bring more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.batches import Int64
from models.folding import Bytes
from models.grok import compile_grok
from models.parser import Parsed

Key = tuple[int, str]
"""Index of a template, name of a field."""

PARTS = 10
"""A log is looked at in so many parts."""
MOST_VALUES = 20
LEAST_SUPPORT = 50
LEAST_COUNT = 5
"""Each value was seen so often at least,"""
LEAST_PARTS = 4
"""and in so many parts of the log."""
LONGEST_VALUE = 64
_UNIT = re.compile("(?i:[KMGTPE]?i?B|bytes?|[num]?s|secs?|seconds?|mins?|minutes?|h|hours?|days?)\\Z")


@dataclass(slots=True)
class _Field:
    """The values of one field: each with its count in every part of the log; None: given up."""

    counts: dict[str, list[int]] | None = field(default_factory=dict)


class ValueCounts:
    """Counts of the values of fields, by parts of the log.

    Adding lines in any order, or merging counts of some lines into those of others, gives the same.
    """

    def __init__(self) -> None:
        self._fields: dict[Key, _Field] = {}

    def add(self, key: Key, part: int, values: Mapping[str, int]) -> None:
        """Count values of a field.

        Args:
            key: which field.
            part: in which part of the log its lines stand, 0 to ``PARTS - 1``.
            values: value → number of lines.
        """
        kept = self._fields.setdefault(key, _Field())
        for value, count in values.items():
            if kept.counts is None:
                return
            if not _is_category(value):
                kept.counts = None
                return
            kept.counts.setdefault(value, [0] * PARTS)[part] += count
            if len(kept.counts) > MOST_VALUES:
                kept.counts = None

    def is_open(self, key: Key) -> bool:
        """Whether a field has been given up: its values need not be counted any more."""
        kept = self._fields.get(key)
        return kept is not None and kept.counts is None

    def merge(self, other: ValueCounts) -> None:
        """Add what was counted elsewhere, of other lines of the same logs."""
        for key, theirs in other._fields.items():
            kept = self._fields.setdefault(key, _Field())
            if kept.counts is None or theirs.counts is None:
                kept.counts = None
                continue
            for value, counts in theirs.counts.items():
                mine = kept.counts.setdefault(value, [0] * PARTS)
                mine[:] = [a + b for a, b in zip(mine, counts, strict=True)]
            if len(kept.counts) > MOST_VALUES:
                kept.counts = None

    def counts(self) -> Iterator[tuple[Key, dict[str, list[int]] | None]]:
        """All that was counted, in order: field → value → lines in each part; None of a field that was given up."""
        for key, kept in sorted(self._fields.items()):
            yield key, kept.counts

    def put(self, key: Key, counts: dict[str, list[int]] | None) -> None:
        """Take what :meth:`counts` gave of a field."""
        self._fields[key] = _Field(counts)

    def closed(self) -> Iterator[tuple[Key, dict[str, int]]]:
        """The fields that are closed, in order, each with its values, the most frequent first."""
        for key, kept in sorted(self._fields.items()):
            if kept.counts and _is_closed(kept.counts):
                totals = {value: sum(counts) for value, counts in kept.counts.items()}
                yield key, dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def candidates(samples: Mapping[int, Any], identifiers: Mapping[int, Sequence[str]]) -> dict[int, tuple[str, ...]]:
    """The fields that may be closed, by a sample of the lines: template → names of fields.

    Args:
        samples: template → :class:`~models.mining.slots.TemplateSample`.
        identifiers: template → fields that hold identifiers of transactions, which are none.
    """
    found: dict[int, tuple[str, ...]] = {}
    for template, sample in samples.items():
        names = []
        for name, column in sample.fields.items():
            values = set(column) - {""}
            few = 1 <= len(values) <= MOST_VALUES and name not in identifiers.get(template, ())
            if few and all(map(_is_category, values)):
                names.append(name)
        if names:
            found[template] = tuple(names)
    return found


def count_values(
    counts: ValueCounts,
    data: Bytes,
    parsed: Parsed,
    wanted: Sequence[Sequence[str]],
    part: Int64,
    closable: Mapping[int, Sequence[str]],
) -> None:
    """Count the values of some fields in the lines of a batch.

    Args:
        counts: takes them.
        data: uint8 buffer with the lines.
        parsed: the lines.
        wanted: for each template the names of the fields that were cut out of its lines, in order.
        part: int64[n], in which part of the log each line stands.
        closable: template → names of fields to count; all of them are wanted.
    """
    raw = data.tobytes()
    for template, names in closable.items():
        rows = np.flatnonzero(parsed.template == template)
        for name in names:
            key, column = (template, name), wanted[template].index(name)
            some = rows[parsed.begin[column, rows] >= 0]
            if not len(some) or counts.is_open(key):
                continue
            for number in np.unique(part[some]).tolist():
                here = some[part[some] == number]
                counts.add(key, number, _counted(raw, parsed.begin[column, here], parsed.end[column, here]))


def value_sets(counts: ValueCounts, templates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The section ``values`` of a model.

    Args:
        counts: of the whole log.
        templates: the records of all templates, with their ids and Grok.
    """
    found = []
    for (template, name), values in counts.closed():
        record = templates[template]
        if all(f.name != name or f.type is str for f in compile_grok(record["grok"]).fields):
            entries = [{"value": value, "count": count} for value, count in values.items()]
            found.append({"template": record["id"], "field": name, "values": entries, "support": sum(values.values())})
    return found


def _counted(raw: bytes, begin: Any, end: Any) -> dict[str, int]:
    counts: dict[bytes, int] = {}
    for a, b in zip(begin.tolist(), end.tolist(), strict=True):
        value = raw[a:b]
        counts[value] = counts.get(value, 0) + 1
    return {value.decode("utf-8", "replace"): count for value, count in counts.items()}


def _is_category(value: str) -> bool:
    """Whether a value can be one of a category: a word or two, without digits."""
    if len(value) > LONGEST_VALUE or value.count(" ") > 1 or not any(map(str.isalpha, value)):
        return False
    return not any(map(str.isdigit, value))


def _is_closed(counts: Mapping[str, Sequence[int]]) -> bool:
    if not 2 <= len(counts) <= MOST_VALUES or sum(map(sum, counts.values())) < LEAST_SUPPORT:
        return False
    if all(map(_UNIT.match, counts)):
        return False
    for parts in counts.values():
        seen = [at for at, count in enumerate(parts) if count]
        if sum(parts) < LEAST_COUNT or len(seen) < LEAST_PARTS or seen[0] >= PARTS // 2:
            return False
    return True
