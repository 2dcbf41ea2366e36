"""Is a finished transaction normal? Its passes, their order and its duration against its automaton.

One cause gives one anomaly:

- What an ``equal`` or a ``requires`` relation demands is not reported for a state that already breaks its own bounds,
  nor for a begin or end state whose absence is a missing_begin or missing_end.
- A begin (end) state with ``min`` ≥ 1 that never occurred is a missing_state only if the transaction began (ended) with
  another one.
- The smaller side of an ``equal`` relation is too_few, or missing_state if it never occurred.
- Of two states that exclude each other and came together, nothing else is told: no need of them, no order.
- A transition that no normal transaction has is a wrong_order only if no order is broken, nor anything else wrong with
  its two states; nor where the transaction lacks a state that leads from one to the other.
- One step that alone makes a transaction too long (too short) is told instead of it: slow_step (fast_step). Where the
  whole is too long otherwise, its slow steps are no news.
- A transaction without begin or end cannot be too_short; one without end cannot be too_long (it is missing_end), unless
  the end came after that had been told (:func:`judge_late_end`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from models.automata.compiled import Automaton
from models.automata.graph import Pair, Steps
from models.automata.transaction import Transaction

Unit: TypeAlias = Literal["occurrences", "ms", "order", "transition"]

_VERDICTS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Violation:
    """One bound or relation that a transaction breaks.

    Attributes:
        state: the state concerned (its place in the automaton), None for durations. For ``order``: what should come
            first. For ``transition`` and steps: where it starts.
        other: the relation's second state. For ``order``: what should come after. For ``transition`` and steps: where
            it leads.
        actual: how often, or how long; None for ``order`` and ``transition``.
        low, high: the bound; None for none.
        unit: what ``actual`` counts.
        support: from how many transactions the bound was learnt.
    """

    state: int | None
    other: int | None
    actual: int | None
    low: int | None
    high: int | None
    unit: Unit
    support: int


@dataclass(frozen=True, slots=True)
class Finding:
    """All violations of one type in one transaction."""

    type: str
    violations: tuple[Violation, ...]


def judge(automaton: Automaton, transaction: Transaction) -> tuple[Finding, ...]:
    """Everything wrong with a transaction that is over, in a fixed order of types; empty for a normal one."""
    counts = transaction.counts
    graph = automaton.graph
    steps = transaction.stand_out() if graph else {}
    unknown = tuple(pair for pair in steps if graph.unknown(pair)) if steps else ()
    key = (transaction.path[-1], unknown, *counts.items())
    verdicts = automaton.verdicts
    findings: tuple[Finding, ...] | None = verdicts.get(key)
    if findings is None:
        findings = judge_passes(automaton, counts, transaction.path[-1], unknown)
        if len(verdicts) >= _VERDICTS_KEPT:
            verdicts.clear()
        verdicts[key] = findings
    slow, fast = _steps(automaton, steps, findings) if steps else ([], [])
    whole = not automaton.ends or transaction.ended
    duration = transaction.duration_ms
    if (
        whole
        and automaton.min_ms is not None
        and duration < automaton.min_ms
        and (not automaton.begins or not automaton.begins.isdisjoint(counts))
        and not _one_explains_short(automaton, duration, fast)
    ):
        findings += (_duration(automaton, "too_short", duration),)
        fast = []
    elif transaction.long_told:
        slow = []
    elif (
        whole
        and automaton.max_ms is not None
        and duration > automaton.max_ms
        and not _one_explains_long(automaton, duration, slow)
    ):
        findings += (_duration(automaton, "too_long", duration),)
        slow = []
    if slow:
        findings += (Finding("slow_step", tuple(slow)),)
    if fast:
        findings += (Finding("fast_step", tuple(fast)),)
    return findings


def step_explains_long(automaton: Automaton, transaction: Transaction) -> bool:
    """Whether a transaction beyond the maximum is so for one slow step alone, as far as it has come."""
    if not automaton.graph.limits:
        return False
    slow, _ = _steps(automaton, transaction.stand_out(), ())
    return _one_explains_long(automaton, transaction.duration_ms, slow)


def _one_explains_long(automaton: Automaton, duration: int, slow: list[Violation]) -> bool:
    return any(duration - ((step.actual or 0) - (step.high or 0)) <= (automaton.max_ms or 0) for step in slow)


def _one_explains_short(automaton: Automaton, duration: int, fast: list[Violation]) -> bool:
    return any(duration + ((step.low or 0) - (step.actual or 0)) >= (automaton.min_ms or 0) for step in fast)


def _steps(
    automaton: Automaton, steps: Steps, findings: tuple[Finding, ...]
) -> tuple[list[Violation], list[Violation]]:
    """The slow and the fast steps, without those of states of which something else is wrong."""
    wrong = {at for x in findings for v in x.violations if v.unit == "occurrences" for at in (v.state,) if v.actual}
    slow, fast = [], []
    for (start, goal), (least, most) in steps.items():
        bounds = automaton.graph.limits.get((start, goal))
        if bounds is None or start in wrong or goal in wrong:
            continue
        if bounds.high is not None and most > bounds.high:
            slow.append(Violation(start, goal, most, bounds.low, bounds.high, "ms", bounds.support))
        if bounds.low is not None and least < bounds.low:
            fast.append(Violation(start, goal, least, bounds.low, bounds.high, "ms", bounds.support))
    return slow, fast


def judge_long(automaton: Automaton, transaction: Transaction) -> Finding:
    """A transaction that still gets events is beyond the maximum already, whatever follows."""
    return _duration(automaton, "too_long", transaction.duration_ms)


def judge_late_end(automaton: Automaton, transaction: Transaction) -> Finding | None:
    """The end came after missing_end was told: too long, measured by ``expires_ms`` where no maximum was learnt."""
    duration = transaction.duration_ms
    high = automaton.max_ms if automaton.max_ms is not None else automaton.expires_ms
    if duration <= high:
        return None
    return Finding(
        "too_long",
        (Violation(None, None, duration, automaton.min_ms, high, "ms", automaton.duration_support),),
    )


def judge_passes(
    automaton: Automaton, counts: dict[int, int], last: int, unknown: tuple[Pair, ...] = ()
) -> tuple[Finding, ...]:
    """Judge all but what takes time.

    Args:
        automaton: what is normal.
        counts: passes of each state that occurred, in order of the first pass.
        last: the state of the last event.
        unknown: transitions that the automaton's graph does not have, in order.
    """
    found: dict[str, list[Violation]] = {}
    begun = not automaton.begins or not automaton.begins.isdisjoint(counts)
    ended = not automaton.ends or not automaton.ends.isdisjoint(counts)
    told: set[int] = set()
    if not begun:
        found["missing_begin"] = [_absent(automaton, at) for at in sorted(automaton.begins)]
        told |= automaton.begins
    if not ended:
        found["missing_end"] = [_absent(automaton, at) for at in sorted(automaton.ends)]
        told |= automaton.ends
    for at, state in enumerate(automaton.states):
        count = counts.get(at, 0)
        if count >= state.low and (state.high is None or count <= state.high):
            continue
        if count == 0 and at in told:
            continue
        kind = "missing_state" if count == 0 else "too_few" if count < state.low else "too_many"
        # That a state never occurs is shown by all transactions, and least by the few that pass it.
        support = automaton.support if state.high == 0 else state.support
        violation = Violation(at, None, count, state.low, state.high, "occurrences", support)
        found.setdefault(kind, []).append(violation)
        told.add(at)
    excluded = _judge_excludes(automaton, counts, told, found)
    _judge_requires(automaton, counts, told, excluded, found)
    _judge_equal(automaton, counts, told | excluded, found)
    _judge_order(automaton, counts, last, excluded, found)
    if unknown:
        _judge_transitions(automaton, unknown, excluded, found)
    return tuple(Finding(kind, tuple(violations)) for kind, violations in found.items())


def _absent(automaton: Automaton, at: int) -> Violation:
    state = automaton.states[at]
    return Violation(at, None, 0, max(1, state.low), state.high, "occurrences", automaton.support)


def _judge_excludes(
    automaton: Automaton, counts: dict[int, int], told: set[int], found: dict[str, list[Violation]]
) -> set[int]:
    """The states that should not have come together."""
    excluded: set[int] = set()
    for one, other, support in automaton.excludes:
        if one in counts and other in counts and one not in told and other not in told:
            rank = list(counts)
            first, second = sorted((one, other), key=rank.index)
            violation = Violation(second, first, counts[second], 0, 0, "occurrences", support)
            found.setdefault("excluded_state", []).append(violation)
            excluded |= {one, other}
    return excluded


def _judge_transitions(
    automaton: Automaton, unknown: tuple[Pair, ...], excluded: set[int], found: dict[str, list[Violation]]
) -> None:
    if "wrong_order" in found:
        return
    wrong = set(excluded)
    lacking: set[int] = set()
    for violations in found.values():
        for violation in violations:
            if violation.state is not None and violation.unit == "occurrences":
                (wrong if violation.actual else lacking).add(violation.state)
                if violation.actual and violation.low is not None and violation.actual < violation.low:
                    lacking.add(violation.state)
    left = [
        Violation(start, goal, None, None, None, "transition", automaton.graph.support.get(start, 0))
        for start, goal in unknown
        if start not in wrong and goal not in wrong and not automaton.graph.explains(lacking, start, goal)
    ]
    if left:
        found["wrong_order"] = left


def _judge_requires(
    automaton: Automaton,
    counts: dict[int, int],
    told: set[int],
    excluded: set[int],
    found: dict[str, list[Violation]],
) -> None:
    for present, needed, support in automaton.requires:
        if present in counts and needed not in counts and needed not in told and present not in excluded:
            violation = Violation(needed, present, 0, 1, automaton.states[needed].high, "occurrences", support)
            found.setdefault("missing_state", []).append(violation)
            told.add(needed)


def _judge_equal(
    automaton: Automaton, counts: dict[int, int], told: set[int], found: dict[str, list[Violation]]
) -> None:
    for states, support in automaton.equal:
        most = max(states, key=lambda at: counts.get(at, 0))
        high = counts.get(most, 0)
        if most in told:
            continue
        for at in states:
            count = counts.get(at, 0)
            if count < high and at not in told:
                kind = "too_few" if count else "missing_state"
                violation = Violation(at, most, count, high, high, "occurrences", support)
                found.setdefault(kind, []).append(violation)
                told.add(at)


def _judge_order(
    automaton: Automaton, counts: dict[int, int], last: int, excluded: set[int], found: dict[str, list[Violation]]
) -> None:
    rank = {at: place for place, at in enumerate(counts)}
    broken: dict[tuple[int, int], int] = {}
    first = next(iter(counts))
    if automaton.begins and first not in automaton.begins:
        begin = next((at for at in counts if at in automaton.begins), None)
        if begin is not None:
            broken[begin, first] = automaton.support
    if automaton.ends and last not in automaton.ends:
        end = next((at for at in counts if at in automaton.ends), None)
        if end is not None:
            broken[last, end] = automaton.support
    for before, after, support in automaton.order:
        if rank.get(before, -1) > rank.get(after, len(rank)) and before not in excluded and after not in excluded:
            broken.setdefault((before, after), support)
    if broken:
        found["wrong_order"] = [
            Violation(before, after, None, None, None, "order", support)
            for (before, after), support in sorted(broken.items())
        ]


def _duration(automaton: Automaton, kind: str, actual: int) -> Finding:
    violation = Violation(None, None, actual, automaton.min_ms, automaton.max_ms, "ms", automaton.duration_support)
    return Finding(kind, (violation,))
