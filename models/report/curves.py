"""Paths of SVG through points of which some are missing."""

from __future__ import annotations

import numpy as np

from models.report.points import Floats


def runs(*arrays: Floats) -> list[tuple[int, int]]:
    """Begin and end of every run in which all arrays are numbers."""
    known = np.ones(len(arrays[0]), dtype=np.int8)
    for array in arrays:
        known &= ~np.isnan(array)
    edges = np.diff(known, prepend=0, append=0)
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def line_path(x: Floats, y: Floats) -> str:
    """A path through the points, broken where there is none; one that stands alone is a dot."""
    parts = []
    for start, end in runs(y):
        parts.append("M" + " ".join(f"{x[i]:.1f} {y[i]:.1f}" for i in range(start, end)))
        if end - start == 1:
            parts.append("h0")
    return "".join(parts)


def band_path(x: Floats, lower: Floats, upper: Floats, tall: float, half: float) -> str:
    """A closed path between the bounds; one that is missing beside the other is as far off as can be.

    Args:
        x: where the points are, ascending.
        lower: the lower bounds, in units of the drawing: the lower, the larger.
        upper: the upper bounds.
        tall: height of the drawing.
        half: to how far on both sides a point that stands alone is drawn.
    """
    one = np.isnan(lower) ^ np.isnan(upper)
    lower = np.where(one & np.isnan(lower), tall, lower)
    upper = np.where(one & np.isnan(upper), 0.0, upper)
    parts = []
    for start, end in runs(lower, upper):
        there = [(float(x[i]), float(upper[i])) for i in range(start, end)]
        back = [(float(x[i]), float(lower[i])) for i in range(end - 1, start - 1, -1)]
        if end - start == 1:
            there = [(there[0][0] - half, there[0][1]), (there[0][0] + half, there[0][1])]
            back = [(back[0][0] + half, back[0][1]), (back[0][0] - half, back[0][1])]
        parts.append("M" + " ".join(f"{a:.1f} {b:.1f}" for a, b in [*there, *back]) + "Z")
    return "".join(parts)
