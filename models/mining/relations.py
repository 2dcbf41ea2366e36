"""How the states of a transaction depend on each other: order, "if this then that", equal counts, begin and end.

A relation is learnt if no transaction breaks it, among enough that could. As a few percent of the transactions may be
faulty, rare faults are set aside first: transactions that break a relation which nearly all keep. That needs care: in
systems that race, a relation that nearly always holds is just a race that is nearly always won, and its losers are
normal. So a fault is only believed where the relation is *crisp*: one whose states are not both known from relations
that hold by degrees (broken in 2 to 20 % of the transactions), and, for an order, one that the clock does not call a
race: where two states fall on one tick of the clock, their order in the log is what the writers made of it, so among
those transactions alone it has to hold as nearly as elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64
from models.mining.bounds import few
from models.mining.clock import resolution_ms
from models.mining.transactions import Transactions

Bools = npt.NDArray[np.bool_]

SUPPORT = 52
"""Without exception among 52, Wilson's bound of the share of exceptions is below 5 %."""

SMALL_SUPPORT = 20
"""The support that is enough in a small log."""

_DEGREES = 0.2
_LIFT = 8.0
FALSE_ALARMS = 0.0005
"""What share of normal transactions may be expected to break one of the relations that were never broken."""
_MOST_FAULTY = 0.06
_TIED = 5
"""If their order were chance, so many would have it right in 3 % of the cases."""
_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of two states (their places in the automaton), and how many transactions show it."""

    a: int
    b: int
    support: int


@dataclass(frozen=True, slots=True)
class Table:
    """For all pairs of states (a, b): ``held`` of transactions that could break a relation, ``broken`` that did."""

    could: Int64
    broken: Int64

    def by_degrees(self, least: int) -> Bools:
        """Pairs whose relation is broken more often than by faults, yet seldom."""
        limit = np.vectorize(few, otypes=[np.int64])(self.could)
        degrees: Bools = (
            (self.could >= least) & (self.broken > np.maximum(limit, 1)) & (self.broken <= _DEGREES * self.could)
        )
        return degrees

    def nearly(self, least: int) -> Bools:
        """Pairs whose relation is broken, by so few that they may be faults, and crisp."""
        limit = np.vectorize(few, otypes=[np.int64])(self.could)
        degrees = self.by_degrees(least)
        vague = degrees.any(axis=0) | degrees.any(axis=1)
        found: Bools = (
            (self.could >= least) & (self.broken > 0) & (self.broken <= limit) & ~(vague[:, None] & vague[None, :])
        )
        return found

    def kept(self, least: int, total: int) -> Bools:
        """Pairs whose relation nothing breaks, with enough support.

        The number of relations broken exactly once tells how likely the next transaction breaks one that was never
        broken (I. J. Good, 1953). While that is too likely, twice the support is asked for.
        """
        while True:
            once = int(((self.could >= least) & (self.broken == 1)).sum())
            if once / max(total, 1) <= FALSE_ALARMS or least > total:
                found: Bools = (self.could >= least) & (self.broken == 0)
                return found
            least *= 2


def least_support(total: int) -> int:
    """How many transactions have to show a relation if there are ``total``: in small logs a quarter."""
    return min(SUPPORT, max(SMALL_SUPPORT, total // 4))


def order_table(positions: Int32) -> Table:
    """The order "a before b", where both occur. ``positions``: int32[m, states], -1 where absent."""
    width = positions.shape[1]
    could = np.zeros((width, width), dtype=np.int64)
    broken = np.zeros((width, width), dtype=np.int64)
    for part in np.array_split(positions, max(1, len(positions) // _CHUNK)):
        present = part >= 0
        could += present.T.astype(np.int64) @ present.astype(np.int64)
        for a in range(width):
            rows = part[present[:, a]]
            broken[a] += ((rows >= 0) & (rows < rows[:, [a]])).sum(axis=0)
    np.fill_diagonal(could, 0)
    return Table(could, broken)


def requires_table(counts: Int32) -> Table:
    """If a then b. Pairs that chance would make hold as well (b is nearly everywhere) count as unsupported."""
    present = (counts > 0).astype(np.int64)
    occurs = present.sum(axis=0)
    broken = occurs[:, None] - present.T @ present
    could = np.broadcast_to(occurs[:, None], broken.shape).copy()
    absent = 1 - occurs / max(len(counts), 1)
    by_chance = could * absent[None, :]
    could[(by_chance < _LIFT) | (broken > 0.3 * by_chance)] = 0
    np.fill_diagonal(could, 0)
    return Table(could, broken)


def equal_table(counts: Int32) -> Table:
    """The relation "a as often as b", where either occurs. Pairs that hardly vary count as unsupported."""
    width = counts.shape[1]
    could = np.zeros((width, width), dtype=np.int64)
    broken = np.zeros((width, width), dtype=np.int64)
    for a in range(width):
        mine = counts[:, [a]]
        either = (counts > 0) | (mine > 0)
        could[a] = either.sum(axis=0)
        broken[a] = (either & (counts != mine)).sum(axis=0)
        held = mine[mine[:, 0] > 0, 0]
        if not len(held) or (held != np.bincount(held).argmax()).sum() < _LIFT:
            could[a] = 0
    could = np.minimum(could, could.T)
    np.fill_diagonal(could, 0)
    return Table(could, broken)


def order_faults(transactions: Transactions) -> Bools:
    """bool[m]: transactions that break a crisp order which nearly all others keep.

    If that were more than a few percent of all, none: then it is how the system works.
    """
    positions = transactions.positions()
    bad = np.zeros(len(transactions), dtype=np.bool_)
    tick = resolution_ms(transactions.event_ms)
    for a, b in np.argwhere(order_table(positions).nearly(least_support(len(transactions)))).tolist():
        both = np.flatnonzero((positions[:, a] >= 0) & (positions[:, b] >= 0))
        broken = positions[both, b] < positions[both, a]
        one, other = (transactions.event_ms[transactions.starts[both] + positions[both, state]] for state in (a, b))
        if not lost_race(broken, np.abs(one - other), tick):
            bad[both[broken]] = True
    return few_or_none(bad)


def count_faults(transactions: Transactions) -> Bools:
    """bool[m]: transactions that break a crisp need or equality which nearly all others keep, likewise."""
    counts = transactions.counts()
    least = least_support(len(transactions))
    needs = np.zeros(len(transactions), dtype=np.bool_)
    for a, b in np.argwhere(requires_table(counts).nearly(least)).tolist():
        needs |= (counts[:, a] > 0) & (counts[:, b] == 0)
    equals = np.zeros_like(needs)
    for a, b in np.argwhere(equal_table(counts).nearly(least)).tolist():
        equals |= counts[:, a] != counts[:, b]
    return few_or_none(needs) | few_or_none(equals)


def few_or_none(bad: Bools) -> Bools:
    """bool[m]: ``bad``, or none if that were more than a few percent of all: then it is how the system works."""
    return bad if bad.sum() <= _MOST_FAULTY * len(bad) else np.zeros_like(bad)


def lost_race(broken: Bools, apart_ms: Int64, tick_ms: int) -> bool:
    """Whether an order is broken where the clock does not tell the two states apart, and more than now and then there.

    Args:
        broken: bool[n], of the transactions that pass both states, those that pass them the other way round.
        apart_ms: int64[n], the time between the two, never negative.
        tick_ms: what the clock can tell.
    """
    tied = apart_ms < tick_ms
    return int((broken & tied).sum()) > few(int(tied.sum()))


def mine_order(transactions: Transactions, always: Bools) -> list[Relation]:
    """Order relations that nothing breaks, without those that follow from others by way of a state of ``always``.

    Where the two states come so close that some transactions to come will have them on one tick of the clock, the order
    has to be shown by transactions that have them so.

    Args:
        transactions: normal ones.
        always: bool[states], states that every transaction has.
    """
    positions = transactions.positions()
    table = order_table(positions)
    tied, next_to = _close(transactions, positions)
    found = table.kept(least_support(len(transactions)), len(transactions)) & (table.could > 0)
    found &= (tied >= _TIED) | (tied + next_to <= FALSE_ALARMS * table.could)
    direct = found.copy()
    for middle in np.flatnonzero(always).tolist():
        direct &= ~(found[:, [middle]] & found[[middle], :])
    return [Relation(a, b, int(table.could[a, b])) for a, b in np.argwhere(direct).tolist()]


def _close(transactions: Transactions, positions: Int32) -> tuple[Int64, Int64]:
    """int64[states, states]: how many transactions have both states on one tick, and on ticks next to each other."""
    width = positions.shape[1]
    tick = resolution_ms(transactions.event_ms)
    tied, next_to = np.zeros((width, width), dtype=np.int64), np.zeros((width, width), dtype=np.int64)
    ticks = transactions.event_ms[transactions.starts[:-1, None] + np.maximum(positions, 0)] // tick
    for a in range(width):
        rows = np.flatnonzero(positions[:, a] >= 0)
        apart = np.where(positions[rows] >= 0, np.abs(ticks[rows] - ticks[rows, a, None]), -1)
        tied[a] = (apart == 0).sum(axis=0)
        next_to[a] = (apart == 1).sum(axis=0)
    return tied, next_to


def mine_requires(transactions: Transactions, always: Bools, unfinished: Int32) -> list[Relation]:
    """The relations "if a then b" that nothing breaks, without those that follow from others.

    Args:
        transactions: normal ones.
        always: bool[states], states that every transaction has; b is none of them.
        unfinished: int32[m, states], counts of transactions that may not be over and must not break it either.
    """
    table = requires_table(transactions.counts())
    found = table.kept(least_support(len(transactions)), len(transactions)) & (table.could > 0)
    further = (unfinished > 0).astype(np.int64)
    found &= (further.T @ (1 - further)) == 0
    found[:, always] = False
    direct = found.copy()
    # Of states that need each other all stay; by way of a state that needs less, the longer way round goes.
    one_way = found & ~found.T
    for middle in range(len(found)):
        direct &= ~(one_way[:, [middle]] & found[[middle], :])
    return [Relation(a, b, int(table.could[a, b])) for a, b in np.argwhere(direct).tolist()]


def mine_equal(transactions: Transactions, unfinished: Int32) -> list[tuple[tuple[int, ...], int]]:
    """Groups of states that always occur equally often, and vary; each with its support. Arguments as before."""
    table = equal_table(transactions.counts())
    found = table.kept(least_support(len(transactions)), len(transactions)) & (table.could > 0)
    found &= equal_table(unfinished).broken == 0
    groups: list[tuple[tuple[int, ...], int]] = []
    grouped: set[int] = set()
    for a in range(len(found)):
        members = [a, *(b for b in range(a + 1, len(found)) if found[a, b] and b not in grouped)]
        if a not in grouped and len(members) > 1:
            groups.append((tuple(members), int(min(table.could[a, b] for b in members[1:]))))
            grouped.update(members)
    return groups


def mine_edge(transactions: Transactions, last: bool = False) -> tuple[frozenset[int], Bools]:
    """The states that transactions begin with (or end with), and which transactions do not; none if there is no rule.

    An end state really ends: hardly anything but other end states comes after it. Transactions that do not end so are
    faulty if they are few and the system does not race; if it does, what they end with is an end state, too, and there
    is a rule only if no further such state is to be expected.
    """
    edge = transactions.last if last else transactions.first
    total, width = len(transactions), len(transactions.templates)
    none = frozenset[int](), np.zeros(total, dtype=np.bool_)
    if total < SMALL_SUPPORT:
        return none
    times = np.bincount(edge, minlength=width)
    positions = _mirrored(transactions.positions(last)) if last else transactions.positions()
    table = order_table(positions)
    degrees = table.by_degrees(least_support(total))
    vague = degrees.any(axis=0) | degrees.any(axis=1)
    usual = times > few(total)
    rare = np.flatnonzero((times > 0) & ~usual)
    racing = [at for at in rare.tolist() if vague[at] and vague[usual].any()]
    if (times[racing] == 1).sum() / total > FALSE_ALARMS:
        return none
    usual[racing] = True
    broken = ~usual[edge]
    if not usual.any() or usual.sum() > max(1, width // 2) or broken.sum() > few(total):
        return none
    for state in np.flatnonzero(usual).tolist():
        rows = positions[positions[:, state] >= 0][:, ~usual]
        outside = (rows >= 0) & (rows < positions[positions[:, state] >= 0][:, [state]])
        if outside.any(axis=1).sum() > few(len(rows)):
            return none
    return frozenset(np.flatnonzero(usual).tolist()), broken


def _mirrored(positions: Int32) -> Int32:
    """Positions counted from the other end, -1 where absent."""
    top = int(positions.max(initial=0))
    mirrored: Int32 = np.where(positions >= 0, top - positions, -1).astype(np.int32)
    return mirrored
