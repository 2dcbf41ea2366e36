"""The two indices of a store of models in Elasticsearch, and how they are made.

``PREFIX-heads`` has a document a model: its newest version. ``PREFIX-versions`` has a document a version, with the
model itself, as people read it; Elasticsearch keeps that part without looking into it, so that any model fits.
"""

from __future__ import annotations

import re
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from jobs.stores.base import StoreError

DEFAULT_PREFIX = "weirwatch-models"
_PRIORITY = 500

_ENTRY: dict[str, Any] = {
    "model_id": {"type": "keyword"},
    "version": {"type": "integer"},
    "time": {"type": "date"},
    "action": {"type": "keyword"},
    "restored": {"type": "integer"},
    "sha256": {"type": "keyword"},
    "templates": {"type": "integer"},
    "automata": {"type": "integer"},
    "note": {"type": "text"},
    "incarnation": {"type": "keyword"},
}
_HEAD: dict[str, Any] = {**_ENTRY, "deleted": {"type": "date"}, "purging": {"type": "boolean"}}
_VERSION: dict[str, Any] = {**_ENTRY, "token": {"type": "keyword"}, "model": {"type": "object", "enabled": False}}


def heads_index(prefix: str) -> str:
    """The name of the index of heads."""
    return f"{prefix}-heads"


def versions_index(prefix: str) -> str:
    """The name of the index of versions."""
    return f"{prefix}-versions"


def checked_prefix(prefix: str) -> str:
    """The prefix of names of indices, or the default one when empty.

    Raises:
        StoreError: Elasticsearch allows no such names.
    """
    if prefix and (not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", prefix) or len(prefix) > 200):
        raise StoreError(
            f"{prefix[:80]!r}: no index can have such a name; write lower-case letters, digits, '-', '_' and '.', "
            f"as in {DEFAULT_PREFIX}"
        )
    return prefix or DEFAULT_PREFIX


def make_indices(client: Elasticsearch, prefix: str) -> None:
    """Make the index templates and the indices that are not there; several processes may do this at once."""
    for index, fields in ((versions_index(prefix), _VERSION), (heads_index(prefix), _HEAD)):
        client.indices.put_index_template(
            name=index,
            index_patterns=[index],
            priority=_PRIORITY,
            template={
                "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
                "mappings": {"dynamic": False, "properties": fields},
            },
        )
        try:
            client.indices.create(index=index)
        except BadRequestError as error:
            if error.message != "resource_already_exists_exception":
                raise
