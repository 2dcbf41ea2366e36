"""How a workflow of the sample behaves: its states, their flow, and the limits that every normal transaction keeps.

Counts and order relations follow from the flow; they are what a perfect learner would find.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp
from random import Random

from models.sample.flow import Counts, Part, counts, draw, orders


@dataclass(frozen=True)
class State:
    """A kind of log line of a workflow.

    Attributes:
        name: short name, unique in the workflow.
        text: the line after its timestamp; ``{id}`` is the transaction identifier, other ``{fields}`` vary.
        gap: typical share of the transaction's time that passes before this line.
    """

    name: str
    text: str
    gap: float = 1.0


@dataclass(frozen=True)
class Workflow:
    """The specification of one kind of transaction.

    Attributes:
        name: of the workflow.
        share: its share of all transactions.
        by_night: it runs mostly at night, else mostly by day.
        identifier: regular expression of its transaction identifiers.
        carried: fields that keep one value throughout a transaction.
        states: its kinds of lines.
        begin: the states it begins with.
        end: the states it ends with, one of them.
        flow: how the states follow each other.
        median_ms: median time from its first to its last line.
        requires: (if, then) pairs beyond the mandatory states.
        equal: pairs of states that occur equally often.
    """

    name: str
    share: float
    by_night: bool
    identifier: str
    carried: tuple[str, ...]
    states: tuple[State, ...]
    begin: frozenset[str]
    end: frozenset[str]
    flow: Part
    median_ms: int
    requires: frozenset[tuple[str, str]] = frozenset()
    equal: frozenset[tuple[str, str]] = frozenset()

    SPREAD = 0.18
    """Standard deviation of the logarithm of the duration."""

    @property
    def min_ms(self) -> int:
        """No normal transaction is shorter."""
        return self.median_ms * 6 // 10

    @property
    def max_ms(self) -> int:
        """No normal transaction is longer."""
        return self.median_ms * 17 // 10

    @cached_property
    def counts(self) -> Counts:
        """Least and greatest number of occurrences of each state per transaction."""
        return counts(self.flow)

    @cached_property
    def orders(self) -> frozenset[tuple[str, str]]:
        """Pairs (before, after): when both occur, the first ``before`` precedes the first ``after``."""
        return frozenset(orders(self.flow))

    @cached_property
    def single(self) -> tuple[str, ...]:
        """States between begin and end that occur exactly once in every transaction."""
        edge = self.begin | self.end
        return tuple(s.name for s in self.states if self.counts[s.name] == (1, 1) and s.name not in edge)

    @cached_property
    def swappable(self) -> tuple[tuple[str, str], ...]:
        """Pairs of :attr:`single` states with a fixed order."""
        return tuple((a, b) for a in self.single for b in self.single if (a, b) in self.orders)

    @cached_property
    def often(self) -> tuple[str, ...]:
        """States that occur at least three times in every transaction."""
        return tuple(s.name for s in self.states if self.counts[s.name][0] >= 3)

    @cached_property
    def multipliable(self) -> tuple[str, ...]:
        """Mandatory repeated states bound to no other by equality, so that more of them break one limit only."""
        bound = {state for pair in self.equal for state in pair}
        return tuple(s for s, (low, high) in self.counts.items() if low >= 1 and high >= 2 and s not in bound)

    def draw_states(self, rng: Random) -> list[str]:
        """The states of a normal transaction, in order."""
        return draw(self.flow, rng.random)

    def draw_duration(self, rng: Random) -> int:
        """A normal duration, ms: lognormal, drawn again when outside the limits."""
        while True:
            duration = int(self.median_ms * exp(rng.gauss(0.0, self.SPREAD)))
            if self.min_ms <= duration <= self.max_ms:
                return duration
