"""The axis of values of a plot: from where to where it goes, round ticks on it, and numbers that fit beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from models.report.points import Points

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_ROOM = 0.6
_PLAIN_BELOW = 1e15
_PLAIN_STEP = 1e-6


def value_range(points: Iterable[Points], others: Iterable[float] = ()) -> tuple[float, float]:
    """From where to where the axis goes.

    All that was seen and expected has its place, and the ``others`` have. Bounds have theirs as far as they do not
    press the rest together: the axis goes at most six tenths of the rest further for them on each side.

    Args:
        points: what is plotted on the axis.
        others: further values that have to be seen, as a limit; NaN for none.

    Returns:
        The lowest and the highest value, the first below the second; 0 and 1 where nothing is known.
    """
    parts = list(points)
    seen = [array for part in parts for array in (part.actual, part.expected)]
    low, high = _extent([*seen, np.array(list(others), dtype=np.float64)])
    bounds_low, bounds_high = _extent([array for part in parts for array in (part.lower, part.upper)])
    if low > high:
        low, high = bounds_low, bounds_high
        if low > high:
            return 0.0, 1.0
    room = (high - low) * _ROOM or abs(high) * 0.1 or 1.0
    if bounds_low <= bounds_high:
        low, high = min(low, max(bounds_low, low - room)), max(high, min(bounds_high, high + room))
    if low >= 0.0 and low <= high / 2:
        low = 0.0
    span = high - low
    if span <= abs(high) * 1e-9:
        span = abs(high) * 0.2 or 2.0
        return low - span / 2, high + span / 2
    return (low if low == 0.0 else low - span * 0.06), high + span * 0.06


def _extent(arrays: Iterable[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    for array in arrays:
        known = array[np.isfinite(array)]
        if len(known):
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    return low, high


def value_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values in ``low..high``, at most ``most`` and at least one, ascending."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    while True:
        for factor in (1.0, 2.0, 2.5, 5.0):
            width = step * factor
            first, last = math.ceil(low / width - 1e-9), math.floor(high / width + 1e-9)
            if last - first + 1 <= most:
                return [width * count for count in range(first, last + 1)] or [(low + high) / 2]
        step *= 10.0


def tick_labels(ticks: list[float]) -> list[str]:
    """The ticks in words: all in the same unit (``k``, ``M`` …) and with the same number of decimals."""
    highest = max(map(abs, ticks))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else highest or 1.0
    if highest >= _PLAIN_BELOW or step < _PLAIN_STEP:
        return [f"{tick:.3g}" for tick in ticks]
    unit, name = next(((size, name) for size, name in _UNITS if highest >= size * 10), (1.0, ""))
    decimals = next((d for d in range(8) if all(_is_whole(tick / unit * 10**d) for tick in ticks)), 7)
    return [f"{tick / unit:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") + (name if tick else "") for tick in ticks]


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6 * max(1.0, abs(value))


def value_text(value: float | None) -> str:
    """A value for people: ``12.35``, ``1,235``, ``1.2e-07``; ``nothing`` for none."""
    if value is None or math.isnan(value):
        return "nothing"
    if value == 0.0 or 1e-4 <= abs(value) < _PLAIN_BELOW:
        text = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
        return text.replace("-", "\N{MINUS SIGN}")
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
