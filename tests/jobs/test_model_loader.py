"""Loading models for a running job: from where, as whom, and for how long."""

import os
import pickle
import socket
import time
from dataclasses import replace

import pytest

from jobs.model_loader import ModelLoader
from jobs.stores.address import open_store
from jobs.stores.base import StoreError
from jobs.stores.credentials import Credentials
from models.document import ModelDocument
from models.document_content import AllowEntry
from models.errors import UserError
from tests.jobs.stores.examples import model, most_of


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """No credentials from outside."""
    for name in [name for name in os.environ if name.startswith("WEIRWATCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A store in a folder below the present one, with two versions of hdfs."""
    monkeypatch.chdir(tmp_path)
    store = open_store("models", Credentials())
    store.push(model(5))
    store.push(model(6))
    return "models"


def test_versions_come_by_number_and_the_newest_without(folder):
    load = ModelLoader(folder)
    assert load("hdfs", None)["version"] == 2
    assert load("hdfs", 1)["automata"][0]["states"][0]["max"] == most_of(model(5))


def test_it_travels_to_a_worker_that_is_elsewhere(folder, tmp_path_factory, monkeypatch):
    packed = pickle.dumps(ModelLoader(folder))
    monkeypatch.chdir(tmp_path_factory.mktemp("worker"))
    assert pickle.loads(packed)("hdfs", 1)["version"] == 1


def test_what_is_not_there_is_said(folder):
    with pytest.raises(UserError, match="no model shop"):
        ModelLoader(folder)("shop", None)
    with pytest.raises(UserError, match="no version 9"):
        ModelLoader(folder)("hdfs", 9)
    with pytest.raises(UserError, match="there is no such kind of store"):
        ModelLoader("s3://models")("hdfs", 1)


def test_a_model_that_was_spoilt_in_the_store_is_refused(folder, tmp_path):
    for file in tmp_path.rglob("*.json"):
        file.write_text(file.read_text().replace('"begin %{BLOCK:block}', '"spoilt %{BLOCK:block}'))
    with pytest.raises(UserError, match="was changed after it was pushed"):
        ModelLoader(folder)("hdfs", 2)


def test_a_store_that_never_answers_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as server:
        load = ModelLoader(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.5)
        begin = time.monotonic()
        with pytest.raises(StoreError, match=r"no answer within 0\.5 s"):
            load("hdfs", None)
        assert time.monotonic() - begin < 5


def test_secrets_are_read_where_it_runs_and_do_not_travel(monkeypatch):
    monkeypatch.setenv("MY_USER", "me")
    load = ModelLoader("http://127.0.0.1:1", {"username": "MY_USER", "password": "MY_PASSWORD"})
    with pytest.raises(StoreError, match="no password for user me"):
        load("hdfs", None)
    monkeypatch.setenv("MY_PASSWORD", "very secret")
    with pytest.raises(StoreError, match="does not answer") as caught:
        load("hdfs", None)
    assert "very secret" not in str(caught.value)
    assert b"very secret" not in pickle.dumps(load)


def test_a_credential_that_does_not_exist_is_named():
    with pytest.raises(StoreError, match="token: there is no such credential"):
        ModelLoader("models", {"token": "X"})


@pytest.mark.services
def test_models_come_from_elasticsearch(elasticsearch):
    address = f"{elasticsearch.url}/loader-test"
    open_store(address, Credentials()).push(model(7))
    assert ModelLoader(address)("hdfs", None)["version"] == 1


def test_a_changed_model_becomes_the_next_version_of_the_store(folder):
    loader = ModelLoader(folder)
    before = ModelDocument.from_json(loader("hdfs", None))
    after = replace(before, allow=[AllowEntry("n-1", "too_many", "so")], version=3)
    assert loader.keep(before, after, "allow n-1") == 3
    assert loader("hdfs", None)["allow"][0]["id"] == "n-1"
    # told again after a failure: it is there
    assert loader.keep(before, after, "allow n-1") == 3
    other = replace(before, allow=[AllowEntry("n-2", "too_few", "so")], version=3)
    with pytest.raises(UserError, match="has version 3 of model hdfs, which is another one than that in force"):
        loader.keep(before, other, "allow n-2")


def test_a_model_that_the_store_does_not_have_stays_with_the_job(folder):
    loader = ModelLoader(folder)
    before = replace(ModelDocument.from_json(loader("hdfs", None)), id="elsewhere", version=7)
    assert loader.keep(before, replace(before, version=8), "x") == 8
    with pytest.raises(UserError, match="no model elsewhere"):
        loader("elsewhere", None)
