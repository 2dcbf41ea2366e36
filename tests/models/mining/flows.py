"""Made-up workflows as event tables, with faults of known types, and a plain replay of the rules that were learnt."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from models.automata.compiled import CompiledAutomata
from models.automata.judge import judge
from models.automata.transaction import Keeping, Transaction
from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.transactions import EventTable

FAULTS = (
    "missing_begin",
    "missing_end",
    "missing_state",
    "too_few",
    "too_many",
    "wrong_order",
    "too_short",
    "too_long",
)
WORDS = ["opened", "loaded", "checked", "paid by card", "booked", "mailed", "printed", "closed"]
FLOWS = 3
TEMPLATES: list[dict[str, Any]] = [
    {"id": f"t-{flow}{state}", "grok": f"Flow {'xyz'[flow]} {word} %{{INT:id}}"}
    for flow in range(FLOWS)
    for state, word in enumerate(WORDS)
]
CHOICE = IdentifierChoice({at: Identifier("id", at // len(WORDS), 1.0) for at in range(len(TEMPLATES))})


@dataclass(slots=True)
class Traffic:
    """Events in order of time, and the faults: transaction → type."""

    table: EventTable
    faults: dict[int, str] = field(default_factory=dict)


def course(rng: Random) -> list[int]:
    """The states of a normal transaction: 0, 1 three to five times, 2, maybe 3 and 4, 5 and 6 in any order, 7."""
    sides = [5, 6]
    rng.shuffle(sides)
    return [0, *[1] * rng.randint(3, 5), 2, *([3, 4] if rng.random() < 0.4 else []), *sides, 7]


def spoil(kind: str, states: list[int], rng: Random) -> tuple[list[int], float]:
    """The states with one fault, and the factor by which the duration changes."""
    if kind == "missing_begin":
        return states[1:], 1
    if kind == "missing_end":
        return states[:-1], 1
    if kind == "missing_state":
        return [s for s in states if s != (4 if 3 in states else 2)], 1
    if kind == "too_few":
        return [0, 1, *[s for s in states[1:] if s != 1]], 1
    if kind == "too_many":
        return [0, *[1] * rng.randint(9, 14), *[s for s in states[1:] if s != 1]], 1
    if kind == "wrong_order":
        return [0, 2, *[s for s in states[1:] if s != 2]], 1
    return states, 0.1 if kind == "too_short" else 4.5


def generate(seed: int, transactions: int, share: float, *, first: int = 0) -> Traffic:
    """Traffic of three workflows; ``share`` of the transactions have a fault. Identifiers count from ``first``."""
    rng = Random(seed)
    events: list[tuple[int, int, int]] = []
    faults = {}
    for number in range(first, first + transactions):
        flow = rng.randrange(FLOWS)
        states, factor = course(rng), 1.0
        if rng.random() < share:
            faults[number] = rng.choice(FAULTS)
            states, factor = spoil(faults[number], states, rng)
        length = 20_000 * (flow + 1) * rng.lognormvariate(0, 0.15) * factor
        begin = number * 4_000 + rng.randrange(4_000)
        # The first line is at the begin and the last at the end, those between come at even steps with some jitter.
        for place, state in enumerate(states):
            jitter = rng.uniform(-0.3, 0.3) if 0 < place < len(states) - 1 else 0
            at = begin + int(length * (place + jitter) / max(1, len(states) - 1))
            events.append((at, number, flow * len(WORDS) + state))
    events.sort()
    at_ms, number_of, template = (np.array(column) for column in zip(*events, strict=True))
    return Traffic(EventTable(template.astype(np.int32), number_of, at_ms), faults)


def replay(automata: list[dict[str, Any]], traffic: Traffic) -> dict[int, set[str]]:
    """What the automata find: transaction → types. One event after another, one open transaction an identifier."""
    model = CompiledAutomata({"id": "m", "version": 1, "templates": TEMPLATES, "automata": automata})
    open_ones: dict[tuple[int, int], Transaction] = {}
    found: dict[int, set[str]] = defaultdict(set)

    def close(key: tuple[int, int]) -> None:
        findings = judge(model.automata[key[1]], open_ones.pop(key))
        found[key[0]].update(finding.type for finding in findings)

    table = traffic.table
    for template, number, at in zip(
        table.template.tolist(), table.transaction.tolist(), table.event_ms.tolist(), strict=True
    ):
        slot = int(model.slot_of_template[template])
        if slot < 0:
            continue
        which, state = model.slots[slot]
        automaton, key = model.automata[which], (number, which)
        record = open_ones.get(key)
        if record is not None:
            over = record.ended and (at > record.lines[-1][3] + automaton.settle_ms or state in automaton.begins)
            if over or at > record.lines[0][3] + automaton.expires_ms:
                close(key)
                record = None
        if record is None:
            record = open_ones[key] = Transaction(0, Keeping(10))
        record.ended |= state in automaton.ends
        record.record((at, slot, b"", at, 0, "", b""), state)
    for key in list(open_ones):
        close(key)
    return {number: types for number, types in found.items() if types}
