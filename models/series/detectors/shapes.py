"""What the last slots of a series look like: a step, a climb, or neither.

Three pictures are fitted by least squares to the last slots, errors clipped so that single outliers do not decide:
one level; a step between two levels at the best place; a level followed by a straight climb from the best place on.
Looked at when something was found, not in every slot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.series.detectors.columns import Floats

_LEAST = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """Sums of squares that remain, and the height of the better picture.

    Attributes:
        level: with one level.
        step: with a step.
        climb: with a climb.
        height: of the step.
        begin: the first number after the best step.
        climb_begin: where the best climb begins.
    """

    level: float
    step: float
    climb: float
    height: float
    begin: int
    climb_begin: int

    @property
    def explained(self) -> float:
        """Which share of the squares about one level the better picture takes away, 0 to 1."""
        return 1.0 - min(self.step, self.climb) / self.level if self.level > 0 else 0.0


def fit(values: Floats) -> Shape:
    """Fit the pictures.

    Args:
        values: numbers in the order of time, at least eight.
    """
    values = np.asarray(values, dtype=np.float64)
    values = _calm(values)
    n = len(values)
    level = float(np.sum(np.square(values - values.mean())))
    best_step, height, begin = level, 0.0, n
    sums, squares = np.cumsum(values), np.cumsum(np.square(values))
    for at in range(_LEAST, n - _LEAST + 1):
        before, after = sums[at - 1] / at, (sums[-1] - sums[at - 1]) / (n - at)
        rest = squares[-1] - at * before * before - (n - at) * after * after
        if rest < best_step:
            best_step, height, begin = float(rest), float(after - before), at
    best_climb, climb_begin = level, n
    time = np.arange(n, dtype=np.float64)
    for at in range(0, n - 2 * _LEAST, 2):
        ramp = np.maximum(time - at, 0.0)
        ramp -= ramp.mean()
        across = float(ramp @ ramp)
        rest = level - float(ramp @ values) ** 2 / across
        if rest < best_climb:
            best_climb, climb_begin = rest, at
    return Shape(level, max(best_step, 0.0), max(best_climb, 0.0), height, begin, climb_begin)


def _calm(values: Floats) -> Floats:
    """Bring numbers that differ from both neighbours on each side back to the median of the five."""
    if len(values) < 5:
        return values
    padded = np.concatenate([values[:1].repeat(2), values, values[-1:].repeat(2)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5)
    middle: Floats = np.median(windows, axis=1)
    off = np.abs(values - middle)
    return np.where(off > 4.0 * max(float(np.median(off)), 1e-300), middle, values)
