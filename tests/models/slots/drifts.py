"""Generated shares of values, slot by slot, with the daily rhythm in volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.mining.categories import Candidate, CategoryTally, stable_categories
from models.slots.aligned import ClosedSlot
from models.slots.cells import Cell
from models.slots.drift import Drift, DriftJudge
from models.slots.series import CATEGORY, SeriesKey
from models.slots.settings import Category

DAY = 1440
MINUTE = 60_000
KEY = SeriesKey("t-1", CATEGORY, "status", MINUTE)


def traffic(rng: Any, slots: int, base: float, shares: Sequence[float], dispersion: float = 0.0, first: int = 0) -> Any:
    """int64[slots, values]: lines with each value; shares vary as in a Dirichlet-multinomial distribution."""
    times = np.arange(first, first + slots)
    lines = rng.poisson(base * (1 + 0.8 * np.sin(2 * np.pi * times / DAY)))
    found = np.zeros((slots, len(shares)), np.int64)
    for slot, count in enumerate(lines.tolist()):
        some = np.asarray(shares)
        if dispersion:
            some = rng.dirichlet(some * (1 - dispersion) / dispersion)
        found[slot] = rng.multinomial(count, some)
    return found


def learned(counts: Any) -> Category | None:
    """The category of counts, slot by slot from the epoch on; whole hours of it."""
    names = tuple(f"v{n}" for n in range(counts.shape[1]))
    tally = CategoryTally([Candidate(0, "status", names)])
    for hour in range(len(counts) // 60):
        block = counts[hour * 60 : (hour + 1) * 60]
        tally.blocks[0][hour] = np.column_stack([block, np.zeros(60, np.int64)])
    found = stable_categories(tally, ["t-1"])
    return found[0] if found else None


def judged(category: Category, counts: Any, judge: DriftJudge | None = None) -> list[tuple[int, Drift]]:
    """The slots in which a drift is told, and what."""
    judge = judge or DriftJudge(category)
    told = []
    for number, row in enumerate(counts.tolist()):
        values = {f"v{n}": lines for n, lines in enumerate(row) if lines}
        drift = judge.step(ClosedSlot(KEY, number * MINUTE, Cell(sum(row), values), number == 0))
        if drift is not None:
            told.append((number, drift))
    return told
