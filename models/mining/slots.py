"""The fields of all templates with their values as flat arrays, and which of them hold the same kind of value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from models.batches import Int32, Int64

NEAR = 0.25
"""Lines are near if their distance is below this share of the mean distance between lines of their value."""

LEAST_GROUPS = 5
"""An identifier has at least as many values that occur more than once."""

ONE_TO_ONE = 0.8
"""Values that occur once in each of two templates tie them together, however far apart, if so many of them do."""

LEAST_PAIRS = 20
"""So many values at least show it."""

_SHARED = 0.2
_LEAST_DISTINCT = 3
_MOST_SLOTS_OF_A_VALUE = 60


@dataclass(frozen=True, slots=True)
class TemplateSample:
    """Events of one template.

    Take whole stretches of the log (at best all of it): of a random choice of lines hardly any share a transaction.

    Attributes:
        rows: int64[n], places of the events in the log, ascending; any unit in which neighbours are 1 apart.
        fields: for each field of the template its n values.
    """

    rows: Int64
    fields: Mapping[str, Sequence[str]]


FieldSamples = Mapping[int, TemplateSample]
"""Template index → its sample."""


class Slots:
    """All values of all slots as flat arrays: ``value`` (a number), ``slot``, ``row``, one element a line and slot."""

    def __init__(self, samples: FieldSamples) -> None:
        self.names: list[tuple[int, str]] = []
        self.lines: list[int] = []
        self.distinct: list[int] = []
        self.length: list[float] = []
        codes: dict[str, int] = {}
        value, slot, row = [], [], []
        low, high = [], []
        for template, sample in sorted(samples.items()):
            if not len(sample.rows):
                continue
            low.append(int(sample.rows[0]))
            high.append(int(sample.rows[-1]))
            for name, values in sample.fields.items():
                n, distinct = len(values), len(set(values))
                # One value in hundreds of lines each names no transaction; leaving it out here saves time.
                if distinct * 200 < n or (distinct == 1 and n > LEAST_GROUPS):
                    continue
                value.append(np.fromiter((codes.setdefault(v, len(codes)) for v in values), np.int64, n))
                slot.append(np.full(n, len(self.names), dtype=np.int32))
                row.append(np.asarray(sample.rows, dtype=np.int64))
                self.names.append((template, name))
                self.lines.append(n)
                self.distinct.append(distinct)
                self.length.append(sum(map(len, values)) / n)
        self.value: Int64 = np.concatenate(value) if value else np.empty(0, np.int64)
        self.slot: Int32 = np.concatenate(slot) if slot else np.empty(0, np.int32)
        self.row: Int64 = np.concatenate(row) if row else np.empty(0, np.int64)
        self.starts = [0, *np.cumsum(self.lines, dtype=np.int64).tolist()]
        self.span = max(high) - min(low) + 1 if low else 1

    def of(self, chosen: Sequence[int]) -> tuple[Int64, Int32, Int64]:
        """Value, slot and row of all lines of these slots, sorted by value, row and slot."""
        parts = [slice(self.starts[at], self.starts[at + 1]) for at in chosen]
        value, slot, row = (np.concatenate([a[part] for part in parts]) for a in (self.value, self.slot, self.row))
        order = np.lexsort((slot, row, value))
        return value[order], slot[order], row[order]


def join_kinds(slots: Slots) -> list[list[int]]:
    """Slots joined into kinds: those that share a good part of their values, near each other or one to one."""
    width = len(slots.names)
    pairs = np.unique(slots.value * width + slots.slot)
    value, slot = pairs // width, pairs % width
    distinct = np.bincount(slot, minlength=width)
    together = _slot_sets(value, slot, width)
    shared: Counter[tuple[int, int]] = Counter()
    for group_of_slots, count in together.items():
        for pair in combinations(group_of_slots, 2):
            shared[pair] += count
    parent = list(range(len(slots.names)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for (a, b), count in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        fewer = min(distinct[a], distinct[b])
        if fewer < _LEAST_DISTINCT or count < max(2, _SHARED * fewer) or root(a) == root(b):
            continue
        if _lie_near(slots, a, b) or _one_to_one(slots, a, b, count):
            parent[root(b)] = root(a)
    kinds: dict[int, list[int]] = {}
    for at in range(len(slots.names)):
        if distinct[at] >= _LEAST_DISTINCT:
            kinds.setdefault(root(at), []).append(at)
    return list(kinds.values())


def _slot_sets(value: Int64, slot: Int64, width: int) -> Counter[tuple[int, ...]]:
    """The sets of slots that values are held by, and how many values each; sorted by value."""
    starts = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
    ends = np.r_[starts[1:], len(value)]
    # Values with the same set of slots are told by the sum of random numbers of its slots.
    marks = np.random.default_rng(0).integers(1, 2**62, width, dtype=np.uint64)
    _, example, times = np.unique(np.add.reduceat(marks[slot], starts), return_index=True, return_counts=True)
    sets: Counter[tuple[int, ...]] = Counter()
    for at, count in zip(example.tolist(), times.tolist(), strict=True):
        if 1 < ends[at] - starts[at] <= _MOST_SLOTS_OF_A_VALUE:
            sets[tuple(slot[starts[at] : ends[at]].tolist())] += count
    return sets


def _lie_near(slots: Slots, a: int, b: int) -> bool:
    """Whether values that both slots hold mostly appear in the two at nearly the same place of the log."""
    value, slot, row = slots.of((a, b))
    size = _sizes(value)
    crossing = (value[1:] == value[:-1]) & (slot[1:] != slot[:-1])
    distance = (row[1:] - row[:-1])[crossing] * size[1:][crossing]
    return bool(len(distance)) and float(np.median(distance)) <= NEAR * span_of(row)


def _one_to_one(slots: Slots, a: int, b: int, shared: int) -> bool:
    """Whether two slots hold hardly any value twice and nearly all values of the rarer one are in both."""
    rarer, commoner = sorted((a, b), key=lambda at: slots.lines[at])
    if shared < max(ONE_TO_ONE * slots.lines[rarer], LEAST_PAIRS // 2):
        return False
    return all(slots.distinct[at] >= ONE_TO_ONE * slots.lines[at] for at in (rarer, commoner))


def span_of(row: Int64) -> int:
    """How much of the log lines take up: those of a template may all be in one part of it."""
    return int(row.max() - row.min()) + 1


def _sizes(value: Int64) -> Int64:
    """How many elements each element's value has; ``value`` is sorted."""
    starts = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
    counts = np.diff(np.r_[starts, len(value)])
    return np.repeat(counts, counts)
