"""What every store of models does, whatever keeps it."""

from __future__ import annotations

import dataclasses
import re

import pytest

from jobs.stores.address import open_store
from jobs.stores.base import MissingError, StoreError, VersionConflictError, content_hash
from jobs.stores.credentials import Credentials
from models.document import ModelDocument, ModelError
from tests.jobs.stores.examples import model, most_of


def numbers(store, name="hdfs"):
    return [entry.version for entry in store.history(name)[1]]


def test_an_empty_store_has_no_models(store):
    assert store.heads() == []
    for ask in (store.get, store.history, store.delete):
        with pytest.raises(MissingError, match="there is no model hdfs"):
            ask("hdfs")


def test_the_store_counts_versions_from_one_whatever_the_document_says(store):
    for number, most in enumerate((5, 6, 7), 1):
        pushed = store.push(model(most, version=40))
        assert (pushed.made, pushed.entry.version) == (True, number)
    assert numbers(store) == [1, 2, 3]


def test_every_version_can_be_had_as_it_was_pushed(store):
    for most in (5, 6, 7):
        store.push(model(most))
    for number, most in enumerate((5, 6, 7), 1):
        assert store.get("hdfs", number) == model(most, version=number)
    assert store.get("hdfs") == model(7, version=3)


def test_the_same_content_again_makes_no_version(store):
    first = store.push(model(5), note="first")
    again = store.push(model(5, version=9), note="second")
    assert not again.made
    assert again.entry == first.entry
    assert numbers(store) == [1]


def test_content_of_an_older_version_makes_a_new_one(store):
    for most in (5, 6, 5):
        assert store.push(model(most)).made
    assert numbers(store) == [1, 2, 3]


def test_the_history_says_when_how_and_why(store):
    store.push(model(5), note="from  the\nfirst week \udcff")
    store.push(model(6))
    store.rollback("hdfs", 1, note="too strict")
    head, entries = store.history("hdfs")
    assert [(e.version, e.action, e.restored, e.note) for e in entries] == [
        (1, "push", None, "from the first week ?"),
        (2, "push", None, ""),
        (3, "rollback", 1, "too strict"),
    ]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e.time) for e in entries)
    assert [e.time for e in entries] == sorted(e.time for e in entries)
    assert [(e.templates, e.automata) for e in entries] == [(2, 1)] * 3
    assert entries[0].sha256 == entries[2].sha256 == content_hash(model(5)) != entries[1].sha256
    assert head.newest == entries[2]
    assert head.deleted is None


def test_models_are_listed_by_name_each_with_its_newest_version(store):
    for name in ("web", "Hdfs", "web.2", "a-b_c"):
        store.push(model(5, name=name))
    newest = store.push(model(6, name="web")).entry
    heads = store.heads()
    assert [head.model for head in heads] == ["Hdfs", "a-b_c", "web", "web.2"]
    assert heads[2].newest == newest


def test_models_do_not_touch_each_other(store):
    store.push(model(5, name="a"))
    store.push(model(6, name="a.b"))
    store.delete("a", purge=True)
    assert [head.model for head in store.heads()] == ["a.b"]
    assert most_of(store.get("a.b")) == 6


def test_a_push_that_expects_the_newest_version_is_done(store):
    assert store.push(model(5), expect=0).entry.version == 1
    assert store.push(model(6), expect=1).entry.version == 2
    assert store.rollback("hdfs", 1, expect=2).entry.version == 3
    assert store.delete("hdfs", expect=3).newest.version == 3


@pytest.mark.parametrize("expect", [0, 1, 3])
def test_a_writer_that_expects_another_version_is_refused_and_changes_nothing(store, expect):
    store.push(model(5))
    store.push(model(6))
    for write in (
        lambda: store.push(model(7), expect=expect),
        lambda: store.push(model(6), expect=expect),
        lambda: store.rollback("hdfs", 1, expect=expect),
        lambda: store.delete("hdfs", expect=expect),
        lambda: store.delete("hdfs", expect=expect, purge=True),
    ):
        with pytest.raises(VersionConflictError, match="its newest version is 2, but "):
            write()
    assert numbers(store) == [1, 2]
    assert most_of(store.get("hdfs")) == 6


