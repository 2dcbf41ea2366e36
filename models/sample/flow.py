"""How the states of a transaction follow each other: nested parts, normal runs of them, and what all runs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Uniform = Callable[[], float]
"""Gives random numbers in [0, 1)."""
Counts = dict[str, tuple[int, int]]
"""Least and greatest number of occurrences of each state."""


@dataclass(frozen=True, slots=True)
class Step:
    """A state, ``low`` to ``high`` times in a row, every number equally likely."""

    state: str
    low: int = 1
    high: int = 1


@dataclass(frozen=True, slots=True)
class Seq:
    """Parts one after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of two parts; the first with probability ``share``."""

    first: Part
    second: Part
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Maybe:
    """A part that occurs with probability ``share``."""

    part: Part
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Parallel:
    """Two parts side by side: each keeps its own order, every interleaving is equally likely."""

    first: Part
    second: Part


@dataclass(frozen=True, slots=True)
class Loop:
    """A part repeated as a whole, ``low`` to ``high`` times, every number equally likely."""

    part: Part
    low: int
    high: int


Part: TypeAlias = Step | Seq | Either | Maybe | Parallel | Loop


def draw(part: Part, uniform: Uniform) -> list[str]:
    """One normal run of a part: the names of its states in order."""
    match part:
        case Step(state, low, high):
            return [state] * _between(low, high, uniform)
        case Seq(parts):
            return [state for each in parts for state in draw(each, uniform)]
        case Either(first, second, share):
            return draw(first if uniform() < share else second, uniform)
        case Maybe(inner, share):
            return draw(inner, uniform) if uniform() < share else []
        case Parallel(first, second):
            return _interleave(draw(first, uniform), draw(second, uniform), uniform)
        case Loop(inner, low, high):
            return [state for _ in range(_between(low, high, uniform)) for state in draw(inner, uniform)]


def _between(low: int, high: int, uniform: Uniform) -> int:
    return low if low == high else low + int(uniform() * (high - low + 1))


def _interleave(left: list[str], right: list[str], uniform: Uniform) -> list[str]:
    states = []
    i = j = 0
    # Every interleaving is equally likely when a side is taken in proportion to what it has left.
    while i < len(left) and j < len(right):
        if uniform() * (len(left) - i + len(right) - j) < len(left) - i:
            states.append(left[i])
            i += 1
        else:
            states.append(right[j])
            j += 1
    return states + left[i:] + right[j:]


def counts(part: Part) -> Counts:
    """Least and greatest number of occurrences of each state in one run of a part. A state stands in one place only."""
    match part:
        case Step(state, low, high):
            return {state: (low, high)}
        case Seq(parts):
            return {state: bounds for each in parts for state, bounds in counts(each).items()}
        case Either(first, second):
            return {state: (0, high) for state, (_, high) in (counts(first) | counts(second)).items()}
        case Maybe(inner):
            return {state: (0, high) for state, (_, high) in counts(inner).items()}
        case Parallel(first, second):
            return counts(first) | counts(second)
        case Loop(inner, low, high):
            return {state: (low * fewest, high * most) for state, (fewest, most) in counts(inner).items()}


def orders(part: Part) -> set[tuple[str, str]]:
    """Pairs (a, b) of a part: whenever both occur, the first a stands before the first b."""
    match part:
        case Step():
            return set()
        case Seq(parts):
            found = {pair for each in parts for pair in orders(each)}
            for i, early in enumerate(parts):
                found |= {(a, b) for late in parts[i + 1 :] for a in counts(early) for b in counts(late)}
            return found
        case Either(first, second) | Parallel(first, second):
            return orders(first) | orders(second)
        case Maybe(inner) | Loop(inner):
            return orders(inner)
