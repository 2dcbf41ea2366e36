"""The models in force: which ones are, since which change, and which of them a source belongs to.

One table, kept alike wherever it is needed: the operator that takes control messages makes the changes and numbers
them, the others follow the events that tell of them. A model is kept as text; who uses it compiles it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

FORMAT = 1
"""The layout of the records that this version writes, and the newest one that it reads."""

EPOCH_KEY = ""
"""The key under which the counter of changes is kept; no model has an empty id."""


@dataclass(slots=True, frozen=True)
class Entry:
    """A model in force.

    Attributes:
        id, version: which model.
        epoch: number of the change that put it in force.
        sources: globs of the names of the sources it is for; none: for those that no other model claims.
        document: the model document, JSON.
    """

    id: str
    version: int
    epoch: int
    sources: tuple[str, ...]
    document: str

    def claims(self, source: str) -> bool:
        """Whether one of its globs fits the name of a source."""
        return any(fnmatchcase(source, glob) for glob in self.sources)

    def to_record(self) -> dict[str, Any]:
        """Plain JSON data to be kept; :meth:`from_record` reads it."""
        return {
            "format": FORMAT,
            "id": self.id,
            "version": self.version,
            "epoch": self.epoch,
            "sources": list(self.sources),
            "document": self.document,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Entry:
        """The entry in a record; raises :class:`ValueError` for one that a newer version wrote."""
        _check_format(record)
        return cls(record["id"], record["version"], record["epoch"], tuple(record["sources"]), record["document"])


class ModelsInForce:
    """The table of models in force, by id.

    Args:
        entries: what is in force at first; one model of each id.
        epoch: number of the last change; the largest of the entries if that is larger.

    Attributes:
        entries: id → entry, in order of the ids; not to be changed from outside.
        epoch: number of the last change; 0 before the first.
    """

    def __init__(self, entries: Iterable[Entry] = (), epoch: int = 0) -> None:
        self.entries: dict[str, Entry] = {e.id: e for e in sorted(entries, key=lambda e: e.id)}
        self.epoch = max([epoch, *(e.epoch for e in self.entries.values())])

    def get(self, model: str) -> Entry | None:
        """The model of this id, if it is in force."""
        return self.entries.get(model)

    def for_source(self, name: str) -> Entry | None:
        """The one model for a source: the first, by id, that claims it, else the first that claims nothing."""
        unclaimed = None
        for entry in self.entries.values():
            if entry.claims(name):
                return entry
            if unclaimed is None and not entry.sources:
                unclaimed = entry
        return unclaimed

    def apply(self, event: Mapping[str, Any]) -> bool:
        """Follow a resolved control event; see :mod:`models.control`.

        Returns:
            Whether the table is another one now. Events of other kinds, and changes that the table has already
            (by their epoch), do nothing.
        """
        if event["kind"] != "model" or event["epoch"] <= self.epoch:
            return False
        self.epoch = event["epoch"]
        if event["op"] == "delete":
            return self.entries.pop(event["id"], None) is not None
        entry = Entry(event["id"], event["version"], event["epoch"], tuple(event["sources"]), event["document"])
        known = entry.id in self.entries
        self.entries[entry.id] = entry
        if not known:
            self.entries = dict(sorted(self.entries.items()))
        return True

    def to_records(self) -> dict[str, str]:
        """The whole table as texts to be kept: one a model under its id, and the counter under ``EPOCH_KEY``."""
        head = {"format": FORMAT, "epoch": self.epoch}
        texts = {e.id: json.dumps(e.to_record()) for e in self.entries.values()}
        return {EPOCH_KEY: json.dumps(head), **texts}

    def records_of(self, model: str) -> dict[str, str | None]:
        """What to write after a change of one model, so that all is kept as :meth:`to_records` has it; None: remove."""
        entry = self.entries.get(model)
        head = {"format": FORMAT, "epoch": self.epoch}
        text = json.dumps(entry.to_record()) if entry else None
        return {EPOCH_KEY: json.dumps(head), model: text}

    @classmethod
    def from_records(cls, records: Mapping[str, str]) -> ModelsInForce | None:
        """The table that was kept; None if none was.

        Raises:
            ValueError: a newer version of weirwatch wrote it.
        """
        if EPOCH_KEY not in records:
            return None
        head = json.loads(records[EPOCH_KEY])
        _check_format(head)
        entries = (Entry.from_record(json.loads(text)) for key, text in records.items() if key != EPOCH_KEY)
        return cls(entries, head["epoch"])


def _check_format(record: Mapping[str, Any]) -> None:
    if record["format"] > FORMAT:
        raise ValueError(f"the models in force were kept in format {record['format']}; this version reads {FORMAT}")