def test_a_push_that_expects_a_version_of_a_model_that_is_not_there_is_refused(store):
    with pytest.raises(VersionConflictError, match="there is no such model, but version 2 was expected"):
        store.push(model(5), expect=2)
    assert store.heads() == []


def test_a_rollback_makes_a_new_version_with_the_old_content(store):
    for most in (5, 6):
        store.push(model(most))
    assert store.rollback("hdfs", 1).made
    assert [most_of(store.get("hdfs", n)) for n in (1, 2, 3)] == [5, 6, 5]
    assert store.get("hdfs").version == 3


def test_a_rollback_to_what_is_newest_makes_no_version(store):
    store.push(model(5))
    assert not store.rollback("hdfs", 1).made
    assert numbers(store) == [1]


@pytest.mark.parametrize("version", [0, 3, 99999])
def test_a_version_that_is_not_there_is_named_with_those_that_are(store, version):
    store.push(model(5))
    store.push(model(6))
    for ask in (store.get, store.rollback):
        with pytest.raises(MissingError, match=f"model hdfs has no version {version}; its versions are 1 to 2"):
            ask("hdfs", version)


def test_a_deleted_model_keeps_its_versions(store):
    for most in (5, 6):
        store.push(model(most))
    assert store.delete("hdfs").deleted is None
    head, entries = store.history("hdfs")
    assert head.deleted >= entries[-1].time
    assert [e.version for e in entries] == [1, 2]
    assert store.heads() == [head]
    assert most_of(store.get("hdfs", 1)) == 5
    with pytest.raises(MissingError, match="model hdfs is deleted; name a version from 1 to 2"):
        store.get("hdfs")
    with pytest.raises(MissingError, match="already deleted"):
        store.delete("hdfs")


@pytest.mark.parametrize("bring_back", ["rollback", "push"])
def test_a_deleted_model_comes_back_with_a_new_version_even_of_the_same_content(store, bring_back):
    store.push(model(5))
    store.delete("hdfs")
    pushed = store.rollback("hdfs", 1) if bring_back == "rollback" else store.push(model(5), expect=1)
    assert (pushed.made, pushed.entry.version) == (True, 2)
    assert store.history("hdfs")[0].deleted is None
    assert most_of(store.get("hdfs")) == 5


@pytest.mark.parametrize("deleted", [False, True])
def test_a_purge_leaves_nothing_and_the_next_push_starts_anew(store, deleted):
    for most in (5, 6, 7):
        store.push(model(most))
    if deleted:
        store.delete("hdfs")
    assert store.delete("hdfs", purge=True).newest.version == 3
    assert store.heads() == []
    with pytest.raises(MissingError):
        store.get("hdfs", 1)
    assert store.push(model(8), expect=0).entry.version == 1
    assert numbers(store) == [1]
    assert most_of(store.get("hdfs", 1)) == 8


def test_an_invalid_model_is_refused(store):
    wrong = dataclasses.replace(model(5), templates=[])
    with pytest.raises(ModelError, match="there is no template"):
        store.push(wrong)
    assert store.heads() == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a@1", "-a", "é", "a\n", "a" * 201, "../x"])
def test_what_is_no_name_of_a_model_gets_nowhere(store, name):
    for ask in (store.get, store.history, store.delete):
        with pytest.raises(StoreError, match="no name of a model"):
            ask(name)
    with pytest.raises(StoreError, match="no name of a model"):
        store.push(dataclasses.replace(model(5), id=name))


def test_the_longest_name_works(store):
    name = "a" * 200
    store.push(model(5, name=name))
    assert store.get(name) == model(5, name=name)


def test_a_large_model_is_kept_as_it_is(store):
    data = model(5).to_json()
    data["templates"] += [
        {"id": f"t-{i}x", "grok": f"line {i} %{{INT:x}}", "count": i, "example": "é\u2028" * 1000} for i in range(300)
    ]
    large = ModelDocument.from_json(data)
    store.push(large)
    assert store.get("hdfs") == large


def test_what_one_has_pushed_another_sees_at_once(store, address):
    other = open_store(address, Credentials())
    for number in range(1, 6):
        store.push(model(4 + number))
        assert other.history("hdfs")[0].newest.version == number
        assert [head.newest.version for head in other.heads()] == [number]
        assert most_of(other.get("hdfs")) == 4 + number
