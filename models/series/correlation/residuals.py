"""What is left of series without level and rhythm: their quick ups and downs, in which true dependence shows.

Two series that follow the same day go up and down together without one depending on the other. So from each is taken

- a local parabola, by least squares over :data:`HALF` slots on either side (A. Savitzky, M. J. E. Golay, "Smoothing and
  Differentiation of Data by Simplified Least Squares Procedures", 1964): levels, trends and smooth rhythms;
- the median of each slot of the hour and of the day over all hours and days: what the clock makes.

Counts are brought to equal variance first (F. J. Anscombe, "The transformation of Poisson, binomial and
negative-binomial data", 1948). What is left is clipped, so that a few large numbers at the same time, as in one outage,
decide nothing.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from models.series.detectors.columns import Bools, Floats, Ints
from models.series.detectors.season import DAY_MS, HOUR_MS

HALF = 12
"""Slots on either side of the parabola; as many are lost at both ends of a stretch."""

_CLIP = 3.0
_MAD = 1.4826
"""A normal variable's standard deviation over its median distance from the median."""

_LEAST_KNOWN, _LEAST_FILLED = 0.8, 0.3
_LEAST_HOURS, _LEAST_DAYS = 8, 5
_COLUMNS = 256

Residuals = npt.NDArray[np.float32]


def residuals(values: Floats, slots: Ints, counts: Bools, slot_ms: int) -> Residuals:
    """The quick part of some series.

    Args:
        values: ``[slots, series]``; NaN where a slot holds nothing.
        slots: number of each slot since the epoch, rising; gaps part stretches.
        counts: ``[series]``, which of them count lines.
        slot_ms: length of a slot, ms.

    Returns:
        float32 ``[slots, series]``, each column with mean 0 and variance 1 over its known slots, 0 where unknown;
        columns that say too little are 0 throughout.
    """
    found = np.zeros(values.shape, np.float32)
    parts = stretches(slots)
    for begin in range(0, values.shape[1], _COLUMNS):
        some = slice(begin, min(begin + _COLUMNS, values.shape[1]))
        found[:, some] = _residuals(values[:, some], slots, counts[some], slot_ms, parts)
    return found


def stretches(slots: Ints) -> list[slice]:
    """The stretches without a gap that are long enough for a parabola."""
    ends = np.flatnonzero(np.diff(slots) != 1) + 1
    bounds = [0, *ends.tolist(), len(slots)]
    return [slice(a, b) for a, b in itertools.pairwise(bounds) if b - a > 4 * HALF]


def _residuals(values: Floats, slots: Ints, counts: Bools, slot_ms: int, parts: list[slice]) -> Floats:
    number = np.where(counts, np.nan_to_num(values), values)
    number = np.where(counts, 2.0 * np.sqrt(np.maximum(number, 0.0) + 0.375), number)
    rest = np.full(values.shape, np.nan)
    for part in parts:
        inner = slice(part.start + HALF, part.stop - HALF)
        rest[inner] = number[inner] - _smooth(number[part])
    rows = np.isfinite(rest).any(axis=1)
    if not rows.any():
        return np.zeros(values.shape)
    for period, least in ((HOUR_MS, _LEAST_HOURS), (DAY_MS, _LEAST_DAYS)):
        phases = period // slot_ms
        if phases >= 2 and period % slot_ms == 0 and rows.sum() >= least * phases:
            _take_profile(rest, slots % phases)
    middle = _median(rest[rows])
    scale = _MAD * _median(np.abs(rest[rows] - middle))
    finite = np.isfinite(rest[rows])
    filled = (finite & (values[rows] != 0)).sum(axis=0) >= _LEAST_FILLED * np.maximum(finite.sum(axis=0), 1)
    known = np.isfinite(rest[rows]).mean(axis=0) >= _LEAST_KNOWN
    good = known & (filled | ~counts) & (scale > 1e-9 * (1.0 + np.abs(_median(number))))
    rest = np.clip((rest - middle) / np.where(good, scale, 1.0), -_CLIP, _CLIP)
    rest = np.where(good & np.isfinite(rest), rest, np.nan)
    seen = np.maximum(np.isfinite(rest).sum(axis=0), 1)
    rest -= np.nansum(rest, axis=0) / seen
    rest /= np.sqrt(np.maximum(np.nansum(np.square(rest), axis=0) / seen, 1e-300))
    return np.nan_to_num(rest)


def _smooth(values: Floats) -> Floats:
    """The value of the local parabola at each slot but the :data:`HALF` ones at both ends."""
    h = HALF
    k = np.arange(-h, h + 1)
    weights = 3.0 * (3 * h * h + 3 * h - 1 - 5 * k * k) / ((2 * h - 1) * (2 * h + 1) * (2 * h + 3))
    known = np.isfinite(values)
    if not known.all():
        values = np.where(known, values, _median(values))
    n = len(values) - 2 * h
    total = np.zeros((n, values.shape[1]))
    for place, weight in enumerate(weights):
        total += weight * values[place : place + n]
    return total


def _take_profile(rest: Floats, phase: Ints) -> None:
    for one in np.unique(phase):
        own = phase == one
        rest[own] -= _median(rest[own])


def _median(values: Floats) -> Floats:
    """Of each column, NaN left out; 0 of a column without any."""
    ordered = np.sort(values, axis=0)
    n = np.isfinite(values).sum(axis=0)
    columns = np.arange(values.shape[1])
    low, high = ordered[np.maximum(n - 1, 0) // 2, columns], ordered[np.minimum(n // 2, len(values) - 1), columns]
    return np.where(n > 0, 0.5 * (low + high), 0.0)
