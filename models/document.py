"""The model document: what normal traffic looks like, as plain data that people read and edit.

The JSON file and these classes have the same shape. Reading checks everything that the schema and the rest of the
program rely on, and reports all that is wrong at once, each with its JSON path and how to mend it.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any

from models.document_content import AllowEntry, Rule, ValueSet, content_from_json, content_to_json
from models.document_text import JsonTextError, parse_json, pretty, read_text, write_text
from models.errors import UserError
from models.schema_check import Problem, check
from models.slots.settings import Category, SeriesSettings

KIND = "weirwatch.model"
FORMAT = 1
"""The newest layout of model documents that this version reads, and the one that it writes."""

MAX_SHOWN = 10
"""How many problems one error message lists."""


class ModelError(UserError):
    """A model cannot be read or used; ``problems`` lists what is wrong with its content."""

    def __init__(self, message: str, problems: list[Problem] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


@dataclass(slots=True)
class Template:
    """A message: ``grok`` describes the whole content of its lines; ``count`` and ``example`` come from learning."""

    id: str
    grok: str
    count: int = 0
    example: str = ""


@dataclass(slots=True)
class State:
    """A message within a transaction.

    Attributes:
        id: name of the state, unique in its automaton.
        template: id of the template; field: the template's field that holds the transaction identifier.
        min, max: occurrences in a complete transaction; max None = no bound.
        begin, end: whether a transaction may begin (end) with it.
        support: in how many transactions it was seen.
        closed: the transitions tell all that may follow it; any other is reported.
    """

    id: str
    template: str
    field: str
    min: int
    max: int | None
    begin: bool = False
    end: bool = False
    support: int = 0
    closed: bool = False


@dataclass(slots=True)
class Order:
    """When both states occur, the first ``before`` precedes the first ``after``."""

    before: str
    after: str
    support: int = 0


@dataclass(slots=True)
class Requires:
    """When state ``if_`` occurs, state ``then`` occurs too (``if`` in the document)."""

    if_: str
    then: str
    support: int = 0


@dataclass(slots=True)
class Equal:
    """These states occur equally often."""

    states: list[str]
    support: int = 0


@dataclass(slots=True)
class Excludes:
    """These two states never occur in one transaction."""

    states: list[str]
    support: int = 0


@dataclass(slots=True)
class Transition:
    """State ``to`` may follow state ``from_`` at once (``from`` in the document), after so many ms; None = no bound."""

    from_: str
    to: str
    support: int = 0
    min_ms: int | None = None
    max_ms: int | None = None


@dataclass(slots=True)
class Duration:
    """Bounds on the event time from the first to the last event, in ms; None = no bound."""

    min_ms: int | None = None
    max_ms: int | None = None
    support: int = 0


@dataclass(slots=True)
class Automaton:
    """A kind of transaction: its states and the relations between them.

    ``settle_ms``: how long a transaction stays open after an end state; ``expires_ms``: how long after its first event
    one without an end state does.
    """

    id: str
    states: list[State]
    settle_ms: int
    expires_ms: int
    name: str = ""
    support: int = 0
    order: list[Order] = field(default_factory=list)
    requires: list[Requires] = field(default_factory=list)
    equal: list[Equal] = field(default_factory=list)
    duration: Duration = field(default_factory=Duration)
    excludes: list[Excludes] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)


@dataclass(slots=True)
class Link:
    """Lines of a template that name two transactions: ``parent_field`` names the one that led to ``child_field``'s."""

    template: str
    parent: str
    parent_field: str
    child: str
    child_field: str
    support: int = 0


