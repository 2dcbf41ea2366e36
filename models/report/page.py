"""Put the report together: one HTML file that needs nothing else and never grows beyond a few megabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models.report import sections
from models.report.automaton_drawing import MARKERS, Drawing
from models.report.digest import TYPES, Anomaly, Digest, digest
from models.report.entries import Entries, source_name
from models.report.series_section import SeriesPlots, series
from models.report.shell import document, write_page
from models.report.text import escape, label, plural

SHOWN = 200
"""At most so many anomalies are shown one by one."""

ENTRIES_BYTES = 2_200_000
"""Once the anomalies shown take so much room, the others are shown in brief."""

DRAWINGS_BYTES = 800_000
"""Once the drawings of automata take so much room, the other automata are not drawn."""


def write_report(
    path: str | Path,
    anomalies: Iterable[Anomaly] | str | Path,
    model: Mapping[str, Any],
    summary: Mapping[str, Any],
    title: str,
    generated_at: str,
    truth: Mapping[str, Any] | None = None,
) -> None:
    """Write the report of one scan.

    Args:
        path: the HTML file to write; its folder is made when missing.
        anomalies: the anomaly documents, or the path of a file with one a line. Read once, and never kept whole.
        model: the model document that the scan used.
        summary: the scan's summary; all keys are optional. Besides the printed numbers it may have ``files`` (names),
            ``from`` and ``to`` (ISO 8601, first and last event) and ``template_counts`` ({template id: lines}).
        title: heading of the page.
        generated_at: when the report was made, as it shall be shown.
        truth: what was injected into a generated log, see :func:`models.report.sections.truth_table`.

    Raises:
        UserError: the anomalies cannot be read or the report cannot be written.
    """
    found = digest(anomalies, SHOWN)
    write_page(path, render(found, model, summary, title, generated_at, truth))


def render(
    found: Digest,
    model: Mapping[str, Any],
    summary: Mapping[str, Any],
    title: str,
    generated_at: str,
    truth: Mapping[str, Any] | None = None,
) -> str:
    """The whole page as HTML; arguments as for :func:`write_report`."""
    drawings, definitions = _drawings(model, found)
    plots = SeriesPlots(found.worst)
    body = [sections.head(title, generated_at, found, model, summary)]
    parts = [("time", "Over time"), ("worst", "Worst first")] if found.total else []
    main = []
    if found.total:
        main += [sections.over_time(found, summary), _worst(found, Entries(model, drawings, plots))]
    else:
        main.append(sections.quiet(summary))
    if truth:
        main.insert(0, sections.truth_table(found, truth))
        parts.insert(0, ("truth", "Injected and found"))
    for name, section in (
        ("series", series(found, plots, model)),
        ("automata", sections.automata(model, drawings, found)),
        ("templates", sections.templates(model, summary)),
    ):
        if section:
            main.append(section)
            parts.append((name, label(name)))
    links = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text in parts)
    body.append(f'<nav aria-label="Parts of the report"><ul>{links}</ul></nav><main>{"".join(main)}</main>')
    return document(title, "".join(body), MARKERS + definitions + plots.definitions())


def _drawings(model: Mapping[str, Any], found: Digest) -> tuple[dict[str, Drawing], str]:
    """Draw the automata, those of the anomalies shown first, as long as there is room."""
    needed = [str((anomaly.get("transaction") or {}).get("automaton")) for anomaly in found.worst]
    rank = {name: position for position, name in enumerate(dict.fromkeys(needed))}
    listed = [automaton for automaton in model.get("automata") or [] if automaton["states"]]
    listed.sort(key=lambda item: (rank.get(str(item["id"]), len(rank)), -int(item.get("support") or 0)))
    drawings: dict[str, Drawing] = {}
    definitions: list[str] = []
    room = DRAWINGS_BYTES
    for position, automaton in enumerate(listed):
        drawing = Drawing(automaton, f"au{position}")
        definition = drawing.definition()
        room -= len(definition.encode())
        if room < 0:
            break
        drawings[str(automaton["id"])] = drawing
        definitions.append(definition)
    return drawings, "".join(definitions)


def _worst(found: Digest, entries: Entries) -> str:
    items: list[str] = []
    room = ENTRIES_BYTES
    for position, anomaly in enumerate(found.worst):
        item = entries.render(anomaly, opened=position == 0) if room > 0 else ""
        room -= len(item.encode())
        if room < 0:
            item = entries.render(anomaly, brief=True)
        items.append(item)
    more = found.total - len(found.worst)
    note = (
        f"The {len(found.worst):,} worst of {found.total:,}; {more:,} more are in the anomaly documents."
        if more
        else ""
    )
    counts: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for anomaly in found.worst:
        counts[str(anomaly.get("type"))] += 1
        places[source_name(anomaly.get("source"))] += 1
    chips = "".join(
        f'<button type="button" class="chip t-{name if name in TYPES else "other"}" data-type="{escape(name)}" '
        f'aria-pressed="false">'
        f"{escape(label(name))} <b>{counts[name]:,}</b></button>"
        for name in found.present()
        if name in counts
    )
    options = "".join(
        f'<option value="{escape(name)}">{escape(name)} ({count:,})</option>' for name, count in sorted(places.items())
    )
    return (
        f'<section id="worst"><h2>Worst first</h2><form id="filter" hidden><div class="row"><label class="find">'
        f'<span class="sr">Text to find</span><input type="search" name="text" placeholder="Find in reasons and lines" '
        f'autocomplete="off"></label><label><span class="sr">Source</span><select name="source"><option value="">'
        f"All sources</option>{options}</select></label></div>"
        f'<div class="chips" role="group" aria-label="Show only these types">{chips}</div>'
        f'<div class="row last"><output aria-live="polite">{plural(len(items), "anomaly", "anomalies")}</output>'
        f'<button type="button" class="link" name="clear" hidden>Clear filter</button>'
        f'<button type="button" class="link" name="toggle">Open all</button></div></form>'
        f'<p class="note more-note">{note}</p><ol class="entries">{"".join(items)}</ol>'
        f'<p id="none" class="note" hidden>Nothing fits this filter.</p></section>'
    )
