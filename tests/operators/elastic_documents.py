"""Documents for trials with Elasticsearch, and a look at what it holds."""

from __future__ import annotations

import json
from typing import Any

from models import anomalies
from models.anomalies import iso_ms

BEGIN_MS = 1_768_176_000_000
"""2026-01-12 00:00 UTC."""


def anomaly(number: int, **changes: Any) -> str:
    """An anomaly as the job writes it, a minute after the one with the number before."""
    time = BEGIN_MS + 60_000 * number
    document = anomalies.build(
        anomalies.MISSING_END,
        identity=anomalies.anomaly_id("trial", number),
        timestamp_ms=time,
        score=88.5,
        model_id="shop",
        model_version=2,
        source="logs/0",
        evidence=[anomalies.evidence_line("app.log", number + 1, time, f"order {number} opened")],
        actual="no end",
        typical="an end within 1 s",
        reason=f"Transaction {number} never ended.",
        transaction={"id": str(number), "automaton": "a-1", "begin": iso_ms(time), "end": None, "states": ["open"]},
        violations=[{"state": "open", "other": None, "actual": 0, "min": 1, "max": 1, "unit": "occurrences"}],
    )
    return json.dumps({**document, **changes}, ensure_ascii=False)


def dead_letter(number: int) -> str:
    """A dead letter as the job writes it."""
    letter = {"id": anomalies.anomaly_id("dead", number), "source": "logs/0", "topic": "logs", "partition": 0}
    rest = {"offset": number, "reason": "it is no text", "timestamp": None, "text": "\ufffd\ufffd", "bytes": 2}
    return json.dumps({**letter, **rest}, ensure_ascii=False)


def numbers(client: Any, prefix: str) -> list[int]:
    """The numbers of the anomalies in Elasticsearch, sorted, each as often as it is there."""
    client.indices.refresh(index=f"{prefix}-*")
    found: list[int] = []
    after: dict[str, Any] = {}
    while True:
        hits = client.search(
            index=f"{prefix}-anomalies-*", size=5000, sort=["@timestamp", "id"], source=["transaction.id"], **after
        )["hits"]["hits"]
        if not hits:
            return sorted(found)
        found += [int(hit["_source"]["transaction"]["id"]) for hit in hits]
        after = {"search_after": hits[-1]["sort"]}


def letters(client: Any, prefix: str) -> list[dict[str, Any]]:
    """The dead letters in Elasticsearch."""
    client.indices.refresh(index=f"{prefix}-*")
    hits = client.search(index=f"{prefix}-dead-letters-*", size=5000)["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def clean(client: Any, prefix: str) -> None:
    """Remove the indices and templates of a trial."""
    for index in client.indices.get(index=f"{prefix}-*"):
        client.indices.delete(index=index)
    for kind in ("anomalies", "dead-letters"):
        if client.indices.exists_index_template(name=f"{prefix}-{kind}"):
            client.indices.delete_index_template(name=f"{prefix}-{kind}")
