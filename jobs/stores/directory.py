"""A store of models in a directory.

``DIRECTORY/MODEL/v00001.json`` is a version, a model file like any other; ``DIRECTORY/MODEL/history.json`` says which
versions there are. What the history does not list does not count: a version is there from the moment when the history
is replaced by one that lists it. Writers take turns by a lock on ``DIRECTORY/.lock``; readers need none.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.stores.base import (
    Entry,
    Head,
    MissingError,
    Pushed,
    StoreError,
    already_deleted,
    check_expected,
    check_kept,
    checked_id,
    checked_model,
    is_deleted,
    make_entry,
    missing_model,
    missing_version,
    unchanged,
)
from jobs.stores.clock import now
from models.document import ModelDocument, load_model
from models.document_text import JsonTextError, parse_json, pretty, read_text, write_text

KIND = "weirwatch.model_history"
FORMAT = 1
LOCK_SECONDS = 30.0
_HISTORY = "history.json"


class DirectoryStore:
    """Versions of models in a directory, which the first push makes; see :class:`jobs.stores.base.ModelStore`.

    Args:
        directory: where they are.
        lock_seconds: how long to wait for another writer.
    """

    def __init__(self, directory: str | os.PathLike[str], lock_seconds: float = LOCK_SECONDS) -> None:
        self.name = os.fspath(directory)
        self._root = Path(directory)
        self._lock_seconds = lock_seconds

    def heads(self) -> list[Head]:
        """All models."""
        self._must_be_there()
        found = []
        for folder in sorted(self._root.iterdir()):
            if (folder / _HISTORY).is_file():
                with contextlib.suppress(MissingError):  # purged just now
                    found.append(self.history(folder.name)[0])
        return found

    def history(self, model: str) -> tuple[Head, list[Entry]]:
        """A model's state and versions."""
        self._must_be_there()
        found = self._read_history(checked_id(model))
        if found is None:
            raise missing_model(model, self.name)
        return found

    def get(self, model: str, version: int | None = None) -> ModelDocument:
        """A version."""
        head, entries = self.history(model)
        if version is None and head.deleted:
            raise is_deleted(model, head.newest.version)
        wanted = head.newest.version if version is None else version
        entry = next((e for e in entries if e.version == wanted), None)
        if entry is None:
            raise missing_version(model, wanted, head.newest.version)
        path = self._version_path(model, wanted)
        return check_kept(load_model(path), entry, str(path))

    def push(self, document: ModelDocument, expect: int | None = None, note: str = "") -> Pushed:
        """Keep a model as its next version."""
        return self._append(document, expect, None, note)

    def rollback(self, model: str, version: int, expect: int | None = None, note: str = "") -> Pushed:
        """Make a new version with the content of an old one."""
        return self._append(self.get(model, version), expect, version, note)

    def delete(self, model: str, expect: int | None = None, purge: bool = False) -> Head:
        """Mark or remove a model."""
        checked_id(model)
        self._must_be_there()
        with self._locked():
            head, entries = self.history(model)
            check_expected(model, head.newest.version, expect)
            if purge:
                self._remove(model)
            elif head.deleted:
                raise already_deleted(model)
            else:
                self._write_history(replace(head, deleted=now()), entries)
        return head

    def _append(self, document: ModelDocument, expect: int | None, restored: int | None, note: str) -> Pushed:
        document = checked_model(document)
        model = document.id
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.name}: cannot be made ({error.strerror}); name another directory") from None
        with self._locked():
            head, entries = self._read_history(model) or (None, [])
            newest = head.newest.version if head else 0
            check_expected(model, newest, expect)
            entry = make_entry(document, newest + 1, now(), restored, note)
            if head is not None and unchanged(head, entry):
                return Pushed(head.newest, made=False)
            (self._root / model).mkdir(exist_ok=True)
            kept = replace(document, version=entry.version).to_json()
            self._write(kept, self._version_path(model, entry.version))
            self._write_history(Head(model, entry), [*entries, entry])
        return Pushed(entry, made=True)

    def _must_be_there(self) -> None:
        if not self._root.is_dir():
            what = "is no directory" if self._root.exists() else "no such directory"
            raise StoreError(f"{self.name}: {what}; check --store (the first weirwatch model push makes a directory)")

    def _version_path(self, model: str, version: int) -> Path:
        return self._root / model / f"v{version:05d}.json"

    def _read_history(self, model: str) -> tuple[Head, list[Entry]] | None:
        """The state and versions of a model; None when there is none."""
        path = self._root / model / _HISTORY
        if not path.exists():
            return None
        try:
            data = parse_json(read_text(path), str(path))
            return _history_from_json(data, model)
        except JsonTextError as error:
            if not path.exists():  # purged between the two looks
                return None
            raise StoreError(str(error)) from None
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{path}: is no history of model {model} ({error}); restore the file") from None

    def _write_history(self, head: Head, entries: list[Entry]) -> None:
        data = {
            "kind": KIND,
            "format": FORMAT,
            "id": head.model,
            "deleted": head.deleted,
            "versions": [entry.to_json() for entry in entries],
        }
        self._write(data, self._root / head.model / _HISTORY)

    def _write(self, data: object, path: Path) -> None:
        try:
            write_text(pretty(data), path)
        except JsonTextError as error:
            raise StoreError(str(error)) from None

    def _remove(self, model: str) -> None:
        folder = self._root / model
        (folder / _HISTORY).unlink()  # from here on the model is gone
        for path in [*folder.glob("v*.json"), *folder.glob(".*.tmp")]:
            path.unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()  # what others have put there stays

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the writers' lock.

        Raises:
            StoreError: the directory cannot be written, or another writer does not come to its end.
        """
        path = self._root / ".lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written ({error.strerror}); check the directory") from None
        try:
            deadline = time.monotonic() + self._lock_seconds
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise StoreError(
                            f"{path}: another process has been writing for {self._lock_seconds:.0f} s; "
                            "wait for it or end it, then try again"
                        ) from None
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)  # this gives the lock up


def _history_from_json(data: Any, model: str) -> tuple[Head, list[Entry]]:
    if data["kind"] != KIND or data["format"] != FORMAT:
        raise ValueError(f"it is {data['kind']!r}, format {data['format']!r}")
    if data["id"] != model:
        raise ValueError(f"it is of model {data['id']!r}")
    entries = [Entry.from_json(entry) for entry in data["versions"]]
    if [entry.version for entry in entries] != list(range(1, len(entries) + 1)) or not entries:
        raise ValueError("its versions are not 1, 2, 3 …")
    if not isinstance(data["deleted"], str | None):
        raise TypeError("deleted is no time")
    return Head(model, entries[-1], data["deleted"]), entries
