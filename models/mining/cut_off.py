"""Transactions that the log shows only in part, because it begins or ends while they run.

Taken for whole, they would teach that a begin or an end may be missing. How long transactions usually take tells which
ones may be cut: what began less than that before the log ends may have been open then, what ended less than that after
it begins may have been open before. Most of these are whole; those that lack their end are known by not ending with
what the surely whole ones end with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.batches import Int32, Int64
from models.mining.bounds import FEWEST
from models.mining.transactions import Transactions

Bools = npt.NDArray[np.bool_]

_USUAL_SHARE = 0.99
_ROOM = 1.25
_COMMON_EDGE = 0.05
_NEAREST = 0.1
_SHORT = 1 / 3


@dataclass(frozen=True, slots=True)
class CutOff:
    """What the edges of the log do to transactions.

    Attributes:
        no_begin: bool[m], which may lack their begin.
        no_end: bool[m], which may lack their end.
        late: bool[m], which began so late that a long one would lack its end: whole ones among them are the short ones.
    """

    no_begin: Bools
    no_end: Bools
    late: Bools

    @property
    def any(self) -> Bools:
        """bool[m]: which may lack something."""
        either: Bools = self.no_begin | self.no_end
        return either


def find_cut_off(transactions: Transactions, begin_ms: int, end_ms: int) -> CutOff:
    """Which transactions may lack a part, because the log begins or ends there.

    Suspected at the end of the log are those that began within the usual duration before it (the one that 99 % do not
    exceed, and a quarter more) and do not end with a state with which one in twenty of the earlier ones end. That takes
    a log three times as long as this duration, with at least 20 earlier transactions: in a shorter one, an end that
    comes late cannot be told from one that may be missing. Suspected as well are those that end closer to the end of
    the log than all but 1 % of the times between two events of a transaction are long, the nearest tenth at most. The
    begin likewise.

    Args:
        transactions: of one kind.
        begin_ms: when the log begins, epoch ms.
        end_ms: when it ends.
    """
    duration = transactions.duration_ms
    usual = _ROOM * float(np.quantile(duration, _USUAL_SHARE)) if len(duration) else 0.0
    late: Bools = transactions.begin_ms + usual > end_ms
    early: Bools = transactions.end_ms - usual < begin_ms
    width = len(transactions.templates)
    gaps = transactions.gaps_ms()
    reach = int(np.quantile(gaps, 0.99)) if len(gaps) else 0
    no_begin = _near(transactions.begin_ms - begin_ms, reach)
    no_end = _near(end_ms - transactions.end_ms, reach)
    if usual <= _SHORT * (end_ms - begin_ms):
        no_begin |= early & _unlike(transactions.first, ~early, width)
        no_end |= late & _unlike(transactions.last, ~late, width)
    return CutOff(no_begin, no_end, late)


def _unlike(edge: Int32, sure: Bools, width: int) -> Bools:
    """bool[m]: whose edge state is rare among the transactions that surely are whole; none if these are too few."""
    total = int(sure.sum())
    if total < FEWEST:
        return np.zeros(len(edge), dtype=np.bool_)
    common = np.bincount(edge[sure], minlength=width) >= _COMMON_EDGE * total
    unlike: Bools = ~common[edge]
    return unlike


def _near(distance_ms: Int64, reach_ms: int) -> Bools:
    """bool[m]: how near the edge of the log is no farther than ``reach_ms``; the nearest tenth at most."""
    if len(distance_ms):
        reach_ms = min(reach_ms, int(np.quantile(distance_ms, _NEAREST, method="lower")))
    near: Bools = distance_ms <= reach_ms
    return near
