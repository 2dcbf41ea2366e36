"""The models in force in a subtask, with broadcast state as a dictionary."""

import pytest

from models.in_force import Entry
from operators.models_in_force import ModelsInBroadcast


class Broadcast(dict):
    """Broadcast state."""

    put = dict.__setitem__
    remove = dict.__delitem__
    contains = dict.__contains__

    def is_empty(self):
        return not self


class Context:
    """What a broadcast process function is given."""

    def __init__(self, state=None):
        self.state = Broadcast(state or {})

    def get_broadcast_state(self, descriptor):
        return self.state


def entry(epoch, name="shop"):
    return Entry(name, epoch, epoch, (), f"{name} as of {epoch}")


def change(op, epoch, name="shop"):
    document = None if op == "delete" else f"{name} as of {epoch}"
    known = {"kind": "model", "op": op, "epoch": epoch, "id": name, "version": epoch, "sources": []}
    return known | {"document": document}


def test_the_models_of_the_job_are_in_force_from_the_first_element_on():
    models, ctx = ModelsInBroadcast([entry(1)]), Context()
    models.restore(ctx)
    assert models.table.get("shop") == entry(1)
    assert ctx.state == {}


def test_a_change_is_in_force_from_the_next_element_on_and_stays_so_after_a_restore():
    models, ctx = ModelsInBroadcast([entry(1), entry(1, "other")]), Context()
    assert models.update(change("update", 2), ctx) is True
    assert models.table.get("shop") == entry(2)
    again = ModelsInBroadcast([entry(1)])
    table = again.table
    again.restore(Context(ctx.state))
    assert again.table is table
    assert table.entries == {"other": entry(1, "other"), "shop": entry(2)}
    assert table.epoch == 2
    assert again.history.at("shop", 1) == entry(1)


def test_what_is_written_change_by_change_is_what_is_in_force():
    models, ctx = ModelsInBroadcast([entry(1)]), Context()
    changes = [("add", "b"), *[("update", "shop")] * 7, ("delete", "b"), ("add", "c"), ("delete", "shop")]
    for epoch, (op, name) in enumerate(changes, 2):
        models.update(change(op, epoch, name), ctx)
        assert ctx.state == models.history.to_records()


def test_after_a_restore_broadcast_state_wins_over_what_the_job_came_with():
    models, ctx = ModelsInBroadcast([entry(1)]), Context()
    models.update(change("delete", 2), ctx)
    again = ModelsInBroadcast([entry(1), entry(1, "new")])
    again.restore(Context(ctx.state))
    assert again.table.entries == {}


def test_a_change_that_is_the_first_element_after_a_restore_comes_on_top_of_what_was_kept():
    models, ctx = ModelsInBroadcast([entry(1)]), Context()
    models.update(change("add", 2, "b"), ctx)
    again = ModelsInBroadcast([entry(1)])
    again.update(change("add", 3, "c"), Context(ctx.state))
    assert list(again.table.entries) == ["b", "c", "shop"]


@pytest.mark.parametrize("event", [change("update", 1), {"kind": "heartbeat", "source": "a", "timestamp_ms": 3}])
def test_old_changes_and_events_of_other_kinds_do_nothing(event):
    models, ctx = ModelsInBroadcast([entry(1)]), Context()
    assert models.update(event, ctx) is False
    assert ctx.state == {}
