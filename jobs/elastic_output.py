"""The output into Elasticsearch: the connection that workers make, and what has to be there before documents come."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from jobs.live_settings import ElasticsearchConfig
from jobs.stores.base import StoreError
from jobs.stores.credentials import Credentials
from jobs.stores.elastic_client import DEFAULT_PORT, connect, telling
from models.errors import UserError
from models.index_names import ANOMALY, DAILY, DEAD_LETTER, ILM, family

TEMPLATES = Path(__file__).resolve().parent.parent / "conf" / "elasticsearch"

_FILES = {ANOMALY: "anomalies.json", DEAD_LETTER: "dead_letters.json"}
_KEY = "output.elasticsearch"
_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}", re.ASCII)
_POLICY = {
    "phases": {"hot": {"actions": {"rollover": {"max_age": "1d", "max_primary_shard_size": "50gb"}}}},
    "_meta": {"description": "Begins a new index each day; add a phase that deletes, as your rules demand"},
}


@dataclass(frozen=True, slots=True)
class ElasticConnection:
    """How to reach Elasticsearch; calling it makes a client. It holds names of variables only, never a secret.

    Attributes:
        url: ``http(s)://host[:port][/path]``; the port is 9200 when absent.
        ca_file: certificates of authorities, PEM; to be found on every worker.
        username: the user, with ``password_variable``.
        password_variable: the environment variable that holds the password.
        api_key_variable: the environment variable that holds an API key, instead of a user.

    Raises:
        UserError: these do not fit together.
    """

    url: str
    ca_file: str | None = None
    username: str | None = None
    password_variable: str | None = None
    api_key_variable: str | None = None

    def __post_init__(self) -> None:
        _server(self.url)
        if self.api_key_variable and (self.username or self.password_variable):
            raise UserError(f"{_KEY}: give either api_key or username and password, not both")
        if bool(self.username) != bool(self.password_variable):
            raise UserError(f"{_KEY}: username and password go together; add the one that is absent")

    @classmethod
    def of(cls, output: ElasticsearchConfig) -> ElasticConnection:
        """The connection that a configuration names."""
        return cls(
            output.url,
            str(output.ca_file) if output.ca_file else None,
            output.username,
            output.password.name if output.password else None,
            output.api_key.name if output.api_key else None,
        )

    def __call__(self) -> Elasticsearch:
        """A client; nothing is sent yet.

        Raises:
            UserError: a variable is not set here, or the certificates cannot be used.
        """
        with _plainly():
            return connect(_server(self.url), self.credentials())

    def credentials(self, environment: Mapping[str, str] | None = None) -> Credentials:
        """What the variables hold in this process.

        Raises:
            UserError: a variable is not set.
        """
        variables = os.environ if environment is None else environment

        def value(name: str | None) -> str | None:
            if name is None:
                return None
            if not variables.get(name):
                raise UserError(f"{_KEY}: the environment variable {name} is not set; set it wherever the job runs")
            return variables[name]

        return Credentials(value(self.api_key_variable), self.username, value(self.password_variable), self.ca_file)


def checked_prefix(prefix: str) -> str:
    """The prefix of names of indices.

    Raises:
        UserError: Elasticsearch allows no such names.
    """
    if not _PREFIX.fullmatch(prefix):
        raise UserError(
            f"{_KEY}.prefix: no index can have the name {prefix[:80]!r}; write lower-case letters, digits, '-', '_' "
            "and '.', as in weirwatch"
        )
    return prefix


def ensure_indices(connection: ElasticConnection, prefix: str, rollover: str = DAILY) -> None:
    """Put the index templates that are absent or older than ours; several jobs may do this at once.

    Nothing else is made, but for the policy and the first indices behind the aliases with :data:`ILM`.

    Raises:
        UserError: Elasticsearch cannot be reached, refuses, or has no lifecycle management though it is asked for.
    """
    checked_prefix(prefix)
    with _plainly(), connection() as client, telling(_server(connection.url), connection.credentials()):
        try:
            if rollover == ILM:
                _ensure_policy(client, prefix)
            for kind in _FILES:
                _ensure_template(client, prefix, kind, rollover)
                if rollover == ILM:
                    _ensure_alias(client, family(prefix, kind))
        except NotFoundError as error:
            raise UserError(f"{connection.url}: refuses ({error.meta.status}): {error}") from None


def index_template(prefix: str, kind: str, rollover: str = DAILY) -> dict[str, Any]:
    """The composable index template of a kind, as Elasticsearch takes it."""
    content: dict[str, Any] = json.loads((TEMPLATES / _FILES[kind]).read_text(encoding="utf-8"))
    content["index_patterns"] = [f"{family(prefix, kind)}-*"]
    if rollover == ILM:
        content["template"]["settings"]["index"]["lifecycle"] = {
            "name": prefix,
            "rollover_alias": family(prefix, kind),
        }
    content["_meta"]["rollover"] = rollover
    return content


def _ensure_template(client: Elasticsearch, prefix: str, kind: str, rollover: str) -> None:
    name, ours = family(prefix, kind), index_template(prefix, kind, rollover)
    try:
        (found,) = client.indices.get_index_template(name=name)["index_templates"]
    except NotFoundError as error:
        if "x-elastic-product" not in error.meta.headers:
            raise
    else:
        theirs = found["index_template"]
        same = (theirs.get("_meta") or {}).get("rollover") == rollover
        if same and (theirs.get("version") or 0) >= ours["version"]:
            return
    meta = ours.pop("_meta")
    client.indices.put_index_template(name=name, meta=meta, **ours)


def _ensure_policy(client: Elasticsearch, prefix: str) -> None:
    try:
        client.ilm.get_lifecycle(name=prefix)
    except NotFoundError:
        client.ilm.put_lifecycle(name=prefix, policy=_POLICY)
    except ApiError as error:
        if error.meta.status not in (400, 405):
            raise
        raise UserError(
            f"{_KEY}.rollover: this Elasticsearch has no index lifecycle management; write rollover: {DAILY}"
        ) from None


def _ensure_alias(client: Elasticsearch, alias: str) -> None:
    if client.indices.exists_alias(name=alias):
        return
    try:
        client.indices.create(index=f"{alias}-000001", aliases={alias: {"is_write_index": True}})
    except BadRequestError as error:
        if error.message != "resource_already_exists_exception":  # another job was quicker
            raise


def _server(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise UserError(f"{_KEY}.url: {url!r} is wrong: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise UserError(f"{_KEY}.url holds a user or password, which others could read; write username and password")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"{_KEY}.url: {url!r} is no address; write it as https://host:9200")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors of the connection in the words of the configuration, not in those of the command line."""
    try:
        yield
    except StoreError as error:
        raise UserError(f"{_KEY}: {str(error).replace('--ca-file', 'ca_file')}") from None
