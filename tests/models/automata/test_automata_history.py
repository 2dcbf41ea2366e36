"""The models in force and those before them, however often they change."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.history import KEPT_CHANGES, KEPT_DELETED, ModelHistory
from models.in_force import Entry


def entry(name: str, epoch: int) -> Entry:
    return Entry(name, epoch, epoch, (), f"{name} as of {epoch}")


def change(op: str, name: str, epoch: int) -> dict:
    document = None if op == "delete" else f"{name} as of {epoch}"
    return {
        "kind": "model",
        "op": op,
        "epoch": epoch,
        "id": name,
        "version": epoch,
        "sources": [],
        "document": document,
    }


def documents(history: ModelHistory, name: str, last: int) -> list[str | None]:
    return [None if (found := history.at(name, epoch)) is None else found.document for epoch in range(last + 1)]


def test_a_model_is_found_as_it_was_at_any_epoch():
    history = ModelHistory([entry("m", 2)])
    history.apply(change("update", "m", 4))
    history.apply(change("add", "n", 5))
    history.apply(change("update", "m", 6))
    assert documents(history, "m", 7) == [f"m as of {epoch}" for epoch in (2, 2, 2, 2, 4, 4, 6, 6)]
    assert documents(history, "n", 6) == ["n as of 5"] * 7
    assert history.at("other", 3) is None


def test_of_a_model_that_changes_often_the_oldest_kept_stands_for_all_before_it():
    history = ModelHistory([entry("m", 0)])
    for epoch in range(1, 10):
        history.apply(change("update", "m", epoch))
    oldest = 9 - KEPT_CHANGES
    assert documents(history, "m", 9) == [f"m as of {max(epoch, oldest)}" for epoch in range(10)]


def test_a_deleted_model_is_remembered_until_it_is_one_of_many():
    history = ModelHistory([entry("m", 0)])
    history.apply(change("delete", "m", 1))
    assert history.table.get("m") is None
    assert documents(history, "m", 1) == ["m as of 0"] * 2
    for number in range(KEPT_DELETED):
        history.apply(change("add", f"n{number}", 2 * number + 2))
        assert history.at("m", 0) is not None
        history.apply(change("delete", f"n{number}", 2 * number + 3))
    assert history.at("m", 0) is None
    assert history.at("n0", 0) is not None


def test_a_model_that_was_deleted_and_added_again_is_in_force_since_then():
    history = ModelHistory([entry("m", 0)])
    history.apply(change("update", "m", 1))
    assert history.since("m") == 0
    history.apply(change("delete", "m", 2))
    history.apply(change("add", "m", 3))
    history.apply(change("update", "m", 4))
    assert history.since("m") == 3


def test_changes_that_are_known_and_events_of_other_kinds_change_nothing():
    history = ModelHistory([entry("m", 3)])
    assert history.apply(change("update", "m", 3)) == {}
    assert history.apply({"kind": "heartbeat", "source": "a", "timestamp_ms": 1}) == {}
    assert history.at("m", 3) == entry("m", 3)


def test_the_deletion_of_a_model_that_is_not_in_force_is_remembered_as_a_change():
    history = ModelHistory([entry("m", 1)])
    again = ModelHistory()
    again.load({k: v for k, v in (history.to_records() | history.apply(change("delete", "n", 2))).items() if v})
    assert again.table.epoch == history.table.epoch == 2


def test_nothing_kept_is_told_apart_from_no_model_in_force():
    history = ModelHistory([entry("m", 1)])
    assert history.load({}) is False
    assert history.table.get("m") is not None
    assert history.load(ModelHistory().to_records()) is True
    assert history.table.get("m") is None


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.integers(0, 30))
def test_what_is_written_change_by_change_gives_the_same_history(changes, restore_at):
    history = ModelHistory([entry("a", 0)])
    table = history.table
    kept: dict[str, str] = history.to_records()
    for epoch, (name, delete) in enumerate(changes, 1):
        op = "delete" if delete else "update" if table.get(name) else "add"
        for key, text in history.apply(change(op, name, epoch)).items():
            if text is None:
                kept.pop(key, None)
            else:
                kept[key] = text
        assert kept == history.to_records()
        if epoch == restore_at:
            history = ModelHistory()
            table = history.table
            assert history.load(json.loads(json.dumps(kept)))
            assert history.table is table
    again = ModelHistory()
    assert again.load(kept)
    last = len(changes)
    for name in "abc":
        assert documents(again, name, last) == documents(history, name, last)
        if table.get(name):
            assert again.since(name) == history.since(name)
