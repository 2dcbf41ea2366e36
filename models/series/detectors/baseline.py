"""What a slot is expected to hold, and how far off slots usually are.

A slot without its rhythm is expected at the slow level of the series, or at the level of the last few slots where that
has predicted better of late (series that wander). The usual error is followed for the series and for each hour of the
day, so that the noise of busy hours is not the measure of quiet ones. Levels move by clipped errors: single outliers
move neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.series.detectors.columns import Arrays, Bools, Field, Floats, Ints
from models.series.detectors.season import DAY_MS, HOUR_MS, Season

RING = 96
"""So many slots, without their rhythm, are remembered."""

_FAST = 0.3
_SLOW_DAYS = 2.0
_FASTER = 0.9
_ERRORS_KEPT, _SCALE_KEPT, _HOUR_KEPT = 100.0, 400.0, 60.0
_SHRINK = 8.0
_CLIP = 3.0
_SCALE_CLIP = 4.0
_NORMAL = 1.2533
"""A normal variable's standard deviation over its mean distance from 0."""

_LEAST_RELATIVE = 1e-3
_FURTHEST = 1e6
"""Distances beyond so many usual errors are alike."""

FIELDS = {
    "age": Field(0.0),
    "slow": Field(0.0),
    "slope": Field(0.0),
    "fast": Field(0.0),
    "slow_error": Field(0.0),
    "fast_error": Field(0.0),
    "scale": Field(0.0),
    "hours": Field(0.0, 24, "f4"),
    "whole": Field(1.0),
    "size": Field(0.0),
    "ring": Field(0.0, RING, "f4"),
    "ring_at": Field(0, 1, "i8"),
}


@dataclass(slots=True)
class Slot:
    """A slot of each series, seen against what was expected of it; all arrays ``[rows]``.

    Attributes:
        time_ms: its begin.
        value: what it holds.
        rhythm: what the rhythm adds at this time.
        plain: the value less the rhythm.
        expected: what was expected.
        scale: the usual standard deviation about that, at this hour.
        error: value − expected, in units of ``scale``.
        shift: the distance from the slow level, in units of ``scale``.
        move: the distance from the slot before, in units of ``scale``.
        age: how many slots were learnt from since the rhythm was believed.
    """

    time_ms: Ints
    value: Floats
    rhythm: Floats
    plain: Floats
    expected: Floats
    scale: Floats
    error: Floats
    shift: Floats
    move: Floats
    age: Floats


class Baseline:
    """Follows level and scale of series.

    Args:
        season: the rhythm.
    """

    def __init__(self, season: Season) -> None:
        self.season = season

    def look(self, state: Arrays, time_ms: Ints, value: Floats) -> Slot:
        """See a slot against what was expected; changes nothing."""
        rhythm = self.season.profile(state, time_ms)
        plain = value - rhythm
        new = state["age"] == 0
        slow = np.where(new, plain, state["slow"] + state["slope"])
        fast = np.where(new, plain, state["fast"])
        level = np.where(state["fast_error"] < _FASTER * state["slow_error"], fast, slow)
        scale = self._scale(state, time_ms)
        rows = np.arange(len(value))
        before = np.where(new, plain, state["ring"][rows, (state["ring_at"] - 1) % RING])
        return Slot(
            time_ms,
            value,
            rhythm,
            plain,
            level + rhythm,
            scale,
            np.clip((plain - level) / scale, -_FURTHEST, _FURTHEST),
            np.clip((plain - slow) / scale, -_FURTHEST, _FURTHEST),
            np.clip((plain - before) / scale, -_FURTHEST, _FURTHEST),
            state["age"],
        )

    def _scale(self, state: Arrays, time_ms: Ints) -> Floats:
        rows = np.arange(len(time_ms))
        seen = state["age"] / 24.0
        hour = state["hours"][rows, time_ms % DAY_MS // HOUR_MS]
        scale = _NORMAL * (seen * hour + _SHRINK * state["scale"]) / (seen + _SHRINK)
        # Rounding is no noise: of whole numbers half a one, of others a thousandth, never matters.
        least = np.where(state["whole"] > 0, 0.5, np.maximum(_LEAST_RELATIVE * state["size"], 1e-300))
        return np.maximum(scale, least)

    def remember(self, state: Arrays, slot: Slot) -> None:
        """Keep the slot among the last ones, whether or not it is learnt from."""
        rows = np.arange(len(slot.value))
        state["ring"][rows, state["ring_at"] % RING] = slot.plain
        state["ring_at"] += 1

    def learn(self, state: Arrays, slot: Slot, learning: Bools) -> None:
        """Take a slot in, of the rows that learn."""
        age = state["age"]
        first = learning & (age == 0)
        for name in ("slow", "fast"):
            state[name][first] = slot.plain[first]
        whole, size = state["whole"], state["size"]
        whole[learning & (slot.value != np.rint(slot.value))] = 0.0
        recent = np.maximum(1.0 / (age + 1.0), 1.0 / _SCALE_KEPT)
        size += np.where(learning, recent * (np.abs(slot.value) - size), 0.0)
        lately = np.where(learning, np.maximum(1.0 / (age + 1.0), 1.0 / _ERRORS_KEPT), 0.0)
        # The slow level goes on at its usual pace, whether or not there is something to learn.
        state["slow"] += np.where(age > 0, state["slope"], 0.0)
        bound = np.where(age < 10, np.inf, _CLIP * slot.scale)
        slow_error = slot.plain - state["slow"]
        fast_error = slot.plain - state["fast"]
        state["slow_error"] += lately * (np.minimum(np.abs(slow_error), 3 * bound) - state["slow_error"])
        state["fast_error"] += lately * (np.minimum(np.abs(fast_error), 3 * bound) - state["fast_error"])
        slowly = np.maximum(1.0 / (age + 1.0), 1.0 / (_SLOW_DAYS * self.season.slots_a_day))
        state["slow"] += np.where(learning, slowly * np.clip(slow_error, -bound, bound), 0.0)
        # Well damped: less than a quarter of the square of the level's pace.
        slope = np.where(learning & (age > self.season.slots_a_day), 0.1 * slowly * slowly, 0.0)
        state["slope"] += slope * np.clip(slow_error, -bound, bound)
        state["fast"] += np.where(learning, _FAST * np.clip(fast_error, -bound, bound), 0.0)
        off = np.abs(slot.error) * slot.scale
        off = np.where(age < 10, off, np.minimum(off, _SCALE_CLIP * slot.scale))
        state["scale"] += np.where(learning, recent * (off - state["scale"]), 0.0)
        rows, hour = np.arange(len(off)), slot.time_ms % DAY_MS // HOUR_MS
        hours = state["hours"]
        known = np.minimum(np.maximum(1.0, age * (1.0 / 24.0)), _HOUR_KEPT)
        hours[rows, hour] += np.where(learning, (off - hours[rows, hour]) / known, 0.0)
        age += learning

    def forget(self, state: Arrays, rows: Bools) -> None:
        """Begin anew in some rows."""
        for name in ("age", "slope", "slow_error", "fast_error", "scale", "hours"):
            state[name][rows] = 0.0
