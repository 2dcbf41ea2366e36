"""Cases of the suite: a series, what was injected into it, and when.

Each series has one injection or none, after 23 days; what the detectors said before that on it is a false alarm like
what they say on series without any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.series.detectors.columns import Floats
from models.series.suite.families import DAY_SLOTS, FAMILIES, SLOTS, Course, realised

INJECTED_FROM = 23 * DAY_SLOTS
_ROOM = 4 * DAY_SLOTS


@dataclass(slots=True)
class Case:
    """One series.

    Attributes:
        family: of its normal course.
        type: of the injection; None for none.
        values: ``[SLOTS]``, NaN for a slot without a value.
        begin: slot in which the injection begins.
        end: the slot behind it.
        limit: to be forecast, or None.
    """

    family: str
    type: str | None
    values: Floats
    begin: int = 0
    end: int = 0
    limit: float | None = None


Inject = Callable[[Course, int, np.random.Generator], int]
"""Changes a course from a slot on; gives the slot behind the injection."""

_WEEKDAYS = 3


def _spike(course: Course, at: int, chance: np.random.Generator) -> int:
    end = at + int(chance.integers(1, 4))
    course.noise[at:end] = chance.uniform(8, 16) * course.unit[at:end]
    return end


def _drop(course: Course, at: int, chance: np.random.Generator) -> int:
    end = at + int(chance.integers(1, 4))
    course.noise[at:end] = -chance.uniform(8, 16) * course.unit[at:end]
    return end


def _level_shift(course: Course, at: int, chance: np.random.Generator) -> int:
    # Counts stay above nothing.
    sign = 1 if course.counts else chance.choice([-1, 1])
    course.noise[at:] += sign * chance.uniform(4, 8) * float(np.median(course.unit))
    return SLOTS


def _trend(course: Course, at: int, chance: np.random.Generator) -> int:
    end = at + int(chance.uniform(2.0, 4.0) * DAY_SLOTS)
    height = chance.choice([-1, 1]) * chance.uniform(8, 14) * course.unit
    climb = np.clip((np.arange(SLOTS) - at) / (end - at), 0.0, 1.0)
    course.noise += height * climb
    return end


def _variance(course: Course, at: int, chance: np.random.Generator) -> int:
    end = at + int(chance.uniform(0.7, 2.0) * DAY_SLOTS)
    course.noise[at:end] *= chance.choice([1 / chance.uniform(3.5, 6), chance.uniform(3, 5)])
    return end


def _seasonality(course: Course, at: int, chance: np.random.Generator) -> int:
    end = at + int(chance.uniform(1.0, 2.0) * DAY_SLOTS)
    if chance.random() < 0.5:
        course.rhythm[at:end] = course.rhythm[at - DAY_SLOTS : at].mean()
    else:
        moved = int(chance.uniform(0.33, 0.5) * DAY_SLOTS)
        course.rhythm[at:end] = course.rhythm[at - moved : end - moved].copy()
    return end


INJECTIONS: dict[str, tuple[Inject, tuple[str, ...]]] = {
    "spike": (_spike, ("rhythm", "counts", "sensor", "bursts", "growth")),
    "drop": (_drop, ("rhythm", "sensor", "growth")),
    "level_shift": (_level_shift, ("rhythm", "counts", "sensor", "growth")),
    "trend": (_trend, ("rhythm", "sensor")),
    "variance": (_variance, ("rhythm", "sensor", "growth")),
    "seasonality": (_seasonality, ("rhythm", "counts")),
}
"""Type → how it is injected, and into which families."""


def normal(family: str, seed: int) -> Case:
    """A series without an injection."""
    chance = np.random.default_rng([seed, 0])
    return Case(family, None, realised(FAMILIES[family](chance), chance))


def injected(kind: str, family: str, seed: int) -> Case:
    """A series of a family with an injection of a type.

    Raises:
        KeyError: no such type or family.
    """
    chance = np.random.default_rng([seed, 1])
    course = FAMILIES[family](chance)
    at = int(chance.integers(INJECTED_FROM, SLOTS - _ROOM))
    if kind == "flat":
        values = realised(course, chance)
        end = at + int(chance.uniform(0.15, 0.5) * DAY_SLOTS)
        held = values[at - 1] if np.isfinite(values[at - 1]) else course.rhythm[at - 1]
        values[at:end] = chance.choice([held, np.nan])
        return Case(family, kind, values, at, end)
    inject, _ = INJECTIONS[kind]
    if kind == "seasonality":
        # From Monday to Wednesday: at weekends many of the rhythms are small, and a break is none.
        at = 4 * 7 * DAY_SLOTS + at % (_WEEKDAYS * DAY_SLOTS)
    end = inject(course, at, chance)
    return Case(family, kind, realised(course, chance), at, end)


def towards_limit(seed: int, reached: bool) -> Case:
    """A series that climbs at its usual pace and reaches its limit, or would do so long after the end of the suite."""
    chance = np.random.default_rng([seed, 2])
    unit = float(np.exp(chance.uniform(-1, 3)))
    pace = chance.uniform(1.5, 5.0) * unit / DAY_SLOTS
    base = chance.uniform(20, 100) * unit
    climb = pace * np.arange(SLOTS)
    hit = int(chance.integers(INJECTED_FROM, SLOTS - DAY_SLOTS))
    limit = base + pace * (hit if reached else SLOTS + chance.uniform(2.0, 6.0) * DAY_SLOTS)
    values = realised(Course(base + climb, unit * chance.standard_normal(SLOTS), np.full(SLOTS, unit)), chance)
    if reached:
        return Case("limit", "forecast_limit", values, hit - 2 * DAY_SLOTS, hit, limit)
    return Case("limit", None, values, limit=limit)


FLAT_FAMILIES = ("rhythm", "counts", "sensor", "bursts")


def all_cases(seeds: range) -> list[Case]:
    """For each seed one series of each type and family, and as many normal ones as families."""
    found = []
    for seed in seeds:
        for kind, (_, families) in INJECTIONS.items():
            found += [injected(kind, family, seed) for family in families]
        found += [injected("flat", family, seed) for family in FLAT_FAMILIES]
        found += [towards_limit(seed, reached=True), towards_limit(seed, reached=False)]
        found += [normal(family, seed) for family in FAMILIES]
    return found
