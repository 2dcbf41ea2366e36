"""All identifiers of each message are found, and nothing else, on logs whose lines name several transactions."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import numpy as np
import pytest

from models.mining.identifier_choice import Identifier, IdentifierChoice
from models.mining.identifiers import discover_identifiers
from tests.models.mining.linked_logs import LOGS, Log, calls, cloud, jobs, shop

PATTERNS = {
    "cloud": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "shop": "[0-9a-f]{16}|o[0-9]+",
    "jobs": "(?:job|task)_[0-9_]+",
    "calls": "c[0-9a-f]{10,12}",
    "pool": "c[0-9a-f]{8}|u[0-9]{4,}",
}
"""What the identifiers of each log look like."""


def check(log: Log, pattern: str | None = None) -> None:
    """The fields of each message are the right ones, and so are the kinds that they are of."""
    choice, wanted = discover_identifiers(log.samples(), pattern), log.wanted()
    found = {at: set(choice.fields_of(at)) for at in range(len(log.messages)) if choice.fields_of(at)}
    assert found == {at: set(kinds) for at, kinds in wanted.items()}
    numbers = defaultdict(set)
    for at, kinds in wanted.items():
        for identifier in choice.identifiers_of(at):
            numbers[kinds[identifier.field]].add(identifier.kind)
    assert all(len(kinds) == 1 for kinds in numbers.values())
    assert len({next(iter(kinds)) for kinds in numbers.values()}) == len(numbers)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("name", sorted(LOGS))
def test_all_identifiers_are_found_and_no_others(name: str, noise: float, seed: int) -> None:
    log = LOGS[name](seed)
    check(log.noisy(Random(seed), noise) if noise else log)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("name", sorted(LOGS))
def test_a_pattern_finds_all_identifiers_of_all_kinds_that_match(name: str, noise: float, seed: int) -> None:
    log = LOGS[name](seed)
    check(log.noisy(Random(seed), noise) if noise else log, PATTERNS[name])


def test_with_a_pattern_a_few_transactions_are_enough() -> None:
    for name, log in (("cloud", cloud(0, 12)), ("shop", shop(0, 12)), ("jobs", jobs(0, 8)), ("calls", calls(0, 20))):
        check(log, PATTERNS[name])


@pytest.mark.parametrize("seed", range(2))
def test_short_and_long_logs_tell_the_same(seed: int) -> None:
    for log in (cloud(seed, 50), cloud(seed, 800), shop(seed, 50), shop(seed, 900), jobs(seed, 35), calls(seed, 1200)):
        check(log)


@pytest.mark.parametrize("seed", range(3))
def test_what_goes_one_to_one_with_an_identifier_says_the_same_once_more(seed: int) -> None:
    """Each visitor has a token and an address of its own; with the address alone, one more message is explained."""
    rng = Random(seed)
    messages = [
        ("connected {address}", {}),
        ("token {token} opened by {address}", {"token": "token"}),
        ("token {token} of {address} reads {bytes}", {"token": "token"}),
        ("token {token} closed by {address}", {"token": "token"}),
    ]
    log = Log(messages)
    for number in range(300):
        who = {"token": f"{rng.getrandbits(64):016x}", "address": f"10.{number % 7}.{number // 250}.{number % 250}"}
        at = number * 2 + rng.uniform(0, 2)
        log.add(at, 0, address=who["address"])
        log.add(at + 0.2, 1, **who)
        for _ in range(rng.randint(1, 4)):
            at += rng.uniform(0.3, 1.5)
            log.add(at, 2, **who, bytes=str(rng.randint(1, 90_000)))
        log.add(at + rng.uniform(0.3, 1), 3, **who)
    choice = discover_identifiers(log.sorted().samples())
    assert choice.further == {}
    assert [choice.field_of(at) for at in range(4)] == ["address"] * 4
    without = {at: sample for at, sample in log.samples().items() if at}
    assert discover_identifiers(without).further == {}
    assert [discover_identifiers(without).field_of(at) for at in (1, 2, 3)] == ["token"] * 3


@pytest.mark.parametrize("people", [15, 120, 100_000])
@pytest.mark.parametrize("seed", range(2))
def test_who_comes_back_for_more_sessions_is_no_further_identifier(people: int, seed: int) -> None:
    """Whether users are few, or come twice, or nearly never come again."""
    rng = Random(seed)
    messages = [
        ("session {session} of {user} begins", {"session": "session"}),
        ("session {session} of {user} opens page {page} in {ms}", {"session": "session"}),
        ("session {session} of {user} ends", {"session": "session"}),
    ]
    log = Log(messages)
    for number in range(300):
        who = {"session": f"s{rng.getrandbits(48):012x}", "user": f"u{rng.randrange(people)}"}
        at = number * 3 + rng.uniform(0, 3)
        log.add(at, 0, **who)
        for _ in range(rng.randint(1, 6)):
            at += rng.uniform(0.5, 2)
            log.add(at, 1, **who, page=f"p{rng.randint(1, 400)}", ms=str(rng.randint(1, 2000)))
        log.add(at + rng.uniform(0.5, 2), 2, **who)
    check(log.sorted())


def test_the_visits_of_a_choice_number_further_identifiers_behind_the_templates() -> None:
    first, second, third = Identifier("a", 0, 1.0), Identifier("b", 1, 0.9), Identifier("c", 2, 0.8)
    choice = IdentifierChoice({0: first, 2: second}, further={2: (first, third)})
    visits = choice.visits(3)
    assert (visits.template, visits.field) == ([0, 1, 2, 2, 2], ["a", None, "b", "a", "c"])
    assert visits.kinds.tolist() == [0, -1, 1, 0, 2]
    template = np.array([2, 1, -1, 0, 2], np.int32)
    held = np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 0, 0, 0, 1]], np.bool_)
    event, place, visit = visits.of(template, held)
    assert event.tolist() == [0, 0, 0, 1, 2, 3, 4, 4]
    assert place.tolist() == [0, 1, 2, 0, 0, 0, 0, 2]
    assert visit.tolist() == [2, 3, 4, 1, -1, 0, 2, 4]
