"""Values that are used again and again are identifiers by their uses, where silences are clear."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from models.mining.identifiers import IdentifierChoice, discover_identifiers
from models.mining.slots import Slots, TemplateSample
from models.mining.uses import cut_into_uses
from tests.models.mining.linked_logs import Log, Message

LINES: list[Message] = [
    ("{line} opened by {user}", {"line": "line"}),
    ("{line} carries {bytes} bytes, thread {thread}", {"line": "line"}),
    ("{line} closed after {ms} ms, thread {thread}", {"line": "line"}),
]


def switchboard(seed: int, calls: int, lines: int, in_turn: bool) -> Log:
    """Calls over a few lines, some seconds each: a free line is taken in turn, or at random."""
    rng, log = Random(seed), Log(LINES)
    busy: dict[int, float] = {}
    for number in range(calls):
        begin = at = number * 2 + rng.uniform(0, 2)
        free = [line for line in range(lines) if busy.get(line, -9.0) < at - 5]
        taken = number % lines if in_turn else rng.choice(free)
        line = f"line{taken}"
        log.add(at, 0, line=line, user=f"user{rng.randrange(30)}")
        for _ in range(rng.randint(1, 4)):
            at += rng.uniform(0.3, 2)
            log.add(at, 1, line=line, bytes=str(rng.randint(1, 90_000)), thread=str(rng.randint(1, 8)))
        at += rng.uniform(0.1, 1)
        log.add(at, 2, line=line, ms=str(int((at - begin) * 1000)), thread=str(rng.randint(1, 8)))
        busy[taken] = at
    return log.sorted()


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("lines", [40, 200, 600])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_pool_of_names_is_found_however_often_they_come_back(noise: float, lines: int, in_turn: bool) -> None:
    for seed in range(2):
        log = switchboard(seed, 1000, lines, in_turn).noisy(Random(seed), noise)
        choice = discover_identifiers(log.samples())
        assert [choice.fields_of(message) for message in range(3)] == [("line",)] * 3
        assert len({identifier.kind for identifier in choice.by_template.values()}) == 1


@pytest.mark.parametrize("seed", range(4))
def test_users_and_threads_without_clear_silences_are_none(seed: int) -> None:
    rng = Random(seed)
    log = Log([("{user} reads {page} in thread {thread}", {}), ("{user} writes {page} in thread {thread}", {})])
    for _ in range(3000):
        fields = {"user": f"u{rng.randrange(40)}", "page": f"p{rng.randrange(500)}", "thread": str(rng.randrange(8))}
        log.add(rng.uniform(0, 5000), rng.randrange(2), **fields)
    assert discover_identifiers(log.sorted().samples()) == IdentifierChoice()


@pytest.mark.parametrize("seed", range(4))
def test_bursts_that_pass_no_two_messages_each_time_are_none(seed: int) -> None:
    """A thread works now and then, on whatever there is."""
    rng = Random(seed)
    log = Log([(f"thread {{thread}} does {what}", {}) for what in ("this", "that", "more", "less")])
    for number in range(600):
        begin = number * 20 + rng.uniform(0, 10)
        for _ in range(rng.randint(2, 6)):
            log.add(begin + rng.uniform(0, 3), rng.randrange(4), thread=f"t{rng.randrange(1000) % 60}")
    assert discover_identifiers(log.sorted().samples()).by_template == {}


def test_each_use_becomes_a_value_and_each_line_keeps_its_place() -> None:
    rows, values = [], []
    for use in range(100):
        rows += [use * 50 + step for step in range(3)]
        values += [f"n{use % 10}"] * 3
    even = [at for at in range(300) if at % 3 != 1]
    odd = [at for at in range(300) if at % 3 == 1]
    parts = [
        TemplateSample(np.array([rows[i] for i in part]), {"n": [values[i] for i in part]}) for part in (even, odd)
    ]
    slots = Slots(dict(enumerate(parts)))
    assert cut_into_uses(slots, [0, 1])
    by_row = dict(zip(slots.row.tolist(), slots.value.tolist(), strict=True))
    uses = [{by_row[use * 50 + step] for step in range(3)} for use in range(100)]
    assert [len(use) for use in uses] == [1] * 100
    assert len(set.union(*uses)) == 100
