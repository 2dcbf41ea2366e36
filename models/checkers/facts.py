"""What a checker is told of a model: its messages with their fields, and its kinds of transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.document import ModelDocument
from models.grok import compile_grok


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A message.

    Attributes:
        id: the template's.
        grok: the template as written.
        fields: name of each field → the type of its values: ``str``, ``int`` or ``float``. What is no such number in a
            line stays a text there.
    """

    id: str
    grok: str
    fields: Mapping[str, type]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model.

    Attributes:
        id, version: which one.
        templates: its messages, by the id of the template.
        automata: id of each automaton → ids of its states.
    """

    id: str
    version: int
    templates: Mapping[str, TemplateFacts]
    automata: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, model: ModelDocument) -> ModelFacts:
        """The facts of a checked model."""
        templates = {}
        for template in model.templates:
            fields = compile_grok(template.grok, model.patterns).fields
            templates[template.id] = TemplateFacts(template.id, template.grok, {f.name: f.type for f in fields})
        automata = {automaton.id: tuple(state.id for state in automaton.states) for automaton in model.automata}
        return cls(model.id, model.version, templates, automata)

    def with_fields(self, *names: str) -> dict[str, tuple[str, ...]]:
        """The templates that have all these fields: id → the fields."""
        return {t.id: names for t in self.templates.values() if all(name in t.fields for name in names)}
