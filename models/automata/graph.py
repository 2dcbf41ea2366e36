"""The graph of an automaton: which state may follow which at once, and how much time may pass between them.

A *transition* leads from the state of an event to that of the transaction's next event. It is judged where it starts
in a *closed* state, of which the model knows all that follows; between other states, anything may happen in between.
A *step* is the time that a transition takes. All other transitions and steps are normal.

Both are looked at when a transaction is judged, and before lines of it are dropped: what stood out is noted then, so
that a transaction of a million events is judged like one of ten, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import ge, le, sub
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
"""A transition: the places of two states in their automaton."""

Steps: TypeAlias = dict[Pair, tuple[int, int]]
"""Transitions that stand out, in the order in which they did first, each with its shortest and longest time in ms."""

Way: TypeAlias = tuple[list[int], list[int]]
"""The longest and the shortest normal times of the steps of a path; of the latter none if no step has one."""

_WAYS_KEPT = 5_000
_WAY_KEPT = 64
_NO_HIGH = 1 << 62
_NO_LOW = -_NO_HIGH


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a step in ms, None for none, and in how many transactions its transition was seen."""

    low: int | None
    high: int | None
    support: int

    def broken(self, least_ms: int, most_ms: int) -> bool:
        """Whether the shortest or the longest time of the transition is beyond the bounds."""
        return (self.low is not None and least_ms < self.low) or (self.high is not None and most_ms > self.high)


_FREE = Limits(None, None, 0)


@dataclass(frozen=True, slots=True)
class Graph:
    """The transitions of one automaton.

    Attributes:
        after: what may follow each state of which that is known.
        limits: the steps that have bounds.
        support: for each state of ``after``, from how many transactions its successors were learnt.
        ways: for paths without unknown transition, at most and at least how long each step takes; a memory of what was
            worked out before, which changes no result.
    """

    after: Mapping[int, frozenset[int]]
    limits: Mapping[Pair, Limits]
    support: Mapping[int, int]
    ways: dict[tuple[int, ...], Way] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        """Whether anything is judged at all."""
        return bool(self.after or self.limits)

    def unknown(self, pair: Pair) -> bool:
        """Whether the transition starts in a closed state and is none of its transitions."""
        known = self.after.get(pair[0])
        return known is not None and pair[1] not in known

    def stands_out(self, pair: Pair, least_ms: int, most_ms: int) -> bool:
        """Whether a transition is unknown, or has taken a time beyond its bounds."""
        bounds = self.limits.get(pair)
        return self.unknown(pair) or (bounds is not None and bounds.broken(least_ms, most_ms))

    def look(self, path: Sequence[int], event_ms: Sequence[int], found: Steps) -> None:
        """Add to ``found`` the transitions of a stretch of a transaction that stand out.

        Args:
            path: the states of events that follow one another.
            event_ms: the time of each.
            found: it is changed. A step back in time shows nothing, but for its transition.
        """
        way = tuple(path)
        gaps = list(map(sub, event_ms[1:], event_ms))
        known = self.ways.get(way)
        if known is None:
            known = self._learn_way(way)
        if known and all(map(ge, known[0], gaps)) and all(map(le, known[1], gaps)):
            return
        limits = self.limits
        for pair, taken in zip(pairwise(path), gaps, strict=True):
            if self.unknown(pair):
                note(found, pair, max(0, taken), max(0, taken))
                continue
            bounds = limits.get(pair)
            if bounds is not None and taken >= 0 and bounds.broken(taken, taken):
                note(found, pair, taken, taken)

    def _learn_way(self, way: tuple[int, ...]) -> Way | None:
        """Work out between which times all steps of a way are normal; None if it has an unknown transition."""
        pairs = list(pairwise(way))
        if any(map(self.unknown, pairs)):
            return None
        limits = [self.limits.get(pair, _FREE) for pair in pairs]
        high = [_NO_HIGH if bounds.high is None else bounds.high for bounds in limits]
        low = [_NO_LOW if bounds.low is None else bounds.low for bounds in limits]
        found = high, low if max(low, default=_NO_LOW) > _NO_LOW else []
        if len(way) <= _WAY_KEPT:
            if len(self.ways) >= _WAYS_KEPT:
                self.ways.clear()
            self.ways[way] = found
        return found

    def explains(self, lacking: Collection[int], start: int, goal: int) -> bool:
        """Whether ``start`` leads to ``goal`` by way of states that a transaction lacks: then these are what is wrong.

        Args:
            lacking: the states that it should have passed, or passed more often.
            start: where the unknown transition starts.
            goal: where it leads.
        """
        reached, todo = {start}, [start]
        while todo:
            at = todo.pop()
            followers = self.after.get(at)
            if at != start and (followers is None or goal in followers):
                # Of a state that is not closed it is not known what follows: anything may.
                return True
            for follower in followers or ():
                if follower in lacking and follower not in reached:
                    reached.add(follower)
                    todo.append(follower)
        return False


def note(found: Steps, pair: Pair, least_ms: int, most_ms: int) -> None:
    """Widen the times of a transition in ``found``."""
    known = found.get(pair)
    found[pair] = (least_ms, most_ms) if known is None else (min(known[0], least_ms), max(known[1], most_ms))
