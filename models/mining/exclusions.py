"""Exclusive branches: states that never occur in one transaction, though each is common.

Chance would make two states of many transactions meet in a known number of them, the product of their shares. Where
that is large and hardly any transaction shows both, the process chooses between them. As with the other relations
(:mod:`models.mining.relations`), the few transactions that show both nevertheless are faults only where the relation
is crisp, and no exclusion is learnt that a single normal transaction breaks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.batches import Int32
from models.mining.bounds import few
from models.mining.relations import Relation, Table, few_or_none, least_support
from models.mining.transactions import Transactions

Bools = npt.NDArray[np.bool_]

_CRISP = 0.1
_RARE = 0.1
"""A state in fewer transactions chooses nothing: it is an incident, and what it meets is accident."""


def exclusion_table(counts: Int32) -> Table:
    """The relation "never both". ``could`` is how many transactions would show both by chance, rounded down."""
    present = (counts > 0).astype(np.int64)
    occurs = present.sum(axis=0)
    total = max(len(counts), 1)
    could = occurs[:, None] * occurs[None, :] // total
    rare = occurs < _RARE * total
    could[rare[:, None] | rare[None, :]] = 0
    np.fill_diagonal(could, 0)
    return Table(could, present.T @ present)


def exclusion_faults(transactions: Transactions) -> Bools:
    """bool[m]: transactions that show two states of which nearly all others show one at most.

    That is no more than a few of all, and a tenth of what chance would bring together.
    """
    counts = transactions.counts()
    table = exclusion_table(counts)
    nearly = (table.could >= least_support(len(transactions))) & (table.broken > 0)
    nearly &= (table.broken <= few(len(transactions))) & (table.broken <= _CRISP * table.could)
    bad = np.zeros(len(transactions), dtype=np.bool_)
    for a, b in np.argwhere(np.triu(nearly)).tolist():
        bad |= (counts[:, a] > 0) & (counts[:, b] > 0)
    return few_or_none(bad)


def mine_excludes(transactions: Transactions, unfinished: Int32) -> list[Relation]:
    """The pairs of states that exclude each other, shown by all transactions with one; of longer branches one pair.

    Where a state occurs only with another one, what that excludes it excludes as well; such pairs are left out, since
    the state is missing what it requires then.

    Args:
        transactions: normal ones.
        unfinished: int32[m, states], counts of transactions that may not be over and must not break it either.
    """
    counts = transactions.counts()
    table = exclusion_table(counts)
    found = table.kept(least_support(len(transactions)), len(transactions)) & (table.could > 0)
    further = (unfinished > 0).astype(np.int64)
    found &= (further.T @ further) == 0
    present = (counts > 0).astype(np.int64)
    occurs = present.sum(axis=0)
    # above[a, b]: whenever a occurs, b occurs, which is more common or, of equally common ones, comes first.
    above = (present.T @ present == occurs[:, None]) & (occurs > 0)[:, None]
    place = np.arange(len(occurs))
    above &= (occurs[None, :] > occurs[:, None]) | (
        (occurs[None, :] == occurs[:, None]) & (place[None, :] < place[:, None])
    )
    implied = (above.astype(np.int64) @ found.astype(np.int64)) > 0
    direct = found & ~implied & ~implied.T
    return [Relation(a, b, int(occurs[a] + occurs[b])) for a, b in np.argwhere(np.triu(direct)).tolist()]
