"""Events grouped into transactions, and templates into the automata that share them.

All arrays are flat: the events of all transactions behind one another, transaction ``i`` from ``starts[i]`` to
``starts[i + 1]``. Millions of events are sorted and reduced at once; only identifiers that are used again are looked at
one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64

Bools = npt.NDArray[np.bool_]

_STRONG = 0.3
_ATTACHED = 0.2
_COMMON_EDGE = 0.05


@dataclass(frozen=True, slots=True)
class EventTable:
    """Visits in the order in which they are to be stepped (order time, source, position).

    A line with several identifiers makes as many visits, one behind the other.

    Attributes:
        template: int32[n], the visit's number (:class:`models.mining.identifier_choice.Visits`): where the template has
            one identifier or none, its index.
        transaction: int64[n], a number for the identifier, equal for equal identifiers; -1 for none.
        event_ms: int64[n], the time written in the line.
        line: int64[n], a number for the line, equal for visits of one; None where no line makes several.
    """

    template: Int32
    transaction: Int64
    event_ms: Int64
    line: Int64 | None = None

    def span_ms(self) -> tuple[int, int]:
        """When the log begins and ends; single lines with a wrong time at its edges do not count. (0, 0) if empty."""
        if not len(self.event_ms):
            return 0, 0
        return int(np.median(self.event_ms[:7])), int(np.median(self.event_ms[-7:]))


@dataclass(frozen=True, slots=True)
class Transactions:
    """The transactions of one automaton.

    Attributes:
        templates: the templates that are its states, ascending.
        starts: int64[m + 1], where each transaction begins; the last element is the number of events.
        state: int32[k], each event's state: its place in ``templates``.
        event_ms: int64[k].
    """

    templates: tuple[int, ...]
    starts: Int64
    state: Int32
    event_ms: Int64

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owner(self) -> Int64:
        """int64[k]: the transaction of each event."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @property
    def first(self) -> Int32:
        """int32[m]: the state each transaction begins with."""
        return self.state[self.starts[:-1]]

    @property
    def last(self) -> Int32:
        """int32[m]: the state each transaction ends with."""
        return self.state[self.starts[1:] - 1]

    @property
    def begin_ms(self) -> Int64:
        """int64[m]: time of the first event."""
        return self.event_ms[self.starts[:-1]]

    @property
    def end_ms(self) -> Int64:
        """int64[m]: time of the last event."""
        return self.event_ms[self.starts[1:] - 1]

    @property
    def duration_ms(self) -> Int64:
        """int64[m]: from the first event to the last, never negative."""
        return np.maximum(self.end_ms - self.begin_ms, 0)

    def counts(self) -> Int32:
        """int32[m, states]: how often each transaction passed each state."""
        width = len(self.templates)
        flat = np.bincount(self.owner * width + self.state, minlength=len(self) * width)
        return flat.reshape(len(self), width).astype(np.int32)

    def positions(self, last: bool = False) -> Int32:
        """int32[m, states]: at which event (0, 1, …) each state is passed first (or last); -1 where it is not."""
        width = len(self.templates)
        found = np.full(len(self) * width, -1, dtype=np.int32)
        place = (np.arange(len(self.state)) - np.repeat(self.starts[:-1], np.diff(self.starts))).astype(np.int32)
        cell = self.owner * width + self.state
        # The assignment that comes last stands.
        found[cell if last else cell[::-1]] = place if last else place[::-1]
        return found.reshape(len(self), width)

    def gaps_ms(self) -> Int64:
        """int64[k - m]: times between neighbouring events of a transaction, never negative."""
        inner = np.ones(len(self.state), dtype=np.bool_)
        inner[self.starts[:-1]] = False
        return np.maximum((self.event_ms - np.roll(self.event_ms, 1))[inner], 0)

    def select(self, keep: Bools) -> Transactions:
        """Only those transactions."""
        sizes = np.diff(self.starts)
        events = np.repeat(keep, sizes)
        starts = np.r_[0, np.cumsum(sizes[keep])].astype(np.int64)
        return Transactions(self.templates, starts, self.state[events], self.event_ms[events])

    def cut(self, at: Int64) -> Transactions:
        """Transactions cut in two before each of these events."""
        starts = np.unique(np.r_[self.starts, at]).astype(np.int64)
        return Transactions(self.templates, starts, self.state, self.event_ms)


def group_transactions(table: EventTable, templates: tuple[int, ...]) -> Transactions:
    """All events of these templates, one transaction for each identifier, in the order of identifiers."""
    place = np.full(int(table.template.max(initial=-1)) + 1, -1, dtype=np.int32)
    for at, template in enumerate(templates):
        if template < len(place):
            place[template] = at
    keep = (table.transaction >= 0) & (table.template >= 0)
    keep[keep] = place[table.template[keep]] >= 0
    code = table.transaction[keep]
    order = np.argsort(code, kind="stable")
    code = code[order]
    starts = np.flatnonzero(np.r_[True, code[1:] != code[:-1], True]) if len(code) else np.zeros(1)
    state = place[table.template[keep][order]]
    return Transactions(templates, starts.astype(np.int64), state, table.event_ms[keep][order])


