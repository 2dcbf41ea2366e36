"""How long the automata engine takes per event: transactions of 20 events, thousands of them open at a time.

Run: ``python -m benchmarks.engine [--events 400000]``. Prints microseconds per event for several batch sizes, of normal
traffic and of traffic in which every tenth transaction is anomalous, and what a snapshot costs. Times are CPU times; a
yardstick (one count in a dict, about 0.1 µs on an idle machine) tells how busy the machine was.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch

Event = tuple[int, int, bytes]

# begin ×3, middle ×3, end ×3, and so on: 20 events a transaction, as a block of a distributed file system has them.
_PATH = [0, 0, 0, 1, *([2, 3] * 3), 4, 4, 4, 5, 6, 7, 7, 7, 8, 8]
_OPEN_MS = 2_000
_TEMPLATES = [f"t-{at}" for at in range(9)]


def model() -> dict[str, Any]:
    """A model document of one automaton with nine states."""
    states = [
        {
            "id": f"s{at}",
            "template": f"t-{at}",
            "field": "id",
            "min": _PATH.count(at),
            "max": _PATH.count(at),
            "begin": at == 0,
            "end": at == 8,
            "support": 5000,
            "closed": at != 8,
        }
        for at in range(9)
    ]
    transitions = [
        {"from": f"s{a}", "to": f"s{b}", "support": 5000, "min_ms": None, "max_ms": _OPEN_MS}
        for a, b in sorted(set(pairwise(_PATH)))
    ]
    return {
        "id": "bench",
        "version": 1,
        "templates": [{"id": f"t-{at}", "grok": f"step {at} of %{{NOTSPACE:id}}"} for at in range(9)],
        "automata": [
            {
                "id": "a-1",
                "name": "bench",
                "support": 5000,
                "states": states,
                "order": [{"before": f"s{a}", "after": f"s{b}", "support": 5000} for b in range(9) for a in range(b)],
                "requires": [{"if": "s1", "then": f"s{at}", "support": 5000} for at in range(9)],
                "equal": [{"states": ["s2", "s3", "s4"], "support": 5000}],
                "transitions": transitions,
                "duration": {"min_ms": 10, "max_ms": 60_000, "support": 5000},
                "settle_ms": 2000,
                "expires_ms": 120_000,
            }
        ],
    }


def events(count: int, anomalous: float) -> list[Event]:
    """About ``count`` events (time, template, identifier) in order of time; a share of transactions lacks an event."""
    chance = random.Random(1)
    found: list[Event] = []
    for number in range(count // len(_PATH)):
        name = b"blk_%d" % (number * 7919)
        path = list(_PATH)
        if chance.random() < anomalous:
            del path[chance.randrange(len(path))]
        times = sorted(chance.randrange(_OPEN_MS) for _ in path)
        found.extend((number + at, state, name) for at, state in zip(times, path, strict=True))
    found.sort(key=lambda event: event[0])
    return found


def batches(found: list[Event], size: int) -> list[EventBatch]:
    """The events cut into batches of one source."""
    result = []
    for begin in range(0, len(found), size):
        part = found[begin : begin + size]
        order = np.array([event[0] for event in part], dtype=np.int64)
        result.append(
            EventBatch(
                source="bench.log",
                shard=0,
                model="bench",
                epoch=1,
                order_ms=order,
                event_ms=order,
                position=np.arange(begin + 1, begin + 1 + len(part), dtype=np.int64),
                template=np.array([event[1] for event in part], dtype=np.int32),
                templates=_TEMPLATES,
                transaction=[event[2] for event in part],
                text=[
                    b"081109 203518 143 INFO dfs.DataNode$DataXceiver: a line of %s as long as lines are" % e[2]
                    for e in part
                ],
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run cost: microseconds per event, milliseconds for a snapshot and a restore half-way, and its size."""

    event_us: float
    anomalies: int
    open_count: int
    snapshot_ms: float
    restore_ms: float
    snapshot_bytes: int


def run(cut: list[EventBatch], events_count: int) -> Figures:
    """Step all batches through one shard."""
    automata = CompiledAutomata(model())
    shard = ShardState(automata)
    spent = 0.0
    anomalies = 0
    opened = 0
    record = b""
    snapshot_s = restore_s = 0.0
    for at, batch in enumerate(cut):
        begin = time.process_time()
        shard.add(batch)
        anomalies += len(shard.advance(int(batch.order_ms[-1])))
        spent += time.process_time() - begin
        if at == len(cut) // 2:
            opened = shard.open_count
            begin = time.process_time()
            record = shard.snapshot()
            snapshot_s = time.process_time() - begin
            ShardState.restore(record, automata)
            restore_s = time.process_time() - begin - snapshot_s
    begin = time.process_time()
    anomalies += len(shard.advance(FOREVER))
    spent += time.process_time() - begin
    return Figures(1e6 * spent / events_count, anomalies, opened, 1e3 * snapshot_s, 1e3 * restore_s, len(record))


def yardstick() -> float:
    """Microseconds for one count in a dict, to compare figures of machines that are slower or busy."""
    counts: dict[int, int] = {}
    begin = time.process_time()
    for at in range(200_000):
        counts[at % 5000] = counts.get(at % 5000, 0) + 1
    return (time.process_time() - begin) * 5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000)
    count = parser.parse_args().events
    print(
        f"{'anomalous':>9} {'batch':>6} {'µs/event':>9} {'anomalies':>9} {'open':>6} "
        f"{'snapshot, restore ms':>20} {'kB':>7}"
    )
    marks = [yardstick()]
    for share in (0.0, 0.1):
        found = events(count, share)
        for size in (80, 1_000, 10_000):
            figures = run(batches(found, size), len(found))
            print(
                f"{share:>9.0%} {size:>6} {figures.event_us:>9.2f} {figures.anomalies:>9} {figures.open_count:>6} "
                f"{figures.snapshot_ms:>9.0f} {figures.restore_ms:>10.0f} {figures.snapshot_bytes / 1e3:>7.0f}"
            )
            marks.append(yardstick())
    print(f"yardstick: {min(marks):.3f} to {max(marks):.3f} µs")


if __name__ == "__main__":
    main()
