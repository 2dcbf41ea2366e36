"""Finds an anomaly by its id: in a file as ``weirwatch scan`` writes it, or in Elasticsearch."""

from __future__ import annotations

import re
from typing import Any

from jobs.stores.credentials import Credentials
from jobs.stores.elastic_client import connect, split_address, telling
from models.editing.anomaly_explanation import find_anomaly
from models.errors import UserError
from models.index_names import ANOMALY, family
from models.schema_check import check

_PREFIX = "weirwatch"
_MOST = 2


def look_up(wanted: str, origin: str, credentials: Credentials) -> dict[str, Any]:
    """The document of an anomaly.

    Args:
        wanted: its id; in a file its first four characters do.
        origin: a file of JSON lines, or ``http(s)://host[:port][/index-prefix]``.
        credentials: for Elasticsearch.

    Raises:
        UserError: it is not there, or what is there cannot be read or is no anomaly.
    """
    if re.match(r"https?://", origin):
        return _in_elasticsearch(wanted, origin, credentials)
    try:
        with open(origin, encoding="utf-8", errors="replace") as stream:
            return dict(find_anomaly(stream, wanted, origin))
    except OSError as error:
        raise UserError(f"{origin}: cannot be read ({error.strerror}); name a file of anomalies, JSON lines") from None


def _in_elasticsearch(wanted: str, address: str, credentials: Credentials) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9a-f]{20}", wanted):
        raise UserError(
            f"{wanted!r} is no id of an anomaly: 20 hexadecimal digits; in Elasticsearch it is needed whole"
        )
    server, prefix = split_address(address)
    indices = f"{family(prefix or _PREFIX, ANOMALY)}*"
    client = connect(server, credentials)
    try:
        with telling(server, credentials):
            found = client.search(
                index=indices, query={"ids": {"values": [wanted]}}, size=_MOST, ignore_unavailable=True
            )
    finally:
        client.close()
    hits = found["hits"]["hits"]
    if not hits:
        raise UserError(f"{server}: no anomaly {wanted} in {indices}; is the prefix of the indices right?")
    document: dict[str, Any] = hits[0]["_source"]
    wrong = check("anomaly", document)
    if wrong:
        raise UserError(f"{server}: what is kept as {wanted} is no anomaly: {wrong[0]}")
    return document
