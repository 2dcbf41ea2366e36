"""Made-up processes with branches, loops, optional states, parallel activities and retries, and faults in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.transactions import EventTable

Step = tuple[str, float]
"""A state, and the ms that usually pass before it."""

NAMES = (
    "taken", "read", "retried", "accepted", "booked", "declined", "refunded", "stored", "copied", "mailed", "logged",
    "over",
)  # fmt: skip
TEMPLATES = [{"id": f"t-{name}", "grok": f"{name} %{{INT:id}}"} for name in NAMES]
CHOICE = IdentifierChoice({at: Identifier("id", 0, 1.0) for at in range(len(NAMES))})
SPREAD = 0.3


def course(rng: Random) -> list[Step]:
    """taken, read 1 to 4 times, maybe retried once; one of two branches, maybe stored and copied, two at once, over."""
    path: list[Step] = [("taken", 0)]
    rounds = rng.randint(1, 4)
    retried = rng.randint(1, rounds) if rng.random() < 0.3 else 0
    for number in range(rounds):
        path.append(("read", 200))
        if number + 1 == retried:
            path.append(("retried", 1500))
    path += [("accepted", 100), ("booked", 400)] if rng.random() < 0.6 else [("declined", 100), ("refunded", 3000)]
    if rng.random() < 0.5:
        path += [("stored", 50), ("copied", 800)]
    sides: list[Step] = [("mailed", 300), ("logged", 300)]
    rng.shuffle(sides)
    return [*path, *sides, ("over", 100)]


def _skip_back(path: list[Step], rng: Random) -> None:
    """After the branch, the reading begins anew for once: each single order still holds."""
    at = next(i for i, (name, _) in enumerate(path) if name in ("accepted", "declined"))
    path.insert(at + 1, ("read", 200))


def _both(path: list[Step], rng: Random) -> None:
    """The other branch is taken as well."""
    at = next(i for i, (name, _) in enumerate(path) if name in ("booked", "refunded"))
    accepted = path[at][0] == "booked"
    path[at + 1 : at + 1] = (
        [("declined", 100), ("refunded", 3000)] if accepted else [("accepted", 100), ("booked", 400)]
    )


def _slow(path: list[Step], rng: Random) -> None:
    """One step takes sixty times as long."""
    at = rng.choice([i for i, (_, usual) in enumerate(path) if 0 < usual < 1000])
    path[at] = (path[at][0], 60 * path[at][1])


def _fast(path: list[Step], rng: Random) -> None:
    at = rng.choice([i for i, (_, usual) in enumerate(path) if usual >= 300])
    path[at] = (path[at][0], path[at][1] / 60)


def _missing(path: list[Step], rng: Random) -> None:
    path[:] = [step for step in path if step[0] != "mailed"]


FAULTS: dict[str, Callable[[list[Step], Random], None]] = {
    "wrong_order": _skip_back,
    "excluded_state": _both,
    "slow_step": _slow,
    "fast_step": _fast,
    "missing_state": _missing,
}


@dataclass(slots=True)
class Log:
    """Events (time, transaction, state) in order of time, and the faults: transaction → type."""

    events: list[tuple[int, int, int]]
    faults: dict[int, str]

    def table(self) -> EventTable:
        """The events as learning takes them."""
        at, number, state = (np.array(column) for column in zip(*self.events, strict=True))
        return EventTable(state.astype(np.int32), number, at)


def racing(rng: Random) -> list[Step]:
    """Three activities of several steps at the same time, as on three machines, and times of all magnitudes."""
    lanes = [["read", "retried", "accepted"], ["booked", "declined", "refunded"], ["stored", "copied", "mailed"]]
    path: list[Step] = [("taken", 0)]
    # The first machine is nearly always ahead.
    weights = [60.0, 8.0, 1.0]
    while any(lanes):
        lane = rng.choices(range(3), [weight if lanes[at] else 0 for at, weight in enumerate(weights)])[0]
        path.append((lanes[lane].pop(0), 100 * rng.paretovariate(0.7)))
    return [*path, ("over", 100)]


def generate(
    seed: int,
    transactions: int,
    share: float,
    tick_ms: int = 1,
    process: Callable[[Random], list[Step]] = course,
) -> Log:
    """A log of so many transactions of which a ``share`` is faulty; times are whole multiples of ``tick_ms``."""
    rng = Random(seed)
    log = Log([], {})
    for number in range(transactions):
        path = process(rng)
        if rng.random() < share:
            log.faults[number] = rng.choice(sorted(FAULTS))
            FAULTS[log.faults[number]](path, rng)
        at = float(number * 2_000 + rng.randrange(2_000))
        for name, usual in path:
            at += usual * rng.lognormvariate(0, SPREAD)
            log.events.append((int(at) // tick_ms * tick_ms, number, NAMES.index(name)))
    # Lines of one tick stand in the order in which they were written.
    log.events.sort(key=lambda event: event[0])
    return log


def scan(automata: list[dict[str, Any]], log: Log) -> dict[int, set[str]]:
    """What a shard finds: transaction → types."""
    model = CompiledAutomata({"id": "m", "version": 1, "templates": TEMPLATES, "automata": automata})
    shard = ShardState(model)
    at, number, state = zip(*log.events, strict=True)
    times = np.array(at, dtype=np.int64)
    places = np.arange(1, len(at) + 1, dtype=np.int64)
    names = [b"%d" % n for n in number]
    templates = [template["id"] for template in TEMPLATES]
    texts = [b""] * len(at)
    shard.add(EventBatch("s", 0, "m", 1, times, times, places, np.array(state, np.int32), templates, names, texts))
    found: dict[int, set[str]] = defaultdict(set)
    for document in shard.advance(FOREVER):
        found[int(document["transaction"]["id"])].add(document["type"])
    return dict(found)
