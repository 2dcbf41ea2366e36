"""Dead letters as documents: what could not be read or stored, where it stands, and why.

Each has an id that depends on nothing but where it stands and what is in it, so that writing it twice overwrites.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from models.anomalies import Document, anomaly_id, iso_ms, place_in_topic
from models.log_batch import DeadRecord
from models.origins import Origin, topic_origin
from models.source_reader import DeadLine

_TEXT_BYTES = 2000


def dead_line(origin: str, line: DeadLine, *, topic: bool = False) -> Document:
    """The dead letter of a line.

    Args:
        origin: where the line comes from, see :mod:`models.origins`.
        line: the line.
        topic: the origin is one in a topic.
    """
    return _letter(origin, line.line, line.reason, line.raw, line.time_ms, topic)


def bad_record(topic: str, partition: int, source: str, record: DeadRecord) -> Document:
    """The dead letter of a message from which no line can be had; ``source`` is the name of its source."""
    origin = topic_origin(topic, partition, source)
    return _letter(origin, record.position, record.reason, record.raw, record.time_ms, True)


def refused_document(document: Mapping[str, Any], reason: str) -> Document:
    """The dead letter of a document that could not be stored.

    Args:
        document: an anomaly, or itself a dead letter; of others it is not told where they come from.
        reason: why it was refused.
    """
    whole = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace")
    evidence = document.get("evidence")
    origin = evidence[0] if isinstance(evidence, list) and evidence and isinstance(evidence[0], dict) else document
    keys = ("topic", "partition", "offset", "line") if "topic" in origin else ("line",)
    place = {key: origin[key] for key in keys if key in origin}
    when = document.get("@timestamp", document.get("timestamp"))
    return {
        # Not of the reason, which may name a node or a moment.
        "id": anomaly_id("dead_letter", "refused", str(document.get("id")), None if "id" in document else _cut(whole)),
        "source": str(document.get("source", "")),
        **(place or {"line": 0}),
        "reason": reason or "refused without a reason",
        "timestamp": when if isinstance(when, str) else None,
        "text": _cut(whole),
        "bytes": len(whole),
    }


def _letter(origin: str, position: int, reason: str, raw: bytes, time_ms: int | None, topic: bool) -> Document:
    text = _cut(raw)
    # The folder of a file is no part of the id, as with anomalies; the text then tells files of one name apart.
    name = origin if topic else posixpath.basename(origin)
    return {
        "id": anomaly_id("dead_letter", name, position, text),
        "source": Origin.parse(origin).source if topic else origin,
        **(place_in_topic(origin, position) if topic else {"line": position}),
        "reason": reason,
        "timestamp": None if time_ms is None else iso_ms(time_ms),
        "text": text,
        "bytes": len(raw),
    }


def _cut(raw: bytes) -> str:
    return raw[:_TEXT_BYTES].decode("utf-8", "replace")
