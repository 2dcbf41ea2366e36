"""``spike`` and ``drop``: slots far above or below what was expected of them.

The statistic is the error in units of the usual one, a tail of its own on each side, since counts are skew. Neighbours
that are odd on the same side add up: half of what the slot before had beyond an ordinary slot counts.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors import tails
from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Bools, Field, Floats, joined

_ORDINARY = 2.0
_KEPT = 0.5
_LEAST_AGE = 150.0

FIELDS = joined(tails.fields("up"), tails.fields("down"), {"up_held": Field(0.0), "down_held": Field(0.0)})


def judge(state: Arrays, slot: Slot) -> tuple[Floats, Floats]:
    """Rarities as a spike and as a drop."""
    return _side(state, "up", slot.error, slot.age), _side(state, "down", -slot.error, slot.age)


def _side(state: Arrays, name: str, error: Floats, age: Floats) -> Floats:
    own = tails.rarity(state, name, np.maximum(error, 0.0))
    own = np.where(own > _ORDINARY, own + _KEPT * state[f"{name}_held"], own)
    return np.where(age < _LEAST_AGE, 0.0, np.minimum(own, tails.HIGHEST))


def learn(state: Arrays, slot: Slot, learning: Bools, slots_a_day: float) -> None:
    """Take a slot in."""
    for name, error in (("up", slot.error), ("down", -slot.error)):
        error = np.maximum(error, 0.0)
        state[f"{name}_held"][:] = np.maximum(tails.rarity(state, name, error) - _ORDINARY, 0.0)
        tails.learn(state, name, error, learning & (slot.age >= 20), slots_a_day)


def bounds(state: Arrays, slot: Slot, rarity: float = 3.0) -> tuple[Floats, Floats]:
    """Within these all but one slot in 10^rarity lie, on each side; NaN while too little is known."""
    known = slot.age >= _LEAST_AGE
    below = slot.expected - slot.scale * tails.at_rarity(state, "down", rarity)
    above = slot.expected + slot.scale * tails.at_rarity(state, "up", rarity)
    return np.where(known, below, np.nan), np.where(known, above, np.nan)


def forget(state: Arrays, rows: Bools) -> None:
    """Begin anew in some rows."""
    for name in ("up", "down"):
        tails.forget(state, name, rows)
        state[f"{name}_held"][rows] = 0.0
