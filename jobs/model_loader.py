"""Loads models from the store for a running job, in the worker that asks for them."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jobs.stores.address import open_store
from jobs.stores.base import MissingError, ModelStore, StoreError, content_hash
from jobs.stores.credentials import API_KEY, CA_FILE, PASSWORD, USERNAME, find_credentials
from models.document import ModelDocument
from models.errors import UserError

T = TypeVar("T")

_VARIABLES = {"api_key": API_KEY, "username": USERNAME, "password": PASSWORD, "ca_file": CA_FILE}


class ModelLoader:
    """A call loads a model. It travels with the job graph, so it holds names of secrets and no secrets.

    Args:
        address: of the store, see :func:`jobs.stores.address.open_store`; a directory is taken from where we are now.
        variables: names of the environment variables, in the worker, that hold ``api_key``, ``username``, ``password``
            and ``ca_file``; those of ``weirwatch model`` by default.
        seconds: how long a call may take, all attempts included.

    Raises:
        StoreError: a credential has another name.
    """

    def __init__(self, address: str, variables: Mapping[str, str] | None = None, seconds: float = 10.0) -> None:
        unknown = sorted(set(variables or {}) - set(_VARIABLES))
        if unknown:
            raise StoreError(f"{unknown[0]}: there is no such credential; there are {', '.join(_VARIABLES)}")
        is_directory = address and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address)
        self._address = str(Path(address).absolute()) if is_directory else address
        self._variables = dict(_VARIABLES if variables is None else variables)
        self._seconds = seconds

    def __call__(self, model: str, version: int | None) -> dict[str, Any]:
        """The document of a version of a model, None for the newest.

        Raises:
            UserError: it is not there or not valid, or the store cannot be used, or not in time.
        """
        return self._in_time(lambda: self._open().get(model, version).to_json())

    def keep(self, before: ModelDocument, after: ModelDocument, note: str) -> int:
        """Keep a model that a running job has changed; the version that it has now.

        A model that the store does not have stays with the job alone, one version higher.

        Args:
            before: the model as it was, with its version.
            after: the changed one.
            note: a word on the change.

        Raises:
            UserError: the store has a newer version than ``before``, or cannot be used, or not in time.
        """
        return self._in_time(lambda: self._keep(before, after, note))

    def _in_time(self, call: Callable[[], T]) -> T:
        """What a call gives, or raises, within the time that it may take."""
        outcome: list[T | Exception] = []

        def run() -> None:
            try:
                outcome.append(call())
            except Exception as error:  # noqa: BLE001  (raised below, in the thread that asked)
                outcome.append(error)

        # A thread that hangs is left behind: no client of a store promises an end for all that can go wrong.
        thread = threading.Thread(target=run, name="model-store", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if not outcome:
            raise StoreError(f"{self._address}: gave no answer within {self._seconds:g} s; is the store up?")
        (found,) = outcome
        if isinstance(found, UserError):
            raise found
        if isinstance(found, Exception):
            raise StoreError(f"{self._address}: {type(found).__name__}: {found}")
        return found

    def _keep(self, before: ModelDocument, after: ModelDocument, note: str) -> int:
        store = self._open()
        try:
            newest = store.get(after.id)
        except MissingError:
            return after.version
        if content_hash(newest) == content_hash(after):  # kept before a failure, after which it is told again
            return newest.version
        if content_hash(newest) != content_hash(before):
            raise StoreError(
                f"{store.name} has version {newest.version} of model {after.id}, which is another one than that in "
                f"force; put that in force first (weirwatch model apply {after.id}), and try again"
            )
        return store.push(after, newest.version, note).entry.version

    def _open(self) -> ModelStore:
        given = {_VARIABLES[name]: os.environ.get(variable, "") for name, variable in self._variables.items()}
        return open_store(self._address, find_credentials(environment=given))
