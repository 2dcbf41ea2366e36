"""Plots of the incidents of series that a report shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.report.points import Points, thinned, with_gaps
from models.report.series_incident import SeriesIncident
from models.report.series_plot import Axis, Panel, Plot

_AHEAD_SHARE = 1.25


def axis_of(points: Points, slot: int, incidents: Sequence[SeriesIncident] = ()) -> Axis:
    """The axis of time that holds the points, and the time at which a limit is reached if that is not far.

    Args:
        points: in order; where there are none, the incidents give the axis.
        slot: length of a slot, ms.
        incidents: to be shown.
    """
    ends = [one.end if one.end is not None else one.begin + slot for one in incidents]
    if len(points):
        low, high = int(points.at[0]), int(points.at[-1]) + slot
    else:
        low, high = min(one.begin for one in incidents), max(ends)
    high = max(high, low + max(slot, 1))
    furthest = high + (high - low) * _AHEAD_SHARE
    etas = [one.eta for one in incidents if one.eta is not None and high < one.eta <= furthest]
    if etas:
        high = max(etas) + max((max(etas) - low) // 20, slot)
    return Axis(low, high, slot)


def odd_points(points: Points, slot: int, incidents: Sequence[SeriesIncident]) -> tuple[int, ...]:
    """Indices of the points within an incident that lie outside of their bounds."""
    within = np.zeros(len(points), dtype=bool)
    for one in incidents:
        end = np.iinfo(np.int64).max if one.end is None else one.end
        within |= (points.at >= one.begin) & (points.at < max(end, one.begin + slot))
    # Comparing with nothing is false.
    outside = (points.actual < points.lower) | (points.actual > points.upper)
    return tuple(np.flatnonzero(within & outside).tolist())


def plot_incidents(name: str, incidents: Sequence[SeriesIncident], points: Points) -> Plot:
    """The plot of one series with incidents, and of the other series where one is about two.

    Args:
        name: id of the drawing, unique in the page.
        incidents: of the same series, at least one; they have the same slots.
        points: of the series, in order.
    """
    first = incidents[0]
    slot = first.slot_ms
    shown = thinned(with_gaps(points, slot))
    others = [one for one in incidents if one.other]
    limit = next((one.limit for one in reversed(incidents) if not math.isnan(one.limit)), math.nan)
    panels = [Panel(first.series if others else "", shown, odd_points(shown, slot, incidents), limit)]
    panels += [Panel(one.other, thinned(with_gaps(one.other_points, slot))) for one in others[:1]]
    return Plot(name, first.series, axis_of(points, slot, incidents), panels, incidents)
