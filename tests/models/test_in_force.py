"""The table of models in force: whom a source belongs to, how changes are followed, and how it is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.in_force import EPOCH_KEY, Entry, ModelsInForce


def entry(name, *sources, epoch=1, version=1):
    return Entry(name, version, epoch, sources, f'{{"id": "{name}"}}')


def owner(models, source):
    found = models.for_source(source)
    return found and found.id


def restored(records) -> ModelsInForce:
    found = ModelsInForce.from_records(records)
    assert found is not None
    return found


def event(op, name, epoch, version=1, sources=()):
    document = None if op == "delete" else f'{{"id": "{name}"}}'
    return {
        "kind": "model",
        "op": op,
        "epoch": epoch,
        "id": name,
        "version": version,
        "sources": list(sources),
        "document": document,
    }


def test_a_source_belongs_to_the_first_model_by_id_that_claims_it():
    models = ModelsInForce([entry("b", "app*"), entry("c", "*.log"), entry("a")])
    assert owner(models, "app.log") == "b"
    assert owner(models, "web.log") == "c"
    assert owner(models, "web.txt") == "a"


def test_without_a_model_for_the_rest_a_source_may_belong_to_none():
    assert ModelsInForce([entry("b", "app*")]).for_source("web.log") is None
    assert ModelsInForce().for_source("web.log") is None


def test_globs_heed_the_case_of_letters():
    assert ModelsInForce([entry("b", "App*")]).for_source("app.log") is None


def test_the_epoch_begins_with_the_newest_entry():
    assert ModelsInForce().epoch == 0
    assert ModelsInForce([entry("a", epoch=1), entry("b", epoch=2)]).epoch == 2


def test_changes_are_followed_in_order():
    models = ModelsInForce([entry("a")])
    assert models.apply(event("add", "b", 2, sources=["x"]))
    assert models.apply(event("update", "a", 3, version=7))
    assert (models.entries["a"].version, models.entries["a"].epoch, models.epoch) == (7, 3, 3)
    assert owner(models, "x") == "b"
    assert models.apply(event("delete", "a", 4))
    assert (list(models.entries), models.epoch, models.get("a")) == (["b"], 4, None)


def test_a_change_that_is_there_already_does_nothing():
    models = ModelsInForce([entry("a")])
    assert models.apply(event("delete", "a", 2))
    assert not models.apply(event("update", "a", 1))
    assert not models.apply(event("update", "a", 2))
    assert models.get("a") is None


@pytest.mark.parametrize("kind", ["heartbeat", "end_of_log", "pause", "resume"])
def test_events_of_sources_do_nothing(kind):
    models = ModelsInForce([entry("a")])
    assert not models.apply({"kind": kind, "source": "x"})
    assert models.epoch == 1


NAMES = st.sampled_from("abcd")
CHANGES = st.lists(st.tuples(st.sampled_from(["update", "delete"]), NAMES, st.lists(st.text(max_size=3), max_size=2)))


@given(CHANGES)
def test_records_written_change_by_change_are_those_of_the_whole_table(changes):
    models = ModelsInForce([entry("b", "é*")])
    kept = models.to_records()
    for number, (op, name, sources) in enumerate(changes, 2):
        models.apply(event(op, name, number, number, sources))
        for key, text in models.records_of(name).items():
            if text is None:
                kept.pop(key, None)
            else:
                kept[key] = text
    assert kept == models.to_records()
    again = restored(kept)
    assert list(again.entries) == sorted(models.entries)
    assert (again.entries, again.epoch) == (models.entries, models.epoch)


def test_where_nothing_was_kept_there_is_no_table():
    assert ModelsInForce.from_records({}) is None


def test_an_empty_table_is_kept_as_such():
    models = ModelsInForce([entry("a")])
    models.apply(event("delete", "a", 2))
    again = restored(models.to_records())
    assert (again.entries, again.epoch) == ({}, 2)


def test_records_of_a_newer_version_are_refused():
    with pytest.raises(ValueError, match="format 2"):
        ModelsInForce.from_records({EPOCH_KEY: json.dumps({"format": 2, "epoch": 1})})
    with pytest.raises(ValueError, match="format 2"):
        Entry.from_record({**entry("a").to_record(), "format": 2})
