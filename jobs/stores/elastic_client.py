"""The connection to Elasticsearch: address, credentials, and its errors in plain words."""

from __future__ import annotations

import contextlib
import json
import logging
import ssl
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import elasticsearch
from elasticsearch import Elasticsearch
from elasticsearch.serializer import JsonSerializer

from jobs.stores.base import StoreError
from jobs.stores.credentials import Credentials

DEFAULT_PORT = 9200
REQUEST_SECONDS = 15.0
_MOST_SHOWN = 200


class _AsciiSerializer(JsonSerializer):
    """JSON in ASCII: half a surrogate pair, which a line of a broken log may hold, has no bytes in UTF-8."""

    def json_dumps(self, data: Any) -> bytes:
        return json.dumps(data, default=self.default, separators=(",", ":")).encode()


def split_address(address: str) -> tuple[str, str]:
    """The server's part of ``http(s)://host[:port][/prefix]``, with a port, and the prefix of the names of indices.

    Raises:
        StoreError: the address is of another form, or holds a password.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise StoreError(f"the address of the store is wrong: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise StoreError(
            "the address of the store holds a user or password, which others could read; take it out and see the "
            "options and environment variables for credentials in weirwatch model push --help"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise StoreError(f"{address}: is no address of a store; write it as https://host:9200/index-prefix")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}", parts.path.strip("/")


def connect(server: str, credentials: Credentials) -> Elasticsearch:
    """A client for one server; nothing is sent yet.

    Raises:
        StoreError: credentials or certificates are not usable.
    """
    # What the client says of itself beside its exceptions is for its authors.
    logging.getLogger("elastic_transport").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", category=elasticsearch.ElasticsearchWarning)
    options: dict[str, Any] = {}
    if credentials.api_key is not None:
        options["api_key"] = credentials.api_key
    elif credentials.username is not None:
        options["basic_auth"] = (credentials.username, credentials.password or "")
    try:
        if credentials.ca_file is not None and server.startswith("https:"):
            options["ssl_context"] = ssl.create_default_context(cafile=credentials.ca_file)
        return Elasticsearch(
            server,
            request_timeout=REQUEST_SECONDS,
            max_retries=2,
            retry_on_status=(429, 502, 503, 504),
            serializers={
                "application/json": _AsciiSerializer(),
                "application/vnd.elasticsearch+json": _AsciiSerializer(),
            },
            **options,
        )
    except (OSError, ssl.SSLError, ValueError) as error:
        what = f"the certificates in {credentials.ca_file}" if credentials.ca_file else "these settings"
        raise StoreError(f"{server}: {what} cannot be used ({error})") from None


@contextlib.contextmanager
def telling(server: str, credentials: Credentials) -> Iterator[None]:
    """Turn what the client raises into a :class:`StoreError` of one line; 404 and 409 are for the caller."""
    try:
        yield
    except (elasticsearch.NotFoundError, elasticsearch.ConflictError) as error:
        if "x-elastic-product" in error.meta.headers:
            raise
        raise StoreError(_other_server(server)) from None
    except elasticsearch.UnsupportedProductError:
        raise StoreError(_other_server(server)) from None
    except elasticsearch.ApiError as error:
        raise StoreError(f"{server}: {_status(error, credentials)}") from None
    except elasticsearch.SSLError as error:
        raise StoreError(f"{server}: {_tls(_cause(error))}") from None
    except elasticsearch.ConnectionTimeout:
        raise StoreError(f"{server}: did not answer within {REQUEST_SECONDS:.0f} s; is it overloaded?") from None
    except elasticsearch.ConnectionError as error:
        raise StoreError(f"{server}: {_connection(server, _cause(error))}") from None
    except elasticsearch.SerializationError:
        raise StoreError(f"{server}: answers, but not in JSON; is it an Elasticsearch? Check the address") from None
    except elasticsearch.TransportError as error:
        raise StoreError(f"{server}: {_short(str(error))}") from None


def _other_server(server: str) -> str:
    return f"{server}: answers, but is no Elasticsearch 8; check the address"


def _status(error: elasticsearch.ApiError, credentials: Credentials) -> str:
    status, reason = error.meta.status, _short(_reason(error))
    if status == 401:
        if credentials.given:
            return "refuses the credentials (401); check user and password, or the API key"
        return "wants credentials (401); give a user and password, or an API key"
    if status == 403:
        return f"these credentials may not do this (403): {reason}"
    if status == 413:
        return "the model is too large for it (413); raise http.max_content_length there"
    if status in (429, 502, 503, 504):
        return f"cannot serve this now ({status}): {reason}; try again later"
    return f"refuses ({status}): {reason}"


def _reason(error: elasticsearch.ApiError) -> str:
    body = error.body
    if isinstance(body, dict):
        found = body.get("error")
        if isinstance(found, dict) and found.get("reason"):
            return str(found["reason"])
        if isinstance(found, str):
            return found
    return error.message


def _tls(cause: str) -> str:
    if "WRONG_VERSION_NUMBER" in cause or "record layer" in cause:
        return "does not speak TLS; is its address http:// instead?"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        why = cause.partition("certificate verify failed:")[2].partition("(_ssl")[0].strip()
        return (
            f"its certificate is not trusted ({why or 'verification failed'}); "
            "name the certificate of its authority with --ca-file"
        )
    return f"no TLS connection ({_short(cause)})"


def _connection(server: str, cause: str) -> str:
    if "Remote end closed" in cause or "BadStatusLine" in cause or "reset by peer" in cause:
        hint = "is its address https:// instead?" if server.startswith("http:") else "is it an Elasticsearch?"
        return f"ended the connection without an answer; {hint}"
    return f"does not answer ({_short(cause)}); is it up, and is the address right?"


def _cause(error: elasticsearch.TransportError) -> str:
    """What lies at the bottom of nested exceptions, in the words of the operating system where there are any."""
    found: BaseException = error
    seen: list[BaseException] = []
    while found not in seen:
        seen.append(found)
        inner = [*getattr(found, "errors", ()), getattr(found, "reason", None), *found.args, found.__cause__]
        found = next((e for e in inner if isinstance(e, BaseException) and e not in seen), found)
    for link in reversed(seen):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return str(seen[-1])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
