"""Options that name a store of models and say how to log in, and what is in it."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass
from typing import Any

from jobs.stores.address import open_store
from jobs.stores.base import ModelStore, StoreError
from jobs.stores.credentials import API_KEY, CA_FILE, PASSWORD, USERNAME, find_credentials
from models.document import ModelDocument, load_model
from models.errors import UserError

STORE = "WEIRWATCH_STORE"


def add_store(parser: Any) -> None:
    """The store, and credentials for it."""
    parser.add_argument(
        "--store",
        metavar="STORE",
        help=f"a directory, or Elasticsearch as http(s)://host:port[/index-prefix] (default: ${STORE})",
    )
    group = parser.add_argument_group("credentials for Elasticsearch")
    group.add_argument("--api-key-file", metavar="FILE", help=f"file with an API key (default: the key in ${API_KEY})")
    group.add_argument("--username", metavar="NAME", help=f"user (default: ${USERNAME})")
    group.add_argument(
        "--password-file", metavar="FILE", help=f"file with the user's password (default: the password in ${PASSWORD})"
    )
    group.add_argument("--ca-file", metavar="FILE", help=f"certificates of authorities to trust (default: ${CA_FILE})")


def find_store(options: argparse.Namespace) -> ModelStore | None:
    """The store that the options or the environment name, or None."""
    address = options.store if options.store is not None else os.environ.get(STORE) or None
    if address is None:
        return None
    credentials = find_credentials(options.api_key_file, options.username, options.password_file, options.ca_file)
    return open_store(address, credentials)


def needed_store(options: argparse.Namespace) -> ModelStore:
    """The store that the options or the environment name.

    Raises:
        StoreError: they name none.
    """
    store = find_store(options)
    if store is None:
        raise StoreError(f"no store is named; add --store DIRECTORY or --store http(s)://host:port, or set {STORE}")
    return store


@dataclass(frozen=True, slots=True)
class Reference:
    """A model that an argument names: ``label`` is what people call it; ``model`` is its id if it is in the store."""

    label: str
    document: ModelDocument
    model: str | None = None


def referred(name: str, store: ModelStore | None) -> Reference:
    """The model that an argument names: a file, or ``ID`` or ``ID@VERSION`` in the store.

    A name with a ``/``, or that ends with ``.json``, is a file; without a store every name is.

    Raises:
        UserError: there is no such model, or it is not valid.
    """
    if store is None or "/" in name or name.endswith(".json"):
        try:
            return Reference(name, load_model(name))
        except UserError:
            if store is None and not os.path.lexists(name) and "." not in name.partition("@")[0]:
                raise StoreError(f"{name}: no such file; for a model in a store, name the store with --store") from None
            raise
    model, version = split_reference(name)
    document = store.get(model, version)
    return Reference(f"{model} version {document.version}", document, model)


def split_reference(name: str) -> tuple[str, int | None]:
    """``ID`` or ``ID@VERSION`` as id and number.

    Raises:
        StoreError: the version is no number.
    """
    model, at, version = name.partition("@")
    if not at:
        return model, None
    if not re.fullmatch(r"[0-9]{1,9}", version):
        raise StoreError(f"{name}: after the '@' stands the number of a version, as in {model or 'hdfs'}@3")
    return model, int(version)