def find_components(table: EventTable, kinds: Int32) -> list[tuple[int, ...]]:
    """Templates that share transactions, as groups of template indices in ascending order.

    Templates that share a good part of their transactions, seen from both, belong together. A group that is seldom
    (a rare branch, an error) joins the one larger group that has most of its transactions; it never bridges two.

    Args:
        table: the events.
        kinds: int32[visits], the kind of each visit's identifier, -1 for none; kinds are never mixed.
    """
    keep = (table.transaction >= 0) & (table.template >= 0)
    template, transaction = table.template[keep], table.transaction[keep]
    known = kinds[template] >= 0
    # Of many templates few may take part: the tables below are as wide as these.
    present, template = np.unique(template[known], return_inverse=True)
    transaction, kinds, width = transaction[known], kinds[present], len(present)
    pairs = np.unique(transaction * width + template)
    sizes = np.bincount(pairs % width, minlength=width)
    shared = _shared(pairs // width, (pairs % width).astype(np.int32), width)
    shared[kinds[:, None] != kinds[None, :]] = 0
    groups = {int(t): [int(t)] for t in np.flatnonzero(sizes)}
    label = np.arange(width)
    strong = np.argwhere(np.triu(shared > _STRONG * np.maximum(sizes[:, None], sizes[None, :]), 1))
    for a, b in strong.tolist():
        _join(groups, label, int(label[b]), int(label[a]))
    # From the rarest group on, so that a rare branch of a rare branch finds its way.
    for small in sorted(groups, key=lambda g: (int(sizes[groups[g]].max()), g)):
        members = groups[small]
        most = int(sizes[members].max())
        best, best_shared = -1, max(1.0, _ATTACHED * most)
        for large, others in groups.items():
            if large != small and int(sizes[others].max()) >= most:
                common = float(shared[np.ix_(members, others)].max())
                if common > best_shared or (common == best_shared and best < 0):
                    best, best_shared = large, common
        if best >= 0:
            _join(groups, label, small, best)
    return sorted(tuple(present[sorted(members)].tolist()) for members in groups.values())


def _join(groups: dict[int, list[int]], label: Int64, small: int, large: int) -> None:
    if small != large:
        label[groups[small]] = large
        groups[large] += groups.pop(small)


def _shared(transaction: Int64, template: Int32, width: int) -> Int64:
    """int64[width, width]: how many transactions two templates share. Sorted by transaction; each pair once."""
    shared = np.zeros((width, width), dtype=np.int64)
    if not len(transaction):
        return shared
    starts = np.flatnonzero(np.r_[True, transaction[1:] != transaction[:-1]])
    # Transactions with the same set of templates are told by the sum of random numbers of their templates.
    marks = np.random.default_rng(0).integers(1, 2**62, width, dtype=np.uint64)
    signature = np.add.reduceat(marks[template], starts)
    _, example, times = np.unique(signature, return_index=True, return_counts=True)
    ends = np.r_[starts[1:], len(template)]
    for at, count in zip(example.tolist(), times.tolist(), strict=True):
        members = template[starts[at] : ends[at]]
        shared[np.ix_(members, members)] += count
    return shared


def split_reused(transactions: Transactions) -> Transactions:
    """Cut the events of an identifier that is used again into several transactions.

    A cut is made before a state that transactions usually begin with, where a state that they usually end with was
    passed since the last cut. It stands only if the pieces look like the transactions of identifiers that are used
    once: many a transaction comes back to its begin by nature.
    """
    if not len(transactions):
        return transactions
    width = len(transactions.templates)
    begins = _common(transactions.first, width)
    ends = _common(transactions.last, width)
    if (begins & ends).any():
        return transactions
    places, owners = returns(transactions, begins, ends)
    if not len(places):
        return transactions
    pieces = transactions.cut(places)
    returning = np.zeros(len(transactions), dtype=np.bool_)
    returning[owners] = True
    of_returning = returning[np.searchsorted(transactions.starts, pieces.starts[:-1], side="right") - 1]
    if returning.mean() <= 0.7:
        usual = _usual(transactions.counts()[~returning])
        alike = np.array([row.tobytes() in usual for row in pieces.counts()[of_returning]])
        return pieces if alike.mean() >= 0.6 else transactions
    # Nearly every identifier is used again: the pieces have to be alike among themselves.
    vectors = pieces.counts()
    usual = _usual(vectors)
    alike = np.array([row.tobytes() in usual for row in vectors])
    return pieces if alike.mean() >= 0.6 else transactions


def _common(state: Int32, width: int) -> Bools:
    """bool[width]: the states that at least one in twenty of ``state`` are."""
    common: Bools = np.bincount(state, minlength=width) >= max(1.0, _COMMON_EDGE * len(state))
    return common


def _usual(counts: Int32) -> set[bytes]:
    """The count vectors that are not singular."""
    vectors, times = np.unique(counts, axis=0, return_counts=True)
    enough = max(2.0, min(3.0, 0.02 * len(counts)))
    return {row.tobytes() for row, n in zip(vectors, times, strict=True) if n >= enough}


def returns(transactions: Transactions, begins: Bools, ends: Bools) -> tuple[Int64, Int64]:
    """Events at which a transaction comes back to its begin after its end, and the transactions they are in.

    ``begins`` and ``ends`` are bool[states].
    """
    state, starts = transactions.state, transactions.starts
    ended = np.cumsum(ends[state])
    before = ended - ends[state]
    base = np.repeat(before[starts[:-1]], np.diff(starts))
    suspects = np.unique(transactions.owner[begins[state] & (before > base)])
    places, owners = [], []
    for at in suspects.tolist():
        seen = False
        for place in range(int(starts[at]), int(starts[at + 1])):
            if seen and begins[state[place]]:
                places.append(place)
                owners.append(at)
                seen = False
            seen = seen or bool(ends[state[place]])
    return np.array(places, dtype=np.int64), np.array(owners, dtype=np.int64)
