"""What is peculiar to the store in Elasticsearch: its indices, and writers that die or are slow in the middle."""

from __future__ import annotations

import pytest

from jobs.stores import elastic_documents
from jobs.stores.address import open_store
from jobs.stores.base import MissingError, StoreError, VersionConflictError
from jobs.stores.credentials import Credentials
from jobs.stores.elastic_documents import ModelIndices
from tests.jobs.stores.examples import model, most_of

pytestmark = pytest.mark.services


@pytest.fixture
def store(elastic_address):
    return open_store(elastic_address, Credentials())


@pytest.fixture
def client(elasticsearch):
    with elasticsearch.client() as made:
        yield made


@pytest.fixture
def prefix(elastic_address):
    return elastic_address.rpartition("/")[2]


class DiedError(Exception):
    """Stands for the end of a process."""


def dies(*_):
    raise DiedError


def test_the_documents_are_readable_and_any_model_fits(store, client, prefix):
    store.push(model(5), note="first")
    found = client.get(index=f"{prefix}-versions", id="hdfs@1")["_source"]
    assert found["model"] == model(5, version=1).to_json()
    assert (found["model_id"], found["version"], found["note"]) == ("hdfs", 1, "first")
    mapping = client.indices.get_mapping(index=f"{prefix}-versions")[f"{prefix}-versions"]["mappings"]
    assert mapping["dynamic"] == "false"
    assert mapping["properties"]["model"] == {"type": "object", "enabled": False}


def test_the_templates_are_there_for_an_index_that_is_made_again(store, client, prefix):
    store.push(model(5))
    for name in (f"{prefix}-heads", f"{prefix}-versions"):
        (template,) = client.indices.get_index_template(name=name)["index_templates"]
        assert template["index_template"]["index_patterns"] == [name]


def test_reading_makes_no_indices(store, client, prefix):
    assert store.heads() == []
    with pytest.raises(MissingError):
        store.history("hdfs")
    assert not client.indices.exists(index=f"{prefix}-*", allow_no_indices=False)


def test_all_pages_of_models_and_versions_are_read(store, monkeypatch):
    monkeypatch.setattr(elastic_documents, "_PAGE", 3)
    for most in range(1, 8):
        store.push(model(most))
    for number in range(5):
        store.push(model(5, name=f"m{number}"))
    assert [entry.version for entry in store.history("hdfs")[1]] == [1, 2, 3, 4, 5, 6, 7]
    assert [head.model for head in store.heads()] == ["hdfs", "m0", "m1", "m2", "m3", "m4"]


@pytest.mark.parametrize("content", [7, 6])
def test_the_version_of_a_writer_that_died_before_the_head_moved_becomes_the_newest(
    store, elastic_address, monkeypatch, content
):
    store.push(model(5))
    with monkeypatch.context() as patch:
        patch.setattr(ModelIndices, "write_head", dies)
        with pytest.raises(DiedError):
            store.push(model(6))
    assert store.history("hdfs")[0].newest.version == 1
    pushed = open_store(elastic_address, Credentials()).push(model(content))
    assert (pushed.made, pushed.entry.version) == ((True, 3) if content == 7 else (False, 2))
    assert most_of(store.get("hdfs", 2)) == 6
    assert most_of(store.get("hdfs")) == content


def test_a_writer_whose_version_another_has_made_the_newest_has_done_its_work(store, elastic_address, monkeypatch):
    store.push(model(5))
    other = open_store(elastic_address, Credentials())
    write = ModelIndices.write_head

    def slow(indices, state):
        monkeypatch.setattr(ModelIndices, "write_head", write)
        assert other.push(model(7)).entry.version == 3
        return write(indices, state)

    monkeypatch.setattr(ModelIndices, "write_head", slow)
    assert store.push(model(6)).entry.version == 2
    assert [most_of(store.get("hdfs", n)) for n in (1, 2, 3)] == [5, 6, 7]
    assert store.history("hdfs")[0].newest.version == 3


