"""Series in time slots switched on in a model that was learnt."""

from __future__ import annotations

from models.document import ModelDocument
from models.slots.settings import FieldOf


def enable_series(model: ModelDocument, slot_ms: int) -> None:
    """Let a model count the lines of its templates, and the values of the fields that it has categories of.

    Args:
        model: is changed; what it says of series otherwise stays.
        slot_ms: length of a slot.
    """
    model.series.enabled = True
    model.series.slot_ms = slot_ms
    fields = [FieldOf(category.template, category.field) for category in model.categories]
    model.series.fields = list(dict.fromkeys([*model.series.fields, *fields]))
