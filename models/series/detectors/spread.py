"""``variance``: neighbouring slots differ by much more, or much less, than they use to.

The statistic is the logarithm of the mean distance between neighbours, exponentially weighted over some fifty slots,
against what it usually is. Distances between neighbours do not see steps and slow climbs.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors import tails
from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Bools, Field, Floats, joined

_SLOTS = 24.0
_CLIP = 5.0
_NOISE = 0.13
"""The standard deviation of the statistic for independent normal slots."""

_FIRST = 1.128
"""The mean distance of two normal variables."""

_USUAL_SLOTS = 600.0
_LEAST_AGE = 250.0
_SMALLEST = 1e-3

FIELDS = joined(
    tails.fields("wider"), tails.fields("narrower"), {"moves": Field(_FIRST), "usual_moves": Field(np.log(_FIRST))}
)


def judge(state: Arrays, slot: Slot) -> tuple[Floats, Floats, Floats]:
    """Rarities as wider and as narrower, and the statistic, whose sign tells which."""
    change = (np.log(np.maximum(_next(state, slot), _SMALLEST)) - state["usual_moves"]) / _NOISE
    known = slot.age >= _LEAST_AGE
    wider = tails.rarity(state, "wider", np.maximum(change, 0.0))
    narrower = tails.rarity(state, "narrower", np.maximum(-change, 0.0))
    return np.where(known, wider, 0.0), np.where(known, narrower, 0.0), change


def _next(state: Arrays, slot: Slot) -> Floats:
    moves = state["moves"]
    return moves + (np.minimum(np.abs(slot.move), _CLIP) - moves) / _SLOTS


def learn(state: Arrays, slot: Slot, change: Floats, learning: Bools, slots_a_day: float) -> None:
    """Take a slot in; the mean distance follows every slot, what is usual those that are learnt from."""
    state["moves"][:] = np.where(slot.age > 0, _next(state, slot), state["moves"])
    pace = np.maximum(1.0 / (slot.age + 1.0), 1.0 / _USUAL_SLOTS)
    ready = learning & (slot.age >= 2 * _SLOTS)
    usual = state["usual_moves"]
    usual += np.where(ready, pace * np.clip(change * _NOISE, -1.0, 1.0), 0.0)
    tails.learn(state, "wider", np.maximum(change, 0.0), ready, slots_a_day, _SLOTS)
    tails.learn(state, "narrower", np.maximum(-change, 0.0), ready, slots_a_day, _SLOTS)


def forget(state: Arrays, rows: Bools, tails_too: bool) -> None:
    """Begin anew in some rows; without the tails, what is usual becomes what is now."""
    if tails_too:
        tails.forget(state, "wider", rows)
        tails.forget(state, "narrower", rows)
        state["moves"][rows] = _FIRST
        state["usual_moves"][rows] = np.log(_FIRST)
    else:
        state["usual_moves"][rows] = np.log(np.maximum(state["moves"][rows], _SMALLEST))
