"""Further identifiers of templates that have one: a line may name a request, and the instance that it is about.

A kind that ties lines together as well as the first one does is an identifier too, unless it says the same once more.
What tells is how its values go with those of the first identifier, on the lines that hold both:

- A kind with *lines of its own*, tied without the first one's help, is an identifier in its own right, whatever goes
  with what.
- A kind *within* the first (each value with one of the first, which has several) has to be regular: tasks of a job are,
  the items somebody looks at in a session are not.
- A kind *around* the first (each of the first with one value, which has several of the first) needs lines without the
  first one, as the login of a session with orders: what stands in the same lines only is an attribute (user, thread).
- What goes with the first *one to one* says the same once more (a session's token and its address).

Wrong ones cost more than missing ones, which only leave lines to one transaction instead of two: so the demands are
higher than on a first identifier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.batches import Int64
from models.mining.slots import LEAST_PAIRS, Slots
from models.mining.ties import Fit, fit_kind, one_slot_a_template

Chosen = Mapping[int, tuple[int, int]]
"""Template → its first identifier: slot, and place of its kind."""

_LINKED = 0.7
_COMPACT = 0.6
_REGULAR = 0.6
_AROUND_COMPACT = 0.85
_SEVERAL = 1.25
_ONE = 0.95
_SAME = 0.8


def find_further(slots: Slots, kinds: Sequence[Sequence[int]], chosen: Chosen) -> dict[int, list[int]]:
    """The slots of further identifiers, by the place of their kind in ``kinds``.

    Among them may be slots of templates without any identifier: the kind is new, and these lines belong to it.

    Args:
        slots: all values.
        kinds: slots of one kind each.
        chosen: the first identifier of each template that has one.
    """
    found = {}
    for at, kind in enumerate(kinds):
        members = _members(slots, kind, at, chosen)
        own = [slot for slot in members if chosen.get(slots.names[slot][0], (0, at))[1] == at]
        if len(own) == len(members):
            continue
        fit, members = _strong(slots, own, members)
        shared = [slot for slot in members if slot not in own]
        if fit is None or fit.groups < LEAST_PAIRS or not fit.accepted:
            continue
        independent = _tied_values(slots, own) >= LEAST_PAIRS
        accepted = []
        for rivals in _by_rival(slots, shared, chosen).values():
            pairs = _Pairs.of(slots, rivals, chosen)
            if independent or (len(members) > 1 and _adds(fit, pairs, bool(own))):
                accepted += rivals
        if accepted:
            firsts = {slot for slot, _ in chosen.values()}
            found[at] = sorted({*accepted, *own} - firsts)
    return found


def _members(slots: Slots, kind: Sequence[int], at: int, chosen: Chosen) -> list[int]:
    """One slot a template of a kind: where it has been chosen as the first identifier, that one."""
    firsts = {template: slot for template, (slot, of_kind) in chosen.items() if of_kind == at}
    open_ones = [slot for slot in kind if firsts.get(slots.names[slot][0], slot) == slot]
    return one_slot_a_template(slots, open_ones)


def _strong(slots: Slots, own: Sequence[int], members: Sequence[int]) -> tuple[Fit | None, list[int]]:
    """The slots that the kind ties closely, and how well; what it has been chosen for stays."""
    left = list(members)
    while left:
        fit = fit_kind(slots, left)
        kept = [slot for slot in left if slot in own or _is_tied(fit, slots.names[slot][0])]
        if len(kept) == len(left):
            return fit, left
        left = kept
    return None, []


def _is_tied(fit: Fit, template: int) -> bool:
    return fit.linked[template] >= _LINKED and fit.compact[template] >= _COMPACT


def _tied_values(slots: Slots, own: Sequence[int]) -> int:
    """How many values tie lines of their own together; 0 if most stand alone there."""
    if not own:
        return 0
    _, times = np.unique(slots.of(own)[0], return_counts=True)
    several = int((times > 1).sum())
    return several if several * 2 >= len(times) else 0


def _by_rival(slots: Slots, shared: Sequence[int], chosen: Chosen) -> dict[int, list[int]]:
    """The slots by the kind of the first identifier of their templates."""
    rivals: dict[int, list[int]] = {}
    for slot in shared:
        rivals.setdefault(chosen[slots.names[slot][0]][1], []).append(slot)
    return rivals


@dataclass(frozen=True, slots=True)
class _Pairs:
    """How values of a kind go with those of the first identifier: shares of the pairs, and means.

    Attributes:
        count: how many pairs there are.
        single: share of the values that go with one of the first.
        first_single: share of the first one's values that go with one value.
        same: share of the pairs that go with each other alone.
        per_first: values with each of the first, on average.
        per_value: first ones with each value, on average.
    """

    count: int
    single: float
    first_single: float
    same: float
    per_first: float
    per_value: float

    @classmethod
    def of(cls, slots: Slots, shared: Sequence[int], chosen: Chosen) -> _Pairs:
        """Count on all lines of the shared slots' templates."""
        value = np.concatenate([_values(slots, slot) for slot in shared])
        first = np.concatenate([_values(slots, chosen[slots.names[slot][0]][0]) for slot in shared])
        pairs = np.unique(np.stack((value, first)), axis=1)
        _, of_value, firsts = np.unique(pairs[0], return_inverse=True, return_counts=True)
        _, of_first, values = np.unique(pairs[1], return_inverse=True, return_counts=True)
        return cls(
            pairs.shape[1],
            float((firsts == 1).mean()),
            float((values == 1).mean()),
            float(((firsts[of_value] == 1) & (values[of_first] == 1)).mean()),
            float(values.mean()),
            float(firsts.mean()),
        )


def _values(slots: Slots, slot: int) -> Int64:
    return slots.value[slots.starts[slot] : slots.starts[slot + 1]]


def _adds(fit: Fit, pairs: _Pairs, has_own: bool) -> bool:
    """Whether a kind without transactions of its own tells more than the first identifier does."""
    if pairs.same >= _SAME:
        return False
    lines = sum(fit.lines.values())

    def mean(by_template: Mapping[int, float]) -> float:
        return sum(by_template[template] * n for template, n in fit.lines.items()) / lines

    if pairs.single >= _ONE and pairs.per_first >= _SEVERAL:
        return mean(fit.regular) >= _REGULAR
    if pairs.first_single >= _ONE and pairs.per_value >= _SEVERAL:
        return has_own and mean(fit.compact) >= _AROUND_COMPACT
    return False
