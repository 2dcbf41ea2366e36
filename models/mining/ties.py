"""How well the values of one kind tie lines together: near each other, regularly, and in a short stretch of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64
from models.mining.slots import LEAST_GROUPS, LEAST_PAIRS, NEAR, ONE_TO_ONE, Slots, span_of

Bools = npt.NDArray[np.bool_]

_NEAR_BY_CHANCE = float(1 - np.exp(-2 * NEAR))
"""How often a line thrown at random has such a neighbour (distances to the nearest one are exponential)."""

_ACCEPTED = 0.3
_MOST = 0.5
_NEARLY_ALL = 0.8
_OFTEN = 3
_MANY = 52
"""What holds for so many without exception fails for less than one in twenty (Wilson's bound)."""


@dataclass(slots=True)
class Fit:
    """How well one kind explains the lines of some templates.

    Attributes:
        groups: how many values occur more than once.
        lines: by template, its lines.
        linked: by template, the share of them near another line of their value.
        quality: by template, how well the kind explains them, 0 to 1.
        regular: by template, the share of values that occur in it as often as most do.
        compact: by template, the share of lines whose value has all its lines in a short stretch of the log.
        passed: by template, the share of the values occurring more than once that occur in it.
        times: by template, how often most of its values occur in it.
    """

    groups: int
    lines: dict[int, int] = field(default_factory=dict)
    linked: dict[int, float] = field(default_factory=dict)
    quality: dict[int, float] = field(default_factory=dict)
    regular: dict[int, float] = field(default_factory=dict)
    compact: dict[int, float] = field(default_factory=dict)
    passed: dict[int, float] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Lines explained."""
        return sum(self.lines[t] * self.quality[t] for t in self.lines)

    @property
    def accepted(self) -> bool:
        """Whether it is an identifier at all."""
        return self.groups >= LEAST_GROUPS and self.score >= _ACCEPTED * sum(self.lines.values()) and self.has_steps

    @property
    def has_steps(self) -> bool:
        """Whether there is a step: a template that most values pass, and most of these as often as each other.

        Lines that come in bursts (the messages of one fault, the attempts of one address) are near each other and take
        a short stretch, too; but of them each value has as many as it happens to have. Where there is one template
        only, nothing else tells: nearly all values have to pass it as often as each other. Twice each may be a habit
        (an attempt and its repetition), so of those there have to be many.
        """
        if len(self.lines) == 1:
            ((template, regular),) = self.regular.items()
            return regular >= _NEARLY_ALL and (self.groups >= _MANY or self.times[template] >= _OFTEN)
        return any(self.regular[t] >= _MOST and self.passed[t] >= _MOST for t in self.lines)


def has_steps(counts: Int32) -> bool:
    """Whether transactions have a step, likewise; ``counts``: int32[transactions, states]."""
    total, width = counts.shape
    for state in range(width):
        passed = counts[counts[:, state] > 0, state]
        alike = int(np.bincount(passed).max()) if len(passed) else 0
        if width == 1:
            return total >= _MANY and alike >= _NEARLY_ALL * total
        if len(passed) >= _MOST * total and alike >= _MOST * len(passed):
            return True
    return False


def fit_kind(slots: Slots, chosen: Sequence[int]) -> Fit:
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
    fit = Fit(int((counts > 1).sum()))
    repeated = value[starts[counts > 1]]
    for at in chosen:
        template = slots.names[at][0]
        mine = slot == at
        per_value = np.bincount(_runs(value[mine]))
        commonest = int(np.bincount(per_value).max())
        regular = (commonest - 1) / max(1, len(per_value) - 1)
        fit.times[template] = int(np.bincount(per_value).argmax())
        linked = max(0.0, (float(near[mine].mean()) - _NEAR_BY_CHANCE) / (1 - _NEAR_BY_CHANCE))
        fit.lines[template] = int(mine.sum())
        fit.linked[template] = linked
        fit.regular[template], fit.compact[template] = regular, float(compact_line[mine].mean())
        fit.passed[template] = float(np.isin(_distinct(value[mine]), repeated).sum()) / max(1, fit.groups)
        fit.quality[template] = linked * (regular + fit.compact[template]) / 2
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


def _distinct(value: Int64) -> Int64:
    """Each value once; ``value`` is sorted."""
    return value[np.r_[True, value[1:] != value[:-1]]]


def _runs(value: Int64) -> Int64:
    """Number of the run of equal values each element is in; ``value`` is sorted."""
    return np.cumsum(np.r_[0, value[1:] != value[:-1]])


def one_slot_a_template(slots: Slots, kind: list[int]) -> list[int]:
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
