"""The parts of the page around the list of anomalies: head, tiles, time, truth, automata and templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.report.automaton_drawing import Drawing
from models.report.charts import draw_bars
from models.report.digest import TYPES, Digest
from models.report.duration_bar import normal_duration
from models.report.text import duration, escape, label, number, parse_time, plural, shorten, stamp

MOST_TEMPLATES = 1_000
_OFF = ' class="wrong"'
_TEMPLATES_BYTES = 700_000
_GROK_CHARS = 600
_EXAMPLE_CHARS = 400
_PLACEHOLDER = re.compile(r"(%\{[^}]*\})")
_WIDTHS = ((1040, 60, "wide"), (640, 40, "middle"), (360, 24, "narrow"))
_TILES = (
    ("lines", "Lines"),
    ("matched", "Matched"),
    ("unmatched", "Unmatched"),
    ("continued", "Continued"),
    ("dead_letters", "Dead letters"),
    ("transactions", "Transactions"),
    ("lines_per_second", "Lines a second"),
)


def head(title: str, generated_at: str, digest: Digest, model: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """Title, verdict, what was scanned, and the numbers of the summary as tiles."""
    facts = [_files(summary), _span(summary), _model(model)]
    listed = "".join(f"<li>{fact}</li>" for fact in facts if fact)
    return (
        f'<header><p class="brand">Weirwatch report</p><h1 dir="auto">{escape(shorten(title, 200))}</h1>'
        f'<p class="verdict{"" if digest.total else " calm"}" dir="auto">{escape(verdict(digest, summary))}</p>'
        f'<ul class="scanned">{listed}<li>Made {escape(generated_at)}</li></ul>{_tiles(digest, summary)}</header>'
    )


def verdict(digest: Digest, summary: Mapping[str, Any]) -> str:
    """One plain sentence: how many anomalies in how many lines, and the worst."""
    lines = summary.get("lines")
    among = f" in {plural(int(lines), 'line')}" if lines is not None else ""
    if not digest.total:
        return f"No anomalies{among}."
    worst = str(digest.worst[0].get("reason") or label(str(digest.worst[0].get("type"))))
    return f"{plural(digest.total, 'anomaly', 'anomalies')}{among}; the worst: {shorten(worst, 400)}"


def _files(summary: Mapping[str, Any]) -> str:
    files = [str(file) for file in summary.get("files") or []]
    if not files:
        return ""
    names = ", ".join(shorten(file, 80) for file in files[:3])
    return "Scanned " + escape(names + (f" and {plural(len(files) - 3, 'more file')}" if len(files) > 3 else ""))


def _span(summary: Mapping[str, Any]) -> str:
    first, last = span_of(summary)
    if first is None or last is None:
        return ""
    return f"{stamp(first)} to {stamp(last)} UTC ({escape(duration(last - first))})"


def span_of(summary: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Epoch ms of the first and last event scanned, where the summary says so (``from``, ``to``)."""
    return tuple(parse_time(summary[key]) if summary.get(key) else None for key in ("from", "to"))  # type: ignore[return-value]


def _model(model: Mapping[str, Any]) -> str:
    learned = model.get("learned") or {}
    text = f"Model {model.get('id')}, version {model.get('version')}"
    parts = [plural(int(learned[key]), key[:-1]) for key in ("lines", "transactions") if learned.get(key) is not None]
    return escape(text + (f", learnt from {' and '.join(parts)}" if parts else ""))


def _tiles(digest: Digest, summary: Mapping[str, Any]) -> str:
    tiles = [f'<div class="first"><dt>Anomalies</dt><dd data-key="anomalies">{digest.total:,}</dd></div>']
    lines = summary.get("lines")
    for key, name in _TILES:
        if summary.get(key) is None:
            continue
        value = float(summary[key])
        share = ""
        if key in {"matched", "unmatched", "continued", "dead_letters"} and lines and value:
            share = f"<small>{_percent(value / float(lines))}</small>"
        shown = number(round(value)) if key == "lines_per_second" else number(value)
        tiles.append(f'<div><dt>{name}</dt><dd data-key="{key}">{shown}{share}</dd></div>')
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _percent(share: float) -> str:
    if share < 0.001:
        return "&lt; 0.1 %"
    if 0.999 < share < 1:
        return "&gt; 99.9 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def over_time(digest: Digest, summary: Mapping[str, Any]) -> str:
    """Bars over time, drawn for three widths of screen, and a legend with the counts."""
    first, last = span_of(summary)
    legend = "".join(
        f'<li class="t-{name if name in TYPES else "other"}" data-type="{escape(name)}"><i></i>{escape(label(name))} '
        f"<b>{digest.by_type[name]:,}</b></li>"
        for name in digest.present()
    )
    charts = ""
    if digest.times:
        charts = "".join(
            f'<div class="chart {name}">{draw_bars(digest, width, most, first, last)}</div>'
            for width, most, name in _WIDTHS
        )
    lost = digest.total - len(digest.times)
    note = f'<p class="note">{plural(lost, "anomaly", "anomalies")} without a time not drawn</p>' if lost else ""
    return (
        f'<section id="time"><h2>Over time</h2><div class="card">{charts}<ul class="legend">{legend}</ul>{note}'
        f'<p class="note">Times are UTC.</p></div></section>'
    )


