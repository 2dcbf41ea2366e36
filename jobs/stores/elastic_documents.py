"""Reading and writing the documents of a store of models in Elasticsearch, each guarded against other writers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import ConflictError, NotFoundError, helpers

from jobs.stores.base import Entry, Head, StoreError, missing_model
from jobs.stores.credentials import Credentials
from jobs.stores.elastic_client import connect, split_address, telling
from jobs.stores.elastic_indices import checked_prefix, heads_index, make_indices, versions_index
from models.document import ModelDocument

_PAGE = 500


@dataclass(frozen=True, slots=True)
class HeadDocument:
    """A head as it is in its index; ``newest`` is None until the first version is there.

    Attributes:
        model: its id.
        newest: its newest version.
        deleted: when it was deleted, or None.
        incarnation: name of its life from the first push to a purge.
        purging: whether it is about to vanish.
        seq_no, primary_term: what Elasticsearch calls this state of the document.
    """

    model: str
    newest: Entry | None
    deleted: str | None
    incarnation: str
    purging: bool
    seq_no: int
    primary_term: int

    @property
    def version(self) -> int:
        """The newest version; 0 before the first one."""
        return self.newest.version if self.newest else 0

    @property
    def head(self) -> Head | None:
        """What callers see of it; None when there is no such model for them."""
        return Head(self.model, self.newest, self.deleted) if self.newest and not self.purging else None

    def with_version(self, entry: Entry) -> HeadDocument:
        """The head once it has moved on to a version, which ends a deletion."""
        return replace(self, newest=entry, deleted=None)


@dataclass(frozen=True, slots=True)
class VersionDocument:
    """A version without its model; see :class:`HeadDocument`. ``token`` names the push that made it."""

    id: str
    entry: Entry
    incarnation: str
    token: str
    seq_no: int
    primary_term: int


class ModelIndices:
    """The indices of heads and versions. Every method raises :class:`StoreError` when they cannot be used.

    Args:
        address: ``http(s)://host[:port][/index-prefix]``.
        credentials: who we are.
    """

    def __init__(self, address: str, credentials: Credentials) -> None:
        self._credentials = credentials
        self._server, prefix = split_address(address)
        self._prefix = checked_prefix(prefix)
        self._heads, self._versions = heads_index(self._prefix), versions_index(self._prefix)
        self.name = f"{self._server}/{self._prefix}"
        self._client = connect(self._server, credentials)

    def heads(self) -> Iterator[HeadDocument]:
        """All heads by the name of their model."""
        after: list[Any] | None = None
        while True:
            try:
                with self._telling():
                    answer = self._client.search(
                        index=self._heads,
                        size=_PAGE,
                        sort=[{"model_id": "asc"}],
                        search_after=after,
                        seq_no_primary_term=True,
                    )
            except NotFoundError:
                return
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield self._head_document(hit)
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    def read_head(self, model: str) -> HeadDocument | None:
        """The head of a model as it is now, or None."""
        try:
            with self._telling():
                return self._head_document(self._client.get(index=self._heads, id=model))
        except NotFoundError:
            return None

    def make_head(self, model: str) -> None:
        """Make a head without a version, and the indices if need be; one that is there stays."""
        body = {"model_id": model, "version": 0, "incarnation": uuid.uuid4().hex, "deleted": None, "purging": False}
        try:
            with self._telling():
                if not self._client.indices.exists(index=self._heads):
                    make_indices(self._client, self._prefix)
                self._client.create(index=self._heads, id=model, document=body)
        except ConflictError:
            return  # another has made it
        except NotFoundError as error:
            raise StoreError(f"{self.name}: refuses (404): {error.message}") from None

    def write_head(self, state: HeadDocument) -> bool:
        """Write a head over the one that was read; False if another was faster."""
        body = {
            "model_id": state.model,
            **(state.newest.to_json() if state.newest else {"version": 0}),
            "incarnation": state.incarnation,
            "deleted": state.deleted,
            "purging": state.purging,
        }
        try:
            with self._telling():
                # refreshed, so that a list that comes after has it
                self._client.index(index=self._heads, id=state.model, document=body, refresh=True, **_guard(state))
        except (ConflictError, NotFoundError):
            return False
        return True

    def delete_head(self, state: HeadDocument) -> None:
        """Delete a head, unless another has done it."""
        try:
            with self._telling():
                self._client.delete(index=self._heads, id=state.model, refresh=True, **_guard(state))
        except (ConflictError, NotFoundError):
            return

    def create_version(self, state: HeadDocument, entry: Entry, token: str, document: ModelDocument) -> bool:
        """Make the document of a version; False if there is one."""
        body = {
            "model_id": state.model,
            **entry.to_json(),
            "incarnation": state.incarnation,
            "token": token,
            "model": replace(document, version=entry.version).to_json(),
        }
        try:
            with self._telling():
                self._client.create(index=self._versions, id=_version_id(state.model, entry.version), document=body)
        except ConflictError:
            return False
        return True

    def read_version(self, model: str, version: int) -> tuple[Any, Entry]:
        """A model as it was kept, and its entry; :class:`MissingError` if it is not there."""
        try:
            with self._telling():
                found = self._client.get(index=self._versions, id=_version_id(model, version))["_source"]
        except NotFoundError:
            raise missing_model(model, self.name) from None
        return found.get("model"), self._entry(found)

    def versions(self, model: str, numbers: range) -> Iterator[VersionDocument]:
        """Those versions that are there, as they are now."""
        for start in range(0, len(numbers), _PAGE):
            ids = [_version_id(model, number) for number in numbers[start : start + _PAGE]]
            with self._telling():
                answer = self._client.mget(index=self._versions, ids=ids, source_excludes=["model"])
            for found in answer["docs"]:
                if found.get("found"):
                    source = found["_source"]
                    marks = (str(source.get("incarnation")), str(source.get("token")))
                    place = (found["_seq_no"], found["_primary_term"])
                    yield VersionDocument(found["_id"], self._entry(source), *marks, *place)

    def delete_versions(self, documents: list[VersionDocument]) -> None:
        """Delete documents of versions, each only if it is still the one that was read."""
        actions = [
            {"_op_type": "delete", "_index": self._versions, "_id": document.id, **_guard(document)}
            for document in documents
        ]
        with self._telling():
            helpers.bulk(self._client, actions, raise_on_error=False)

    def _head_document(self, found: Any) -> HeadDocument:
        source = found["_source"]
        newest = self._entry(source) if source.get("version") else None
        incarnation, purging = str(source.get("incarnation")), bool(source.get("purging"))
        place = (found["_seq_no"], found["_primary_term"])
        return HeadDocument(found["_id"], newest, source.get("deleted"), incarnation, purging, *place)

    def _entry(self, source: dict[str, Any]) -> Entry:
        try:
            return Entry.from_json(source)
        except ValueError as error:
            raise StoreError(f"{self.name}: a document there was not written by weirwatch ({error})") from None

    def _telling(self) -> AbstractContextManager[None]:
        return telling(self._server, self._credentials)


def _guard(document: HeadDocument | VersionDocument) -> dict[str, Any]:
    """Parameters that let a write succeed only if nobody else has written since the document was read."""
    return {"if_seq_no": document.seq_no, "if_primary_term": document.primary_term}


def _version_id(model: str, version: int) -> str:
    return f"{model}@{version}"
