"""Which field of each template names the transaction, found from the values alone.

A *slot* is a field of a template. Slots of different templates that hold the same values close together in the log are
of one *kind* (order numbers, session tokens, …). A kind is an identifier as far as its values tie lines together

- *locally*: the next line with the same value is nearer than chance would put it (sizes and ports collide anywhere),
- *regularly*: each template occurs equally often with each value (users, threads and addresses have all sorts of
  counts),
- *compactly*: all lines of a value lie in a short stretch of the log (what is used over and over is spread all over),

or as far as its values occur *one to one*: once in each of several templates, however often in others. That tells in
short logs, where every transaction takes a good part of the log.

Either way there has to be a *step*: a template that most values pass, most of these as often as each other; where there
is one template only, nearly all, and many. Bursts are near and compact as well, but of any length.

Each template gets the slot whose kind explains most lines best; a template without such a slot gets none. Then kinds
are looked for that tie lines together besides (:mod:`models.mining.further_identifiers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.batches import Int64
from models.mining.further_identifiers import find_further
from models.mining.identifier_choice import Identifier, IdentifierChoice
from models.mining.pattern_identifiers import identifiers_by_pattern
from models.mining.slots import LEAST_PAIRS, NEAR, FieldSamples, Slots, TemplateSample, join_kinds
from models.mining.ties import fit_kind, one_slot_a_template
from models.mining.uses import cut_into_uses

__all__ = ["FieldSamples", "Identifier", "IdentifierChoice", "TemplateSample", "discover_identifiers"]

_FEW = 4
_BY_COINCIDENCE = 0.001
_LONG = 20
_LEAST_TEMPLATES = 2
_NEARLY_ALL = 0.8


def discover_identifiers(samples: FieldSamples, id_pattern: str | None = None) -> IdentifierChoice:
    """Choose the identifiers of each template.

    Args:
        samples: events of each template, with the values of their fields.
        id_pattern: a regular expression that identifiers match; it overrides the discovery.

    Raises:
        UserError: ``id_pattern`` is no regular expression.
    """
    if id_pattern is not None:
        return identifiers_by_pattern(samples, id_pattern)
    slots = Slots(samples)
    if not len(slots.value):
        return IdentifierChoice()
    kinds = join_kinds(slots)
    chosen, linked = _choose(slots, kinds)
    more = _choose_reused(slots, kinds, chosen)
    chosen, linked = chosen | more[0], linked | more[1]
    return _attach(slots, chosen, linked, find_further(slots, kinds, chosen))


def _choose(slots: Slots, kinds: list[list[int]]) -> tuple[dict[int, tuple[int, int]], dict[int, float]]:
    """For each template the best kind and slot, template → (slot, kind), and the share of its lines that are linked."""
    candidates = {at: one_slot_a_template(slots, kind) for at, kind in enumerate(kinds)}
    fits = {at: fit_kind(slots, chosen) for at, chosen in candidates.items()}
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
        again = {at: fit_kind(slots, sorted(chosen)) for at, chosen in assigned.items()}
        chosen_slots = {template: (slot, at) for template, (_, slot, at) in best.items()}
        linked = {template: again[at].linked[template] for template, (_, at) in chosen_slots.items()}
        if all(fit.accepted for fit in again.values()):
            return chosen_slots, linked
        fits = {at: fits[at] for at, fit in again.items() if fit.accepted}
    return {t: found for t, found in chosen_slots.items() if found[1] in fits}, linked


def _choose_reused(
    slots: Slots, kinds: list[list[int]], chosen: Mapping[int, tuple[int, int]]
) -> tuple[dict[int, tuple[int, int]], dict[int, float]]:
    """For templates without identifier a kind whose values are used again and again, as :func:`_choose` gives it.

    The values of its slots are cut into their uses. Nearly all of these have to pass two templates just once: silences
    alone show as well that somebody comes back, or that a thread is at work again.
    """
    taken = {at for _, at in chosen.values()}
    open_kinds: list[list[int]] = []
    places: list[int] = []
    for at, kind in enumerate(kinds):
        left = [slot for slot in kind if slots.names[slot][0] not in chosen]
        if at in taken or len({slots.names[slot][0] for slot in left}) < _LEAST_TEMPLATES:
            continue
        if cut_into_uses(slots, kind):
            open_kinds.append(left)
            places.append(at)
    if not open_kinds:
        return {}, {}
    found, linked = _choose(slots, open_kinds)
    members: dict[int, list[int]] = {}
    for slot, at in found.values():
        members.setdefault(at, []).append(slot)
    clear = {at for at, some in members.items() if _has_steps(slots, some)}
    kept = {template: (slot, places[at]) for template, (slot, at) in found.items() if at in clear}
    return kept, {template: linked[template] for template in kept}


def _has_steps(slots: Slots, members: Sequence[int]) -> bool:
    """Whether there are at least two slots that nearly every value of a kind passes exactly once."""
    total = len(np.unique(slots.of(sorted(members))[0]))
    steps = 0
    for at in members:
        _, times = np.unique(slots.value[slots.starts[at] : slots.starts[at + 1]], return_counts=True)
        steps += int((times == 1).sum()) >= _NEARLY_ALL * total
    return total >= LEAST_PAIRS and steps >= _LEAST_TEMPLATES


def _length(slots: Slots, chosen: Sequence[int]) -> float:
    """The mean length of the values of some slots."""
    lines = sum(slots.lines[at] for at in chosen)
    return sum(slots.length[at] * slots.lines[at] for at in chosen) / max(1, lines)


def _attach(
    slots: Slots, chosen: dict[int, tuple[int, int]], linked: dict[int, float], further: dict[int, list[int]]
) -> IdentifierChoice:
    """Name the kinds by number, and give rare templates the slots whose values are known identifiers, in their place.

    Where identifiers are never found elsewhere by coincidence, a template with hardly a line needs no place for them.
    """
    by_kind: dict[int, list[int]] = {}
    for slot, at in chosen.values():
        by_kind.setdefault(at, []).append(slot)
    for at, more in further.items():
        by_kind.setdefault(at, []).extend(more)
    numbers = {at: n for n, at in enumerate(sorted(by_kind))}
    first = {
        template: Identifier(slots.names[slot][1], numbers[at], round(linked[template], 3))
        for template, (slot, at) in chosen.items()
    }
    others: dict[int, list[Identifier]] = {}
    pairs: set[frozenset[int]] = set()
    for at, more in sorted(further.items()):
        fit = fit_kind(slots, sorted(by_kind[at]))
        for slot in more:
            template, name = slots.names[slot]
            identifier = Identifier(name, numbers[at], round(fit.linked[template], 3))
            if template in first:
                others.setdefault(template, []).append(identifier)
                pairs.add(frozenset((first[template].kind, identifier.kind)))
            else:
                first[template] = identifier
    for template, found in _rare(slots, by_kind, first).items():
        # Two identifiers in a rare message, where messages that are common have both.
        best = numbers[found[0][3]]
        for place, (share, _, slot, at) in enumerate(found):
            identifier = Identifier(slots.names[slot][1], numbers[at], round(share, 3))
            if not place:
                first[template] = identifier
            elif frozenset((best, numbers[at])) in pairs and slot != found[0][2]:
                others.setdefault(template, []).append(identifier)
    return IdentifierChoice(
        dict(sorted(first.items())), further={template: tuple(found) for template, found in sorted(others.items())}
    )


def _rare(
    slots: Slots, by_kind: Mapping[int, Sequence[int]], known_to: Mapping[int, Identifier]
) -> dict[int, list[tuple[float, float, int, int]]]:
    """For templates not ``known_to`` have an identifier the best slot of each kind that fits, the best fitting first.

    As share of the lines that fit, length of the values, slot, and kind.
    """
    known = {at: slots.of(sorted(members)) for at, members in sorted(by_kind.items())}
    none = [at for at, (template, _) in enumerate(slots.names) if template in known_to]
    none = sorted(set(none).difference(*by_kind.values()))
    telling = {at: _tell_anywhere(slots, none, value) for at, (value, _, _) in known.items()}
    best: dict[tuple[int, int], tuple[float, float, int, int]] = {}
    for slot, (template, _) in enumerate(slots.names):
        if template in known_to:
            continue
        # Of fields that fit equally well, long values coincide least by chance.
        length = slots.length[slot]
        mine = slice(slots.starts[slot], slots.starts[slot + 1])
        for at, (value, _, row) in known.items():
            if telling[at] and slots.lines[slot] <= _FEW:  # too few to expect one of them in its place
                share = float(np.isin(slots.value[mine], value).mean())
            else:
                share = _share_in_place(slots, slots.value[mine], slots.row[mine], value, row)
            key = template, at
            if share >= 0.5 and (key not in best or (share, length) > best[key][:2]):
                best[key] = (share, length, slot, at)
    found: dict[int, list[tuple[float, float, int, int]]] = {}
    for (template, _), fitting in sorted(best.items(), key=lambda item: (-item[1][0], -item[1][1], item[1][2:])):
        found.setdefault(template, []).append(fitting)
    return found


def _tell_anywhere(slots: Slots, others: Sequence[int], known: Int64) -> bool:
    """Whether identifiers of a kind hardly ever turn up in ``others``, slots of none: then one alone says enough."""
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
