"""What a model knows of one line: its template and fields, the state that it leads to, and what holds of that."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from models.anomalies import human_duration, iso_ms
from models.automata.reasons import bounds, times
from models.document import Automaton, ModelDocument, State, Template, Transition
from models.editing.contents import ContentReader
from models.grok import Field, Value, plain_text
from models.linear import LinearRegex
from models.parser import LineParser
from models.phrases import phrases
from models.structure.canonical import plain_values

_NEAREST = 0.4
"""A template less like the line than this is not named."""


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """What is known of a line.

    Attributes:
        text: the line.
        content: what it says beside its timestamp.
        time_ms: its timestamp, epoch ms; None where it has none, and where lines carry none.
        template: the template that it fits, or None.
        fields: name, pattern and value of each of its fields.
        visits: the states that it leads to, each with its automaton and the identifier of its transaction; a line with
            several identifiers has several.
        transaction: the identifier of its (first) transaction, or None.
        nearest: where it fits none, the template that says nearly the same, or None.
        rows: the sentences about it.
    """

    text: str
    content: str
    time_ms: int | None
    template: Template | None = None
    fields: tuple[tuple[Field, Value], ...] = ()
    visits: tuple[tuple[Automaton, State, str], ...] = ()
    transaction: str | None = None
    nearest: Template | None = None
    rows: tuple[tuple[str, str], ...] = field(default=())

    @property
    def automaton(self) -> Automaton | None:
        """What its template belongs to first, or None."""
        return self.visits[0][0] if self.visits else None

    @property
    def state(self) -> State | None:
        """What its template is there, or None."""
        return self.visits[0][1] if self.visits else None

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON data."""
        return {
            "text": self.text,
            "timestamp": None if self.time_ms is None else iso_ms(self.time_ms),
            "template": None if self.template is None else self.template.id,
            "grok": None if self.template is None else self.template.grok,
            "fields": {known.name: value for known, value in self.fields},
            "automaton": None if self.automaton is None else self.automaton.id,
            "state": None if self.state is None else self.state.id,
            "transaction": self.transaction,
            "visits": [
                {"automaton": automaton.id, "state": state.id, "transaction": transaction}
                for automaton, state, transaction in self.visits
            ],
            "nearest": None if self.nearest is None else self.nearest.id,
            "sentences": [f"{head}: {text}" for head, text in self.rows],
        }


class LineExplainer:
    """Explains lines with one model.

    Args:
        model: the model.
    """

    def __init__(self, model: ModelDocument) -> None:
        self.model = model
        self._contents = ContentReader(model)
        self._states: dict[str, list[tuple[Automaton, State]]] = {}
        for automaton in model.automata:
            for state in automaton.states:
                self._states.setdefault(state.template, []).append((automaton, state))
        self._parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates), model.patterns)
        self._id_pattern = LinearRegex(model.id_pattern) if model.id_pattern else None

    def states_of(self, line: str) -> list[tuple[Automaton, State]]:
        """The states that a line leads to; of a text of several lines the first counts."""
        at, _ = self._parser.match(self._contents.content(line.partition("\n")[0].rstrip("\r")))
        return self._states.get(self.model.templates[at].id, []) if at >= 0 else []

    def explain(self, line: str) -> LineExplanation:
        """Everything that the model knows of a line."""
        content, time_ms = self._contents.read(line)
        at, _ = self._parser.match(content)
        if at < 0:
            somewhere = self._id_pattern.search(content) if self._id_pattern else None
            transaction = somewhere.matched if somewhere else None
            nearest = self._nearest(content)
            unmatched = (self._time_row(time_ms), *self._unmatched_rows(nearest, transaction))
            return LineExplanation(line, content, time_ms, transaction=transaction, nearest=nearest, rows=unmatched)
        template, grok = self.model.templates[at], self._parser.groks[at]
        values = grok.values(content) or {}
        if self.model.structure is not None:
            values = plain_values(values)
        fields = tuple((known, values[known.name]) for known in grok.fields if known.name in values)
        rows = [self._time_row(time_ms), *_template_rows(template, fields)]
        found = grok.regex.fullmatch(content)
        visits = []
        for automaton, state in self._states.get(template.id, []):
            identifier = found[state.field] if found else None
            visits.append((automaton, state, identifier or ""))
            rows.append(("transaction", f"{identifier}, in the field {state.field}"))
            rows += state_rows(self.model, automaton, state)
        rows += [("link", said) for said in link_sentences(self.model, template)]
        if not visits:
            rows.append(
                ("state", "none: the template belongs to no automaton, so that only lines unlike it are told of")
            )
        transaction = visits[0][2] if visits else None
        return LineExplanation(line, content, time_ms, template, fields, tuple(visits), transaction, None, tuple(rows))

    def _time_row(self, time_ms: int | None) -> tuple[str, str]:
        if time_ms is not None:
            return "time", f"{iso_ms(time_ms)}, written as {self._contents.settings.describe()}"
        if self._contents.settings.formats == ("NONE",):
            return "time", self._contents.settings.describe()
        return "time", (
            f"no timestamp as the model describes them ({self._contents.settings.describe()}): in a log the line would "
            "continue the one before it; it is explained as if its content stood there"
        )

    def _unmatched_rows(self, nearest: Template | None, transaction: str | None) -> Iterator[tuple[str, str]]:
        yield "template", f"none: the line fits none of the {len(self.model.templates):,} templates, and is an anomaly"
        if nearest is not None:
            yield "nearest", f"{nearest.id}: {nearest.grok}"
        if transaction is not None:
            yield "transaction", f"{transaction}, as id_pattern finds it"

    def _nearest(self, content: str) -> Template | None:
        """The template whose constants are most like the line's words, if any is like it at all."""
        words = content.split()
        best: tuple[float, Template | None] = (_NEAREST, None)
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(words)
        for template in self.model.templates:
            matcher.set_seq1(plain_text(template.grok).split())
            if matcher.quick_ratio() > best[0] and (ratio := matcher.ratio()) > best[0]:
                best = ratio, template
        return best[1]


