"""Small models, events, and ways to deliver them, for the tests of the automata engine."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch

MINUTE = 60_000


def state(name: str, low: int = 1, high: int | None = 1, *, begin: bool = False, end: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "template": f"t-{name}",
        "field": "id",
        "min": low,
        "max": high,
        "begin": begin,
        "end": end,
        "support": 1000,
    }


def automaton(name: str, states: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "support": 1000,
        "states": states,
        "order": [],
        "requires": [],
        "equal": [],
        "duration": {"min_ms": None, "max_ms": None, "support": 1000},
        "settle_ms": 3,
        "expires_ms": 12,
    } | more


def model(*automata: dict[str, Any], version: int = 1) -> CompiledAutomata:
    names = [s["id"] for a in automata for s in a["states"]]
    templates = [{"id": f"t-{name}", "grok": f"{name} of %{{NOTSPACE:id}}"} for name in names]
    # A template that is in no automaton stands first, so that indices and slots differ.
    templates.insert(0, {"id": "t-alone", "grok": "alone %{NOTSPACE:id}"})
    return CompiledAutomata({"id": "m", "version": version, "templates": templates, "automata": list(automata)})


def flow(**more: Any) -> dict[str, Any]:
    """open → work (one or two) → check (optional) → close; open twice, close twice would be too many."""
    more = {
        "duration": {"min_ms": 2, "max_ms": 8, "support": 1000},
        "order": [{"before": "work", "after": "check", "support": 900}],
        "requires": [{"if": "check", "then": "work", "support": 900}],
    } | more
    states = [state("open", begin=True), state("work", 1, 2), state("check", 0, 1), state("close", end=True)]
    return automaton("a-flow", states, **more)


def endless(**more: Any) -> dict[str, Any]:
    more = {
        "duration": {"min_ms": 0, "max_ms": 6, "support": 1000},
        "equal": [{"states": ["take", "give"], "support": 900}],
    } | more
    return automaton("a-endless", [state("take", 1, 3), state("give", 0, 3)], **more)


def pairs(**more: Any) -> dict[str, Any]:
    """Two begins are needed, and nothing is known of their order with the two ends."""
    states = [state("ask", 2, 2, begin=True), state("answer", 2, 2, end=True), state("note", 0, None)]
    return automaton("a-pairs", states, **more)


@dataclass(frozen=True, order=True)
class Event:
    order: int
    source: str
    position: int
    template: int
    identifier: bytes
    event: int


TEMPLATES = ["t-alone", *(f"t-{s['id']}" for a in (flow(), endless(), pairs()) for s in a["states"])]
"""The templates of ``model(flow(), endless(), pairs())``, and the first ones of ``model(flow())``."""


def batch(events: list[Event], templates: list[str] = TEMPLATES, epoch: int = 1) -> EventBatch:
    """Events of one source as they travel."""
    events = sorted(events, key=lambda e: e.position)
    return EventBatch(
        events[0].source,
        0,
        "m",
        epoch,
        np.array([e.order for e in events], dtype=np.int64),
        np.array([e.event for e in events], dtype=np.int64),
        np.array([e.position for e in events], dtype=np.int64),
        np.array([e.template for e in events], dtype=np.int32),
        templates,
        [e.identifier for e in events],
        [b"%s:%d" % (e.source.encode(), e.position) for e in events],
    )


def end_of(events: list[Event], source: str) -> EventBatch:
    """The marker that a source has ended."""
    return EventBatch.end(source, 0, "m", 1, max(e.order for e in events if e.source == source))


def numbered(raw: list[tuple[int, str, int, bytes, int]]) -> list[Event]:
    """(order, source, template, identifier, delay of the clock) → events with positions, in order of arrival."""
    position: dict[str, int] = {}
    events = []
    for order, source, template, identifier, delay in raw:
        position[source] = position.get(source, 0) + 1
        events.append(Event(order, source, position[source], template, identifier, order - delay))
    return events


def told(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Documents in a fixed order: which order they are told in is free."""
    return sorted(documents, key=lambda d: (d["id"], repr(d)))


def kinds(documents: list[dict[str, Any]]) -> list[str]:
    return sorted(d["type"] for d in documents)


def check_nothing_is_overdue(shard: ShardState) -> None:
    """Every open transaction may still get events, and a timer is due in time for each."""
    deadlines = [t.deadline for lane in shard.lanes for t in lane.open.values()]
    timer = shard.next_timer()
    assert all(deadline >= shard.watermark for deadline in deadlines)
    assert not deadlines or (timer is not None and timer <= min(deadlines) + 1)


def deliver(
    compiled: CompiledAutomata, events: list[Event], chance: random.Random, snapshots: bool = False, ends: bool = False
) -> tuple[list[dict[str, Any]], ShardState]:
    """Deliver events in random batches, with random watermarks that promise what is true; and word of sources' ends."""
    shard = ShardState(compiled)
    queues = {s: [e for e in events if e.source == s] for s in sorted({e.source for e in events})}
    documents: list[dict[str, Any]] = []
    while any(queues.values()):
        source = chance.choice([s for s, queue in queues.items() if queue])
        size = chance.choice([1, 2, 5, 100])
        shard.add(batch(queues[source][:size]))
        del queues[source][:size]
        if ends and not queues[source]:
            shard.add(end_of(events, source))
        promise = min((e.order for queue in queues.values() for e in queue), default=None)
        if promise is not None and chance.random() < 0.7:
            documents += shard.advance(promise - chance.choice([0, 0, 1, 5]))
            check_nothing_is_overdue(shard)
        if snapshots and chance.random() < 0.4:
            shard = ShardState.restore(shard.snapshot(), compiled)
    while snapshots and (timer := shard.next_timer()) is not None and chance.random() < 0.8:
        documents += shard.advance(timer)
        shard = ShardState.restore(shard.snapshot(), compiled)
    return documents + shard.advance(FOREVER), shard
