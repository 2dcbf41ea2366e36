"""What is wrong with a transaction, said in one sentence that needs no knowledge of the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.anomalies import human_duration
from models.automata.compiled import Automaton
from models.automata.judge import Finding, Violation
from models.automata.severity import worst
from models.automata.transaction import Transaction

_LONGEST_NAME = 60
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person reads: what was seen, what is usual, and the sentence that says both."""

    actual: str
    typical: str
    reason: str


def explain(automaton: Automaton, transaction: Transaction, identifier: str, finding: Finding) -> Explanation:
    """Put a finding into words; its worst violation is told, the number of others is mentioned."""
    violation = worst(finding)
    said, actual, typical = _SAY[finding.type](automaton, transaction, violation)
    more = _more(finding)
    learnt = f" (learnt from {_count(violation.support, 'transaction')})" if violation.support > 0 else ""
    return Explanation(actual, typical, f"Transaction {identifier} {said}{more}{learnt}.")


def times(count: int) -> str:
    """How often, in words: ``once``, ``3 times``, ``never`` for 0."""
    return "never" if count == 0 else "once" if count == 1 else f"{count:,} times"


def bounds(low: int | None, high: int | None) -> str:
    """Bounds on a number: ``3``, ``1 to 3``, ``at least 1``, ``at most 3``."""
    if high is None:
        return f"at least {low or 0:,}"
    if low == high:
        return f"{high:,}"
    return f"{low:,} to {high:,}" if low else f"at most {high:,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _name(automaton: Automaton, at: int | None) -> str:
    text = automaton.states[at].text.strip() if at is not None else ""
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 1].rstrip() + "…"
    return f'"{text}"'


def _any_of(automaton: Automaton, places: Sequence[int]) -> str:
    names = [_name(automaton, at) for at in places]
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} or {len(names) - _MOST_NAMES} others"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _usual_count(violation: Violation) -> str:
    usual = bounds(violation.low, violation.high)
    if usual in ("1", "at least 1", "at most 1"):
        return f"{usual.replace('1', 'once')} is normal"
    return f"{usual} times is normal"


def _say_begin(automaton: Automaton, transaction: Transaction, _: Violation) -> tuple[str, str, str]:
    first, usual = _name(automaton, transaction.path[0]), _any_of(automaton, sorted(automaton.begins))
    return f"began with {first}; normally it begins with {usual}", first, usual


def _say_end(automaton: Automaton, transaction: Transaction, _: Violation) -> tuple[str, str, str]:
    last, usual = _name(automaton, transaction.path[-1]), _any_of(automaton, sorted(automaton.ends))
    within = f" within {human_duration(automaton.max_ms)}" if automaton.max_ms is not None else ""
    return f"never ended: it stopped at {last}, while normally {usual} follows{within}", last, usual


def _say_missing(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    name, usual = _name(automaton, violation.state), bounds(violation.low, violation.high)
    if violation.other is not None:
        return f"passed {_name(automaton, violation.other)} but never {name}, which normally comes with it", "0", usual
    return f"never passed {name}; {_usual_count(violation)}", "0", usual


def _say_few(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    name, actual = _name(automaton, violation.state), violation.actual or 0
    usual = bounds(violation.low, violation.high)
    if violation.other is not None:
        other = f"{_name(automaton, violation.other)} {times(violation.low or 0)}"
        return f"passed {name} {times(actual)} but {other}; normally equally often", f"{actual:,}", usual
    return f"passed {name} only {times(actual)}; {_usual_count(violation)}", f"{actual:,}", usual


def _say_many(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    name, actual = _name(automaton, violation.state), violation.actual or 0
    if violation.high == 0:
        return f"passed {name} {times(actual)}, which normally never occurs", f"{actual:,}", "0"
    usual = bounds(violation.low, violation.high)
    return f"passed {name} {times(actual)}; {_usual_count(violation)}", f"{actual:,}", usual


def _say_order(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    before, after = _name(automaton, violation.state), _name(automaton, violation.other)
    said = f"passed {after} before {before}; normally {before} comes first"
    return said, f"{after} before {before}", f"{before} before {after}"


def _say_order_or_transition(
    automaton: Automaton, transaction: Transaction, violation: Violation
) -> tuple[str, str, str]:
    if violation.unit != "transition" or violation.state is None:
        return _say_order(automaton, transaction, violation)
    start, goal = _name(automaton, violation.state), _name(automaton, violation.other)
    known = automaton.graph.after.get(violation.state, frozenset())
    # What most transactions go on with is told first.
    often = sorted(known, key=lambda at: (-automaton.states[at].support, at))
    usual = _any_of(automaton, often) if often else "nothing"
    return f"passed {goal} right after {start}; normally {usual} follows", f"{goal} after {start}", usual


def _say_excluded(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    name, other = _name(automaton, violation.state), _name(automaton, violation.other)
    return f"passed {name} although it passed {other}; normally never both", f"{name} and {other}", "one of both"


def _say_step(automaton: Automaton, _: Transaction, violation: Violation) -> tuple[str, str, str]:
    start, goal = _name(automaton, violation.state), _name(automaton, violation.other)
    actual, usual = human_duration(violation.actual or 0), _usual_duration(violation)
    return f"took {actual} from {start} to {goal}; {usual} is normal", actual, usual


def _say_duration(_: Automaton, transaction: Transaction, violation: Violation) -> tuple[str, str, str]:
    actual, usual = human_duration(violation.actual or 0), _usual_duration(violation)
    verb = "ended after all, but took" if transaction.end_missed else "took"
    return f"{verb} {actual}; {usual} is normal", actual, usual


def _usual_duration(violation: Violation) -> str:
    if violation.low is not None and violation.high is not None:
        return f"{human_duration(violation.low)} to {human_duration(violation.high)}"
    if violation.high is not None:
        return f"at most {human_duration(violation.high)}"
    return f"at least {human_duration(violation.low or 0)}"


def _more(finding: Finding) -> str:
    # The begins (ends) that are missing are all named in the sentence itself.
    others = len(finding.violations) - 1
    if not others or finding.type in ("missing_begin", "missing_end"):
        return ""
    return f", and {others} more of this kind"


_SAY = {
    "missing_begin": _say_begin,
    "missing_end": _say_end,
    "missing_state": _say_missing,
    "too_few": _say_few,
    "too_many": _say_many,
    "wrong_order": _say_order_or_transition,
    "excluded_state": _say_excluded,
    "slow_step": _say_step,
    "fast_step": _say_step,
    "too_short": _say_duration,
    "too_long": _say_duration,
}
