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
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
"""A transition: the places of two states in their automaton."""

Steps: TypeAlias = dict[Pair, tuple[int, int]]
"""Transitions that stand out, in the order in which they did first, each with its shortest and longest time in ms."""

_NORMAL_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a step in ms, None for none, and in how many transactions its transition was seen."""

    low: int | None
    high: int | None
    support: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The transitions of one automaton.

    Attributes:
        after: what may follow each state of which that is known.
        limits: the steps that have bounds.
        support: for each state of ``after``, from how many transactions its successors were learnt.
        normal: transitions found normal so far, so that each is looked up once; it changes no result.
    """

    after: Mapping[int, frozenset[int]]
    limits: Mapping[Pair, Limits]
    support: Mapping[int, int]
    normal: set[Pair] = field(default_factory=set, compare=False, repr=False)

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
        return self.unknown(pair) or (
            bounds is not None
            and (
                (bounds.low is not None and least_ms < bounds.low)
                or (bounds.high is not None and most_ms > bounds.high)
            )
        )

    def look(self, path: Sequence[int], event_ms: Sequence[int], found: Steps) -> None:
        """Add to ``found`` the transitions of a stretch of a transaction that stand out.

        Args:
            path: the states of events that follow one another.
            event_ms: the time of each.
            found: it is changed. A step back in time shows nothing, but for its transition.
        """
        pairs = list(pairwise(path))
        if self.after:
            new = set(pairs) - self.normal
            if new:
                self._look_up(new, pairs, event_ms, found)
        limits = self.limits
        if limits:
            before = event_ms[0]
            for pair, now in zip(pairs, event_ms[1:], strict=True):
                bounds = limits.get(pair)
                if bounds is not None and now >= before:
                    taken = now - before
                    if (bounds.high is not None and taken > bounds.high) or (
                        bounds.low is not None and taken < bounds.low
                    ):
                        note(found, pair, taken, taken)
                before = now

    def _look_up(self, new: set[Pair], pairs: Sequence[Pair], event_ms: Sequence[int], found: Steps) -> None:
        unknown = {pair for pair in new if self.unknown(pair)}
        if len(self.normal) < _NORMAL_KEPT:
            self.normal.update(new - unknown)
        if unknown:
            for at, pair in enumerate(pairs):
                if pair in unknown:
                    taken = max(0, event_ms[at + 1] - event_ms[at])
                    note(found, pair, taken, taken)

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
