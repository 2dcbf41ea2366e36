"""Which field of each template names the transaction, found from the values alone.

A *slot* is a field of a template. Slots of different templates that hold the same values close together in the log are
of one *kind* (order numbers, session tokens, …). A kind is an identifier as far as its values tie lines together

- *locally*: the next line with the same value is nearer than chance would put it (sizes and ports collide anywhere),
- *regularly*: each template occurs equally often with each value (users, threads and addresses have all sorts of
  counts),
- *compactly*: all lines of a value lie in a short stretch of the log (what is used over and over is spread all over),

or as far as its values occur *one to one*: once in each of several templates, however often in others. That tells in
short logs, where every transaction takes a good part of the log.

Each template gets the slot whose kind explains most lines best; a template without such a slot gets none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64
from models.errors import UserError
from models.linear import LinearError, LinearRegex
from models.mining.slots import (
    LEAST_GROUPS,
    LEAST_PAIRS,
    NEAR,
    ONE_TO_ONE,
    FieldSamples,
    Slots,
    TemplateSample,
    join_kinds,
    span_of,
)

Bools = npt.NDArray[np.bool_]

__all__ = ["FieldSamples", "Identifier", "IdentifierChoice", "TemplateSample", "discover_identifiers"]

_NEAR_BY_CHANCE = float(1 - np.exp(-2 * NEAR))
"""How often a line thrown at random has such a neighbour (distances to the nearest one are exponential)."""

_ACCEPTED = 0.3
_FEW = 4
_BY_COINCIDENCE = 0.001
_LONG = 20


@dataclass(frozen=True, slots=True)
class Identifier:
    """The slot that names a template's transactions.

    Attributes:
        field: name of the field.
        kind: number of the kind of identifier; templates of different kinds never share a transaction.
        linked: share of the lines that lie near another line of the same identifier, 0 to 1.
    """

    field: str
    kind: int
    linked: float


@dataclass(frozen=True, slots=True)
class IdentifierChoice:
    """The identifier of each template that has one.

    Attributes:
        by_template: template index → identifier.
        pattern: the given pattern, if one was.
    """

    by_template: Mapping[int, Identifier] = field(default_factory=dict)
    pattern: str | None = None

    def field_of(self, template: int) -> str | None:
        """The field that holds the identifier, None if the template has none."""
        found = self.by_template.get(template)
        return None if found is None else found.field

    def fields_of(self, template: int) -> tuple[str, ...]:
        """The fields that hold identifiers; empty if the template has none."""
        found = self.by_template.get(template)
        return () if found is None else (found.field,)

    def kinds(self, templates: int) -> Int32:
        """int32[templates]: the kind of each template, -1 for none."""
        kinds = np.full(templates, -1, dtype=np.int32)
        for template, identifier in self.by_template.items():
            kinds[template] = identifier.kind
        return kinds


def discover_identifiers(samples: FieldSamples, id_pattern: str | None = None) -> IdentifierChoice:
    """Choose the identifier of each template.

    Args:
        samples: events of each template, with the values of their fields.
        id_pattern: a regular expression that identifiers match; it overrides the discovery.

    Raises:
        UserError: ``id_pattern`` is no regular expression.
    """
    if id_pattern is not None:
        return _by_pattern(samples, id_pattern)
    slots = Slots(samples)
    if not len(slots.value):
        return IdentifierChoice()
    kinds = join_kinds(slots)
    return IdentifierChoice(_attach(slots, *_choose(slots, kinds)))


def _by_pattern(samples: FieldSamples, id_pattern: str) -> IdentifierChoice:
    try:
        pattern = LinearRegex(id_pattern)
    except LinearError as error:
        raise UserError(f"the identifier pattern {id_pattern!r} is no usable regular expression: {error}") from None
    chosen: dict[int, Identifier] = {}
    for template, sample in sorted(samples.items()):
        best = (0.0, 0.0)
        for name, values in sample.fields.items():
            distinct = Counter(values)
            lines = sum(distinct.values()) or 1
            whole = sum(n for value, n in distinct.items() if pattern.fullmatch(value)) / lines
            within = sum(n for value, n in distinct.items() if pattern.search(value)) / lines
            if within >= 0.5 and (whole, within) > best:
                best = (whole, within)
                chosen[template] = Identifier(name, 0, within)
    return IdentifierChoice(chosen, id_pattern)


@dataclass(slots=True)
class _Fit:
    """How well one kind explains the lines of some templates, by template: lines, linked share, quality."""

    lines: dict[int, int]
    linked: dict[int, float]
    quality: dict[int, float]
    groups: int

    @property
    def score(self) -> float:
        """Lines explained."""
        return sum(self.lines[t] * self.quality[t] for t in self.lines)

    @property
    def accepted(self) -> bool:
        """Whether it is an identifier at all."""
        return self.groups >= LEAST_GROUPS and self.score >= _ACCEPTED * sum(self.lines.values())


def _fit(slots: Slots, chosen: Sequence[int]) -> _Fit:
    """Judge one kind by one slot a template."""
    value, slot, row = slots.of(chosen)
    starts = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
    counts = np.diff(np.r_[starts, len(value)])
    size = np.repeat(counts, counts)
    span = span_of(row)
    far = np.int64(span) * 2
    gap = np.where(value[1:] == value[:-1], row[1:] - row[:-1], far)
    nearest = np.minimum(np.r_[gap, far], np.r_[far, gap])
    near = nearest * size <= NEAR * span
    # n points thrown at random into [0, 1] span (n - 1) / (n + 1) on average.
    extent = row[starts + counts - 1] - row[starts]
    compact = (counts > 1) & (extent * (counts + 1) <= 0.3 * span * np.maximum(counts - 1, 1))
    compact_line = np.repeat(compact, counts)
    paired = _paired(value, slot, counts)
    fit = _Fit({}, {}, {}, int((counts > 1).sum()))
    for at in chosen:
        template = slots.names[at][0]
        mine = slot == at
        per_value = np.bincount(_runs(value[mine]))
        commonest = int(np.bincount(per_value).max())
        regular = (commonest - 1) / max(1, len(per_value) - 1)
        linked = max(0.0, (float(near[mine].mean()) - _NEAR_BY_CHANCE) / (1 - _NEAR_BY_CHANCE))
        fit.lines[template] = int(mine.sum())
        fit.linked[template] = linked
        fit.quality[template] = linked * (regular + float(compact_line[mine].mean())) / 2
        tied = float(paired[mine].mean())
        if tied >= ONE_TO_ONE and fit.groups >= LEAST_PAIRS:
            fit.linked[template] = max(linked, tied)
            fit.quality[template] = max(fit.quality[template], tied * regular / 2)
    return fit


def _paired(value: Int64, slot: Int32, counts: Int64) -> Bools:
    """Which lines have a value that occurs once in each of two slots or more, however often in others; by value."""
    order = np.lexsort((slot, value))
    new = np.r_[True, (value[order][1:] != value[order][:-1]) | (slot[order][1:] != slot[order][:-1])]
    once = np.zeros(len(value), np.bool_)
    once[order] = new & np.r_[new[1:], True]
    group = np.repeat(np.arange(len(counts)), counts)
    paired: Bools = (np.bincount(group, weights=once, minlength=len(counts)) > 1)[group]
    return paired


def _runs(value: Int64) -> Int64:
    """Number of the run of equal values each element is in; ``value`` is sorted."""
    return np.cumsum(np.r_[0, value[1:] != value[:-1]])


def _choose(slots: Slots, kinds: list[list[int]]) -> tuple[dict[int, tuple[int, int]], dict[int, float]]:
    """For each template the best kind and slot, template → (slot, kind), and the share of its lines that are linked."""
    candidates = {at: _one_slot_a_template(slots, kind) for at, kind in enumerate(kinds)}
    fits = {at: _fit(slots, chosen) for at, chosen in candidates.items()}
    linked: dict[int, float] = {}
    for _ in range(4):
        fits = {at: fit for at, fit in fits.items() if fit.accepted}
        best: dict[int, tuple[float, int, int]] = {}
        for at, fit in fits.items():
            # Between fields that explain as much (a session's token and its address), the longer one coincides less.
            score = fit.score * (1 + 0.1 * min(_length(slots, candidates[at]), _LONG) / _LONG)
            for slot in candidates[at]:
                template = slots.names[slot][0]
                if template not in fit.linked or fit.linked[template] <= 0:
                    continue
                # A template that loops explains little, and belongs there nevertheless.
                affinity = score * (0.1 * fit.linked[template] + 0.9 * fit.quality[template])
                if template not in best or affinity > best[template][0]:
                    best[template] = (affinity, slot, at)
        # What a kind has lost to better ones does not speak for it any more.
        assigned: dict[int, list[int]] = {}
        for _, slot, at in best.values():
            assigned.setdefault(at, []).append(slot)
        again = {at: _fit(slots, sorted(chosen)) for at, chosen in assigned.items()}
        chosen_slots = {template: (slot, at) for template, (_, slot, at) in best.items()}
        linked = {template: again[at].linked[template] for template, (_, at) in chosen_slots.items()}
        if all(fit.accepted for fit in again.values()):
            return chosen_slots, linked
        fits = {at: fits[at] for at, fit in again.items() if fit.accepted}
    return {t: found for t, found in chosen_slots.items() if found[1] in fits}, linked


def _length(slots: Slots, chosen: Sequence[int]) -> float:
    """The mean length of the values of some slots."""
    lines = sum(slots.lines[at] for at in chosen)
    return sum(slots.length[at] * slots.lines[at] for at in chosen) / max(1, lines)


def _one_slot_a_template(slots: Slots, kind: list[int]) -> list[int]:
    """Of several slots that a template has in a kind, the one that shares most lines with other templates."""
    by_template: dict[int, list[int]] = {}
    for slot in kind:
        by_template.setdefault(slots.names[slot][0], []).append(slot)
    if len(by_template) == len(kind):
        return kind
    value, holder, _ = slots.of(kind)
    template = np.array([names[0] for names in slots.names])[holder]
    pairs = np.unique(np.stack((value, template), axis=1), axis=0)
    held, times = np.unique(pairs[:, 0], return_counts=True)
    elsewhere = times[np.searchsorted(held, value)] > 1
    tied = {at: int(elsewhere[holder == at].sum()) for at in kind}
    return sorted(max(rivals, key=lambda one: (tied[one], -one)) for rivals in by_template.values())


def _attach(slots: Slots, chosen: dict[int, tuple[int, int]], linked: dict[int, float]) -> dict[int, Identifier]:
    """Name the kinds by number, and give rare templates the slot whose values are known identifiers, in their place.

    Where identifiers are never found elsewhere by coincidence, a template with hardly a line needs no place for them.
    """
    numbers = {at: n for n, at in enumerate(sorted({at for _, at in chosen.values()}))}
    found = {
        template: Identifier(slots.names[slot][1], numbers[at], round(linked[template], 3))
        for template, (slot, at) in chosen.items()
    }
    known = {at: slots.of([slot for slot, kind in chosen.values() if kind == at]) for at in numbers}
    telling = {at: _tell_anywhere(slots, chosen, value) for at, (value, _, _) in known.items()}
    best: dict[int, tuple[float, float, int, int]] = {}
    for slot, (template, _) in enumerate(slots.names):
        if template in found:
            continue
        # Of fields that fit equally well, long values coincide least by chance.
        length = slots.length[slot]
        mine = slice(slots.starts[slot], slots.starts[slot + 1])
        for at, (value, _, row) in known.items():
            if telling[at] and slots.lines[slot] <= _FEW:  # too few to expect one of them in its place
                share = float(np.isin(slots.value[mine], value).mean())
            else:
                share = _share_in_place(slots, slots.value[mine], slots.row[mine], value, row)
            if share >= 0.5 and (template not in best or (share, length) > best[template][:2]):
                best[template] = (share, length, slot, at)
    for template, (share, _, slot, at) in best.items():
        found[template] = Identifier(slots.names[slot][1], numbers[at], round(share, 3))
    return dict(sorted(found.items()))


def _tell_anywhere(slots: Slots, chosen: Mapping[int, tuple[int, int]], known: Int64) -> bool:
    """Whether identifiers of a kind hardly ever turn up in fields that are none, so that one alone says enough."""
    others = [at for at, (template, _) in enumerate(slots.names) if template in chosen and chosen[template][0] != at]
    lines = sum(slots.lines[at] for at in others)
    hits = sum(int(np.isin(slots.value[slots.starts[at] : slots.starts[at + 1]], known).sum()) for at in others)
    return hits + 1 <= _BY_COINCIDENCE * lines


def _share_in_place(slots: Slots, value: Int64, row: Int64, known: Int64, known_row: Int64) -> float:
    """Share of lines whose value is among ``known`` (sorted by value and row), near a line that holds it there."""
    if not len(known):
        return 0.0
    width = 2 * (int(max(row.max(), known_row.max())) + 1)
    keys, wanted = known * width + known_row, value * width + row
    after = np.searchsorted(keys, wanted)
    times = np.searchsorted(known, value, side="right") - np.searchsorted(known, value, side="left")
    nearest = np.full(len(row), width, dtype=np.int64)
    for neighbour in (after - 1, after):
        at = np.clip(neighbour, 0, len(keys) - 1)
        nearest = np.where(known[at] == value, np.minimum(nearest, np.abs(known_row[at] - row)), nearest)
    return float((nearest * (times + 1) <= NEAR * slots.span).mean())
