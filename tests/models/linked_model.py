"""A small model whose messages name two transactions, and the pure path from lines to anomalies."""

from __future__ import annotations

from typing import Any

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from models.detection import LineDetector
from models.document import ModelDocument
from models.source_reader import ReadLimits, SourceState

LIMITS = ReadLimits(lateness_ms=0, max_leap_ms=10**12, max_line_bytes=1000, max_text_bytes=1000)


def state(name: str, template: str, field: str, low: int = 1, high: int | None = 1, **more: bool) -> dict[str, Any]:
    return {"id": name, "template": template, "field": field, "min": low, "max": high, **more}


def document(automata: str = "session order") -> dict[str, Any]:
    """Sessions place orders; only the named automata, and links if both are there."""
    session = {
        "id": "a-session",
        "name": "session",
        "states": [
            state("login", "t-login", "session", begin=True),
            state("place", "t-place", "session", 1, 3),
            state("logout", "t-logout", "session", end=True),
        ],
        "settle_ms": 10,
        "expires_ms": 600_000,
    }
    order = {
        "id": "a-order",
        "name": "order",
        "states": [
            state("place", "t-place", "order", begin=True),
            state("pay", "t-pay", "order", 1, 2),
            state("ship", "t-ship", "order", end=True),
        ],
        "settle_ms": 10,
        "expires_ms": 300_000,
    }
    link = {
        "template": "t-place",
        "parent": "a-session",
        "parent_field": "session",
        "child": "a-order",
        "child_field": "order",
        "support": 40,
    }
    return {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "shop",
        "version": 1,
        "timestamp": {"formats": ["ISO8601"], "timezone": "UTC"},
        "id_pattern": r"o\d+",
        "templates": [
            {"id": "t-login", "grok": "login %{NOTSPACE:session}"},
            {"id": "t-place", "grok": "session %{NOTSPACE:session} places order %{NOTSPACE:order}"},
            {"id": "t-pay", "grok": "order %{NOTSPACE:order} paid"},
            {"id": "t-ship", "grok": "order %{NOTSPACE:order} shipped"},
            {"id": "t-logout", "grok": "logout %{NOTSPACE:session}"},
            {"id": "t-alone", "grok": "swept %{INT:count} carts"},
        ],
        "automata": [a for name, a in (("session", session), ("order", order)) if name in automata],
        "links": [link] if automata == "session order" else [],
    }


def line(second: float, text: str) -> bytes:
    minute, rest = divmod(second, 60)
    return f"2026-03-02T08:{int(minute):02}:{rest:06.3f}Z {text}\n".encode()


def batches(model: ModelDocument, lines: list[bytes], cuts: list[int], shards: int = 3) -> list[EventBatch]:
    """The events of a source read in pieces; each batch travels as a record."""
    detector, source, found, begin = LineDetector(model, LIMITS, shards), SourceState(), [], 0
    for end in [*sorted(cuts), len(lines)]:
        outcome, _, source = detector.process("log", source, b"".join(lines[begin:end]), end == len(lines))
        found += [EventBatch.decode(batch.encode()) for batch in outcome.batches]
        begin = end
    return found


def anomalies(
    model: dict[str, Any], lines: list[bytes], cuts: list[int] | None = None, shards: int = 3, evidence: int = 10
) -> list[dict[str, Any]]:
    """All anomalies of transactions, in order of their ids."""
    checked = ModelDocument.from_json(model)
    compiled = CompiledAutomata(checked)
    states = [ShardState(compiled, evidence) for _ in range(shards)]
    for batch in batches(checked, lines, cuts or [], shards):
        states[batch.shard].add(batch)
    return sorted((a for shard in states for a in shard.advance(FOREVER)), key=lambda a: str(a["id"]))
