"""Transitions and exclusions of an automaton whose states are joined, split or removed.

As with other relations, a transaction that was normal before stays normal: what cannot be said any more is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.document import Automaton, Excludes, State, Transition


def bypass(automaton: Automaton, gone: Iterable[str]) -> None:
    """Let transitions lead past states that are about to be removed, and drop the exclusions that name them.

    What follows a removed state follows what came before it; if that is not known, the state before is closed no more.
    A step that may now lead past a removed state loses its bounds.

    Args:
        automaton: it is changed; the states themselves are left.
        gone: ids of states.
    """
    left = list(automaton.states)
    for name in gone:
        closed = {state.id for state in left if state.closed}
        known = {(t.from_, t.to): t for t in automaton.transitions}
        after = [t for t in automaton.transitions if t.from_ == name and t.to != name]
        rest = [t for t in automaton.transitions if name not in (t.from_, t.to)]
        left = [state for state in left if state.id != name]
        for state in left:
            into = known.get((state.id, name))
            if into is None and state.closed:
                continue
            for transition in rest:
                passes = (name, transition.to) in known or name not in closed
                if transition.from_ == state.id and passes:
                    transition.min_ms = transition.max_ms = None
            if into is None:
                continue
            if name not in closed:
                state.closed = False
            rest += [
                Transition(state.id, t.to, min(into.support, t.support)) for t in after if (state.id, t.to) not in known
            ]
        automaton.transitions = rest
        automaton.excludes = [e for e in automaton.excludes if name not in e.states]


def joined(automaton: Automaton, parts: Sequence[State], name: str) -> tuple[list[Transition], list[Excludes], bool]:
    """What holds of one state in the place of several.

    Args:
        automaton: it stays as it is.
        parts: the states, without those that never occur.
        name: id of the joined state.

    Returns:
        All transitions and exclusions of the automaton with the joined state, and whether that is closed.
    """
    names = {part.id for part in parts}
    closed = {state.id for state in automaton.states if state.closed}
    known = {(t.from_, t.to): t for t in automaton.transitions}
    ids = [state.id for state in automaton.states]
    found: dict[tuple[str, str], Transition] = {}
    for start, goal in known:
        pair = name if start in names else start, name if goal in names else goal
        if pair in found:
            continue
        of = [(a, b) for a in (names if start in names else {start}) for b in (names if goal in names else {goal})]
        # A transition that is not listed may happen nevertheless, in any time, where its first state is not closed.
        listed = [
            known[which] for which in sorted(of, key=lambda p: (ids.index(p[0]), ids.index(p[1]))) if which in known
        ]
        free = any(which not in known and which[0] not in closed for which in of)
        low = [t.min_ms for t in listed]
        high = [t.max_ms for t in listed]
        found[pair] = Transition(
            *pair,
            max(t.support for t in listed),
            None if free or None in low else min(ms for ms in low if ms is not None),
            None if free or None in high else max(ms for ms in high if ms is not None),
        )
    pairs = {frozenset(e.states): e.support for e in automaton.excludes}
    excludes = [e for e in automaton.excludes if not names & set(e.states)]
    for other in ids:
        of_all = [pairs.get(frozenset((part, other))) for part in names]
        if other not in names and None not in of_all:
            excludes.append(Excludes([name, other], min(support for support in of_all if support is not None)))
    return list(found.values()), excludes, names <= closed


def split(automaton: Automaton, name: str, made: Sequence[State]) -> None:
    """Let new states have the transitions and the exclusions of the state that they were a part of.

    Args:
        automaton: it is changed; it has the new states already.
        name: id of the state that was split.
        made: the new states.
    """
    parts = [state.id for state in made]
    transitions: list[Transition] = []
    for t in automaton.transitions:
        transitions.append(t)
        starts = [t.from_, *parts] if t.from_ == name else [t.from_]
        goals = [t.to, *parts] if t.to == name else [t.to]
        transitions += [
            Transition(start, goal, 0, t.min_ms, t.max_ms)
            for start in starts
            for goal in goals
            if (start, goal) != (t.from_, t.to)
        ]
    automaton.transitions = transitions
    automaton.excludes += [
        Excludes([part if state == name else state for state in e.states], 0)
        for e in automaton.excludes
        if name in e.states
        for part in parts
    ]
    closed = any(state.closed for state in automaton.states if state.id == name)
    for state in made:
        state.closed = closed
