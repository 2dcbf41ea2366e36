"""The graph of a process: which state follows which, which states are closed, and how much time steps take.

A state is *closed* where training shows all that may follow it. How likely the next transaction goes on with something
new is told by the successors that were seen once (I. J. Good, 1953). In logs of activities that run side by side that
says too little: successors of all frequencies are met there, and behind the rarest seen there are always more. Where a
process branches and loops instead, each way is taken by its share of the transactions. So a state is closed if each of
its successors follows in more than two of a hundred transactions, which faults alone do not bring about, and ten times
as often as one may that was not seen at all: in as many as three (J. A. Hanley and A. Lippman-Hand, 1983).

A few faults among normal transactions look like rare successors. They are told by a *gap*: common successors, nothing
over a factor of ten, and then rare ones that are a few together. As with orders, a gap is only believed of two states
that do not race. And no state is taken for closed unless most are: otherwise activities run side by side.

All that takes a process with clear begin and end. Of others the transitions are shown, and neither they nor their times
are judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int64
from models.mining.bounds import few
from models.mining.clock import resolution_ms
from models.mining.durations import Duration
from models.mining.relations import least_support, order_table
from models.mining.step_times import FAULTY, learn_step
from models.mining.transactions import Transactions

Bools = npt.NDArray[np.bool_]

_GAP = 10
_UNSEEN = 3
_SHOWN = 0.01
_HAIRBALL = 3.0
"""With more transitions a state than this, a drawing shows nothing."""


@dataclass(frozen=True, slots=True)
class Transition:
    """State ``a`` is followed by state ``b`` (places in the automaton).

    ``min_ms`` and ``max_ms`` bound the time between the two, None for no bound; ``support`` transactions show it.
    """

    a: int
    b: int
    support: int
    min_ms: int | None
    max_ms: int | None


@dataclass(frozen=True, slots=True)
class Graph:
    """The transitions of an automaton, and the states of which they are all that may follow."""

    transitions: tuple[Transition, ...]
    closed: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """All transitions in the training: each one's ``pair`` (a · states + b), its transaction, and the time it takes."""

    pair: Int64
    owner: Int64
    taken_ms: Int64

    @classmethod
    def of(cls, transactions: Transactions) -> _Pairs:
        inner = np.ones(len(transactions.state), dtype=np.bool_)
        inner[transactions.starts[1:] - 1] = False
        at = np.flatnonzero(inner)
        width = len(transactions.templates)
        pair = transactions.state[at].astype(np.int64) * width + transactions.state[at + 1]
        taken = np.maximum(transactions.event_ms[at + 1] - transactions.event_ms[at], 0)
        return cls(pair, transactions.owner[at], taken)


def mine_graph(transactions: Transactions, duration: Duration, crisp: bool) -> Graph:
    """The transitions with support, and the closed states.

    Of a state that is not closed, the successors in at least one of a hundred transactions are shown, unless these are
    too many for a picture; of a closed one all.

    Args:
        transactions: normal ones.
        duration: how long they take; of those that take longer or shorter, steps are no measure.
        crisp: the process has clear begin and end, so that its transitions and their times may be judged.
    """
    width, total = len(transactions.templates), len(transactions)
    if not total:
        return Graph((), frozenset())
    pairs = _Pairs.of(transactions)
    shown = np.unique(pairs.owner * (width * width) + pairs.pair) % (width * width)
    support = np.bincount(shown, minlength=width * width).reshape(width, width)
    left = np.bincount(np.unique(pairs.owner * width + pairs.pair // width) % width, minlength=width)
    normal, closed = support, frozenset[int]()
    if crisp:
        normal = np.where(_faults(transactions, support, left), 0, support)
        closed = _closed(normal, left, total)
    kept = normal > 0
    often = normal >= np.maximum(2, _SHOWN * left)[:, None]
    if int(often.sum()) > _HAIRBALL * max(1, int((left > 0).sum())):
        often[:] = False
    is_closed = np.isin(np.arange(width), list(closed))
    kept &= is_closed[:, None] | often
    times: dict[int, tuple[int | None, int | None]] = {}
    if crisp:
        times = _times(
            pairs, duration.kept(transactions.duration_ms), kept.reshape(-1), resolution_ms(transactions.event_ms)
        )
        times = {pair: (low, _useful(high, duration)) for pair, (low, high) in times.items()}
    found = [
        Transition(a, b, int(normal[a, b]), *times.get(a * width + b, (None, None)))
        for a, b in np.argwhere(kept).tolist()
    ]
    return Graph(tuple(found), closed)


def _faults(transactions: Transactions, support: Int64, left: Int64) -> Bools:
    """bool[states, states]: transitions that are faults."""
    degrees = order_table(transactions.positions()).by_degrees(least_support(len(transactions)))
    vague = degrees.any(axis=0) | degrees.any(axis=1)
    rare = (support > 0) & (support <= np.maximum(1, FAULTY * left)[:, None])
    faults = np.zeros_like(rare)
    for a in np.flatnonzero(rare.any(axis=1)).tolist():
        common = support[a][~rare[a] & (support[a] > 0)]
        gap = len(common) and int(common.min()) >= _GAP * int(support[a][rare[a]].max())
        racing = vague[a] and vague[rare[a]].any()
        if gap and not racing and int(support[a][rare[a]].sum()) <= few(int(left[a])):
            faults[a] = rare[a]
    return faults


def _closed(support: Int64, left: Int64, total: int) -> frozenset[int]:
    """The closed states: those left often enough, of which each successor is common; none if these are a minority."""
    rarest = np.where(support > 0, support, np.iinfo(np.int64).max).min(axis=1)
    common = (rarest > np.vectorize(few, otypes=[np.int64])(left)) & (rarest >= _GAP * _UNSEEN)
    often = left >= least_support(total)
    closed = np.flatnonzero(common & often).tolist()
    return frozenset(closed if 2 * len(closed) > int(often.sum()) else ())


def _useful(high_ms: int | None, duration: Duration) -> int | None:
    """The bound, None where the whole transaction would be too long before it."""
    return None if high_ms is None or duration.max_ms is None or high_ms >= duration.max_ms else high_ms


def _times(pairs: _Pairs, timely: Bools, kept: Bools, tick_ms: int) -> dict[int, tuple[int | None, int | None]]:
    """The bounds of the steps of the kept transitions, by pair, from the transactions that are ``timely``."""
    which = kept[pairs.pair] & timely[pairs.owner]
    pair, taken = pairs.pair[which], pairs.taken_ms[which]
    order = np.argsort(pair, kind="stable")
    pair, taken = pair[order], taken[order]
    codes, starts = np.unique(pair, return_index=True)
    parts = np.split(taken, starts[1:]) if len(codes) else []
    return {code: learn_step(part, tick_ms) for code, part in zip(codes.tolist(), parts, strict=True)}
