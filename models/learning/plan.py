"""From the merged summary of the first pass to what the second one follows: templates and identifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.document import ModelDocument
from models.learning.messages import MessageSummary
from models.learning.options import LearnLimits, LearnOptions
from models.learning.series_tally import SeriesReading
from models.learning.stretch import Stretch
from models.learning.tallies import TallyReading
from models.learning.visits import VisitReading
from models.mining.alternatives import find_alternatives
from models.mining.categories import find_candidates
from models.mining.identifier_pattern import identifier_pattern
from models.mining.identifiers import Identifier, IdentifierChoice, TemplateSample, discover_identifiers
from models.mining.steps import find_steps, split_contents
from models.mining.templates import mine_templates
from models.mining.transactions import EventTable
from models.mining.values import candidates
from models.parser import LineParser, Parsed
from models.slots.settings import SeriesSettings

_PATTERN_VALUES = 500


@dataclass(frozen=True, slots=True)
class LearnedTemplate:
    """A template of the model to be, as :class:`models.document.Template` has it."""

    id: str
    grok: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class LearnPlan:
    """What is known after the first pass.

    Attributes:
        templates: all templates, in the order of the model.
        choice: which fields identify transactions, by the place of the template.
        id_pattern: finds such identifiers in any text; None if none can be told from text.
        patterns: Grok patterns of the model's own.
        tallies: what else the second pass counts.
    """

    templates: tuple[LearnedTemplate, ...]
    choice: IdentifierChoice
    id_pattern: str | None
    patterns: Mapping[str, str]
    tallies: TallyReading

    @property
    def reads_again(self) -> bool:
        """Whether the second pass can bring anything: there are transactions, or fields to be counted."""
        return bool(self.choice.by_template or self.tallies)

    def reading(self, limits: LearnLimits) -> VisitReading:
        """What the second pass has to know."""
        return VisitReading(
            tuple(template.grok for template in self.templates),
            self.choice,
            tuple(sorted(self.patterns.items())),
            limits.visits,
        )


def make_plan(summary: MessageSummary, options: LearnOptions, base: ModelDocument | None = None) -> LearnPlan:
    """Mine templates, find identifiers, and look at both again in the light of how transactions use templates.

    Args:
        summary: of all lines; of those of the templates of ``base``, their counts.
        options: the pattern of identifiers, if one is given.
        base: a model to be updated: its templates and their identifiers stay.
    """
    known = [] if base is None else base.templates
    patterns = {} if base is None else base.patterns
    size = len(known)
    contents, counts, examples = summary.folds.contents()
    stretch = summary.stretch.stretch()
    mined = mine_templates(contents, counts, examples)
    groks = [*(t.grok for t in known), *(t.grok for t in mined)]
    fields = _Fields.of(stretch, groks, patterns)
    samples = fields.samples()
    choice = _keep_fields(discover_identifiers(samples, options.id_pattern), base)
    # The templates of a model stay what they are: their patterns are like no other.
    rows = [*(("\0" + t.id,) for t in known), *(t.pattern for t in mined)]
    joined = find_alternatives(rows, fields.table(choice), choice.kinds(len(groks)))
    found = find_steps(samples, choice)
    steps = {t - size: found[t] for t in found if t >= size and mined[t - size].pattern not in joined}
    if joined or steps:
        split = split_contents(mined, contents, steps)
        mined = mine_templates(contents, counts, examples, joined=joined, split=split)
        groks = [*(t.grok for t in known), *(t.grok for t in mined)]
        samples = _Fields.of(stretch, groks, patterns).samples()
        choice = _keep_fields(discover_identifiers(samples, options.id_pattern), base)
    pattern = options.id_pattern or _pattern_of(samples, choice)
    kept = [LearnedTemplate(t.id, t.grok, summary.known[at] or t.count, t.example) for at, t in enumerate(known)]
    taken = {template.id for template in kept}
    new = [LearnedTemplate(_free(t.id, taken), t.grok, t.count, t.example) for t in mined]
    if base is not None and base.id_pattern and not options.id_pattern:
        pattern = base.id_pattern
    # What a model says of the values of its templates stays as it is, and so does that it says nothing.
    fresh = {at: sample for at, sample in samples.items() if at >= size}
    tallies = _tallies(summary, groks, fresh, choice)
    series = watched_series(options, base)
    if series is not None:
        few = find_candidates(samples, groks, {at: choice.fields_of(at) for at in samples})
        lines = [(template.id, template.count) for template in (*kept, *new)]
        tallies = replace(tallies, series=SeriesReading.of(series, lines, few))
    return LearnPlan((*kept, *new), choice, pattern, patterns, tallies)


def watched_series(options: LearnOptions, base: ModelDocument | None) -> SeriesSettings | None:
    """How the learnt model watches series; None if it does not."""
    slot_ms = options.series_slot_ms
    if base is not None and (base.series.enabled or slot_ms is not None):
        return replace(base.series, enabled=True, slot_ms=slot_ms or base.series.slot_ms)
    return None if slot_ms is None else SeriesSettings(enabled=True, slot_ms=slot_ms)


def _tallies(
    summary: MessageSummary,
    groks: Sequence[str],
    samples: Mapping[int, TemplateSample],
    choice: IdentifierChoice,
) -> TallyReading:
    """The fields that take few values by their samples."""
    identifiers = {at: choice.fields_of(at) for at in samples}
    return TallyReading(
        tuple(sorted(candidates(samples, identifiers).items())),
        tuple(find_candidates(samples, groks, identifiers)),
        (summary.from_ms or 0, summary.to_ms or 0),
    )


def _free(name: str, taken: set[str]) -> str:
    """The id, or one like it where somebody has given a known template another Grok and left it this id."""
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique


def _keep_fields(choice: IdentifierChoice, base: ModelDocument | None) -> IdentifierChoice:
    """The choice, but for the templates of the model's automata the fields that it names."""
    if base is None or not base.automata:
        return choice
    place = {template.id: at for at, template in enumerate(base.templates)}
    found = {at: list(choice.identifiers_of(at)) for at in choice.by_template}
    fresh = max((identifier.kind for some in found.values() for identifier in some), default=-1) + 1
    kept: dict[int, list[Identifier]] = {}
    for automaton in base.automata:
        fields = {place[state.template]: state.field for state in automaton.states}
        own = {at: next((one for one in found.get(at, ()) if one.field == name), None) for at, name in fields.items()}
        agreed = Counter(one.kind for one in own.values() if one is not None)
        kind = min(agreed, key=lambda one: (-agreed[one], one)) if agreed else fresh
        fresh += not agreed
        for at, name in fields.items():
            known = own[at]
            same = known is not None and known.kind == kind
            kept.setdefault(at, []).append(known if known is not None and same else Identifier(name, kind, 1.0))
    chosen = dict(sorted((found | kept).items()))
    further = {at: tuple(some[1:]) for at, some in chosen.items() if len(some) > 1}
    return IdentifierChoice({at: some[0] for at, some in chosen.items()}, choice.pattern, further)


