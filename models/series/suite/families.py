"""Kinds of series, made up from a seed: a normal course, from which injections depart.

All are of slots of ten minutes over five weeks, with a hundredth of the slots without a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from models.series.detectors.columns import Floats, Ints

SLOT_MS = 600_000
DAY_SLOTS = 144
DAYS = 35
SLOTS = DAYS * DAY_SLOTS
BEGIN_MS = 1_704_067_200_000
"""Monday, 1 January 2024."""

_MISSING = 0.01


@dataclass(slots=True)
class Course:
    """A series before anything is injected.

    Attributes:
        rhythm: what day and week do, ``[SLOTS]``.
        noise: the rest, ``[SLOTS]``.
        unit: standard deviation of the rest in each slot: sizes of injections are told in it.
        counts: the sum is the rate of whole numbers, drawn anew, and has no noise of its own.
    """

    rhythm: Floats
    noise: Floats
    unit: Floats
    counts: bool = False


def times() -> Ints:
    """The begins of all slots, ms since 1970."""
    return BEGIN_MS + SLOT_MS * np.arange(SLOTS, dtype=np.int64)


def realised(course: Course, chance: np.random.Generator) -> Floats:
    """The values of a course, with slots missing."""
    values = course.rhythm + course.noise
    if course.counts:
        values = chance.poisson(np.maximum(values, 0.0)).astype(np.float64)
    values[chance.random(SLOTS) < _MISSING] = np.nan
    return values


def _day_and_week(chance: np.random.Generator) -> Floats:
    """From 0 to 1: a smooth day with one or two humps, and less on Saturday and Sunday in most series."""
    slot = np.arange(SLOTS)
    phase = 2 * np.pi * (slot / DAY_SLOTS - chance.uniform(0.45, 0.7))
    day = np.cos(phase) + chance.uniform(0.0, 0.4) * np.cos(2 * phase + chance.uniform(0, 2 * np.pi))
    day = (day - day.min()) / (day.max() - day.min())
    weekend = (slot // DAY_SLOTS) % 7 >= 5
    return np.where(weekend, chance.choice([1.0, chance.uniform(0.4, 0.7)], p=[0.3, 0.7]), 1.0) * day


def rhythm(chance: np.random.Generator) -> Course:
    """A daily, mostly weekly, rhythm with normal noise."""
    unit = float(np.exp(chance.uniform(-2, 4)))
    swing = chance.uniform(6, 15) * unit
    base = chance.uniform(1, 4) * swing + swing * _day_and_week(chance)
    return Course(base, unit * chance.standard_normal(SLOTS), np.full(SLOTS, unit))


def counts(chance: np.random.Generator) -> Course:
    """Numbers of events, Poisson, with a rhythm."""
    busy = float(np.exp(chance.uniform(np.log(60), np.log(600))))
    rate = busy * (0.25 + 0.75 * _day_and_week(chance))
    return Course(rate, np.zeros(SLOTS), np.sqrt(rate), counts=True)


def sensor(chance: np.random.Generator) -> Course:
    """A level with noise in which neighbours are alike."""
    unit, alike = float(np.exp(chance.uniform(-3, 3))), chance.uniform(0.3, 0.8)
    noise = _alike(chance.standard_normal(SLOTS), alike)
    return Course(np.full(SLOTS, chance.uniform(-20, 200) * unit), unit * noise, np.full(SLOTS, unit))


def bursts(chance: np.random.Generator) -> Course:
    """A skew, heavy-tailed rest over a level: latencies, queue lengths."""
    unit = float(np.exp(chance.uniform(0, 4)))
    spread = chance.uniform(0.2, 0.35)
    noise = np.exp(spread * chance.standard_normal(SLOTS))
    noise[chance.random(SLOTS) < 0.01] *= chance.uniform(1.3, 1.8)
    noise = (noise - noise.mean()) / noise.std()
    return Course(np.full(SLOTS, chance.uniform(4, 8) * unit), unit * noise, np.full(SLOTS, unit))


def growth(chance: np.random.Generator) -> Course:
    """A steady climb with noise: a disk that fills at its usual pace."""
    unit = float(np.exp(chance.uniform(-1, 3)))
    climb = chance.uniform(0.5, 2.0) * unit / DAY_SLOTS * np.arange(SLOTS)
    return Course(chance.uniform(50, 200) * unit + climb, unit * chance.standard_normal(SLOTS), np.full(SLOTS, unit))


FAMILIES = MappingProxyType[str, Callable[[np.random.Generator], Course]](
    {"rhythm": rhythm, "counts": counts, "sensor": sensor, "bursts": bursts, "growth": growth}
)
"""All families by name."""


def _alike(noise: Floats, alike: float) -> Floats:
    """First-order autoregressive noise of variance 1."""
    found = noise.copy()
    rest = np.sqrt(1.0 - alike * alike)
    for i in range(1, len(found)):
        found[i] = alike * found[i - 1] + rest * found[i]
    return found
