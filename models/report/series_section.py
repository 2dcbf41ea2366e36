"""The section on series: one entry for each, with all its incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from models.report.digest import TYPES, Anomaly, Digest
from models.report.points import Points, joined
from models.report.series_incident import SeriesIncident, read_incident
from models.report.series_plot import Plot
from models.report.series_plots import plot_incidents
from models.report.text import escape, label, number, plural, shorten

MOST_SERIES = 100
"""At most so many series have an entry."""

CURVES_BYTES = 600_000
"""Once the curves take so much room, the other incidents and series are not drawn."""

SECTION_BYTES = 500_000
"""Once the entries of series take so much room, the other series are told without their plots."""

_MOST_PLOTS = 6
_MOST_LISTED = 20
NOT_DRAWN = '<p class="note">Not drawn, to keep this file small.</p>'
LEGEND = (
    '<ul class="key"><li><i class="k-actual"></i>actual</li><li><i class="k-expected"></i>expected</li>'
    '<li><i class="k-band"></i>usual</li><li><i class="k-shade"></i>incident</li>'
    '<li><i class="k-odd"></i>outside of what is usual</li></ul>'
)


class SeriesPlots:
    """The plots of the incidents shown, as long as there is room for their curves.

    Attributes:
        incidents: the incidents shown, by the id of their document.
    """

    def __init__(self, worst: Sequence[Anomaly]) -> None:
        """Draw them, the worst first, and each series with all of its incidents."""
        read = [read_incident(anomaly) for anomaly in worst]
        self.incidents = {one.id: one for one in read if one is not None}
        self._room = CURVES_BYTES
        self._definitions: list[str] = []
        self._own: dict[str, Plot] = {}
        self._series: dict[str, list[Plot]] = {}
        grouped: dict[str, list[SeriesIncident]] = {}
        for one in self.incidents.values():
            grouped.setdefault(one.series, []).append(one)
        self.by_series = dict(list(grouped.items())[:MOST_SERIES])
        for one in self.incidents.values():
            plot = self._drawn([one], one.points)
            if plot is None:
                break
            self._own[one.id] = plot
        for name, incidents in self.by_series.items():
            plots = [self._stretch(stretch) for stretch in stretches(incidents)[:_MOST_PLOTS]]
            self._series[name] = [plot for plot in plots if plot is not None]

    def _drawn(self, incidents: Sequence[SeriesIncident], points: Points) -> Plot | None:
        plot = plot_incidents(f"se{len(self._definitions)}", incidents, points)
        definition = plot.definition()
        self._room -= len(definition.encode())
        if self._room < 0:
            return None
        self._definitions.append(definition)
        return plot

    def _stretch(self, incidents: Sequence[SeriesIncident]) -> Plot | None:
        if len(incidents) == 1:
            return self._own.get(incidents[0].id)
        return self._drawn(incidents, joined(one.points for one in incidents))

    def definitions(self) -> str:
        """The curves, to stand within ``<defs>``."""
        return "".join(self._definitions)

    def figure(self, anomaly: Anomaly) -> str:
        """The plot of an anomaly; empty if it is about no series."""
        name = str(anomaly.get("id"))
        if name not in self.incidents:
            return ""
        plot = self._own.get(name)
        return NOT_DRAWN if plot is None else _figure([plot])

    def of_series(self, name: str) -> list[Plot]:
        """The plots of a series, with all of its incidents; the worst stretch of time first."""
        return self._series.get(name, [])


def stretches(incidents: Sequence[SeriesIncident]) -> list[list[SeriesIncident]]:
    """Group incidents of a series whose windows meet; the group of the first given first, each in order of time.

    Incidents with slots of different lengths, or with another series beside them, are never drawn in one.
    """
    rank = {one.id: position for position, one in enumerate(incidents)}
    groups: list[list[SeriesIncident]] = []
    ends: dict[tuple[int, str], tuple[int, list[SeriesIncident]]] = {}
    for one in sorted(incidents, key=lambda item: (_window(item), item.id)):
        low, high = _window(one)
        key = one.slot_ms, one.other
        reached, group = ends.get(key, (low - 1, []))
        if not group or low > reached:
            group = []
            groups.append(group)
            reached = high
        group.append(one)
        ends[key] = max(reached, high), group
    return sorted(groups, key=lambda group: min(rank[one.id] for one in group))


def _window(incident: SeriesIncident) -> tuple[int, int]:
    points = incident.points
    if not len(points):
        return incident.begin, incident.begin + incident.slot_ms
    return int(points.at[0]), int(points.at[-1]) + incident.slot_ms


def series(found: Digest, plots: SeriesPlots, model: Mapping[str, Any]) -> str:
    """The section: every series with its incidents, the one with the highest score first; empty without any."""
    if not found.by_series:
        return ""
    messages = {str(item["id"]): str(item["grok"]) for item in model.get("templates") or []}
    items: list[str] = []
    room = SECTION_BYTES
    for position, (name, incidents) in enumerate(plots.by_series.items()):
        drawn = plots.of_series(name) if room > 0 else []
        counts = found.by_series.get(name, Counter())
        item = _entry(name, incidents, counts, drawn, messages, opened=position == 0)
        room -= len(item.encode())
        items.append(item)
    more = len(found.by_series) - len(items)
    note = (
        f'<p class="note">and {plural(more, "more series", "more series")} in the anomaly documents</p>' if more else ""
    )
    return (
        f'<section id="series"><h2>Series <small>{len(found.by_series):,}</small></h2>{LEGEND}'
        f"{''.join(items)}{note}</section>"
    )


def _entry(
    name: str,
    incidents: Sequence[SeriesIncident],
    counts: Mapping[str, int],
    drawn: Sequence[Plot],
    messages: Mapping[str, str],
    opened: bool,
) -> str:
    total = sum(counts.values())
    chips = "".join(
        f'<span class="chip t-{kind if kind in TYPES else "other"}">{escape(label(kind))} {count:,}</span>'
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    highest = number(incidents[0].score)
    message = messages.get(incidents[0].template)
    about = f'<code class="grok" dir="auto">{escape(shorten(message, 200))}</code>' if message else ""
    listed = "".join(
        f"<li><b>{number(one.score)}</b> {escape(one.sentence())}</li>" for one in incidents[:_MOST_LISTED]
    )
    left = total - min(len(incidents), _MOST_LISTED)
    rest = f'<li class="more">and {left:,} more in the anomaly documents</li>' if left > 0 else ""
    spark = drawn[0].spark() if drawn else ""
    return (
        f'<details class="card series"{" open" if opened else ""}><summary><span class="named"><b dir="auto">'
        f'{escape(shorten(name, 120))}</b><span class="sub">{plural(total, "incident")}, highest score {highest}</span>'
        f'</span>{spark}<span class="kinds">{chips}</span></summary>{about}{_figure(drawn) if drawn else NOT_DRAWN}'
        f'<ol class="incidents">{listed}{rest}</ol></details>'
    )


def _figure(plots: Sequence[Plot]) -> str:
    return "".join(f"<figure>{plot.figure()}</figure>" for plot in plots)