def _pattern_of(samples: Mapping[int, TemplateSample], choice: IdentifierChoice) -> str | None:
    """A pattern that finds such identifiers in any text; None if none can be told from text."""
    kinds: dict[int, list[str]] = {}
    for template, sample in samples.items():
        for identifier in choice.identifiers_of(template):
            kinds.setdefault(identifier.kind, []).extend(sample.fields[identifier.field][:_PATTERN_VALUES])
    return identifier_pattern([kinds[kind] for kind in sorted(kinds)])


@dataclass(frozen=True, slots=True)
class _Fields:
    """The lines of a stretch with all fields of their templates cut out.

    Attributes:
        stretch: the lines.
        names: the fields of each template, in order.
        parsed: the lines, parsed.
    """

    stretch: Stretch
    names: Sequence[tuple[str, ...]]
    parsed: Parsed

    @classmethod
    def of(cls, stretch: Stretch, groks: Sequence[str], patterns: Mapping[str, str]) -> _Fields:
        """Cut out all fields of templates with their own Grok patterns."""
        parser = LineParser(groks, None, patterns)
        spans = stretch.data, stretch.starts, stretch.ends, stretch.time_starts, stretch.time_ends
        return cls(stretch, parser.wanted, parser.parse(*spans))

    def samples(self) -> dict[int, TemplateSample]:
        """The values of all fields of each template that occurs."""
        raw, parsed = self.stretch.data.tobytes(), self.parsed
        samples: dict[int, TemplateSample] = {}
        order = np.argsort(parsed.template, kind="stable")
        bounds = np.searchsorted(parsed.template[order], np.arange(len(self.names) + 1))
        for template, fields in enumerate(self.names):
            rows = order[bounds[template] : bounds[template + 1]]
            if not len(rows):
                continue
            values: dict[str, list[str]] = {}
            for k, name in enumerate(fields):
                spans = zip(parsed.begin[k, rows].tolist(), parsed.end[k, rows].tolist(), strict=True)
                values[name] = [raw[a:b].decode("utf-8", "replace") if a >= 0 else "" for a, b in spans]
            samples[template] = TemplateSample(rows + 1, values)
        return samples

    def table(self, choice: IdentifierChoice) -> EventTable:
        """What the lines visit and by which transactions."""
        template, own = self.parsed.template, [choice.fields_of(at) for at in range(len(self.names))]
        width = max(1, *map(len, own)) if own else 1
        # The place of the k-th identifier among the fields of its template; -1: it has no k-th one.
        columns = np.full((width, len(own) + 1), -1, np.int64)
        for at, found in enumerate(own):
            columns[: len(found), at] = [self.names[at].index(name) for name in found]
        column, rows = columns[:, template], np.arange(len(template))
        begin = np.where(column >= 0, self.parsed.begin[column, rows], -1)
        event, place, visit = choice.visits(len(own)).of(template, begin >= 0)
        named = np.flatnonzero((begin[place, event] >= 0) & (visit >= 0))
        event, place = event[named], place[named]
        numbers: dict[bytes, int] = {}
        raw = self.stretch.data.tobytes()
        ends = self.parsed.end[column[place, event], event]
        spans = zip(begin[place, event].tolist(), ends.tolist(), strict=True)
        transaction = np.array([numbers.setdefault(raw[a:b], len(numbers)) for a, b in spans], np.int64)
        return EventTable(visit[named], transaction, self.stretch.event_ms[event], event.astype(np.int64))