def quiet(summary: Mapping[str, Any]) -> str:
    """What stands in place of the anomalies when there are none."""
    lost = int(summary.get("dead_letters") or 0)
    note = f" {plural(lost, 'line')} could not be read and went to the dead letters." if lost else ""
    return (
        '<section class="quiet"><svg viewBox="0 0 240 40" aria-hidden="true">'
        '<path d="M2 22c20-16 38-16 58 0s40 16 60 0 40-16 60 0 38 16 58 0"/></svg>'
        '<p>Nothing out of the ordinary.</p><p class="note">What was scanned kept to the '
        f"model’s templates and automata.{note}</p></section>"
    )


def truth_table(digest: Digest, truth: Mapping[str, Any]) -> str:
    """What was injected beside what was found.

    Args:
        digest: the anomalies reported.
        truth: ``{"injected": {type: count}, "found": {type: count}, "invented": {type: count}}``; without ``found``
            the anomalies reported are compared by their number alone.
    """
    injected, invented = truth.get("injected") or {}, truth.get("invented") or {}
    exact = truth.get("found") is not None
    found = truth["found"] if exact else digest.by_type
    extra = [name for name in (*injected, *invented) if name not in digest.types]
    rows = []
    for name in dict.fromkeys([*digest.types, *extra]):
        made, hit, more = int(injected.get(name, 0)), int(found.get(name, 0)), int(invented.get(name, 0))
        if made or hit or more:
            good = "good" if made == hit and not more else "off"
            cells = f"<td>{made:,}</td><td{'' if made == hit else _OFF}>{hit:,}</td>"
            if "invented" in truth:
                cells += f"<td{_OFF if more else ''}>{more:,}</td>"
            rows.append(f'<tr class="{good}"><th scope="row">{escape(label(name))}</th>{cells}</tr>')
    last = '<th scope="col">Invented</th>' if "invented" in truth else ""
    return (
        '<section id="truth"><h2>Injected and found</h2><div class="card"><table class="small"><thead><tr>'
        f'<th scope="col">Type</th><th scope="col">Injected</th><th scope="col">{"Found" if exact else "Reported"}</th>'
        f"{last}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def automata(model: Mapping[str, Any], drawings: Mapping[str, Drawing], digest: Digest) -> str:
    """Every automaton with its numbers, and its drawing where there is one."""
    items = []
    ranked = sorted(model.get("automata") or [], key=lambda item: -int(item.get("support") or 0))
    for automaton in ranked[:200]:
        bounds = automaton.get("duration") or {}
        normal = normal_duration(bounds.get("min_ms"), bounds.get("max_ms"))
        count = digest.by_automaton[automaton["id"]]
        facts = [
            plural(len(automaton["states"]), "state"),
            f"learnt from {plural(int(automaton.get('support') or 0), 'transaction')}",
            f"takes {normal}" if normal else "",
            plural(count, "anomaly", "anomalies") if count else "no anomalies",
        ]
        drawing = drawings.get(str(automaton["id"]))
        picture = drawing.copy() if drawing else '<p class="note">Not drawn, to keep this file small.</p>'
        if drawing and drawing.left_out:
            picture += f'<p class="note">{plural(drawing.left_out, "rarer state")} not drawn</p>'
        name = escape(shorten(str(automaton.get("name") or ""), 120))
        items.append(
            f'<details class="card"><summary><b dir="auto">{name}</b> '
            f'<code>{escape(automaton["id"])}</code><span class="sub">{escape(" · ".join(filter(None, facts)))}</span>'
            f"</summary>{picture}</details>"
        )
    if not items:
        return ""
    more = f'<p class="note">and {len(ranked) - 200:,} more in the model</p>' if len(ranked) > 200 else ""
    return f'<section id="automata"><h2>Automata</h2>{"".join(items)}{more}</section>'


def templates(model: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """The templates in a table, those most often scanned (or learnt) first."""
    scanned: Mapping[str, int] | None = summary.get("template_counts")
    listed = list(model.get("templates") or [])
    if not listed:
        return ""
    listed.sort(key=lambda item: (-int((scanned or {}).get(item["id"], 0)), -int(item.get("count") or 0), item["id"]))
    columns = ["Template", "Learnt"] + (["Scanned"] if scanned is not None else [])
    heads = "".join(f'<th scope="col"><span class="sort">{name}</span></th>' for name in columns)
    rows: list[str] = []
    room = _TEMPLATES_BYTES
    for item in listed[:MOST_TEMPLATES]:
        row = _template(item, scanned)
        room -= len(row.encode())
        if room < 0:
            break
        rows.append(row)
    more = len(listed) - len(rows)
    note = f'<p class="note">and {more:,} rarer templates in the model</p>' if more > 0 else ""
    return (
        f'<section id="templates"><h2>Templates <small>{len(listed):,}</small></h2><div class="card">'
        f'<table class="templates"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        f"{note}</div></section>"
    )


def _template(item: Mapping[str, Any], scanned: Mapping[str, int] | None) -> str:
    parts: Iterable[str] = _PLACEHOLDER.split(shorten(str(item.get("grok")), _GROK_CHARS))
    grok = "".join(f"<i>{escape(part)}</i>" if at % 2 else escape(part) for at, part in enumerate(parts))
    counts: Sequence[int] = [int(item.get("count") or 0)]
    if scanned is not None:
        counts = [*counts, int(scanned.get(item["id"], 0))]
    cells = "".join(f'<td data-value="{count}"{"" if count else " class=zero"}>{count:,}</td>' for count in counts)
    example = str(item.get("example") or "")
    shown = f'<code class="example" dir="auto">{escape(shorten(example, _EXAMPLE_CHARS))}</code>' if example else ""
    return (
        f'<tr><td><details><summary><code class="grok">{grok}</code></summary>'
        f'<span class="sub">{escape(item["id"])}</span>{shown}</details></td>{cells}</tr>'
    )
