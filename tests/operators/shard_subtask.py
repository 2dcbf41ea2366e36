"""A shard in a subtask of ``automata``, with states in memory."""

import copy
import json
from typing import Any

import numpy as np

from models.automata.history import ModelHistory
from models.batches import EventBatch
from models.in_force import Entry
from operators.shard_keeper import CompiledModels, ShardKeeper
from tests.operators.list_state import ListState
from tests.operators.shop import MODEL, TEMPLATES


def document(number):
    """One of a few versions of the shop's model: with other bounds, in another order, or without a state."""
    model: dict[str, Any] = copy.deepcopy(MODEL) | {"version": number + 1}
    automaton = model["automata"][0]
    if number % 4 == 1:
        automaton["states"][1]["max"] = 1
        automaton["expires_ms"] = 70_000
    elif number % 4 == 2:
        automaton["states"] = automaton["states"][::-1]
        model["templates"] = [{"id": "t-new", "grok": "new %{INT:id}"}, *TEMPLATES[::-1]]
    elif number % 4 == 3:
        automaton["states"] = [s for s in automaton["states"] if s["id"] != "check"]
    return json.dumps(model)


def change(op, epoch):
    text = None if op == "delete" else document(epoch)
    return {
        "kind": "model",
        "op": op,
        "epoch": epoch,
        "id": "shop",
        "version": None if op == "delete" else epoch + 1,
        "sources": [],
        "document": text,
    }


def batch_of(rows, epoch, source="a.log"):
    """Events (order ms, template, transaction, position) as they travel."""
    orders, templates, names, positions = zip(*rows, strict=True)
    order = np.array(orders, np.int64)
    used = sorted(set(templates))
    place = np.array([used.index(t) for t in templates], np.int32)
    position = np.array(positions, np.int64)
    texts = [b"%s %s" % (t.encode(), n) for t, n in zip(templates, names, strict=True)]
    return EventBatch(source, 0, "shop", epoch, order, order, position, place, used, list(names), texts).encode()


class Subtask:
    """A shard in a subtask of ``automata``: what it is sent, what it tells, and its state."""

    def __init__(self, log=(), held=(), records=None):
        self.log, self.held = ListState(log), ListState(held)
        self.history = ModelHistory([Entry("shop", 1, 0, (), document(0))])
        self.records = records
        if records is not None:
            self.history.load(records)
        self.keeper = ShardKeeper("shop", CompiledModels(self.history), self.held, 10)

    def take(self, record, watermark):
        return self.keeper.take(self.log, self.held, record, watermark)

    def retry(self, watermark):
        return self.keeper.retry(self.log, self.held, watermark)

    def look(self, watermark):
        return self.keeper.look(self.log, self.held, watermark)

    def hear(self, event):
        self.history.apply(event)

    def restored(self):
        """The subtask as a checkpoint of it brings it back."""
        again = Subtask(self.log.entries, self.held.entries, self.history.to_records())
        again.keeper.counts = self.keeper.counts
        return again
