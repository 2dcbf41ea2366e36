"""What a store of models does, whatever keeps it.

A model has versions 1, 2, 3, …; a version never changes once it is there. Pushing the content that the newest version
already has makes none. Deleting marks a model: its versions stay and can be brought back; purging removes them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from models.document import ModelDocument
from models.errors import UserError

PUSH, ROLLBACK = "push", "rollback"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_ID = 200


class StoreError(UserError):
    """The store cannot do what it was asked for."""


class MissingError(StoreError):
    """There is no such model or version."""


class VersionConflictError(StoreError):
    """The newest version is not the one that the caller expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a model, without its content.

    Attributes:
        version: its number.
        time: when it was made, UTC, ISO 8601.
        action: ``push`` or ``rollback``; restored: the version that a rollback brought back.
        sha256: of its content, see :func:`content_hash`.
        templates, automata: how many it has.
        note: what its author said of it.
    """

    version: int
    time: str
    action: str
    sha256: str
    templates: int
    automata: int
    restored: int | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The entry in JSON data; keys that it does not know are passed over.

        Raises:
            ValueError: a key is missing or has a value of another kind.
        """
        try:
            entry = cls(**{field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data})
        except TypeError as error:
            raise ValueError(str(error)) from None
        texts = (entry.time, entry.action, entry.sha256, entry.note)
        numbers = (entry.version, entry.templates, entry.automata, entry.restored or 0)
        if not all(isinstance(t, str) for t in texts) or not all(isinstance(n, int) for n in numbers):
            raise ValueError("a value is of the wrong kind")
        return entry


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a model: its newest version, and when it was deleted (None = it is not)."""

    model: str
    newest: Entry
    deleted: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The head as JSON data."""
        return {"id": self.model, "deleted": self.deleted, **self.newest.to_json()}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push or rollback: the newest version, and whether this call made it."""

    entry: Entry
    made: bool


class ModelStore(Protocol):
    """Versions of models. Every method raises :class:`StoreError` when the store cannot be used."""

    name: str
    """What messages call the store; it holds no credentials."""

    def heads(self) -> list[Head]:
        """All models, deleted ones too, in the order of their names."""

    def history(self, model: str) -> tuple[Head, list[Entry]]:
        """A model's state and its versions, oldest first, also of a deleted model.

        Raises:
            MissingError: there is no such model.
        """

    def get(self, model: str, version: int | None = None) -> ModelDocument:
        """A version, by default the newest. A deleted model's versions can be had by number.

        Raises:
            MissingError: there is no such model or version, or the model is deleted and no version was named.
            ModelError: what is kept is no valid model.
        """

    def push(self, document: ModelDocument, expect: int | None = None, note: str = "") -> Pushed:
        """Keep a model as its next version; the store sets the version's number. A deleted model is back with it.

        Args:
            document: the model.
            expect: the newest version that the caller knows; 0 = no such model.
            note: a word on what changed.

        Raises:
            VersionConflictError: the newest version is another one than expected.
            ModelError: the model is not valid.
        """

    def rollback(self, model: str, version: int, expect: int | None = None, note: str = "") -> Pushed:
        """Make a new version with the content of an old one.

        Raises:
            MissingError: there is no such model or version.
            VersionConflictError: the newest version is another one than expected.
        """

    def delete(self, model: str, expect: int | None = None, purge: bool = False) -> Head:
        """Mark a model as deleted, or remove all of it; returns what it was.

        Raises:
            MissingError: there is no such model, or it is already deleted (which does not hinder a purge).
            VersionConflictError: the newest version is another one than expected.
        """


def content_hash(document: ModelDocument) -> str:
    """SHA-256 of a model's content: of all but its version, whatever the order of keys."""
    data = document.to_json()
    del data["version"]
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def make_entry(document: ModelDocument, version: int, time: str, restored: int | None, note: str) -> Entry:
    """The entry of a version that is about to be made."""
    action = PUSH if restored is None else ROLLBACK
    counts = (len(document.templates), len(document.automata))
    text = " ".join(note.encode("utf-8", "replace").decode().split())
    return Entry(version, time, action, content_hash(document), *counts, restored, text)


def checked_id(model: str) -> str:
    """The id, if it can be one: it becomes the name of a folder or of a document.

    Raises:
        StoreError: it cannot.
    """
    if not _ID.fullmatch(model) or len(model) > _LONGEST_ID:
        raise StoreError(
            f"{model[:80]!r} is no name of a model: up to {_LONGEST_ID} letters, digits, '.', '_' and '-', "
            "the first a letter or digit"
        )
    return model


def checked_model(document: ModelDocument) -> ModelDocument:
    """A model that may be kept, as reading it will give it back.

    Raises:
        StoreError: its id can be no name in a store.
        ModelError: it is not valid.
    """
    return ModelDocument.from_json(document.to_json(), f"model {checked_id(document.id)}")


def check_expected(model: str, newest: int, expect: int | None) -> None:
    """Raise :class:`VersionConflictError` unless ``newest`` (0 = no model) is what the caller expected."""
    if expect is None or expect == newest:
        return
    there = f"its newest version is {newest}" if newest else "there is no such model"
    wanted = f"version {expect}" if expect else "no such model"
    raise VersionConflictError(
        f"model {model}: {there}, but {wanted} was expected: someone changed it meanwhile; look at what is there "
        "(weirwatch model history, weirwatch model diff) and try again"
    )


def unchanged(head: Head | None, entry: Entry) -> bool:
    """Whether a new version would say what the newest one already says."""
    return head is not None and head.deleted is None and head.newest.sha256 == entry.sha256


def check_kept(document: ModelDocument, entry: Entry, name: str) -> ModelDocument:
    """The document, if it is what was once pushed.

    Raises:
        StoreError: its number or content is another one.
    """
    if document.version != entry.version or content_hash(document) != entry.sha256:
        raise StoreError(
            f"{name}: was changed after it was pushed; versions stay as they are: push the changed model as a new "
            "version, or roll back to another one"
        )
    return document


def missing_model(model: str, store: str) -> MissingError:
    """The error for a model that is not there."""
    return MissingError(f"there is no model {model} in {store}; see weirwatch model list")


def missing_version(model: str, version: int, newest: int) -> MissingError:
    """The error for a version that is not there."""
    return MissingError(f"model {model} has no version {version}; its versions are 1 to {newest}")


def is_deleted(model: str, newest: int) -> MissingError:
    """The error for a deleted model."""
    return MissingError(
        f"model {model} is deleted; name a version from 1 to {newest} to see it, or bring one back with "
        f"weirwatch model rollback {model} {newest}"
    )


def already_deleted(model: str) -> MissingError:
    """The error for a deletion of a deleted model."""
    return MissingError(f"model {model} is already deleted; --purge removes its versions too")
