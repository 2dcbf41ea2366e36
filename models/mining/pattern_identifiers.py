"""Identifiers by a pattern that somebody gave: the fields of each template that match it, and of which kinds they are.

The first identifier of a template is the field that matches best, as a whole rather than in part. Others that match as
a whole count besides, as further ones do that are found without a pattern
(:mod:`models.mining.further_identifiers`), if they are of another kind that ties lines together. One that ties none but
those of the first one must not go one to one with it: that says the same once more (a session's token and its address).

What is of one kind is told by the values: fields that share them are, and fields whose values look alike, unless a
message has both. Since the pattern says what identifiers look like, a kind need not show that it ties lines together
better than chance would; that it does so at all is enough.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import UserError
from models.folding import fold_one
from models.linear import LinearError, LinearRegex
from models.mining.identifier_choice import Identifier, IdentifierChoice
from models.mining.slots import FieldSamples

_HELD = 0.5
"""So large a share of a template's lines hold an identifier in the field."""
_SHARED = 0.2
"""Fields of one kind share so large a part of the distinct values of the rarer one."""
_SAME = 0.8
"""A field says the same as another if so many of their pairs of values go with each other alone."""
_TIED = 5
"""So many values of a further kind tie several lines together,"""
_LEAST_TIED = 0.3
"""and so large a share of all its values."""

Slot = tuple[int, str]
"""Index of a template, name of a field."""


def identifiers_by_pattern(samples: FieldSamples, id_pattern: str) -> IdentifierChoice:
    """Choose the identifiers of each template.

    Args:
        samples: events of each template, with the values of their fields.
        id_pattern: a regular expression that identifiers match.

    Raises:
        UserError: ``id_pattern`` is no regular expression.
    """
    try:
        pattern = LinearRegex(id_pattern)
    except LinearError as error:
        raise UserError(f"the identifier pattern {id_pattern!r} is no usable regular expression: {error}") from None
    found = _matching(samples, pattern)
    first: dict[int, Slot] = {}
    for slot, one in found.items():
        best = first.get(slot[0])
        if best is None or (one.whole, one.within) > (found[best].whole, found[best].within):
            first[slot[0]] = slot
    kinds = _kinds({slot: one for slot, one in found.items() if one.whole >= _HELD or slot in first.values()})
    tied = _tying(samples, kinds)
    independent = _tying(samples, {slot: kinds[slot] for slot in first.values()})
    chosen: dict[int, Identifier] = {}
    further: dict[int, tuple[Identifier, ...]] = {}
    for template, slot in sorted(first.items()):
        chosen[template] = Identifier(slot[1], kinds[slot], found[slot].within)
        taken = [slot]
        for other in (one for one in kinds if one[0] == template):
            kind = kinds[other]
            if kind not in tied or kind in [kinds[one] for one in taken]:
                continue
            if kind in independent or not any(_same(samples, other, one) for one in taken):
                taken.append(other)
        if len(taken) > 1:
            further[template] = tuple(Identifier(s[1], kinds[s], found[s].within) for s in taken[1:])
    return IdentifierChoice(chosen, id_pattern, further)


@dataclass(frozen=True, slots=True)
class _Match:
    """A field that matches the pattern.

    Attributes:
        values: its distinct values.
        whole: the share of its lines whose value matches as a whole; within: in part at least.
        shape: the fold that most of its values have.
    """

    values: frozenset[str]
    whole: float
    within: float
    shape: bytes


def _matching(samples: FieldSamples, pattern: LinearRegex) -> dict[Slot, _Match]:
    found = {}
    for template, sample in sorted(samples.items()):
        for name, values in sample.fields.items():
            distinct = Counter(values)
            lines = distinct.total() or 1
            whole = sum(n for value, n in distinct.items() if pattern.fullmatch(value)) / lines
            within = sum(n for value, n in distinct.items() if pattern.search(value)) / lines
            if within >= _HELD:
                values_of = frozenset(distinct) - {""}
                shapes = Counter(fold_one(value) for value in values_of)
                shape = min(shapes, key=lambda one: (-shapes[one], one)) if shapes else b""
                found[template, name] = _Match(values_of, whole, within, shape)
    return found


def _kinds(found: Mapping[Slot, _Match]) -> dict[Slot, int]:
    """The kind of each slot, numbered in the order in which they first occur."""
    parent = {slot: slot for slot in found}

    def root(slot: Slot) -> Slot:
        while parent[slot] != slot:
            parent[slot] = parent[parent[slot]]
            slot = parent[slot]
        return slot

    templates = {slot: {slot[0]} for slot in found}

    def clash(one: Slot, other: Slot) -> bool:
        return not templates[one].isdisjoint(templates[other])

    def join(one: Slot, other: Slot) -> None:
        a, b = sorted((root(one), root(other)))
        parent[b] = a
        templates[a] |= templates[b]

    for (one, other), shared in sorted(_shared(found).items(), key=lambda item: (-item[1], item[0])):
        if root(one) != root(other) and shared >= _SHARED * min(len(found[one].values), len(found[other].values)):
            join(one, other)
    # A field of a rare message shares few values with others, or none: there looks tell.
    looks: dict[bytes, list[Slot]] = defaultdict(list)
    for slot in sorted(found, key=lambda slot: (-len(found[slot].values), slot)):
        shape = found[slot].shape
        kind = next((one for one in looks[shape] if root(one) == root(slot) or not clash(root(one), root(slot))), None)
        if kind is None:
            looks[shape].append(slot)
        elif root(kind) != root(slot):
            join(kind, slot)
    numbers: dict[Slot, int] = {}
    return {slot: numbers.setdefault(root(slot), len(numbers)) for slot in found}


def _shared(found: Mapping[Slot, _Match]) -> Counter[tuple[Slot, Slot]]:
    """How many values each two slots share."""
    holders: dict[str, list[Slot]] = defaultdict(list)
    for slot, match in found.items():
        for value in match.values:
            holders[value].append(slot)
    sets: Counter[tuple[Slot, ...]] = Counter(map(tuple, holders.values()))
    shared: Counter[tuple[Slot, Slot]] = Counter()
    for slots, count in sets.items():
        for at, one in enumerate(slots):
            for other in slots[at + 1 :]:
                shared[one, other] += count
    return shared


def _tying(samples: FieldSamples, kinds: Mapping[Slot, int]) -> set[int]:
    """The kinds whose values tie lines together."""
    lines: dict[int, Counter[str]] = defaultdict(Counter)
    for (template, name), kind in kinds.items():
        lines[kind].update(value for value in samples[template].fields[name] if value)
    tying = set()
    for kind, counts in lines.items():
        several = sum(1 for count in counts.values() if count > 1)
        if several >= max(_TIED, _LEAST_TIED * len(counts)):
            tying.add(kind)
    return tying


def _same(samples: FieldSamples, one: Slot, other: Slot) -> bool:
    """Whether the values of two fields of a template go with each other one to one."""
    pairs = set(zip(samples[one[0]].fields[one[1]], samples[other[0]].fields[other[1]], strict=True))
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    alone = sum(1 for a, b in pairs if left[a] == 1 and right[b] == 1)
    return alone >= _SAME * len(pairs)
