"""A store of models in Elasticsearch.

A version is there for good from the moment when its document has been created, which succeeds for one writer only
(``op_type=create``). The head then moves on to it, guarded by the head's sequence number. A writer that finds the next
version made but the head not moved (its author is slow, or has died) moves the head itself and goes on. So no version
is lost, none is doubled, and nobody waits for anybody.

An *incarnation* is a model's life from its first push to its purge: what a slow writer leaves behind after a purge
belongs to an incarnation that is over, and does not count.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

from jobs.stores.base import (
    Entry,
    Head,
    Pushed,
    StoreError,
    VersionConflictError,
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
from jobs.stores.credentials import Credentials
from jobs.stores.elastic_documents import HeadDocument, ModelIndices
from models.document import ModelDocument

_ATTEMPTS = 200
_LONGEST_PAUSE_S = 0.2


class ElasticsearchStore:
    """Versions of models in Elasticsearch 8, in indices that the first push makes; see :class:`ModelStore`.

    Args:
        address: ``http(s)://host[:port][/index-prefix]``.
        credentials: who we are.
    """

    def __init__(self, address: str, credentials: Credentials | None = None) -> None:
        self._indices = ModelIndices(address, credentials or Credentials())
        self.name = self._indices.name

    def heads(self) -> list[Head]:
        """All models."""
        return [document.head for document in self._indices.heads() if document.head is not None]

    def history(self, model: str) -> tuple[Head, list[Entry]]:
        """A model's state and versions."""
        head = self._head(model)
        newest = head.newest.version
        entries = [document.entry for document in self._indices.versions(model, range(1, newest + 1))]
        if len(entries) < newest:
            self._head(model)  # it may have been purged meanwhile
            raise StoreError(f"{self.name}: {newest - len(entries)} of {newest} versions of model {model} are missing")
        return head, entries

    def get(self, model: str, version: int | None = None) -> ModelDocument:
        """A version."""
        head = self._head(model)
        if version is None and head.deleted:
            raise is_deleted(model, head.newest.version)
        wanted = head.newest.version if version is None else version
        if not 1 <= wanted <= head.newest.version:
            raise missing_version(model, wanted, head.newest.version)
        data, entry = self._indices.read_version(model, wanted)
        name = f"{self.name}, model {model} version {wanted}"
        return check_kept(ModelDocument.from_json(data, name), entry, name)

    def push(self, document: ModelDocument, expect: int | None = None, note: str = "") -> Pushed:
        """Keep a model as its next version."""
        return self._append(document, expect, None, note)

    def rollback(self, model: str, version: int, expect: int | None = None, note: str = "") -> Pushed:
        """Make a new version with the content of an old one."""
        return self._append(self.get(model, version), expect, version, note)

    def delete(self, model: str, expect: int | None = None, purge: bool = False) -> Head:
        """Mark or remove a model."""
        checked_id(model)
        for _ in self._attempts(model):
            state = self._indices.read_head(model)
            head = state.head if state else None
            if state is None or head is None:
                break
            check_expected(model, state.version, expect)
            if head.deleted and not purge:
                raise already_deleted(model)
            if self._indices.write_head(replace(state, purging=True) if purge else replace(state, deleted=now())):
                if purge:
                    self._finish_purge(model)
                return head
        raise missing_model(model, self.name)

    def _append(self, document: ModelDocument, expect: int | None, restored: int | None, note: str) -> Pushed:
        document = checked_model(document)
        model, token = document.id, uuid.uuid4().hex
        attempts = self._attempts(model)
        while True:
            next(attempts)
            state = self._indices.read_head(model)
            if state is None:
                check_expected(model, 0, expect)
                self._indices.make_head(model)
                continue
            if state.purging:
                self._finish_purge(model)
                continue
            check_expected(model, state.version, expect)
            entry = make_entry(document, state.version + 1, now(), restored, note)
            if state.newest and unchanged(state.head, entry):
                return Pushed(state.newest, made=False)
            if self._indices.create_version(state, entry, token, document) or self._made_by(token, state, entry):
                self._settle(state, entry)
                return Pushed(entry, made=True)

    def _made_by(self, token: str, state: HeadDocument, entry: Entry) -> bool:
        """Whether we made the version that is already there (the answer to us was lost); if not, get it out of the way.

        Another writer's version becomes the newest one; what is left of an earlier incarnation is removed.
        """
        for found in self._indices.versions(state.model, range(entry.version, entry.version + 1)):
            if found.incarnation != state.incarnation:
                self._indices.delete_versions([found])
            elif found.token == token:
                return True
            else:
                self._indices.write_head(state.with_version(found.entry))
        return False

    def _settle(self, state: HeadDocument, entry: Entry) -> None:
        """Move the head on to a version that we have made, unless another has done it."""
        current: HeadDocument | None = state
        for _ in self._attempts(state.model):
            if current is None or current.purging or current.incarnation != state.incarnation:
                raise VersionConflictError(f"model {state.model} was purged at the same time; look, and push again")
            if current.version >= entry.version or self._indices.write_head(current.with_version(entry)):
                return
            current = self._indices.read_head(state.model)

    def _finish_purge(self, model: str) -> None:
        """Remove a model whose head says so; several may do this at once."""
        state = self._indices.read_head(model)
        if state is None or not state.purging:
            return
        # one more than the head knows: a writer may just have made it
        documents = self._indices.versions(model, range(1, state.version + 2))
        self._indices.delete_versions([d for d in documents if d.incarnation == state.incarnation])
        self._indices.delete_head(state)

    def _head(self, model: str) -> Head:
        state = self._indices.read_head(checked_id(model))
        head = state.head if state else None
        if head is None:
            raise missing_model(model, self.name)
        return head

    def _attempts(self, model: str) -> Iterator[int]:
        """Numbers of attempts, with growing random pauses between them.

        Raises:
            StoreError: too many.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.01 * attempt)))
            yield attempt
        raise StoreError(f"{self.name}: others keep writing model {model}; try again later")
