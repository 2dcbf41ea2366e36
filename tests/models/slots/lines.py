"""Lines of a small model, the naive counts of them, and their way through the pure parts of the job."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from models.anomalies import iso_ms
from models.detection import FAR_FUTURE_MS, FAR_PAST_MS, LineDetector
from models.document import ModelDocument
from models.slots.counts import SlotCounts
from models.slots.series import SERIES_SHARDS
from models.slots.shard import SlotShard, WatchedModel
from models.source_reader import ReadLimits, SourceState

T0 = 1_767_225_600_000
"""2026-01-01, a whole hour."""
SLOT_MS = 60_000


def model(**changes: Any) -> ModelDocument:
    """Two templates; one has a category and a metric."""
    document = {
        "kind": "weirwatch.model",
        "format": 1,
        "id": "web",
        "version": 1,
        "timestamp": {"formats": ["yyyy-MM-dd'T'HH:mm:ss.SSSX"], "timezone": "UTC"},
        "templates": [
            {"id": "t-get", "grok": "GET status=%{INT:status} took=%{NOTSPACE:took}"},
            {"id": "t-tick", "grok": "tick"},
        ],
        "automata": [],
        "categories": [
            {
                "template": "t-get",
                "field": "status",
                "support": 10_000,
                "shares": [{"value": "200", "share": 0.9}, {"value": "500", "share": 0.1}],
            }
        ],
        "series": {"enabled": True, "metrics": [{"template": "t-get", "field": "took"}]},
    }
    return ModelDocument.from_json(document | changes)


def get(ms: int, status: object = 200, took: object = 1) -> str:
    return f"{iso_ms(T0 + ms)} GET status={status} took={took}"


def tick(ms: int) -> str:
    return f"{iso_ms(T0 + ms)} tick"


class Job:
    """``parse`` and ``slots`` without Flink: sources read in any order, with the aligned clock as Flink has it."""

    def __init__(self, document: ModelDocument, sources: dict[str, list[str]], lateness_ms: int = 0) -> None:
        self.detector = LineDetector(document, ReadLimits(lateness_ms=lateness_ms), 4)
        self.watched = WatchedModel(document)
        self.shards = [SlotShard(self.watched) for _ in range(SERIES_SHARDS)]
        self.lines = sources
        self.read = dict.fromkeys(sources, 0)
        self.states = dict.fromkeys(sources, SourceState())
        self.clocks = dict.fromkeys(sources, FAR_PAST_MS)
        self.slots: list[dict[str, Any]] = []
        self.late: list[dict[str, Any]] = []
        self.anomalies: list[dict[str, Any]] = []

    def take(self, source: str, lines: int, restore: bool = False) -> None:
        """Read so many more lines of a source."""
        if self.read[source] >= len(self.lines[source]):
            return
        some = self.lines[source][self.read[source] : self.read[source] + lines]
        self.read[source] += len(some)
        at_end = self.read[source] == len(self.lines[source])
        outcome, events, self.states[source] = self.detector.process(
            source, self.states[source], "".join(f"{line}\n" for line in some).encode(), at_end
        )
        counts = [SlotCounts.decode(part.encode()) for part in outcome.slots]
        if at_end:
            clock = self.states[source].clock.clock_ms
            counts += [SlotCounts("web", shard, 0, until_ms=clock) for shard in range(SERIES_SHARDS)]
        for part in counts:
            self.step(part.shard, part)
        if at_end:
            del self.clocks[source]
        elif events.clock_ms is not None:
            self.clocks[source] = max(self.clocks[source], events.clock_ms)
        if restore:
            self.shards = [SlotShard.restore(shard.snapshot(), self.watched) for shard in self.shards]
        for shard in range(SERIES_SHARDS):
            self.step(shard, None)

    def step(self, shard: int, part: SlotCounts | None) -> None:
        told = self.shards[shard].step(part, min(self.clocks.values(), default=FAR_FUTURE_MS) - 1)
        self.slots += told.slots
        self.late += told.late
        self.anomalies += told.anomalies

    def finish(self) -> Job:
        """Read all that is left."""
        for source in list(self.lines):
            self.take(source, 1 << 30)
        return self

    def told(self) -> tuple[Any, ...]:
        """All that was told, in an order of its own."""
        late: Counter[tuple[Any, ...]] = Counter()
        for document in self.late:
            late[document["@timestamp"], document["template"], document["kind"]] += document["late"]
        return sorted(map(str, self.slots)), late, sorted(map(str, self.anomalies))


def naive(lines: list[tuple[int, str, str, float]], until_ms: int) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Slots by (template, kind, begin) as one would count them by hand, of lines that are not late.

    Args:
        lines: (ms since T0, template, status, number) each.
        until_ms: the last time of all, since T0.
    """
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for kind, template in (("lines", "t-get"), ("lines", "t-tick"), ("category", "t-get"), ("metric", "t-get")):
        own = [line for line in lines if line[1] == template]
        by_slot: dict[int, list[tuple[int, str, str, float]]] = {}
        for line in own:
            by_slot.setdefault(line[0] // SLOT_MS, []).append(line)
        if not by_slot:
            continue
        for slot in range(min(by_slot), until_ms // SLOT_MS + 1):
            some = by_slot.get(slot, [])
            told: dict[str, Any] = {"lines": len(some)}
            if kind == "category":
                told["values"] = dict(Counter(status for _, _, status, _ in some))
            if kind == "metric":
                numbers = [number for *_, number in some]
                told |= {
                    "sum": math.fsum(numbers),
                    "sum_of_squares": math.fsum(number * number for number in numbers),
                    "min": min(numbers, default=None),
                    "max": max(numbers, default=None),
                }
            found[template, kind, slot * SLOT_MS] = told
    return found
