"""The models in force and those before them, for state that was written under an earlier one.

A checkpoint may hold events that were taken under a model which has been replaced since. To make of them what was made
of them then, the last few documents of each model are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from models.in_force import Entry, ModelsInForce

KEPT_CHANGES = 4
"""As many earlier documents of each model are kept."""

KEPT_DELETED = 16
"""Of as many models that are no longer in force, the latest ones, earlier documents are kept."""

Records = dict[str, str | None]
"""Texts to be kept by key; None: to be removed."""


class ModelHistory:
    """The table of models in force, with the past of each.

    As records it is the table's own, and ``id/epoch`` → an earlier entry, ``id/`` → the epoch since which the model has
    been in force without break. (Ids of models hold no slash.)

    Args:
        entries: what is in force at first.

    Attributes:
        table: what is in force: always the same table, changed by :meth:`apply` and :meth:`load` alone.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.table = ModelsInForce(entries)
        self._since = {e.id: e.epoch for e in self.table.entries.values()}
        self._past: dict[str, list[Entry]] = {}

    def since(self, model: str) -> int:
        """The epoch since which a model is in force without break; state that is older belongs to another life of it.

        Raises:
            KeyError: it is not in force.
        """
        return self._since[model]

    def at(self, model: str, epoch: int) -> Entry | None:
        """The entry of a model as it was at an epoch.

        If it is no longer known, the oldest that is; None if nothing is known of the model.
        """
        current = self.table.get(model)
        known = self._past.get(model, []) + ([current] if current else [])
        if not known:
            return None
        return next((entry for entry in reversed(known) if entry.epoch <= epoch), known[0])

    def apply(self, event: Mapping[str, Any]) -> Records:
        """Follow a resolved control event; what to write so that all is kept, nothing if it changes nothing.

        Events of other kinds, and changes that are in the table already (by their epoch), change nothing.
        """
        if event["kind"] != "model" or event["epoch"] <= self.table.epoch:
            return {}
        name = event["id"]
        before = self.table.get(name)
        self.table.apply(event)
        records: Records = {}
        if before is not None:
            past = self._past.setdefault(name, [])
            past.append(before)
            records[_past_key(before)] = _text(before)
            for entry in past[:-KEPT_CHANGES]:
                records[_past_key(entry)] = None
            del past[:-KEPT_CHANGES]
        after = self.table.get(name)
        if after is None:
            self._since.pop(name, None)
            records[_since_key(name)] = None
        elif before is None:
            self._since[name] = after.epoch
            records[_since_key(name)] = str(after.epoch)
        return records | self._forget_deleted() | self.table.records_of(name)

    def _forget_deleted(self) -> Records:
        deleted = [name for name in self._past if name not in self.table.entries]
        deleted.sort(key=lambda name: self._past[name][-1].epoch)
        return {_past_key(entry): None for name in deleted[:-KEPT_DELETED] for entry in self._past.pop(name)}

    def to_records(self) -> dict[str, str]:
        """Everything as texts to be kept; :meth:`load` reads them."""
        records = self.table.to_records()
        records |= {_since_key(name): str(epoch) for name, epoch in self._since.items()}
        return records | {_past_key(e): _text(e) for past in self._past.values() for e in past}

    def load(self, records: Mapping[str, str]) -> bool:
        """Become what was kept; False if nothing was.

        Raises:
            ValueError: a newer version of weirwatch wrote it.
        """
        kept = ModelsInForce.from_records({key: text for key, text in records.items() if "/" not in key})
        if kept is None:
            return False
        self.table.entries, self.table.epoch = kept.entries, kept.epoch
        self._since = {entry.id: entry.epoch for entry in kept.entries.values()}
        self._past = {}
        past: list[Entry] = []
        for key, text in records.items():
            name, slash, epoch = key.partition("/")
            if epoch:
                past.append(Entry.from_record(json.loads(text)))
            elif slash:
                self._since[name] = int(text)
        for entry in sorted(past, key=lambda entry: entry.epoch):
            self._past.setdefault(entry.id, []).append(entry)
        return True


def _past_key(entry: Entry) -> str:
    return f"{entry.id}/{entry.epoch}"


def _since_key(model: str) -> str:
    return f"{model}/"


def _text(entry: Entry) -> str:
    return json.dumps(entry.to_record(), ensure_ascii=False)
