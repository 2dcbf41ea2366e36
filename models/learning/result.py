"""From the plan of the first pass and the visits of the second to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.anomalies import iso_ms
from models.document import ModelDocument
from models.learning.messages import MessageSummary
from models.learning.options import LearnOptions, LearnReport
from models.learning.plan import LearnPlan, watched_series
from models.learning.series import enable_series
from models.learning.tallies import FieldTallies
from models.learning.update import update
from models.learning.visits import VisitSummary
from models.mining.automata import LearnSettings, count_transactions, learn_automata
from models.mining.links import learn_links
from models.slots.settings import SeriesSettings


def make_model(
    names: Sequence[str],
    summary: MessageSummary,
    plan: LearnPlan,
    visits: VisitSummary,
    tallies: FieldTallies,
    sections: Mapping[str, Any],
    options: LearnOptions,
    base: ModelDocument | None = None,
) -> tuple[ModelDocument, LearnReport]:
    """The model, and what was read for it.

    Args:
        names: of the logs.
        summary: of the first pass.
        plan: made from it.
        visits: of the second.
        tallies: of the second.
        sections: how lines were read, see :meth:`models.line_reader.LineReader.sections`.
        options: the model's name, and whether to forget.
        base: a model to be updated.
    """
    table, span = visits.table()
    templates: list[dict[str, Any]] = [
        {"id": t.id, "grok": t.grok, "count": t.count, "example": t.example} for t in plan.templates
    ]
    automata = learn_automata(table, templates, plan.choice, LearnSettings(span_ms=span))
    report = LearnReport(summary.lines, summary.events, summary.continued, summary.dead_letters)
    report.transactions = count_transactions(table, len(templates), plan.choice)
    report.notes = _notes(summary, plan, visits)
    learned: dict[str, Any] = {
        "files": list(names),
        "lines": report.lines,
        "events": report.events,
        "transactions": report.transactions,
        "from": None if summary.from_ms is None else iso_ms(summary.from_ms),
        "to": None if summary.to_ms is None else iso_ms(summary.to_ms),
    }
    if visits.share < 1:
        learned["share"] = visits.share
    document: dict[str, Any] = {
        "kind": "weirwatch.model",
        "format": 1,
        "id": options.model_id,
        "version": 1,
        "learned": learned,
        **sections,
        "templates": templates,
        "automata": automata,
    }
    document |= tallies.sections(templates)
    series = watched_series(options, None)
    if series is not None or plan.tallies.series is not None:
        # Of a model that is updated, what it says itself stays: :func:`models.learning.update.update`.
        document["series"] = replace(series or SeriesSettings(enabled=True), correlations=tallies.pairs()).to_json()
    links = learn_links(table, templates, plan.choice, automata)
    if links:
        document["links"] = links
    if plan.patterns:
        document["patterns"] = dict(plan.patterns)
    if plan.id_pattern:
        document["id_pattern"] = plan.id_pattern
    model = ModelDocument.from_json(document, "the learnt model")
    if base is not None:
        model = update(base, model, summary.known, options.forget)
    if options.series_slot_ms is not None:
        enable_series(model, options.series_slot_ms)
    return model, report


def _notes(summary: MessageSummary, plan: LearnPlan, visits: VisitSummary) -> list[str]:
    notes = [f"{name}: {reason}" for name, reason in sorted(summary.broken.items())]
    if summary.folds.left_out:
        notes.append(f"{summary.folds.left_out:,} lines were too varied to look at; they may be reported as unmatched")
    if visits.share < 1:
        notes.append(
            f"transactions are many: how they go was learnt from 1 in {round(1 / visits.share):,} of them, "
            "and supports count these"
        )
    if not plan.choice.by_template:
        notes.append(
            "no field identifies transactions, so that only lines unlike all learnt ones will be found; "
            "if a field does, --id-pattern REGEX names it"
        )
    return notes
