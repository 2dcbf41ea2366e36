"""One bulk request to Elasticsearch, and its answer as plain data."""

from __future__ import annotations

from typing import Any

import elasticsearch

from models.bulk_reply import NO_ANSWER, BulkReply, ItemReply

REQUEST_SECONDS = 30.0
_MOST_REASON = 1000
_WANTED = ["errors", "items.*.status", "items.*.error.type", "items.*.error.reason", "items.*.error.caused_by.reason"]


def send_bulk(client: elasticsearch.Elasticsearch, body: bytes) -> BulkReply:
    """Send a bulk once; whatever goes wrong is in the reply."""
    try:
        answer = client.options(max_retries=0, request_timeout=REQUEST_SECONDS).bulk(
            operations=body,  # type: ignore[arg-type]
            filter_path=_WANTED,
        )
    except elasticsearch.ApiError as error:
        genuine = "x-elastic-product" in error.meta.headers
        return BulkReply(
            error.meta.status, f"status {error.meta.status}: {_reason(error)}"[:_MOST_REASON], genuine=genuine
        )
    except elasticsearch.TransportError as error:
        return BulkReply(NO_ANSWER, f"{type(error).__name__}: {error}"[:_MOST_REASON])
    content = answer.body
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        return BulkReply(NO_ANSWER, "the answer is not Elasticsearch's")
    return BulkReply(answer.meta.status, items=tuple(_item(next(iter(item.values()))) for item in content["items"]))


def _reason(error: elasticsearch.ApiError) -> str:
    found = error.body.get("error") if isinstance(error.body, dict) else None
    return str(found.get("reason") or error.message) if isinstance(found, dict) else error.message


def _item(outcome: dict[str, Any]) -> ItemReply:
    error = outcome.get("error")
    if error is None:
        return ItemReply(outcome["status"])
    reasons = [error.get("reason"), (error.get("caused_by") or {}).get("reason")]
    return ItemReply(outcome["status"], str(error.get("type", "")), ": ".join(filter(None, reasons)))
