"""A model brought up to date with what was learnt from newer logs.

Its templates keep their ids, their Grok and whatever people have written into them; lines that fit none of them make
new templates. Automata are reconciled (:mod:`models.learning.reconcile`). Counts and supports tell of the newest logs
that show a thing, so that learning from the same logs again changes none. What the model says of the values of fields
(rules, sets of values, categories, series) stays; new templates get the sets of values and the categories learnt.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

from models.document import ModelDocument
from models.errors import UserError
from models.learning.reconcile import reconcile
from models.line_reader import LineReader
from models.parser import LineParser
from models.slots.settings import SeriesSettings
from models.timestamps import TimestampSettings


def update(base: ModelDocument, learnt: ModelDocument, seen: Mapping[int, int], forget: bool) -> ModelDocument:
    """The updated model, with the next version's number.

    Args:
        base: the model so far; it stays as it is.
        learnt: from the newer logs: its templates are those of ``base``, in their order, and new ones.
        seen: lines of each template of ``base``, by its place.
        forget: leave out templates, states and automata that the newer logs do not show, with what is said of the
            values of their fields; but templates of rules stay, which somebody wrote.
    """
    model = copy.deepcopy(base)
    model.version = base.version + 1
    model.learned = learnt.learned
    model.id_pattern = learnt.id_pattern
    if "year" in model.timestamp:
        model.timestamp["year"] = learnt.timestamp.get("year")
    size = len(base.templates)
    ruled = {rule.template for rule in base.rules}
    stay = [at for at in range(size) if seen.get(at) or not forget or base.templates[at].id in ruled]
    kept = [replace(model.templates[at], count=learnt.templates[at].count) for at in stay]
    model.templates = [*kept, *learnt.templates[size:]]
    gone = {base.templates[at].id for at in range(size)} - {template.id for template in kept}
    model.automata = reconcile(model.automata, learnt.automata, gone)
    states = {(a.id, s.template, s.field) for a in model.automata for s in a.states}
    links = {(k.template, k.parent, k.parent_field, k.child, k.child_field): k for k in (*model.links, *learnt.links)}
    model.links = [
        k
        for k in links.values()
        if {(k.parent, k.template, k.parent_field), (k.child, k.template, k.child_field)} <= states
    ]
    fresh = {template.id for template in learnt.templates[size:]}
    model.values = [v for v in model.values if v.template not in gone]
    model.values += [v for v in learnt.values if v.template in fresh]
    model.categories = [c for c in model.categories if c.template not in gone]
    model.categories += [c for c in learnt.categories if c.template in fresh]
    model.series.fields = [f for f in model.series.fields if f.template not in gone]
    model.series.metrics = [f for f in model.series.metrics if f.template not in gone]
    model.series.limits = [x for x in model.series.limits if x.template not in gone]
    if learnt.series.enabled:
        _update_series(model.series, learnt.series)
    model.series.correlations = [
        pair for pair in model.series.correlations if not gone & {pair.a.template, pair.b.template}
    ]
    model.check("the updated model")
    return model


def _update_series(series: SeriesSettings, learnt: SeriesSettings) -> None:
    """Pairs that are known stay as they are; those that the newer logs show come in."""
    series.enabled = True
    known = {frozenset(pair.key) for pair in series.correlations}
    series.correlations += [pair for pair in learnt.correlations if frozenset(pair.key) not in known]


def known_templates(base: ModelDocument) -> LineParser:
    """Finds the lines of a model's templates."""
    return LineParser([t.grok for t in base.templates], [()] * len(base.templates), base.patterns)


def reader_of(base: ModelDocument, year: int | None) -> LineReader:
    """How a model reads lines; in logs whose first line is of this year, where times have none."""
    reader = LineReader.of(base)
    if reader.settings.year is None or year is None:
        return reader
    return LineReader(replace(reader.settings, year=year), reader.structure, reader.multiline)


def no_events(base: ModelDocument, names: str) -> UserError:
    """What to say when no line has a time as the model reads it."""
    written = TimestampSettings.from_document(base.timestamp).describe()
    return UserError(
        f"no line of {names} has a timestamp as the model {base.id} has it ({written}); correct the model's timestamp, "
        "or learn a new model"
    )
