"""Identifiers that are used again after a long silence, where no begin or end tells.

Cut where a transaction falls silent for much longer than transactions take. That is clear where hardly a silence is
neither short nor long, and where what comes after it is like what comes before the first one: a transaction that waits
by nature, as a parcel does, goes on with other steps than it began with.

The engine does the same by giving a transaction up ``expires_ms`` after it began; so this is to be no longer than the
silence.
"""

from __future__ import annotations

import numpy as np

from models.batches import Int64
from models.mining.transactions import Transactions

_LONG = 5
"""A silence is so many times longer than transactions take: more than what is waited for an end."""

_LEAST_MS = 5_000
_USUAL_SHARE = 0.99
_UNCLEAR = 0.05
_LEAST_CUTS = 5
_ALIKE = 0.6
_AS_OFTEN = 0.3
_MOST_STEPS = 50


def split_silent(transactions: Transactions) -> tuple[Transactions, int | None]:
    """Cut transactions at long silences.

    Returns:
        The transactions, and the shortest time that counts as a silence, ms; None if nothing was cut.
    """
    inner = np.ones(len(transactions.state), dtype=np.bool_)
    inner[transactions.starts[:-1]] = False
    places = np.flatnonzero(inner)
    gaps = transactions.gaps_ms()
    if len(gaps) < _LEAST_CUTS or not (gaps > _LEAST_MS).any():
        return transactions, None
    silence = _silence_ms(transactions, places, gaps)
    if silence is None:
        return transactions, None
    pieces = transactions.cut(places[gaps > silence])
    return (pieces, silence) if _alike(transactions, pieces) else (transactions, None)


def _silence_ms(transactions: Transactions, places: Int64, gaps: Int64) -> int | None:
    """The least silence that is long for the transactions which it leaves; None if none is clear."""
    silence = max(_LEAST_MS, _LONG * int(np.median(gaps)))
    for _ in range(_MOST_STEPS):
        cuts = int((gaps > silence).sum())
        if cuts < _LEAST_CUTS:
            return None
        usual = int(np.quantile(transactions.cut(places[gaps > silence]).duration_ms, _USUAL_SHARE))
        if _LONG * usual <= silence:
            unclear = int(((gaps > max(2 * usual, silence // _LONG)) & (gaps <= silence)).sum())
            return silence if unclear <= _UNCLEAR * cuts else None
        silence = _LONG * usual
    return None


def _alike(transactions: Transactions, pieces: Transactions) -> bool:
    """Whether what comes after a silence passes the states that identifiers pass at first, about as often."""
    first = np.isin(pieces.starts[:-1], transactions.starts[:-1])
    passed = pieces.counts() > 0
    kinds, kind = np.unique(passed, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    share_first = np.bincount(kind[first], minlength=len(kinds)) / max(1, int(first.sum()))
    share_later = np.bincount(kind[~first], minlength=len(kinds)) / max(1, int((~first).sum()))
    as_often = share_first >= _AS_OFTEN * share_later
    # Single lines that come now and then are one transaction: nothing ties them but the identifier.
    several = np.diff(pieces.starts) > 1
    return float((as_often[kind] & several)[~first].mean()) >= _ALIKE