def _template_rows(template: Template, fields: tuple[tuple[Field, Value], ...]) -> Iterator[tuple[str, str]]:
    seen = f", seen in {_count(template.count, 'line')} when the model was learnt" if template.count else ""
    yield "template", f"{template.id}{seen}"
    yield "grok", template.grok
    for known, value in fields:
        kind = {int: "a whole number", float: "a number"}.get(type(value), "a text")
        yield "field", f"{known.name} = {value} ({known.pattern_name or 'expression of its own'}, {kind})"


def state_rows(model: ModelDocument, automaton: Automaton, state: State) -> Iterator[tuple[str, str]]:
    """What holds of a state, in sentences: how often it occurs, where it stands, from how much that was learnt."""
    names = state_names(model, automaton)
    learnt = f", learnt from {_count(automaton.support, 'transaction')}" if automaton.support else ""
    yield "state", f'{state.id} of automaton {automaton.id} "{automaton.name}"{learnt}'
    seen = f"; seen in {_count(state.support, 'transaction')}" if state.support else ""
    yield "occurs", f"{usual_times(state.min, state.max)} in a complete transaction{seen}"
    if state.begin or state.end:
        marks = " and ".join(mark for mark, given in (("begin", state.begin), ("end", state.end)) if given)
        yield "place", f"a transaction may {marks} with it"
    for order in automaton.order:
        if state.id in (order.before, order.after):
            other = names[order.after if order.before == state.id else order.before]
            way = "before" if order.before == state.id else "after"
            yield "order", f"first occurs {way} {other}{_learnt(order.support)}"
    for rule in automaton.requires:
        if rule.if_ == state.id:
            yield "requires", f"when it occurs, {names[rule.then]} occurs too{_learnt(rule.support)}"
        elif rule.then == state.id:
            yield "required", f"when {names[rule.if_]} occurs, it occurs too{_learnt(rule.support)}"
    for equal in automaton.equal:
        if state.id in equal.states:
            others = ", ".join(names[s] for s in equal.states if s != state.id)
            yield "equal", f"occurs as often as {others}{_learnt(equal.support)}"
    for excludes in automaton.excludes:
        if state.id in excludes.states:
            yield "excludes", f"never occurs with {', '.join(names[s] for s in excludes.states if s != state.id)}"
    after = [t for t in automaton.transitions if t.from_ == state.id]
    for transition in after:
        yield "follows", f"{_step(transition)}then {names[transition.to]}{_learnt(transition.support)}"
    if state.closed:
        yield "closed", "nothing else follows it" if after else "nothing follows it"
    yield "duration", duration_sentence(automaton)


def link_sentences(model: ModelDocument, template: Template) -> Iterator[str]:
    """What lines of a template say of two transactions at once."""
    for link in model.links:
        if link.template == template.id:
            seen = f" (seen of {_count(link.support, 'pair')})" if link.support else ""
            yield (
                f"the transaction in {link.parent_field} ({link.parent}) leads to the one in {link.child_field} "
                f"({link.child}){seen}"
            )


def _step(transition: Transition) -> str:
    """How long a step takes, before what follows; empty for no bound."""
    low, high = transition.min_ms, transition.max_ms
    if low is not None and high is not None:
        return f"after {human_duration(low)} to {human_duration(high)} "
    if high is not None:
        return f"within {human_duration(high)} "
    return f"after {human_duration(low)} or more " if low is not None else ""


def state_names(model: ModelDocument, automaton: Automaton) -> dict[str, str]:
    """What the states of an automaton are called in sentences: id, and in quotes what their messages say."""
    groks = {t.id: t.grok for t in model.templates}
    said = phrases([groks.get(s.template, s.id) for s in automaton.states])
    return {s.id: f'{s.id} "{text.strip()}"' for s, text in zip(automaton.states, said, strict=True)}


def duration_sentence(automaton: Automaton) -> str:
    """How long a transaction takes, when it is judged, and from how much that was learnt."""
    low, high = automaton.duration.min_ms, automaton.duration.max_ms
    if low is not None and high is not None:
        said = f"a transaction takes {human_duration(low)} to {human_duration(high)}"
    elif high is not None:
        said = f"a transaction takes at most {human_duration(high)}"
    elif low is not None:
        said = f"a transaction takes at least {human_duration(low)}"
    else:
        said = "no bound on the duration"
    given_up = f"without an end it is given up after {human_duration(automaton.expires_ms)}"
    return f"{said}{_learnt(automaton.duration.support)}; {given_up}"


def usual_times(low: int, high: int | None) -> str:
    """Bounds on occurrences in words: ``never``, ``exactly once``, ``1 to 3 times``, ``any number of times``."""
    if high == low:
        return "never" if not low else f"exactly {times(low)}"
    if high is None and not low:
        return "any number of times"
    said = bounds(low, high)
    return said.replace("1", "once") if said in ("at least 1", "at most 1") else f"{said} times"


def _learnt(support: int) -> str:
    return f" (learnt from {_count(support, 'transaction')})" if support else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
