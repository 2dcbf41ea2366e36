"""States joined into one and split into several, with bounds and relations that stay true of the same transactions.

A transaction that was normal before stays normal: what cannot be said of the new states is dropped, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.document import Automaton, Equal, Order, Requires, State
from models.editing.removal import remove_states
from models.editing.transitions import joined as joined_graph
from models.editing.transitions import split as split_graph
from models.phrases import plain_letters


def join_states(automaton: Automaton, parts: Sequence[State], template: str, field: str) -> None:
    """Put one state in the place of several; it has the name and the place of the first.

    It occurs as often as all of them together: the sum of the least and the sum of the most. Of their relations stays
    what follows for the joined state; that it occurs as often as another one (``equal``) never does.

    Args:
        automaton: it is changed.
        parts: at least two of its states, alike in ``begin`` and ``end`` but for those that never occur.
        template: id of the template of the joined state.
        field: that template's field with the transaction's identifier.
    """
    first, names = parts[0], {part.id for part in parts}
    # What never occurs says nothing about the others, and binds nothing.
    counted = [part for part in parts if part.max != 0] or list(parts)
    others = [s.id for s in automaton.states if s.id not in names]
    order, requires = [], []
    for other in others:
        order += _order_with(automaton, counted, first.id, other)
        requires += _requires_with(automaton, counted, first.id, other)
    joined = State(
        id=first.id,
        template=template,
        field=field,
        min=sum(part.min for part in parts),
        max=None if any(part.max is None for part in parts) else sum(part.max or 0 for part in parts),
        begin=any(part.begin for part in parts),
        end=any(part.end for part in parts),
        support=max(part.support for part in parts),
    )
    never = names - {part.id for part in counted}
    automaton.transitions = [t for t in automaton.transitions if not never & {t.from_, t.to}]
    automaton.excludes = [e for e in automaton.excludes if not never & set(e.states)]
    transitions, excludes, joined.closed = joined_graph(automaton, counted, first.id)
    place = sum(s.id not in names for s in automaton.states[: automaton.states.index(first)])
    remove_states(automaton, names)
    automaton.states.insert(place, joined)
    automaton.transitions, automaton.excludes = transitions, excludes
    automaton.order += order
    automaton.requires += requires


def _order_with(automaton: Automaton, parts: Sequence[State], name: str, other: str) -> list[Order]:
    """The order of the joined state and another one: its first occurrence is the first of any part."""
    known = {(o.before, o.after): o.support for o in automaton.order}
    before = [part for part in parts if (part.id, other) in known]
    found = []
    # A part that always occurs, and does so before the other, is enough: the first of all is no later.
    if len(before) == len(parts) or any(part.min > 0 for part in before):
        found.append(Order(name, other, min(known[part.id, other] for part in before)))
    if all((other, part.id) in known for part in parts):
        found.append(Order(other, name, min(known[other, part.id] for part in parts)))
    return found


def _requires_with(automaton: Automaton, parts: Sequence[State], name: str, other: str) -> list[Requires]:
    """What the joined state and another one require of each other."""
    known = {(r.if_, r.then): r.support for r in automaton.requires}
    found = []
    if all((part.id, other) in known for part in parts):
        found.append(Requires(name, other, min(known[part.id, other] for part in parts)))
    needed = [known[other, part.id] for part in parts if (other, part.id) in known]
    if needed:
        found.append(Requires(other, name, max(needed)))
    return found


def split_state(automaton: Automaton, state: State, pieces: Sequence[tuple[str, str]]) -> None:
    """Let some lines of a state become states of their own; the rest stays the state.

    Each of them, and the rest, may be absent, and occurs at most as often as the state did: how the occurrences are
    shared is not known. A part begins, ends, requires and follows what the state did; it precedes what the state
    preceded only where that occurred once at most. That others require the state, and how often it has to occur,
    cannot be said of one part and is dropped.

    Args:
        automaton: it is changed.
        state: one of its states.
        pieces: for each part its template, and the value that tells it, which becomes a part of its name.
    """
    taken = {s.id for s in automaton.states}
    made = []
    for template, value in pieces:
        name = _name(f"{state.id}_{_slug(value)}", taken)
        taken.add(name)
        made.append(State(name, template, state.field, 0, state.max, state.begin, state.end))
    place = automaton.states.index(state)
    automaton.states[place + 1 : place + 1] = made
    state.min = 0
    once = state.max is not None and state.max <= 1
    split_graph(automaton, state.id, made)
    order: list[Order] = []
    for entry in automaton.order:
        if entry.before == state.id and not once:
            continue
        order.append(entry)
        order += [
            Order(s.id if entry.before == state.id else entry.before, s.id, 0) for s in made if entry.after == state.id
        ]
        order += [Order(s.id, entry.after, 0) for s in made if entry.before == state.id]
    automaton.order = order
    kept = [r for r in automaton.requires if r.then != state.id]
    automaton.requires = kept + [Requires(s.id, r.then, 0) for r in kept if r.if_ == state.id for s in made]
    rest = [Equal([s for s in e.states if s != state.id], e.support) for e in automaton.equal]
    automaton.equal = [equal for equal in rest if len(equal.states) > 1]


def _slug(value: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", plain_letters(value).lower()).strip("_")[:32] or "other"


def _name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
