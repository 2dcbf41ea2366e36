"""Draw a series with what was expected of it, its bounds and its incidents, as SVG.

The curves are defined once, in a drawing 1,000 units wide, and put into plots of several widths by ``<use>``; text has
a fixed size in each. What ``<use>`` copies is styled by classes of its own, with strokes that do not stretch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.report.charts import count_ticks, draw_tick, time_ticks
from models.report.curves import band_path, line_path
from models.report.points import Floats, Points
from models.report.series_incident import SeriesIncident
from models.report.text import compact, day, duration, escape, moment, plural, shorten, stamp
from models.report.value_axis import tick_labels, value_range, value_text, value_ticks

UNITS = 1_000.0
"""How wide the curves are drawn."""

WIDTHS = ((1040, "wide"), (640, "middle"), (340, "narrow"))
"""The widths in which a plot is drawn, and the class of each."""

_HEIGHT, _PAIR_HEIGHT, _GAP = 170, 110, 34
_TOP, _BOTTOM, _RIGHT = 22, 44, 12
_CHAR = 6.8
_NAME_CHARS = 44


@dataclass(slots=True, frozen=True)
class Axis:
    """The axis along which a series goes.

    Attributes:
        low: where it begins.
        high: where it ends, after ``low``.
        slot: length of a slot; points are drawn at its middle. 0 where they have no length.
        rows: it counts rows, and no time.
    """

    low: int
    high: int
    slot: int = 0
    rows: bool = False

    def share(self, at: float) -> float:
        """Where ``at`` lies, from 0 to 1, held within these."""
        return min(max((at - self.low) / (self.high - self.low), 0.0), 1.0)


@dataclass(slots=True, frozen=True)
class Panel:
    """One series of a plot.

    Attributes:
        name: to be shown above it; empty for none.
        points: of the series.
        odd: indices of the points to be marked.
        limit: value of a line across it; NaN for none.
    """

    name: str
    points: Points
    odd: tuple[int, ...] = ()
    limit: float = math.nan


class Plot:
    """One series, or two with the same axis, and incidents."""

    def __init__(
        self, name: str, title: str, axis: Axis, panels: Sequence[Panel], incidents: Sequence[SeriesIncident]
    ) -> None:
        """Work out where everything goes.

        Args:
            name: id of the drawing, unique in the page; letters and digits.
            title: of what it is a plot.
            axis: along which the series go.
            panels: one or two.
            incidents: to be shaded; a single one gets its peak's value written beside it.
        """
        self._name, self._title, self._axis = name, shorten(title, 200), axis
        self._panels, self._incidents = panels, sorted(incidents, key=lambda one: (one.begin, one.id))
        self._tall = _HEIGHT if len(panels) == 1 else _PAIR_HEIGHT
        eta = [one.limit for one in incidents if one.eta is not None]
        self._ranges = [
            value_range([panel.points], [panel.limit, *(eta if not number else ())])
            for number, panel in enumerate(panels)
        ]

    def definition(self) -> str:
        """The curves, to stand once within ``<defs>`` of the page."""
        parts = []
        for number, panel in enumerate(self._panels):
            x = self._xs(panel.points)
            parts.append(f'<g id="{self._name}p{number}">{self._curves(number, panel, x)}</g>')
        return "".join(parts)

    def figure(self) -> str:
        """The plot, drawn for three widths of screen."""
        return "".join(f'<div class="chart {style}">{self._draw(width)}</div>' for width, style in WIDTHS)

    def spark(self) -> str:
        """The first series alone, as small as a word."""
        wide, tall = 120, 26
        shades = "".join(
            f'<rect class="shade t-{escape(one.type)}" x="{left * wide:.1f}" y="0" '
            f'width="{max((right - left) * wide, 2):.1f}" height="{tall}"/>'
            for one in self._incidents
            for left, right in [self._shade(one)]
        )
        scale = f"translate(0 2) scale({wide / UNITS:.3f} {(tall - 4) / self._tall:.3f})"
        return (
            f'<svg class="spark" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}" aria-hidden="true">{shades}'
            f'<use href="#{self._name}l" transform="{scale}"/></svg>'
        )

    def _xs(self, points: Points) -> Floats:
        axis = self._axis
        middle = points.at.astype(np.float64) + axis.slot / 2 - axis.low
        return np.clip(middle / (axis.high - axis.low), 0.0, 1.0) * UNITS

    def _ys(self, number: int, values: Floats) -> Floats:
        low, high = self._ranges[number]
        return (1.0 - np.clip((values - low) / (high - low), 0.0, 1.0)) * self._tall

    def _y(self, number: int, value: float) -> float:
        return float(self._ys(number, np.array([value]))[0])

    def _curves(self, number: int, panel: Panel, x: Floats) -> str:
        points = panel.points
        half = max(self._axis.slot / (self._axis.high - self._axis.low) * UNITS / 2, 0.5)
        band = band_path(x, self._ys(number, points.lower), self._ys(number, points.upper), self._tall, half)
        expected = line_path(x, self._ys(number, points.expected))
        y = self._ys(number, points.actual)
        name = f' id="{self._name}l"' if not number else ""
        parts = [f'<path class="s-band" d="{band}"/>' if band else ""]
        parts.append(f'<path class="s-expected" d="{expected}"/>' if expected else "")
        parts.append(f'<path{name} class="s-actual" d="{line_path(x, y)}"/>')
        odd = "".join(f"M{x[index]:.1f} {y[index]:.1f}h0" for index in panel.odd if not math.isnan(y[index]))
        parts.append(f'<path class="s-odd" d="{odd}"/>' if odd else "")
        return "".join(parts)

    def _draw(self, width: int) -> str:
        labels = [tick_labels(value_ticks(*one)) for one in self._ranges]
        left = max(40, 14 + round(_CHAR * max(len(text) for texts in labels for text in texts)))
        plot = width - left - _RIGHT
        floor = _TOP + len(self._panels) * (self._tall + _GAP) - _GAP
        if self._panels[0].name:
            floor += _GAP - _TOP + 4
        height = floor + _BOTTOM
        parts = [
            f'<svg class="bars plot" viewBox="0 0 {width} {height}" role="img"><title>{escape(self._title)}</title>'
            f"<desc>{escape(self.description())}</desc>"
        ]
        parts += [self._shaded(one, left, plot, floor) for one in self._incidents]
        for number, panel in enumerate(self._panels):
            top = floor - (len(self._panels) - number) * (self._tall + _GAP) + _GAP
            parts.append(self._panel(number, panel, labels[number], left, plot, top))
        parts.append(self._along(left, plot, floor, width))
        parts.append(self._names(left, plot))
        parts.append("</svg>")
        return "".join(parts)

    def _panel(self, number: int, panel: Panel, labels: list[str], left: float, plot: float, top: float) -> str:
        right, parts = left + plot, []
        ticks = value_ticks(*self._ranges[number])
        for tick, text in zip(ticks, labels, strict=True):
            y = top + self._y(number, tick)
            parts.append(f'<path class="rule" d="M{left} {y:.1f}H{right}"/>')
            parts.append(f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
        parts.append(f'<path class="base" d="M{left} {top + self._tall}H{right}"/>')
        if panel.name:
            name = escape(shorten(panel.name, _NAME_CHARS))
            parts.append(f'<text class="tick" x="{left}" y="{top - 8}" text-anchor="start">{name}</text>')
        scale = f"translate({left} {top}) scale({plot / UNITS:.4f} 1)"
        parts.append(f'<use href="#{self._name}p{number}" transform="{scale}"/>')
        if not number:
            ahead = [one for one in self._incidents if not math.isnan(one.limit)]
            parts += [self._limit(one, left, plot, top) for one in ahead[-1:]]
            if len(self._incidents) == 1 and not ahead:
                parts.append(self._peak(self._incidents[0], left, plot, top))
        return "".join(parts)

    def _along(self, left: float, plot: float, floor: float, width: int) -> str:
        axis, most = self._axis, max(int(plot) // 72, 2)
        if axis.rows:
            ticks = [(at, compact(at), "") for at in count_ticks(axis.high) if axis.low <= at <= axis.high]
        else:
            ticks = time_ticks(axis.low, axis.high, most)
        return "".join(draw_tick(left + plot * axis.share(at), floor, width, clock, date) for at, clock, date in ticks)

    def _shade(self, incident: SeriesIncident) -> tuple[float, float]:
        """From where to where it is shaded, as shares of the axis."""
        end = self._last() if incident.end is None else incident.end
        return self._axis.share(incident.begin), self._axis.share(max(end, incident.begin + self._axis.slot))

    def _last(self) -> int:
        points = self._panels[0].points
        return (int(points.at[-1]) if len(points) else self._axis.high) + self._axis.slot

    def _shaded(self, incident: SeriesIncident, left: float, plot: float, floor: float) -> str:
        begin, end = self._shade(incident)
        wide = max((end - begin) * plot, 2.0)
        x = min(left + begin * plot, left + plot - wide)
        return (
            f"<g><title>{escape(incident.sentence())}</title>"
            f'<rect class="shade t-{escape(incident.type)}" x="{x:.1f}" y="{_TOP - 4}" width="{wide:.1f}" '
            f'height="{floor - _TOP + 4:.1f}"/></g>'
        )

    def _names(self, left: float, plot: float) -> str:
        """The types above the shades, the heaviest first, as far as they do not meet."""
        parts, taken = [], list[tuple[float, float]]()
        for one in sorted(self._incidents, key=lambda item: (-item.score, item.begin, item.id)):
            begin, end = self._shade(one)
            text, half = one.label(), len(one.label()) * _CHAR / 2
            x = min(max(left + plot * (begin + end) / 2, left + half), left + plot - half)
            if all(x + half + 8 < low or high + 8 < x - half for low, high in taken):
                taken.append((x - half, x + half))
                parts.append(f'<text class="tick" x="{x:.1f}" y="13" text-anchor="middle">{escape(text)}</text>')
        return "".join(parts)

    def _peak(self, incident: SeriesIncident, left: float, plot: float, top: float) -> str:
        points = self._panels[0].points
        if math.isnan(incident.actual) or not len(points) or not points.at[0] <= incident.peak <= points.at[-1]:
            return ""
        text = value_text(incident.actual)
        half = len(text) * _CHAR / 2
        x = left + plot * self._axis.share(incident.peak + self._axis.slot / 2)
        y = self._y(0, incident.actual)
        down = incident.down if math.isnan(incident.typical) else incident.actual < incident.typical
        beside = y < 20 if not down else y > self._tall - 22
        if beside:
            side = 1 if x + 2 * half + 12 < left + plot else -1
            at, height = x + side * (half + 9), min(max(y + 4, 10), self._tall - 4)
        else:
            at, height = min(max(x, left + half + 2), left + plot - half), y + (19 if down else -9)
        return (
            f'<circle class="s-peak" cx="{x:.1f}" cy="{top + y:.1f}" r="4.5"/>'
            f'<text class="s-value" x="{at:.1f}" y="{top + height:.1f}" text-anchor="middle">{escape(text)}</text>'
        )

    def _limit(self, incident: SeriesIncident, left: float, plot: float, top: float) -> str:
        """The limit as a dashed line, and the way to it from the last slot that has a value."""
        y = top + self._y(0, incident.limit)
        text = f"limit {value_text(incident.limit)}"
        way = ""
        if incident.eta is not None:
            text += f", about {moment(incident.eta):%H:%M} on {day(incident.eta).rsplit(' ', 1)[0]}"
            points = self._panels[0].points
            known = np.flatnonzero(~np.isnan(points.actual))
            if len(known):
                last = int(known[-1])
                x = left + plot * self._axis.share(int(points.at[last]) + self._axis.slot / 2)
                start = top + self._y(0, float(points.actual[last]))
                if incident.eta <= self._axis.high:
                    end = left + plot * self._axis.share(incident.eta)
                    way = f'<path class="s-way" d="M{x:.1f} {start:.1f}L{end:.1f} {y:.1f}"/>'
                    way += f'<path class="s-odd" d="M{end:.1f} {y:.1f}h0"/>'
        above = y - 6 if y - top > 16 else y + 16
        return (
            f'<path class="s-limit" d="M{left} {y:.1f}H{left + plot}"/>{way}'
            f'<text class="s-value" x="{left + plot - 2}" y="{above:.1f}" text-anchor="end">{escape(text)}</text>'
        )

    def description(self) -> str:
        """What the plot shows, in words."""
        axis, parts = self._axis, []
        for panel in self._panels:
            values = panel.points.actual[~np.isnan(panel.points.actual)]
            what = f"{shorten(panel.name, 120)}: " if panel.name else ""
            if len(values):
                held = f"{value_text(float(values.min()))} to {value_text(float(values.max()))}"
            else:
                held = "no value"
            parts.append(f"{what}{held} in {plural(len(panel.points), 'row' if axis.rows else 'point')}.")
        if not axis.rows:
            slots = f", in slots of {duration(axis.slot)}" if axis.slot else ""
            parts.insert(0, f"{stamp(axis.low)} to {stamp(axis.high)} UTC{slots}.")
        parts += [f"{one.sentence()}." for one in self._incidents[:20]]
        return " ".join(parts)
