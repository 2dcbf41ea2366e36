"""``level_shift`` and ``trend``: the last slots together lie off the slow level of the series.

The statistic is the median of the distances of the last twelve slots, so that half of them have to be odd: spikes do
not count. It is the same number for a step and for a slow climb; :mod:`models.series.detectors.shapes` tells these
apart by what the last slots look like.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors import tails
from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Bools, Field, Floats, joined

WINDOW = 12

NOISE = 0.36
"""The standard deviation of a median of twelve normal variables."""

_LEAST_AGE = 200.0

FIELDS = joined(
    tails.fields("risen"), tails.fields("fallen"), {"shifts": Field(0.0, WINDOW, "f4"), "shifts_at": Field(0, 1, "i8")}
)


def judge(state: Arrays, slot: Slot, settled: Bools) -> tuple[Floats, Floats, Floats]:
    """Rarities as risen and as fallen, and the statistic."""
    middle = _middle(state, slot)
    known = settled & (slot.age >= _LEAST_AGE)
    risen = tails.rarity(state, "risen", np.maximum(middle, 0.0))
    fallen = tails.rarity(state, "fallen", np.maximum(-middle, 0.0))
    return np.where(known, risen, 0.0), np.where(known, fallen, 0.0), middle


def _middle(state: Arrays, slot: Slot) -> Floats:
    window = state["shifts"].copy()
    rows = np.arange(len(window))
    window[rows, state["shifts_at"] % WINDOW] = slot.shift
    window.sort(axis=1)
    return 0.5 * (window[:, WINDOW // 2 - 1].astype(np.float64) + window[:, WINDOW // 2]) / NOISE


def learn(state: Arrays, slot: Slot, middle: Floats, learning: Bools, slots_a_day: float) -> None:
    """Take a slot in; the window has every slot, the tails those that are learnt from."""
    rows = np.arange(len(middle))
    state["shifts"][rows, state["shifts_at"] % WINDOW] = slot.shift
    state["shifts_at"] += 1
    ready = learning & (slot.age >= 4 * WINDOW)
    tails.learn(state, "risen", np.maximum(middle, 0.0), ready, slots_a_day, WINDOW)
    tails.learn(state, "fallen", np.maximum(-middle, 0.0), ready, slots_a_day, WINDOW)


def forget(state: Arrays, rows: Bools, tails_too: bool) -> None:
    """Begin the window anew in some rows, and what is usual if wanted."""
    state["shifts"][rows] = 0.0
    if tails_too:
        tails.forget(state, "risen", rows)
        tails.forget(state, "fallen", rows)