def test_a_push_whose_answer_is_lost_and_that_is_sent_again_makes_one_version(store, monkeypatch):
    create = ModelIndices.create_version

    def twice(*arguments):
        create(*arguments)
        return create(*arguments)

    monkeypatch.setattr(ModelIndices, "create_version", twice)
    for most in (5, 6):
        assert store.push(model(most)).made
    assert [entry.version for entry in store.history("hdfs")[1]] == [1, 2]


def test_a_deletion_in_the_middle_of_a_push_comes_before_it(store, elastic_address, monkeypatch):
    store.push(model(5))
    create = ModelIndices.create_version

    def slow(*arguments):
        done = create(*arguments)
        open_store(elastic_address, Credentials()).delete("hdfs")
        return done

    monkeypatch.setattr(ModelIndices, "create_version", slow)
    assert store.push(model(6)).entry.version == 2
    assert store.history("hdfs")[0].deleted is None
    assert most_of(store.get("hdfs")) == 6


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_purge_in_the_middle_of_a_push_leaves_nothing_that_comes_back(store, elastic_address, monkeypatch, moment):
    store.push(model(5))
    create = ModelIndices.create_version

    def slow(*arguments):
        monkeypatch.setattr(ModelIndices, "create_version", create)
        other = open_store(elastic_address, Credentials())
        if moment == "before":
            other.delete("hdfs", purge=True)
        done = create(*arguments)
        if moment == "after":
            other.delete("hdfs", purge=True)
        return done

    monkeypatch.setattr(ModelIndices, "create_version", slow)
    with pytest.raises(VersionConflictError, match="was purged at the same time"):
        store.push(model(6))
    assert store.heads() == []
    for number, most in enumerate((7, 8, 9), 1):
        assert store.push(model(most)).entry.version == number
    assert [most_of(store.get("hdfs", n)) for n in (1, 2, 3)] == [7, 8, 9]


def test_a_purge_that_died_is_finished_by_the_next_push(store, client, prefix, monkeypatch):
    for most in (5, 6):
        store.push(model(most))
    with monkeypatch.context() as patch:
        patch.setattr(ModelIndices, "delete_versions", dies)
        with pytest.raises(DiedError):
            store.delete("hdfs", purge=True)
    with pytest.raises(MissingError):
        store.get("hdfs", 1)
    assert store.heads() == []
    assert store.push(model(7)).entry.version == 1
    assert not client.exists(index=f"{prefix}-versions", id="hdfs@2")


def test_a_slow_purge_does_not_touch_the_model_that_came_after_it(store, elastic_address, monkeypatch):
    store.push(model(5))
    read, other = ModelIndices.versions, open_store(elastic_address, Credentials())

    def slow(*arguments):
        monkeypatch.setattr(ModelIndices, "versions", read)
        found = list(read(*arguments))
        other.push(model(7))  # finishes the purge, and starts anew
        return iter(found)

    monkeypatch.setattr(ModelIndices, "versions", slow)
    store.delete("hdfs", purge=True)
    assert most_of(store.get("hdfs", 1)) == 7


def test_a_version_that_was_changed_there_is_refused(store, client, prefix):
    store.push(model(5))
    client.update(index=f"{prefix}-versions", id="hdfs@1", doc={"model": {"id_pattern": "other"}})
    with pytest.raises(StoreError, match="model hdfs version 1: was changed after it was pushed"):
        store.get("hdfs")


def test_a_version_that_is_gone_is_told(store, client, prefix):
    for most in (5, 6, 7):
        store.push(model(most))
    client.delete(index=f"{prefix}-versions", id="hdfs@2")
    with pytest.raises(StoreError, match="1 of 3 versions of model hdfs are missing"):
        store.history("hdfs")
    assert most_of(store.get("hdfs")) == 7


def test_a_foreign_document_is_told(store, client, prefix):
    store.push(model(5))
    client.index(index=f"{prefix}-heads", id="web", document={"model_id": "web", "version": 7}, refresh=True)
    for ask in (store.heads, lambda: store.get("web"), lambda: store.push(model(5, name="web"))):
        with pytest.raises(StoreError, match="was not written by weirwatch"):
            ask()
