"""The page of series that were scored row by row: each with its plot and its alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from models.report.points import MOST_POINTS
from models.report.scored_series import Alarm, ScoredSeries
from models.report.series_plot import Plot
from models.report.shell import document, write_page
from models.report.text import escape, label, plural, shorten, stamp
from models.report.value_axis import value_text

PLOTS_BYTES = 4_000_000
"""Once the plots take so much room, the other series are not drawn."""

MOST_SERIES = 500
"""At most so many series are listed."""

_ALL_POINTS = 60_000
_FEWEST_POINTS = 300
_MOST_LISTED = 20
_LEGEND = (
    '<ul class="key"><li><i class="k-actual"></i>actual</li><li><i class="k-expected"></i>expected</li>'
    '<li><i class="k-band"></i>usual</li><li><i class="k-odd"></i>alarm</li></ul>'
)


def write_scored(path: str | Path, series: Sequence[ScoredSeries], title: str, generated_at: str) -> None:
    """Write the page of a scoring run.

    Args:
        path: the HTML file to write; its folder is made when missing.
        series: all series, as they were collected.
        title: heading of the page.
        generated_at: when the page was made, as it shall be shown.

    Raises:
        UserError: the page cannot be written.
    """
    write_page(path, render_scored(series, title, generated_at))


def render_scored(series: Sequence[ScoredSeries], title: str, generated_at: str) -> str:
    """The whole page as HTML; arguments as for :func:`write_scored`."""
    ranked = sorted(series, key=lambda one: (-one.highest(), -one.alarms, one.name))
    most = min(max(_ALL_POINTS // max(len(ranked), 1), _FEWEST_POINTS), MOST_POINTS)
    definitions: list[str] = []
    items: list[str] = []
    room = PLOTS_BYTES
    for position, one in enumerate(ranked[:MOST_SERIES]):
        opened = position == 0
        item = _entry(one, None, opened)
        if room > 0:
            plot = one.plot(f"se{position}", most)
            definition, drawn = plot.definition(), _entry(one, plot, opened)
            room -= len(definition.encode()) + len(drawn.encode())
            if room >= 0:
                definitions.append(definition)
                item = drawn
        items.append(item)
    left = len(ranked) - len(items)
    note = f'<p class="note">and {left:,} more series in the scores</p>' if left > 0 else ""
    body = (
        f'{_head(ranked, title, generated_at)}<main><section id="series"><h2>Series '
        f"<small>{len(ranked):,}</small></h2>{_LEGEND}{''.join(items)}{note}"
        '<p class="note">Times are UTC. Of a series with more rows than can be drawn, its extremes and alarms '
        "are.</p></section></main>"
    )
    return document(title, body, "".join(definitions))


def _head(series: Sequence[ScoredSeries], title: str, generated_at: str) -> str:
    rows, alarms = sum(one.rows for one in series), sum(one.alarms for one in series)
    among = f"in {plural(rows, 'row')} of {len(series):,} series"
    verdict = f"{plural(alarms, 'alarm')} {among}." if alarms else f"No alarms {among}."
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{count:,}</dd></div>"
        for name, count in (("Alarms", alarms), ("Rows", rows), ("Series", len(series)))
    )
    return (
        f'<header><p class="brand">Weirwatch series</p><h1 dir="auto">{escape(shorten(title, 200))}</h1>'
        f'<p class="verdict{"" if alarms else " calm"}">{verdict}</p>'
        f'<ul class="scanned"><li>Made {escape(generated_at)}</li></ul><dl class="tiles">{tiles}</dl></header>'
    )


def _entry(series: ScoredSeries, plot: Plot | None, opened: bool) -> str:
    facts = f"{plural(series.rows, 'row')} · {plural(series.alarms, 'alarm') if series.alarms else 'no alarms'}"
    if series.alarms:
        facts += f", highest score {series.highest():.2f}"
    drawn = f"<figure>{plot.figure()}</figure>" if plot else '<p class="note">Not drawn, to keep this file small.</p>'
    worst = sorted(series.worst, reverse=True)[:_MOST_LISTED]
    listed = "".join(f"<li><b>{one.score:.2f}</b> {escape(_sentence(one))}</li>" for one in worst)
    left = series.alarms - len(worst)
    rest = f'<li class="more">and {plural(left, "more alarm")} in the scores</li>' if left > 0 else ""
    return (
        f'<details class="card series"{" open" if opened else ""}><summary><span class="named"><b dir="auto">'
        f'{escape(shorten(series.name, 120))}</b><span class="sub">{facts}</span></span>{plot.spark() if plot else ""}'
        f'</summary>{drawn}<ol class="incidents">{listed}{rest}</ol></details>'
    )


def _sentence(alarm: Alarm) -> str:
    value, expected, lower, upper = alarm.numbers
    kind = f"{label(alarm.type)}, " if alarm.type else ""
    where = f"row {1 - alarm.before:,}" if math.isnan(alarm.time_ms) else f"{stamp(int(alarm.time_ms))} UTC"
    usual = "" if math.isnan(expected) else f", {value_text(expected)} expected"
    if not math.isnan(lower) and not math.isnan(upper):
        usual = f", {value_text(lower)} to {value_text(upper)} usual"
    return f"{kind}{where}: {value_text(value)}{usual}"
