"""What operations on templates mean for rules, sets of values and allowed findings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from models.document import ModelDocument
from models.grok import GrokError, compile_grok

_INNER = ("all", "any", "not")


def rename_in_content(model: ModelDocument, template: str, field: str, new: str) -> None:
    """Let what names a field of a template name it anew; the model is changed."""
    for rule in model.rules:
        if rule.template == template:
            rule.when = _renamed(rule.when, field, new)
            rule.message = rule.message.replace(f"{{{field}}}", f"{{{new}}}")
    for known in model.values:
        if known.template == template and known.field == field:
            known.field = new
    for entry in model.allow:
        if entry.template == template and field in entry.fields:
            entry.fields = {new if name == field else name: value for name, value in entry.fields.items()}


def forget_values(model: ModelDocument, templates: Collection[str]) -> None:
    """Take out the sets of values of some templates, whose lines are others now; the model is changed."""
    model.values = [known for known in model.values if known.template not in templates]


def prune_values(model: ModelDocument) -> None:
    """Take out the sets of values whose template or field is gone; the model is changed.

    They were learnt, and mean nothing without it. Rules were written by somebody: one that names what is gone makes
    the document invalid, which is told.
    """
    groks = {template.id: template.grok for template in model.templates}

    def is_there(template: str, field: str) -> bool:
        try:
            return any(f.name == field for f in compile_grok(groks[template], model.patterns).fields)
        except KeyError:
            return False
        except GrokError:  # told when the document is checked
            return True

    model.values = [known for known in model.values if is_there(known.template, known.field)]


def _renamed(condition: Any, field: str, new: str) -> Any:
    if isinstance(condition, list):
        return [_renamed(part, field, new) for part in condition]
    if not isinstance(condition, dict):
        return condition
    return {
        key: new if key == "field" and value == field else _renamed(value, field, new) if key in _INNER else value
        for key, value in condition.items()
    }
