"""``trend``: the level of the last half day leaves that of the last days.

The statistic is the distance of two exponentially weighted means of slots without their rhythm, one over half a day
and one over four days, less what that usually is, in units of the usual error. A steady climb that a series always
had is a constant of it; one that begins is a large number long before any slot by itself is odd.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors import tails
from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Bools, Field, Floats, joined

_NEAR_DAYS, _FAR_DAYS, _USUAL_DAYS = 0.5, 4.0, 7.0
NOISE = 0.15
"""A usual distance of the two means, in units of the usual error."""

_CLIP = 4.0

FIELDS = joined(
    tails.fields("climbing"),
    tails.fields("sinking"),
    {"near": Field(0.0), "far": Field(0.0), "usual_drift": Field(0.0), "drift_age": Field(0.0)},
)


def judge(state: Arrays, slot: Slot, known: Bools) -> tuple[Floats, Floats, Floats]:
    """Rarities as climbing and as sinking, and the statistic, whose sign tells which; 0 where too little is known."""
    drift = np.where(
        state["drift_age"] > 0, (state["near"] - state["far"] - state["usual_drift"]) / slot.scale / NOISE, 0.0
    )
    climbing = tails.rarity(state, "climbing", np.maximum(drift, 0.0))
    sinking = tails.rarity(state, "sinking", np.maximum(-drift, 0.0))
    return np.where(known, climbing, 0.0), np.where(known, sinking, 0.0), drift


def learn(state: Arrays, slot: Slot, drift: Floats, learning: Bools, slots_a_day: float) -> None:
    """Take a slot in; the near mean follows every slot, all else those that are learnt from."""
    near, far, age = state["near"], state["far"], state["drift_age"]
    first = age == 0
    near[first] = far[first] = slot.plain[first]
    bound = np.where(age < 20, np.inf, _CLIP * slot.scale)
    near += np.maximum(1.0 / (age + 1.0), 1.0 / (_NEAR_DAYS * slots_a_day)) * np.clip(slot.plain - near, -bound, bound)
    pace = np.maximum(1.0 / (age + 1.0), 1.0 / (_FAR_DAYS * slots_a_day))
    far += np.where(learning, pace * np.clip(slot.plain - far, -bound, bound), 0.0)
    usual = state["usual_drift"]
    pace = np.maximum(1.0 / (age + 1.0), 1.0 / (_USUAL_DAYS * slots_a_day))
    usual += np.where(learning, pace * np.clip(near - far - usual, -bound, bound), 0.0)
    age += 1.0
    ready = learning & (age >= slots_a_day)
    tails.learn(state, "climbing", np.maximum(drift, 0.0), ready, slots_a_day, _NEAR_DAYS * slots_a_day / 4)
    tails.learn(state, "sinking", np.maximum(-drift, 0.0), ready, slots_a_day, _NEAR_DAYS * slots_a_day / 4)


def forget(state: Arrays, rows: Bools) -> None:
    """Begin anew in some rows."""
    state["drift_age"][rows] = 0.0
    state["usual_drift"][rows] = 0.0
    tails.forget(state, "climbing", rows)
    tails.forget(state, "sinking", rows)


def move_to(state: Arrays, row: int, level: float) -> None:
    """Go on from another level, at the usual pace."""
    state["near"][row] = level
    state["far"][row] = level - state["usual_drift"][row]
