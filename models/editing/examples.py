"""Which template the examples of a model fit, before and after an edit."""

from __future__ import annotations

from dataclasses import dataclass

from models.document import ModelDocument
from models.editing.contents import ContentReader
from models.parser import LineParser


@dataclass(frozen=True, slots=True)
class Moved:
    """The example of a template that was not edited fits another template now: ``to``; None: it fits none."""

    template: str
    to: str | None
    example: str

    def text(self) -> str:
        """The same as a sentence."""
        where = f"goes to template {self.to}" if self.to is not None else "fits no template"
        return f"the example of template {self.template} {where} now: {self.example}"


def example_templates(model: ModelDocument) -> dict[str, str | None]:
    """For each template with an example, by id, the template that the example fits."""
    reader = ContentReader(model)
    parser = LineParser([t.grok for t in model.templates], [()] * len(model.templates), model.patterns)
    found: dict[str, str | None] = {}
    for template in model.templates:
        if template.example:
            at, _ = parser.match(reader.content(template.example))
            found[template.id] = model.templates[at].id if at >= 0 else None
    return found


def moved_examples(before: ModelDocument, after: ModelDocument) -> list[Moved]:
    """The examples of templates that are the same in both, but fit another template after than before."""
    was, now = example_templates(before), example_templates(after)
    old = {t.id: (t.grok, t.example) for t in before.templates}
    return [
        Moved(t.id, now[t.id], t.example)
        for t in after.templates
        if old.get(t.id) == (t.grok, t.example) and t.example and was[t.id] != now[t.id]
    ]
