"""The models that a job starts with."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jobs.live_settings import InitialModel
from jobs.model_loader import ModelLoader
from models.document import ModelDocument, load_model
from models.errors import UserError
from models.in_force import Entry


def initial_models(wanted: Sequence[InitialModel], store: ModelLoader | None) -> list[Entry]:
    """Load models, from files or the store, and number them.

    Raises:
        UserError: one cannot be had, is not valid, or has the id of another.
    """
    entries: list[Entry] = []
    for number, model in enumerate(wanted, 1):
        document = _load(model, store)
        if any(entry.id == document.id for entry in entries):
            raise UserError(
                f"models.initial: two models have the id {document.id}; only one of an id can be in force: remove one, "
                'or change the "id" in its document'
            )
        text = json.dumps(document.to_json(), ensure_ascii=False)
        entries.append(Entry(document.id, document.version, number, model.sources, text))
    return entries


def entry_of(document: ModelDocument) -> Entry:
    """The one model of a job on files."""
    return Entry(document.id, document.version, 1, (), json.dumps(document.to_json(), ensure_ascii=False))


def _load(model: InitialModel, store: ModelLoader | None) -> ModelDocument:
    if model.path is not None:
        return load_model(model.path)
    assert model.id is not None
    if store is None:
        raise UserError(f"models.initial names the model {model.id}, but there is no models.store; add it")
    return ModelDocument.from_json(store(model.id, model.version), f"model {model.id}")
