"""The models that a job starts with: from files and the store, numbered in their order."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from jobs.live_models import entry_of, initial_models
from jobs.live_settings import InitialModel
from jobs.model_loader import ModelLoader
from jobs.stores.directory import DirectoryStore
from models.document import ModelDocument, parse_model
from models.errors import UserError
from tests.models.model_example import document


def written(folder: Path, name: str, version: int = 1) -> Path:
    path = folder / f"{name}-{version}.json"
    path.write_text(json.dumps(copy.deepcopy(document()) | {"id": name, "version": version}))
    return path


@pytest.fixture
def store(tmp_path) -> ModelLoader:
    kept = DirectoryStore(tmp_path / "store")
    for version in (1, 2, 3):
        data = copy.deepcopy(document()) | {"id": "kept"}
        data["automata"][0]["support"] += version  # what is pushed again unchanged is no new version
        kept.push(ModelDocument.from_json(data))
    return ModelLoader(str(tmp_path / "store"))


def test_they_are_numbered_in_their_order_and_keep_their_sources(tmp_path, store):
    wanted = [
        InitialModel(path=written(tmp_path, "shop", 4), sources=("shop-*", "web")),
        InitialModel(id="kept", version=2),
        InitialModel(path=written(tmp_path, "bank")),
    ]
    found = initial_models(wanted, store)
    assert [(e.id, e.version, e.epoch, e.sources) for e in found] == [
        ("shop", 4, 1, ("shop-*", "web")),
        ("kept", 2, 2, ()),
        ("bank", 1, 3, ()),
    ]
    for entry in found:
        assert parse_model(entry.document, "it").id == entry.id


def test_without_a_version_it_is_the_newest(store):
    (entry,) = initial_models([InitialModel(id="kept")], store)
    assert entry.version == 3


def test_none_at_all():
    assert initial_models([], None) == []


def test_two_models_of_one_id(tmp_path):
    wanted = [InitialModel(path=written(tmp_path, "shop", version)) for version in (1, 2)]
    with pytest.raises(UserError, match=r"^models\.initial: two models have the id shop"):
        initial_models(wanted, None)


def test_one_of_the_store_where_there_is_no_store():
    with pytest.raises(UserError, match=r"the model kept, but there is no models\.store"):
        initial_models([InitialModel(id="kept")], None)


def test_one_that_the_store_lacks(store):
    with pytest.raises(UserError, match="nobody"):
        initial_models([InitialModel(id="nobody")], store)


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("{}")
    with pytest.raises(UserError, match=r"model\.json"):
        initial_models([InitialModel(path=path)], None)


def test_the_one_model_of_a_job_on_files():
    model = ModelDocument.from_json(document())
    entry = entry_of(model)
    assert (entry.id, entry.version, entry.epoch, entry.sources) == (model.id, model.version, 1, ())
    assert parse_model(entry.document, "it").to_json() == model.to_json()
