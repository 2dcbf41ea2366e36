"""The worst anomalies, one by one: what was found, the lines that show it, and the automaton with its marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.report.automaton_drawing import Drawing, marks_of
from models.report.digest import TYPES, Anomaly, score_of
from models.report.duration_bar import draw_duration, duration_of, normal_duration
from models.report.series_section import LEGEND as SERIES_LEGEND
from models.report.series_section import SeriesPlots
from models.report.text import cut, duration, escape, label, number, parse_time, plural, shorten, shorten_path, stamp
from models.report.violations import blamed_lines, sentence, steps

_MOST_LINES = 20
_LINE_CHARS = 800
_TEXT_CHARS = 6_000
_REASON_CHARS = 600
_VALUE_CHARS = 200
_MOST_SENTENCES = 12
_BRIEF_CHARS = 200
_BRIEF = '<p class="note">Shortened to keep this file small; the anomaly document has everything.</p>'
LEGEND = (
    '<ul class="key"><li><i class="k-begin"></i>begin</li><li><i class="k-end"></i>end</li>'
    '<li><i class="k-seen"></i>seen in this transaction</li><li><i class="k-bad"></i>violated</li></ul>'
)


_ABOUT_LINES = ("unmatched_log", "rule", "new_value")
"""Types that are about single lines, which are all marked."""


class Entries:
    """Renders anomalies with the help of the model's automata and their drawings."""

    def __init__(
        self, model: Mapping[str, Any], drawings: Mapping[str, Drawing], plots: SeriesPlots | None = None
    ) -> None:
        """Take the model document, the drawings defined in the page, by automaton id, and the plots of series."""
        self._automata = {str(automaton["id"]): automaton for automaton in model.get("automata") or []}
        self._groks = {str(item["id"]): str(item["grok"]) for item in model.get("templates") or []}
        self._drawings = drawings
        self._plots = plots or SeriesPlots(())

    def render(self, anomaly: Anomaly, *, brief: bool = False, opened: bool = False) -> str:
        """One anomaly as a list item.

        Args:
            anomaly: the document.
            brief: the head alone, for pages that would grow too large.
            opened: show the details from the start.
        """
        kind = str(anomaly.get("type"))
        score, source = score_of(anomaly), str(anomaly.get("source") or "")
        at = parse_time(anomaly.get("@timestamp"))
        when = f'<time datetime="{escape(anomaly["@timestamp"])}">{stamp(at)}</time>' if at is not None else ""
        name = escape(source_name(source))
        place = f'<span class="source" title="{name}">{escape(shorten_path(source, 60))}</span>'
        reason = _clip(str(anomaly.get("reason") or ""), _BRIEF_CHARS if brief else _REASON_CHARS)
        body = _BRIEF if brief else self._body(anomaly)
        return (
            f'<li class="entry t-{kind if kind in TYPES else "other"}" data-type="{escape(kind)}" '
            f'data-source="{name}"><details{" open" if opened else ""}><summary>'
            f'<span class="score" title="Score {number(score)} of 100">{number(score)}'
            f'<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" '
            f'height="6"/><rect class="mark" width="{score:.1f}" height="6"/></svg></span>'
            f'<span class="chip">{escape(label(kind))}</span><span class="when">{when}{place if source else ""}</span>'
            f'<span class="reason" dir="auto">{reason}</span></summary>'
            f'<div class="body">{body}</div></details></li>'
        )

    def _body(self, anomaly: Anomaly) -> str:
        transaction = anomaly.get("transaction") or {}
        automaton = self._automata.get(str(transaction.get("automaton")))
        drawing = self._drawings.get(str(transaction.get("automaton")))
        marks = marks_of(anomaly, automaton) if automaton else None
        evidence = list(anomaly.get("evidence") or [])
        blamed: set[int] = set()
        if unmatched := anomaly.get("type") in _ABOUT_LINES:
            blamed = set(range(len(evidence)))
        elif marks and automaton:
            texts = [str(line.get("text") or "") for line in evidence]
            blamed = blamed_lines(texts, marks.bad, automaton, self._groks)
        incident = self._plots.incidents.get(str(anomaly.get("id")))
        parts = [_facts(anomaly, automaton, incident.facts if incident else ())]
        if incident:
            parts.append(f'<figure class="series">{self._plots.figure(anomaly)}{SERIES_LEGEND}</figure>')
        parts.append(_lines(evidence, blamed, unmatched))
        if automaton and marks:
            figure = ""
            if drawing:
                figure = f"<figure>{drawing.copy(marks)}<figcaption>{LEGEND}</figcaption></figure>"
            words = _words(anomaly, automaton, drawing, marks.bad)
            parts.append(f'<div class="pair">{words}{figure}</div>')
        elif transaction.get("automaton"):
            parts.append('<p class="note">The automaton of this transaction is not in the model given.</p>')
        return "".join(parts)


