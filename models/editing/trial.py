"""A model tried on a log: how many lines fit which template, and between two models which lines change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from models.document import ModelDocument
from models.editing.sample_lines import CONTINUED, DEAD, EVENT, Progress, SampleLine, SampleReader
from models.grok import Value

TEMPLATE, FIELDS, KIND = "template", "fields", "kind"
"""What of a line changes: its template; the fields that the same template cuts out; whether it is an event at all."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log to try models on: what it is called, its path, its encoding."""

    name: str
    path: str
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Shown:
    """A line that serves as an example: its log, its 1-based number, its text."""

    log: str
    line: int
    text: str


@dataclass(slots=True)
class Trial:
    """What one model makes of some lines.

    Attributes:
        lines: how many were read; events, continued and dead are parts of them.
        templates: for each template, by id, the events that fit it.
        unmatched: events that fit no template; unmatched_examples are some of them.
    """

    lines: int = 0
    events: int = 0
    continued: int = 0
    dead: int = 0
    templates: Counter[str] = field(default_factory=Counter)
    unmatched: int = 0
    unmatched_examples: list[Shown] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON data."""
        return {
            "lines": self.lines,
            "events": self.events,
            "continued": self.continued,
            "dead": self.dead,
            "unmatched": self.unmatched,
            "templates": dict(sorted(self.templates.items(), key=lambda item: (-item[1], item[0]))),
            "unmatched_examples": [_shown_json(example) for example in self.unmatched_examples],
        }


@dataclass(frozen=True, slots=True)
class ChangeKey:
    """Lines that change alike: what of them, the template (or kind) before and after, and the fields that differ."""

    what: str
    old: str | None
    new: str | None
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class ChangedLines:
    """Lines that change alike: how many, some of them, and of each of these the fields that differ, old and new."""

    key: ChangeKey
    count: int = 0
    examples: list[Shown] = field(default_factory=list)
    values: list[tuple[dict[str, Value], dict[str, Value]]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The change as JSON data."""
        key = self.key
        return {
            "what": key.what,
            "old": key.old,
            "new": key.new,
            "fields": list(key.fields),
            "lines": self.count,
            "examples": [
                {**_shown_json(example), "old": old, "new": new}
                for example, (old, new) in zip(self.examples, self.values, strict=True)
            ],
        }


@dataclass(slots=True)
class Comparison:
    """What two models make of the same lines, and the lines that change, the most frequent change first."""

    old: Trial
    new: Trial
    changes: list[ChangedLines]

    @property
    def changed(self) -> int:
        """How many lines change."""
        return sum(change.count for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON data."""
        changes = [change.to_json() for change in self.changes]
        return {"old": self.old.to_json(), "new": self.new.to_json(), "changed": self.changed, "changes": changes}


def try_model(
    model: ModelDocument, logs: list[Log], most: int | None = None, examples: int = 3, progress: Progress | None = None
) -> Trial:
    """See what a model makes of logs.

    Args:
        model: the model.
        logs: read one after the other.
        most: how many lines of each log are looked at; None: all.
        examples: how many lines are kept as examples.
        progress: told how far the work is.

    Raises:
        OSError: a log cannot be read.
    """
    trial, reader = Trial(), SampleReader(model)
    for log in logs:
        for line in islice(reader.lines(log.path, log.name, log.encoding, progress), most):
            _count(trial, reader, log, line, examples)
    return trial


def compare_models(
    old: ModelDocument,
    new: ModelDocument,
    logs: list[Log],
    most: int | None = None,
    examples: int = 3,
    progress: Progress | None = None,
) -> Comparison:
    """See which lines of logs two models read differently; arguments and errors as of :func:`try_model`.

    Templates are the same if their ids are. Fields are compared by name and value.
    """
    before, after = SampleReader(old), SampleReader(new)
    result = Comparison(Trial(), Trial(), [])
    found: dict[ChangeKey, ChangedLines] = {}
    equal = _equal_templates(old, new)
    for log in logs:
        for one, two in _pairs(before, after, log, most, progress):
            _count(result.old, before, log, one, examples)
            _count(result.new, after, log, two, examples)
            change = _change(before, after, one, two, equal)
            if change is None:
                continue
            key, values = change
            group = found.setdefault(key, ChangedLines(key))
            group.count += 1
            if len(group.examples) < examples:
                group.examples.append(Shown(log.name, one.number, one.text if one.kind == EVENT else two.text))
                group.values.append(values)
    result.changes = sorted(found.values(), key=lambda c: (-c.count, c.key.what, c.key.old or "", c.key.new or ""))
    return result


def _pairs(
    before: SampleReader, after: SampleReader, log: Log, most: int | None, progress: Progress | None
) -> Iterator[tuple[SampleLine, SampleLine]]:
    """Each line as both read it; both count the same lines, whatever they take for a timestamp."""
    one = before.lines(log.path, log.name, log.encoding, progress)
    two = after.lines(log.path, log.name, log.encoding)
    yield from islice(zip(one, two, strict=True), most)


def _equal_templates(old: ModelDocument, new: ModelDocument) -> set[str]:
    """Ids of templates that cut the same fields out of the same lines in both."""
    if any(getattr(old, part) != getattr(new, part) for part in ("patterns", "timestamp", "structure", "multiline")):
        return set()
    groks = {t.id: t.grok for t in old.templates}
    return {t.id for t in new.templates if groks.get(t.id) == t.grok}


def _change(
    before: SampleReader, after: SampleReader, one: SampleLine, two: SampleLine, equal: set[str]
) -> tuple[ChangeKey, tuple[dict[str, Value], dict[str, Value]]] | None:
    if one.kind != two.kind:
        return ChangeKey(KIND, one.kind, two.kind), ({}, {})
    if one.kind != EVENT:
        return None
    was, now = before.template_id(one), after.template_id(two)
    if was == now and (was is None or was in equal):
        return None
    old, new = before.fields(one), after.fields(two)
    different = sorted({k for k in (*old, *new) if k not in old or k not in new or _differ(old[k], new[k])})
    values = {k: old[k] for k in different if k in old}, {k: new[k] for k in different if k in new}
    if was != now:
        return ChangeKey(TEMPLATE, was, now), values
    return (ChangeKey(FIELDS, was, now, tuple(different)), values) if different else None


def _differ(one: Value, two: Value) -> bool:
    return type(one) is not type(two) or one != two


def _count(trial: Trial, reader: SampleReader, log: Log, line: SampleLine, examples: int) -> None:
    trial.lines += 1
    trial.events += line.kind == EVENT
    trial.continued += line.kind == CONTINUED
    trial.dead += line.kind == DEAD
    if line.kind != EVENT:
        return
    template = reader.template_id(line)
    if template is not None:
        trial.templates[template] += 1
        return
    trial.unmatched += 1
    if len(trial.unmatched_examples) < examples:
        trial.unmatched_examples.append(Shown(log.name, line.number, line.text))


def _shown_json(example: Shown) -> dict[str, Any]:
    return {"log": example.log, "line": example.line, "text": example.text}
