"""Uses of an identifier are told apart by silence where no begin or end tells, and the engine tells the same ones."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from models.mining.automata import count_transactions, learn_automata
from models.mining.identifier_choice import Identifier, IdentifierChoice
from models.mining.silence import split_silent
from models.mining.transactions import EventTable, group_transactions

TEMPLATES: list[dict[str, Any]] = [
    {"id": f"t-{word}", "grok": f"{word} of %{{INT:id}}"} for word in ("read", "wrote", "sent", "kept", "swept")
]
CHOICE = IdentifierChoice({at: Identifier("id", 0, 1.0) for at in range(len(TEMPLATES))})

Events = list[tuple[int, int, int]]
"""(time, identifier, template)"""


def table_of(events: Events) -> EventTable:
    at_ms, transaction, template = (np.array(column, np.int64) for column in zip(*sorted(events), strict=True))
    return EventTable(template.astype(np.int32), transaction, at_ms)


def unordered(rng: Random, identifier: int, begin: int) -> Events:
    """A transaction of the first four steps in any order, within a minute."""
    steps = rng.sample(range(4), 4)
    return [(begin + place * 12_000 + rng.randrange(12_000), identifier, step) for place, step in enumerate(steps)]


def traffic(seed: int, count: int, names: int) -> tuple[Events, int]:
    """Transactions over some days, whose identifiers come back after hours; and how many there are."""
    rng = Random(seed)
    last: dict[int, int] = {}
    events: Events = []
    made = 0
    for number in range(count):
        begin, identifier = number * 90_000 + rng.randrange(90_000), rng.randrange(names)
        if begin - last.get(identifier, -(10**9)) > 2 * 3_600_000:
            events += unordered(rng, identifier, begin)
            last[identifier] = begin
            made += 1
    return events, made


@pytest.mark.parametrize("names", [300, 900, 20_000])
@pytest.mark.parametrize("seed", range(4))
def test_uses_after_a_long_silence_are_transactions_of_their_own(names: int, seed: int) -> None:
    events, made = traffic(seed, 1500, names)
    table = table_of(events)
    pieces, silence = split_silent(group_transactions(table, (0, 1, 2, 3)))
    assert len(pieces) == made
    assert silence is not None
    assert 48_000 < silence < 2 * 3_600_000
    (automaton,) = learn_automata(table, TEMPLATES, CHOICE)
    assert automaton["support"] == made == count_transactions(table, len(TEMPLATES), CHOICE)
    assert [(state["min"], state["max"]) for state in automaton["states"]] == [(1, 1)] * 4


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_judges_the_very_transactions_that_were_learnt(seed: int) -> None:
    events, made = traffic(seed, 1500, 300)
    automata = learn_automata(table_of(events), TEMPLATES, CHOICE)
    model = CompiledAutomata({"id": "m", "version": 1, "templates": TEMPLATES, "automata": automata})
    shard = ShardState(model)
    events.sort()
    at_ms, _, template = (np.array(column, np.int64) for column in zip(*events, strict=True))
    names = [str(template["id"]) for template in TEMPLATES]
    identifiers = [b"%d" % identifier for _, identifier, _ in events]
    shard.add(
        EventBatch(
            "log", 0, "m", 0, at_ms, at_ms, np.arange(len(events)), template.astype(np.int32), names, identifiers,
            identifiers,
        )
    )  # fmt: skip
    assert shard.advance(FOREVER) == []
    assert shard.counters["judged"] == made


def test_a_transaction_that_waits_by_nature_is_not_cut() -> None:
    rng = Random(1)
    events: Events = []
    for number in range(400):
        begin = number * 60_000
        events += [(begin + rng.randrange(9_000), number, 0), (begin + 10_000 + rng.randrange(9_000), number, 1)]
        begin += rng.randint(10, 20) * 3_600_000
        events += [(begin + rng.randrange(9_000), number, 2), (begin + 10_000 + rng.randrange(9_000), number, 3)]
    grouped = group_transactions(table_of(events), (0, 1, 2, 3))
    assert split_silent(grouped) == (grouped, None)


def test_single_lines_that_come_now_and_then_are_not_cut() -> None:
    rng = Random(2)
    events = [(n * 3_600_000 + rng.randrange(600_000), host, 4) for host in range(50) for n in range(30)]
    events += [step for host in range(50) for step in unordered(rng, host, 1_000_000)]
    grouped = group_transactions(table_of(events), (0, 1, 2, 3, 4))
    assert split_silent(grouped) == (grouped, None)


def test_silences_of_all_lengths_tell_nothing() -> None:
    rng = Random(3)
    events: Events = []
    for identifier in range(200):
        at = identifier * 50_000.0
        for _ in range(12):
            at += rng.lognormvariate(10, 2.5)
            events.append((int(at), identifier, rng.randrange(4)))
    grouped = group_transactions(table_of(events), (0, 1, 2, 3))
    assert split_silent(grouped) == (grouped, None)
