"""The transactions of one automaton in one shard: open, settling after their end, or waiting for an end overdue.

Deadlines need no heap. Transactions open in the order of time and expire after a constant time, so the oldest open one
is the first to expire; those that have ended are moved to the back with each event, so the front one settles first.
Ordered dicts are such queues, and give up a finished transaction at once. A plain dict keeps the order of opening, too,
with less to touch for each transaction; only its front is not found at once, so that is looked for no more than needed.
"""

from __future__ import annotations

from collections import OrderedDict

from models.automata.compiled import Automaton
from models.automata.transaction import ORDER, Keeping, Transaction


class Lane:
    """Transactions of one automaton, by identifier.

    Attributes:
        automaton: what is normal.
        keeping: what is kept of each transaction.
        open: all open transactions, the oldest first; they come in by :meth:`begin`.
        settling: those of them that have passed an end state, the one longest without event first.
        tombs: transactions whose missing end was told, about the oldest first.
    """

    __slots__ = ("_first_expiry", "automaton", "keeping", "open", "settling", "tombs")

    def __init__(self, automaton: Automaton, keeping: Keeping) -> None:
        self.automaton = automaton
        self.keeping = keeping
        self.open: dict[bytes, Transaction] = {}
        self.settling: OrderedDict[bytes, Transaction] = OrderedDict()
        self.tombs: OrderedDict[bytes, Transaction] = OrderedDict()
        # None of the open ones expires before.
        self._first_expiry = 0

    def begin(self, identifier: bytes, order: int) -> Transaction:
        """A new open transaction, whose first event is at this order time."""
        transaction = Transaction(order + self.automaton.expires_ms, self.keeping)
        if not self.open:
            self._first_expiry = transaction.deadline
        self.open[identifier] = transaction
        return transaction

    def expiry(self, transaction: Transaction) -> int:
        """The last order time of a transaction that does not end."""
        return transaction.lines[0][ORDER] + self.automaton.expires_ms

    def settle(self, identifier: bytes, transaction: Transaction, order: int) -> int:
        """An open transaction has passed an end state, now or before; the new deadline."""
        if transaction.ended:
            self.settling.move_to_end(identifier)
        else:
            transaction.ended = True
            self.settling[identifier] = transaction
        transaction.deadline = min(order + self.automaton.settle_ms, self.expiry(transaction))
        return transaction.deadline

    def close(self, identifier: bytes, transaction: Transaction) -> None:
        """Take a transaction out; one that should have ended and has not becomes a tombstone."""
        del self.open[identifier]
        if transaction.ended:
            del self.settling[identifier]
        elif self.automaton.ends:
            transaction.end_missed = True
            transaction.deadline = self.expiry(transaction) + self.automaton.expires_ms
            self.tombs[identifier] = transaction

    def restore(self, identifier: bytes, transaction: Transaction) -> None:
        """Take in a transaction read from a snapshot, in the order in which they were written."""
        automaton = self.automaton
        transaction.ended = not automaton.ends.isdisjoint(transaction.counts)
        transaction.deadline = self.expiry(transaction)
        if transaction.end_missed:
            transaction.deadline += automaton.expires_ms
            self.tombs[identifier] = transaction
            return
        if not self.open:
            self._first_expiry = transaction.deadline
        self.open[identifier] = transaction
        if transaction.ended:
            settled = transaction.lines[-1][ORDER] + automaton.settle_ms
            transaction.deadline = min(settled, transaction.deadline)

    def restore_settling(self) -> None:
        """After the last :meth:`restore`: queue those that have ended by their last event."""
        ended = [(name, transaction) for name, transaction in self.open.items() if transaction.ended]
        ended.sort(key=lambda pair: pair[1].lines[-1][ORDER])
        self.settling = OrderedDict(ended)

    def due(self, limit: int) -> list[tuple[bytes, Transaction]]:
        """All open transactions whose deadline is before ``limit``."""
        found = {}
        for identifier, transaction in self.settling.items():
            if transaction.deadline >= limit:
                break
            found[identifier] = transaction
        # An expiry cuts settling short, too: those found here may have ended.
        if self._first_expiry < limit:
            for identifier, transaction in self.open.items():
                self._first_expiry = self.expiry(transaction)
                if self._first_expiry >= limit:
                    break
                found[identifier] = transaction
        return list(found.items())

    def forget(self, limit: int) -> None:
        """Drop the tombstones whose time is over before ``limit``, but for a few that come after a younger one."""
        while self.tombs and next(iter(self.tombs.values())).deadline < limit:
            self.tombs.popitem(last=False)

    def earliest(self, otherwise: int) -> int:
        """A time before which no deadline lies here, tombstones included; ``otherwise`` if nothing waits."""
        found = otherwise
        if self.open:
            found = min(found, self._first_expiry)
        for queue in (self.settling, self.tombs):
            if queue:
                found = min(found, next(iter(queue.values())).deadline)
        return found
