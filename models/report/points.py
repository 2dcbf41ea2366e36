"""The points of a plot: what a series held, what was expected and within which bounds, over time or over rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.report.text import parse_time

Floats = npt.NDArray[np.float64]

MOST_POINTS = 2_000
"""So many points of a series are drawn at most."""

_A_BUCKET = 4
_FURTHEST = 1e300


@dataclass(slots=True, frozen=True)
class Points:
    """Points in the order of their places; NaN stands for nothing.

    Attributes:
        at: int64, where each begins: epoch ms, or numbers of rows.
        actual: float64, what the series held.
        expected: float64, what was expected.
        lower: float64, lower bound of what is usual.
        upper: float64, upper bound of it.
    """

    at: npt.NDArray[np.int64]
    actual: Floats
    expected: Floats
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, at: npt.ArrayLike, columns: npt.ArrayLike) -> Points:
        """Points at the places ``at``; ``columns`` is [points, 4]: actual, expected, lower, upper."""
        table = np.asarray(columns, dtype=np.float64).reshape(-1, 4)
        # What is no number, or so large that a distance of two is none, is nothing.
        table = np.where(np.abs(table) <= _FURTHEST, table, np.nan)
        return cls(np.asarray(at, dtype=np.int64), *table.T)

    def columns(self) -> Floats:
        """float64[points, 4]: actual, expected, lower, upper."""
        return np.stack([self.actual, self.expected, self.lower, self.upper], axis=1)

    def take(self, indices: npt.ArrayLike) -> Points:
        """The points at ``indices``."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Points(self.at[chosen], *self.columns()[chosen].T)


def read_points(recent: object) -> Points:
    """Read ``series.recent`` of an anomaly document: ``[time, actual, expected, lower, upper]`` a slot.

    What cannot be read is passed over: a slot without a time is none, and a number that is none is nothing. Of two
    slots at the same time the later one holds.
    """
    found: dict[int, list[float]] = {}
    for slot in recent if isinstance(recent, Sequence) and not isinstance(recent, str) else ():
        if not isinstance(slot, Sequence) or isinstance(slot, str) or not slot:
            continue
        at = parse_time(slot[0])
        if at is not None:
            numbers = [known_number(value) for value in slot[1:5]]
            found[at] = [*numbers, *[np.nan] * (4 - len(numbers))]
    order = sorted(found)
    return Points.of(order, [found[at] for at in order])


def known_number(value: object) -> float:
    """A number of a document; NaN for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.nan


def joined(parts: Iterable[Points]) -> Points:
    """All points of several, in order; where some are at the same place, those of the last part hold."""
    found: dict[int, Floats] = {}
    for part in parts:
        found.update(zip(part.at.tolist(), part.columns(), strict=True))
    order = sorted(found)
    return Points.of(order, [found[at] for at in order])


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most ``most`` of the points, spread evenly, the extremes of what the series held among them.

    The places are cut into equal stretches; of each, the first point, the lowest, the highest and the first without a
    value are kept. Thinning what has been thinned loses no extreme either.

    Args:
        points: in order.
        most: how many to keep, at least 4.
    """
    return points if len(points) <= most else points.take(kept_by_thinning(points.at, points.actual, most))


def kept_by_thinning(at: npt.NDArray[np.int64], values: Floats, most: int) -> list[int]:
    """The indices of the points that :func:`thinned` keeps, of more than ``most``."""
    stretches = most // _A_BUCKET
    low, high = int(at[0]), int(at[-1])
    bucket = ((at - low).astype(np.float64) * stretches / (high - low + 1)).astype(np.int64)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    kept: set[int] = set()
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(at)], strict=True):
        stretch = values[start:stop]
        missing = np.isnan(stretch)
        kept.add(start)
        if missing.any():
            kept.add(start + int(missing.argmax()))
        if not missing.all():
            kept |= {start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))}
    return sorted(kept)


def with_gaps(points: Points, slot: int) -> Points:
    """The points, and one without a value wherever a slot or more is missing, so that no line leads across."""
    after = np.flatnonzero(np.diff(points.at) > slot * 1.5)
    if not len(after):
        return points
    at = np.insert(points.at, after + 1, points.at[after] + slot)
    return Points.of(at, np.insert(points.columns(), after + 1, np.nan, axis=0))
