"""Generated series that go together, and a slow, obvious judge of one pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.series.correlation.follow import FollowedPairs, Told
from models.series.correlation.pair import Correlation, SeriesRef

MINUTE = 60_000
DAY = 1440
FIRST = 29_453_760
"""Number of the first slot: 2026-01-01."""

REQUESTS, RESPONSES, OTHER = SeriesRef("t-request"), SeriesRef("t-response"), SeriesRef("t-other")


def day(slots: int, swing: float = 0.8) -> Any:
    """float64[slots]: the daily rhythm, about 1."""
    return 1.0 + swing * np.sin(2 * np.pi * np.arange(slots) / DAY)


def numbers(slots: int) -> Any:
    """The numbers of so many slots."""
    return FIRST + np.arange(slots)


def flow(rng: Any, slots: int, base: float = 100.0, uneven: float = 0.2, lag: int = 1) -> Any:
    """float64[slots, 3]: requests, their responses (97 %) a lag later, and others with the same rhythm."""
    requests = rng.poisson(base * day(slots) * np.exp(uneven * rng.standard_normal(slots)))
    answered = rng.binomial(requests, 0.97)
    responses = np.concatenate([rng.binomial(requests[:lag], 0.5), answered[: slots - lag]]) if lag else answered
    others = rng.poisson(base * day(slots) * np.exp(uneven * rng.standard_normal(slots)))
    return np.column_stack([requests, responses, others]).astype(np.float64)


def judged(pairs: list[Correlation], columns: dict[SeriesRef, int], values: Any, first: int = 0) -> list[Told]:
    """What is told of pairs over the slots of a table from one on."""
    followed = FollowedPairs(MINUTE)
    followed.add(pairs)
    rows = np.arange(len(pairs))
    a, b = [columns[pair.a] for pair in pairs], [columns[pair.b] for pair in pairs]
    told: list[Told] = []
    for at in range(first, len(values)):
        told += followed.update(rows, (FIRST + at) * MINUTE, values[at, a], values[at, b])
    return told


def slot_of(ms: int) -> int:
    """The number of a slot, from the first of the table."""
    return ms // MINUTE - FIRST
