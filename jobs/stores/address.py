"""From an address to the store of models that is there."""

from __future__ import annotations

import re

from jobs.stores.base import ModelStore, StoreError
from jobs.stores.credentials import Credentials
from jobs.stores.directory import DirectoryStore


def open_store(address: str, credentials: Credentials) -> ModelStore:
    """The store at an address: ``http(s)://host[:port][/index-prefix]`` is Elasticsearch, all else a directory.

    Raises:
        StoreError: the address is wrong, or the credentials cannot be used.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", address)
    if scheme is None:
        if not address:
            raise StoreError("the address of the store is empty; name a directory, or http(s)://host:port")
        return DirectoryStore(address)
    if scheme[1] not in ("http", "https"):
        raise StoreError(f"{scheme[0]}: there is no such kind of store; name a directory, or http(s)://host:port")
    from jobs.stores.elastic import ElasticsearchStore  # the client takes a while to import

    return ElasticsearchStore(address, credentials)