@dataclass(slots=True)
class ModelDocument:
    """A whole model. ``timestamp``, ``structure``, ``multiline`` and ``learned`` stay dicts as the schema describes."""

    id: str
    version: int
    timestamp: dict[str, Any]
    templates: list[Template] = field(default_factory=list)
    automata: list[Automaton] = field(default_factory=list)
    patterns: dict[str, str] = field(default_factory=dict)
    id_pattern: str | None = None
    learned: dict[str, Any] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    values: list[ValueSet] = field(default_factory=list)
    allow: list[AllowEntry] = field(default_factory=list)
    structure: dict[str, Any] | None = None
    multiline: dict[str, Any] | None = None
    categories: list[Category] = field(default_factory=list)
    series: SeriesSettings = field(default_factory=SeriesSettings)
    links: list[Link] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The document as JSON data, keys in the order in which people read them; fresh containers throughout."""
        result: dict[str, Any] = {"kind": KIND, "format": FORMAT, "id": self.id, "version": self.version}
        if self.learned:
            result["learned"] = _copy(self.learned)
        result["timestamp"] = _copy(self.timestamp)
        if self.structure is not None:
            result["structure"] = _copy(self.structure)
        if self.multiline is not None:
            result["multiline"] = _copy(self.multiline)
        if self.patterns:
            result["patterns"] = dict(self.patterns)
        if self.id_pattern is not None:
            result["id_pattern"] = self.id_pattern
        result["templates"] = [dataclasses.asdict(t) for t in self.templates]
        result["automata"] = [_automaton_to_json(a) for a in self.automata]
        result |= content_to_json(self.rules, self.values, self.allow)
        if self.categories:
            result["categories"] = [c.to_json() for c in self.categories]
        if series := self.series.to_json():
            result["series"] = series
        if self.links:
            result["links"] = [dataclasses.asdict(link) for link in self.links]
        return result

    @classmethod
    def from_json(cls, document: object, name: str = "model") -> ModelDocument:
        """The model in JSON data; ``name`` is what errors call it.

        Raises:
            ModelError: anything that the schema or the cross checks find.
        """
        _check_kind(document, name)
        problems = check("model", document)
        if problems:
            raise _error(name, problems)
        assert isinstance(document, dict)  # as the schema says
        model = _from_valid(document)
        model.check(name)
        return model

    def check(self, name: str = "model") -> None:
        """Check what goes beyond the schema, of a model however it was made.

        Raises:
            ModelError: lists everything that is wrong.
        """
        from models.document_checks import cross_check  # it reads these classes

        problems = cross_check(self)
        if problems:
            raise _error(name, problems)


def load_model(path: str | os.PathLike[str]) -> ModelDocument:
    """Read a model file; raises :class:`ModelError`."""
    try:
        text = read_text(path)
    except JsonTextError as error:
        raise ModelError(str(error)) from None
    return parse_model(text, os.fspath(path))


def parse_model(text: str, name: str = "model") -> ModelDocument:
    """The model in a JSON text; ``name`` is what errors call it; raises :class:`ModelError`."""
    try:
        document = parse_json(text, name)
    except JsonTextError as error:
        raise ModelError(str(error)) from None
    return ModelDocument.from_json(document, name)


def save_model(model: ModelDocument, path: str | os.PathLike[str]) -> None:
    """Write a model file in one step, a template or a state a line.

    Raises:
        ModelError: the model is not valid or the file cannot be written; an older file stays as it was.
    """
    document = model.to_json()
    ModelDocument.from_json(document, f"the model for {os.fspath(path)}")
    try:
        write_text(pretty(document), path)
    except JsonTextError as error:
        raise ModelError(str(error)) from None


def _check_kind(document: object, name: str) -> None:
    if not isinstance(document, dict) or "kind" not in document:
        raise ModelError(f'{name}: is no model: its first key should be "kind": "{KIND}"; is it the right file?')
    if document["kind"] != KIND:
        raise ModelError(f'{name}: $.kind: is {document["kind"]!r}, not "{KIND}"; is it the right file?')
    found = document.get("format")
    if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
        raise ModelError(
            f"{name} has format {found}; this version of weirwatch reads up to {FORMAT}: "
            "upgrade weirwatch or learn again"
        )


def _error(name: str, problems: list[Problem]) -> ModelError:
    shown = problems[:MAX_SHOWN]
    if len(problems) == 1:
        return ModelError(f"{name}: {problems[0]}", problems)
    rows = [f"{name} is no usable model, {len(problems)} problems:", *(f"  {p}" for p in shown)]
    if len(problems) > MAX_SHOWN:
        rows.append(f"  and {len(problems) - MAX_SHOWN} more")
    return ModelError("\n".join(rows), problems)


def _copy(value: Any) -> Any:
    """A deep copy of JSON data, with whole numbers as int (JSON may write 3 as 3.0)."""
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_copy(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _automaton_to_json(automaton: Automaton) -> dict[str, Any]:
    result = {
        "id": automaton.id,
        "name": automaton.name,
        "support": automaton.support,
        "states": [_state_to_json(s) for s in automaton.states],
        "order": [dataclasses.asdict(o) for o in automaton.order],
        "requires": [{"if": r.if_, "then": r.then, "support": r.support} for r in automaton.requires],
        "equal": [dataclasses.asdict(e) for e in automaton.equal],
        "duration": dataclasses.asdict(automaton.duration),
        "settle_ms": automaton.settle_ms,
        "expires_ms": automaton.expires_ms,
    }
    if automaton.excludes:
        result["excludes"] = [dataclasses.asdict(e) for e in automaton.excludes]
    if automaton.transitions:
        result["transitions"] = [
            {"from": t.from_, "to": t.to, "support": t.support, "min_ms": t.min_ms, "max_ms": t.max_ms}
            for t in automaton.transitions
        ]
    return result


def _state_to_json(state: State) -> dict[str, Any]:
    """The state; that it is closed is only said of those that are."""
    return {key: value for key, value in dataclasses.asdict(state).items() if key != "closed" or value}


def _from_valid(document: dict[str, Any]) -> ModelDocument:
    """Objects from JSON data that the schema has accepted."""
    data = _copy(document)
    return ModelDocument(
        id=data["id"],
        version=data["version"],
        timestamp=data["timestamp"],
        templates=[Template(**t) for t in data["templates"]],
        automata=[_automaton(a) for a in data["automata"]],
        patterns=data.get("patterns", {}),
        id_pattern=data.get("id_pattern"),
        learned=data.get("learned", {}),
        **content_from_json(data),
        structure=data.get("structure"),
        multiline=data.get("multiline"),
        categories=[Category.from_json(c) for c in data.get("categories", [])],
        series=SeriesSettings.from_json(data.get("series", {})),
        links=[Link(**link) for link in data.get("links", [])],
    )


def _automaton(data: dict[str, Any]) -> Automaton:
    return Automaton(
        id=data["id"],
        name=data.get("name", data["id"]),
        support=data.get("support", 0),
        states=[State(**s) for s in data["states"]],
        order=[Order(**o) for o in data.get("order", [])],
        requires=[Requires(r["if"], r["then"], r.get("support", 0)) for r in data.get("requires", [])],
        equal=[Equal(**e) for e in data.get("equal", [])],
        duration=Duration(**data.get("duration", {})),
        settle_ms=data["settle_ms"],
        expires_ms=data["expires_ms"],
        excludes=[Excludes(**e) for e in data.get("excludes", [])],
        transitions=[
            Transition(t["from"], t["to"], t.get("support", 0), t.get("min_ms"), t.get("max_ms"))
            for t in data.get("transitions", [])
        ],
    )
