"""The automata of a model and those learnt from newer logs, made one: what stays keeps its ids and names.

An automaton is known again by the templates that it shares with a new one. What either of them calls normal is normal:
bounds become as wide as both. A rule that only one of them has stands where the other could not tell: because it lacks
one of the states, or saw it too seldom.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from models.document import Automaton, Duration, Equal, Excludes, Order, Requires, State, Transition
from models.editing.removal import remove_states
from models.mining.bounds import FEWEST

Pair = tuple[str, str]
Stands = Callable[[Pair, Collection[Pair], Collection[Pair]], bool]
"""Whether a rule of two states stands, given all that the old automaton says and all that the new one does."""


def reconcile(old: Sequence[Automaton], new: Sequence[Automaton], gone: Collection[str] = ()) -> list[Automaton]:
    """One list of automata: the old ones in their order, then those that are new.

    Args:
        old: of the model; they stay as they are.
        new: of the newer logs.
        gone: ids of templates that are to be forgotten, and their states with them; none of them is in ``new``.
    """
    partner = _pair(old, new)
    claimed = {_visit(state) for automaton in new for state in automaton.states}
    result = []
    for automaton in old:
        if automaton.id in partner:
            result.append(_join(automaton, partner[automaton.id], claimed, gone))
        else:
            rest = replace(automaton, states=list(automaton.states))
            remove_states(rest, {s.id for s in rest.states if _visit(s) in claimed or s.template in gone})
            if rest.states:
                result.append(rest)
    joined = {automaton.id for automaton in partner.values()}
    taken = {automaton.id for automaton in result}
    for automaton in new:
        if automaton.id not in joined:
            result.append(replace(automaton, id=_free(automaton.id, taken)))
            taken.add(result[-1].id)
    return result


def _pair(old: Sequence[Automaton], new: Sequence[Automaton]) -> dict[str, Automaton]:
    """Old id → the new automaton that shares most templates with it; each is taken once."""
    shared = []
    for at, one in enumerate(old):
        mine = set(map(_visit, one.states))
        for other, automaton in enumerate(new):
            common = len(mine.intersection(map(_visit, automaton.states)))
            if common:
                shared.append((-common, at, other))
    found: dict[str, Automaton] = {}
    gone: set[int] = set()
    for _, at, other in sorted(shared):
        if old[at].id not in found and other not in gone:
            found[old[at].id] = new[other]
            gone.add(other)
    return found


def _visit(state: State) -> Pair:
    """What a state is known again by."""
    return state.template, state.field


def _join(old: Automaton, new: Automaton, elsewhere: Collection[Pair], gone: Collection[str]) -> Automaton:
    seen = set(map(_visit, new.states))
    kept = replace(old, states=list(old.states))
    left = [s for s in old.states if _visit(s) not in seen]
    remove_states(kept, {s.id for s in left if _visit(s) in elsewhere or s.template in gone})
    new = _named(new, {_visit(state): state.id for state in kept.states}, {state.id for state in kept.states})
    known = {state.id for state in kept.states}
    told = {state.id for state in new.states if state.support >= FEWEST}

    def stands(pair: Pair, mine: Collection[Pair], other: Collection[Pair]) -> bool:
        if pair in mine:
            return pair in other or not told.issuperset(pair)
        return not known.issuperset(pair)

    order = {(o.before, o.after): o.support for o in [*old.order, *new.order]}
    requires = {(r.if_, r.then): r.support for r in [*old.requires, *new.requires]}
    always = [{state.id for state in each.states if state.min} for each in (old, new)]
    orders = _standing(
        order,
        [
            _closed({(o.before, o.after) for o in each.order}, sure)
            for each, sure in zip((old, new), always, strict=True)
        ],
        always[0] & always[1],
        stands,
    )
    every = known | {state.id for state in [*old.states, *new.states]}
    needs = _standing(
        requires, [_closed({(r.if_, r.then) for r in each.requires}, every) for each in (old, new)], every, stands
    )
    present = known | {state.id for state in new.states}
    return replace(
        kept,
        support=new.support,
        states=_states(kept, new),
        order=[Order(*pair, order.get(pair, 0)) for pair in orders if present.issuperset(pair)],
        requires=[Requires(*pair, requires.get(pair, 0)) for pair in needs if present.issuperset(pair)],
        equal=_equal(kept, new, stands),
        excludes=_excludes(kept, new, stands),
        transitions=_transitions(kept, new),
        duration=Duration(
            _least(kept.duration.min_ms, new.duration.min_ms),
            _most(kept.duration.max_ms, new.duration.max_ms),
            new.duration.support,
        ),
        settle_ms=max(kept.settle_ms, new.settle_ms),
        expires_ms=max(kept.expires_ms, new.expires_ms),
    )


def _named(new: Automaton, by_visit: Mapping[Pair, str], taken: set[str]) -> Automaton:
    """The new automaton, its states called as those of the same template are; others get names that are free."""
    names: dict[str, str] = {}
    for state in new.states:
        names[state.id] = by_visit.get(_visit(state)) or _free(state.id, taken)
        taken = taken | {names[state.id]}
    return replace(
        new,
        states=[replace(state, id=names[state.id]) for state in new.states],
        order=[Order(names[o.before], names[o.after], o.support) for o in new.order],
        requires=[Requires(names[r.if_], names[r.then], r.support) for r in new.requires],
        equal=[Equal([names[state] for state in e.states], e.support) for e in new.equal],
        excludes=[Excludes([names[state] for state in e.states], e.support) for e in new.excludes],
        transitions=[replace(t, from_=names[t.from_], to=names[t.to]) for t in new.transitions],
    )


def _free(name: str, taken: Collection[str]) -> str:
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _states(old: Automaton, new: Automaton) -> list[State]:
    """The old states in their order, each new one behind the state that transactions pass before it."""
    by_id = {state.id: state for state in new.states}
    judged = [any(getattr(s, edge) for s in each.states) for edge in ("begin", "end") for each in (old, new)]
    begins, ends = all(judged[:2]), all(judged[2:])
    result = []
    for state in old.states:
        other = by_id.get(state.id)
        if other is None:
            result.append(replace(state, min=0, begin=state.begin and begins, end=state.end and ends))
            continue
        result.append(
            replace(
                state,
                min=min(state.min, other.min),
                max=_most(state.max, other.max),
                begin=begins and (state.begin or other.begin),
                end=ends and (state.end or other.end),
                support=other.support,
                # Too few visits tell nothing of what may follow.
                closed=state.closed and (other.closed or other.support < FEWEST),
            )
        )
    places = {state.id for state in result}
    for at, state in enumerate(new.states):
        if state.id not in places:
            before = new.states[at - 1].id if at else None
            behind = next((k + 1 for k, s in enumerate(result) if s.id == before), 0)
            result.insert(behind, replace(state, begin=state.begin and begins, end=state.end and ends))
            places.add(state.id)
    return result


def _equal(old: Automaton, new: Automaton, stands: Stands) -> list[Equal]:
    """Groups of states that occur equally often: those all of whose pairs stand."""
    mine, other = ({(a, b) for e in each.equal for a in e.states for b in e.states} for each in (old, new))
    groups: list[Equal] = []
    for equal in [*old.equal, *new.equal]:
        rest = [state for state in equal.states if all(state not in group.states for group in groups)]
        while len(rest) > 1:
            group = [rest[0]]
            for state in rest[1:]:
                if all(stands((member, state), mine, other) for member in group):
                    group.append(state)
            if len(group) > 1:
                groups.append(Equal(group, equal.support))
            rest = [state for state in rest if state not in group]
    supports = {tuple(sorted(equal.states)): equal.support for equal in new.equal}
    return [Equal(e.states, supports.get(tuple(sorted(e.states)), e.support)) for e in groups]


def _excludes(old: Automaton, new: Automaton, stands: Stands) -> list[Excludes]:
    """The pairs of states that exclude each other in both, or in one where the other cannot tell."""
    mine, other = ({(a, b) for e in each.excludes for a in e.states for b in e.states} for each in (old, new))
    supports = {frozenset(e.states): e.support for e in [*old.excludes, *new.excludes]}
    written = {frozenset(e.states): e.states for e in [*new.excludes, *old.excludes]}
    return [
        Excludes(states, supports[key])
        for key, states in written.items()
        if stands((states[0], states[1]), mine, other)
    ]


def _transitions(old: Automaton, new: Automaton) -> list[Transition]:
    """The transitions of both, with bounds as wide as both."""
    found = {(t.from_, t.to): t for t in old.transitions}
    for t in new.transitions:
        known = found.get((t.from_, t.to))
        if known is not None:
            t = replace(
                known, support=t.support, min_ms=_least(known.min_ms, t.min_ms), max_ms=_most(known.max_ms, t.max_ms)
            )
        found[t.from_, t.to] = t
    return list(found.values())


def _standing(
    written: Iterable[Pair], sides: Sequence[set[Pair]], through: Collection[str], stands: Stands
) -> list[Pair]:
    """The rules that stand: those that are written, then what followed from rules that stand no more.

    Args:
        written: the rules of both, in order.
        sides: all that the old and the new automaton say.
        through: the states by way of which a rule follows from others.
        stands: whether a rule stands.
    """
    mine, other = sides
    result = [pair for pair in written if stands(pair, mine, other)]
    for pair in sorted(mine | other):
        if stands(pair, mine, other) and pair not in _closed(result, through):
            result.append(pair)
    return result


def _closed(pairs: Iterable[Pair], through: Collection[str]) -> set[Pair]:
    """The pairs, and those that follow from them by way of certain states."""
    after: dict[str, set[str]] = {}
    for a, b in pairs:
        after.setdefault(a, set()).add(b)
    closed = set()
    for a in after:
        reached, waiting = set(), [a]
        while waiting:
            for b in after.get(waiting.pop(), ()):
                if b not in reached:
                    reached.add(b)
                    waiting += [b] if b in through else []
        closed |= {(a, b) for b in reached}
    return closed


def _least(a: int | None, b: int | None) -> int | None:
    """The lower bound of both, None for none."""
    return None if a is None or b is None else min(a, b)


def _most(a: int | None, b: int | None) -> int | None:
    """The upper bound of both, None for none."""
    return None if a is None or b is None else max(a, b)