def source_name(source: object) -> str:
    """The source as the filter knows it."""
    return shorten_path(str(source or ""), 200)


def _facts(anomaly: Anomaly, automaton: Mapping[str, Any] | None, more: Sequence[tuple[str, str]]) -> str:
    transaction = anomaly.get("transaction") or {}
    model = anomaly.get("model") or {}
    rows = [("Actual", anomaly.get("actual"), "actual"), ("Typical", anomaly.get("typical"), "typical")]
    if transaction.get("id"):
        rows.append(("Transaction", transaction["id"], "mono"))
    if automaton:
        rows.append(("Automaton", automaton.get("name") or automaton["id"], ""))
    for role, title in (("parent", "Came of"), ("child", "Led to")):
        others = [str(item["transaction"]) for item in transaction.get("linked") or [] if item["role"] == role]
        if others:
            rows.append((title, ", ".join(others), "mono"))
    checker = anomaly.get("checker") or {}
    for name, key in (("Checker", "id"), ("Violation", "violation"), ("Key", "key")):
        rows.append((name, checker.get(key), "mono" if key == "key" else ""))
    rows += [(name, value, "") for name, value in more]
    took = duration_of(anomaly)
    if took is not None:
        rows.append(("Took", duration(took), ""))
    if anomaly.get("id"):
        rows.append(("Id", anomaly["id"], "mono"))
    if model.get("id"):
        rows.append(("Model", f"{model['id']}, version {model.get('version')}", ""))
    cells = (
        f'<div><dt>{name}</dt><dd class="{style}" dir="auto">{_clip(str(value), _VALUE_CHARS)}</dd></div>'
        for name, value, style in rows
        if value is not None and value != ""
    )
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _lines(lines: Sequence[Mapping[str, Any]], blamed: set[int], all_blamed: bool) -> str:
    if not lines:
        return ""
    parts = [f'<h4>Evidence</h4><ol class="evidence{" plain" if all_blamed else ""}">']
    room = _TEXT_CHARS
    shown = 0
    for index, line in enumerate(lines[:_MOST_LINES]):
        if room <= 0:
            break
        text, lost = cut(str(line.get("text") or ""), min(_LINE_CHARS, room))
        room -= len(text)
        shown += 1
        where, full = _where(line)
        hit = ' class="hit"' if index in blamed else ""
        more = f'<i class="more"> … {plural(lost, "more character")}</i>' if lost else ""
        hidden = '<b class="sr">violating line: </b>' if hit and not all_blamed else ""
        parts.append(
            f'<li{hit}><span class="at" title="{escape(full)}">{escape(where)}</span>'
            f'<code dir="auto">{hidden}{escape(text)}{more}</code></li>'
        )
    parts.append("</ol>")
    if len(lines) > shown:
        parts.append(f'<p class="note">and {plural(len(lines) - shown, "more line")} in the anomaly document</p>')
    return "".join(parts)


def _where(line: Mapping[str, Any]) -> tuple[str, str]:
    """Place of a line of evidence: short enough to stand beside it, and in full."""
    if line.get("topic") is not None:
        full = f"{line['topic']}/{line.get('partition')}@{line.get('offset')}"
        return shorten_path(full, 44), full
    file, position = str(line.get("file") or ""), line.get("line")
    tail = f":{position}" if position is not None else ""
    return shorten_path(file, 32) + tail, file + tail


def _words(anomaly: Anomaly, automaton: Mapping[str, Any], drawing: Drawing | None, bad: Mapping[str, object]) -> str:
    """What stands beside the drawing: violations, what was passed, the time it took."""
    parts = ['<div class="words">']
    violations = anomaly.get("violations") or []
    if violations:
        parts.append('<h4>Violated</h4><ul class="violations">')
        parts += [f"<li>{escape(sentence(item, automaton))}</li>" for item in violations[:_MOST_SENTENCES]]
        if len(violations) > _MOST_SENTENCES:
            parts.append(f'<li class="more">and {len(violations) - _MOST_SENTENCES:,} more</li>')
        parts.append("</ul>")
    states = (anomaly.get("transaction") or {}).get("states") or []
    if states:
        parts.append(f"<h4>What it passed</h4>{steps(states, bad)}")
    took = duration_of(anomaly)
    bounds = automaton.get("duration")
    if took is not None and bounds and normal_duration(bounds.get("min_ms"), bounds.get("max_ms")):
        parts.append(f"<h4>How long it took</h4>{draw_duration(took, bounds)}")
    if drawing and drawing.left_out:
        parts.append(f'<p class="note">{plural(drawing.left_out, "rarer state")} not drawn</p>')
    parts.append("</div>")
    return "".join(parts)


def _clip(text: str, limit: int) -> str:
    return escape(shorten(text, limit))
