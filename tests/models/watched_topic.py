"""A watch of topics with its state and a broker, and all that comes out of it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np

from models.aligned_clock import ClockSettings
from models.batches import EventBatch
from models.in_force import Entry, ModelsInForce
from models.messages import MessageSettings, pack_messages
from models.source_reader import ReadLimits
from models.topic_watch import TopicWatch, WatchSettings
from tests.operators.shop import DAY, MODEL

TOPIC = "logs"
SHARDS = 3
IDLE, TIMEOUT, WAIT = 10_000, 60_000, 500
SHOP = Entry("shop", 1, 1, (), json.dumps(MODEL))
SETTINGS = WatchSettings(ReadLimits(), SHARDS, ClockSettings(True, IDLE, TIMEOUT), multiline_wait_ms=WAIT)


def partition(number: int) -> str:
    return f"{TOPIC}/{number}"


class Watched:
    """A watch whose records are kept as keyed state keeps them, a broker, and all that has come out."""

    def __init__(self, settings: WatchSettings = SETTINGS, entries=(SHOP,)) -> None:
        self.settings = settings
        self.now_ms = 1_000
        self.state: dict[str, dict[str, str]] = {}
        self.models = ModelsInForce(entries)
        self.paused: set[str] = set()
        self.ends: dict[str, int] = {}
        self.asked = 0
        self.counts: Counter[str] = Counter()
        self.events: list[tuple[Any, ...]] = []
        self.markers: list[tuple[str, str, int]] = []
        self.unmatched: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.watch = TopicWatch(settings, self.models)

    def restore(self) -> None:
        """The worker dies, and another one goes on from the state."""
        self.watch = TopicWatch(self.settings, self.models)
        for source in self.paused:
            self.watch.pause(source, True)
        for source, number in self.ends.items():
            self.watch.end(source, number)
        for name in list(self.state):
            self.know(name)

    def know(self, name: str) -> None:
        if not self.watch.knows(name):
            records = {key: json.loads(text) for key, text in self.state.setdefault(name, {}).items()}
            self.watch.load(name, records, self.now_ms, self.asked)

    def expect(self, number: int, read_from: int, expected: bool) -> None:
        self.know(partition(number))
        self._follow(partition(number), self.watch.expect(partition(number), read_from, expected, self.now_ms))

    def take(self, rows: list[tuple[int, int, str, bytes]]) -> None:
        """Messages (partition, offset, source, value) that come together."""
        for batch in pack_messages(
            TOPIC,
            np.array([r[0] for r in rows], np.int64),
            np.array([r[1] for r in rows], np.int64),
            np.full(len(rows), DAY, np.int64),
            [r[3] for r in rows],
            [r[2].encode() for r in rows],
            MessageSettings(),
        ):
            name = partition(batch.partition)
            self.know(name)
            self._follow(name, self.watch.take(batch, self.now_ms))

    def say(self, *lines: str, source: str = "a", number: int = 0) -> None:
        """A source writes lines, which are read at once."""
        begin = self.watch.clock.read_to(partition(number))
        self.take([(number, begin + n, source, text.encode()) for n, text in enumerate(lines)])

    def tick(self, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        for name in self.state:
            self._follow(name, self.watch.tick(name, self.now_ms))

    def probe(self, **ends: int) -> None:
        """The broker answers; where nothing else is given, all has been read."""
        self.asked += 1
        found = {name: self.watch.clock.read_to(name) for name in self.state}
        self.watch.probed(self.asked, found | {partition(int(n[1:])): end for n, end in ends.items()}, self.now_ms)

    def pause(self, source: str, paused: bool = True) -> None:
        (self.paused.add if paused else self.paused.discard)(source)
        self.watch.pause(source, paused)

    def end(self, source: str) -> None:
        self.ends[source] = max(self.ends.values(), default=0) + 1
        self.watch.end(source, self.ends[source], self.asked)

    def aligned(self) -> Any:
        return self.watch.advance(self.now_ms)

    def settle(self) -> None:
        """Let go what waits for more lines."""
        self.tick(WAIT)

    def result(self) -> tuple[Any, ...]:
        assert self.counts["lines"] == sum(
            self.counts[n] for n in ("matched", "unmatched", "continued", "dead_letters", "unmodelled", "paused")
        )
        return (
            sorted(self.events),
            sorted(self.markers),
            sorted(d["id"] for d in self.unmatched),
            sorted(d["id"] for d in self.dead),
            {name: n for name, n in self.counts.items() if n},
        )

    def _follow(self, name: str, out: Any) -> None:
        for key, record in out.records.items():
            if record is None:
                self.state[name].pop(key, None)
            else:
                self.state[name][key] = json.dumps(record)
        for key, data in out.batches:
            batch = EventBatch.decode(data)
            assert key == f"{batch.model}/{batch.shard}"
            if batch.kind == EventBatch.END:
                self.markers.append((batch.source, key, int(batch.order_ms[0])))
            for n in range(len(batch)):
                self.events.append(
                    (batch.source, int(batch.position[n]), batch.text[n], int(batch.order_ms[n]), batch.epoch)
                )
        self.unmatched += out.anomalies
        self.dead += out.dead
        self.counts += out.counts
