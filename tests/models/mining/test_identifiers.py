"""The identifier is found from values alone, among fields that look like one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from models.errors import UserError
from models.mining.identifiers import IdentifierChoice, discover_identifiers
from models.mining.slots import FieldSamples, TemplateSample

Maker = Callable[[Random, int], str]
Fields = dict[str, str]

NOISE = 9


def hexadecimal(rng: Random, number: int) -> str:
    return f"{rng.getrandbits(32):08x}"


def counter(start: int) -> Maker:
    return lambda rng, number: str(start + number)


def traffic(seed: int, transactions: int, makers: list[Maker], reused: float = 0.0) -> FieldSamples:
    """Three workflows of three templates each, with users, threads, sizes and ports; template 9 is noise."""
    rng = Random(seed)
    made: list[list[str]] = [[] for _ in makers]
    events: list[tuple[float, int, Fields]] = []

    def user() -> str:
        return f"user{rng.randrange(20)}"

    for number in range(transactions):
        flow = rng.randrange(len(makers))
        old = made[flow] and rng.random() < reused
        identifier = rng.choice(made[flow]) if old else makers[flow](rng, len(made[flow]))
        made[flow].append(identifier)
        who = user()
        steps: list[tuple[int, Fields]] = [(0, {"user": who, "id": identifier, "thread": str(rng.randint(1, 30))})]
        steps += [
            (1, {"size": str(rng.randint(100, 90_000)), "id": identifier, "ms": str(rng.randint(1, 5000))})
            for _ in range(rng.randint(1, 6))
        ]
        steps.append((2, {"id": identifier, "user": who, "port": str(rng.randint(30_000, 60_000))}))
        for place, (step, fields) in enumerate(steps):
            events.append((number * 10 + place * 9 + rng.random(), flow * 3 + step, fields))
        fields = {"size": str(rng.randint(100, 90_000)), "ms": str(rng.randint(1, 5000)), "user": user()}
        events.append((rng.random() * transactions * 10, NOISE, fields))
    events.sort(key=lambda event: event[0])
    samples = {}
    for template in range(NOISE + 1):
        rows = [row for row, event in enumerate(events) if event[1] == template]
        names = list(events[rows[0]][2]) if rows else []
        columns = {name: [events[row][2][name] for row in rows] for name in names}
        samples[template] = TemplateSample(np.array(rows), columns)
    return samples


@pytest.mark.parametrize("transactions", [100, 400, 1500])
@pytest.mark.parametrize("reused", [0.0, 0.1])
@pytest.mark.parametrize(
    "makers",
    [[hexadecimal] * 3, [counter(1), counter(400), counter(100_000)], [hexadecimal, counter(7), hexadecimal]],
    ids=["alike", "counters", "mixed"],
)
def test_the_identifier_of_each_workflow_is_found_and_kept_apart(
    makers: list[Maker], reused: float, transactions: int
) -> None:
    choice = discover_identifiers(traffic(1, transactions, makers, reused))
    assert {template: found.field for template, found in choice.by_template.items()} == dict.fromkeys(range(9), "id")
    kinds = choice.kinds(NOISE + 1).tolist()
    assert [len(set(kinds[flow * 3 : flow * 3 + 3])) for flow in range(3)] == [1, 1, 1]
    assert len(set(kinds[:9])) == 3
    assert kinds[NOISE] == -1
    assert choice.field_of(NOISE) is None


def test_a_log_without_identifier_gets_none() -> None:
    samples = {NOISE: traffic(2, 600, [hexadecimal])[NOISE]}
    rng = Random(3)
    # All of its lines are in one part of the log.
    users = [f"user{rng.randrange(20)}" for _ in range(300)]
    samples[0] = TemplateSample(np.arange(300), {"user": users, "ms": [str(rng.randint(1, 5000)) for _ in users]})
    assert discover_identifiers(samples) == IdentifierChoice()
    assert discover_identifiers({}) == IdentifierChoice()


def test_values_that_repeat_locally_in_one_template_are_an_identifier() -> None:
    # Each request is logged twice by the same template.
    samples = {0: TemplateSample(np.arange(400), {"request": [f"r{row // 2}" for row in range(400)]})}
    assert discover_identifiers(samples).field_of(0) == "request"


def test_a_rare_template_gets_the_field_whose_value_is_in_use_there() -> None:
    samples = dict(traffic(4, 400, [hexadecimal] * 2))
    start = samples[0]
    row, value = int(start.rows[50]) + 1, start.fields["id"][50]
    samples[20] = TemplateSample(np.array([row]), {"code": ["7"], "what": [value]})
    assert discover_identifiers(samples).field_of(20) == "what"


def test_a_pattern_overrides_and_prefers_the_field_that_matches_as_a_whole() -> None:
    samples = {
        0: TemplateSample(np.arange(3), {"path": ["/x/ab1", "/x/ab2", "/x/ab3"], "key": ["ab1", "ab2", "ab3"]}),
        1: TemplateSample(np.arange(3), {"path": ["/x/ab1", "/y/ab2", "/z/ab3"]}),
        2: TemplateSample(np.arange(3), {"user": ["u", "v", "w"]}),
    }
    choice = discover_identifiers(samples, "ab[0-9]")
    assert [choice.field_of(template) for template in range(3)] == ["key", "path", None]
    assert choice.pattern == "ab[0-9]"


def test_of_one_message_each_kind_that_matches_is_an_identifier_but_not_what_says_the_same() -> None:
    rows = np.arange(40)
    samples = {
        0: TemplateSample(rows, {
            "move": [f"blk{n // 2}" for n in rows], "to": [f"blk{n // 2 + 500}" for n in rows],
            "job": [f"job{n // 8}" for n in rows], "alias": [f"job{n // 8 + 900}" for n in rows],
            "url": [f"/jobs/job{n // 8}" for n in rows],
        }),
        1: TemplateSample(rows + 40, {"blk": [f"blk{n % 20}" for n in rows]}),
    }  # fmt: skip
    choice = discover_identifiers(samples, "(?:blk|job)[0-9]+")
    assert choice.fields_of(0) == ("move", "job")
    assert choice.fields_of(1) == ("blk",)
    move, job = choice.identifiers_of(0)
    assert move.kind == choice.identifiers_of(1)[0].kind != job.kind


def test_a_broken_pattern_is_the_users_error() -> None:
    with pytest.raises(UserError, match="identifier pattern"):
        discover_identifiers({}, "[")


def test_a_short_log_shows_its_identifier_one_to_one() -> None:
    rng = Random(5)
    events = sorted(
        (number + rng.uniform(0, 30), template, {"id": f"o{number:04d}", "size": str(rng.randint(1, 9)), "number": "7"})
        for number in range(40)
        for template in range(4)
    )
    samples = {
        template: TemplateSample(
            np.array([row for row, event in enumerate(events) if event[1] == template]),
            {name: [event[2][name] for event in events if event[1] == template] for name in ("size", "number", "id")},
        )
        for template in range(4)
    }
    choice = discover_identifiers(samples)
    assert [choice.field_of(template) for template in range(4)] == ["id"] * 4
    assert len(set(choice.kinds(4).tolist())) == 1


def test_of_fields_that_explain_as_much_the_longer_is_chosen() -> None:
    rng = Random(6)
    tokens = [(f"{rng.getrandbits(64):016x}", f"10.0.{n // 250}.{n % 250}") for n in range(300)]
    events = [(n + step * 0.3, step, token, address) for n, (token, address) in enumerate(tokens) for step in range(3)]
    events.sort()
    samples = {
        template: TemplateSample(
            np.array([row for row, event in enumerate(events) if event[1] == template]),
            {
                "address": [event[3] for event in events if event[1] == template],
                "token": [event[2] for event in events if event[1] == template],
            },
        )
        for template in range(3)
    }
    choice = discover_identifiers(samples)
    assert [choice.field_of(template) for template in range(3)] == ["token"] * 3


def rare_line_far_away(maker: Maker) -> str | None:
    """The field chosen for a template of one line, which names an early transaction at the very end of the log."""
    samples = dict(traffic(7, 400, [maker]))
    first = samples[0].fields["id"][0]
    last = 1 + max(int(sample.rows[-1]) for sample in samples.values() if len(sample.rows))
    samples[20] = TemplateSample(np.array([last]), {"size": ["123456"], "id": [first]})
    return discover_identifiers(samples).field_of(20)


def test_one_line_far_from_its_transaction_is_enough_where_identifiers_never_turn_up_by_coincidence() -> None:
    assert rare_line_far_away(hexadecimal) == "id"


def test_one_line_far_from_its_transaction_shows_nothing_where_identifiers_look_like_other_numbers() -> None:
    assert rare_line_far_away(counter(1000)) is None


@pytest.mark.parametrize("seed", range(3))
def test_the_identifier_is_found_where_transactions_take_a_good_part_of_the_log_and_loop(seed: int) -> None:
    """Transactions take a third of the log; half of them end in a way that has to wait."""
    rng = Random(seed)
    events: list[tuple[float, int, Fields]] = []
    for number in range(300):
        begin = number * 5.0
        identifier = hexadecimal(rng, number)
        steps = [0.0, *sorted(rng.uniform(5, 400) for _ in range(rng.randint(3, 4))), 450.0]
        for place, at in enumerate(steps):
            step = 0 if place == 0 else 2 if place == len(steps) - 1 else 1
            events.append((begin + at, step, {"id": identifier, "ms": str(rng.randint(1, 5000))}))
        if number % 2:
            events.append((begin + rng.uniform(600, 700), 3, {"id": identifier, "ms": str(rng.randint(1, 5000))}))
        events.extend((begin + rng.uniform(0, 700), 4, {"ms": str(rng.randint(1, 5000))}) for _ in range(3))
    events.sort(key=lambda event: event[0])
    samples = {}
    for template in range(5):
        rows = [row for row, event in enumerate(events) if event[1] == template]
        columns = {name: [events[row][2][name] for row in rows] for name in events[rows[0]][2]}
        samples[template] = TemplateSample(np.array(rows), columns)
    choice = discover_identifiers(samples)
    assert {template: found.field for template, found in choice.by_template.items()} == dict.fromkeys(range(4), "id")
    assert len({found.kind for found in choice.by_template.values()}) == 1


def bursts(templates: int, seed: int = 6) -> FieldSamples:
    """300 addresses, one after another, each with as many lines of each template as it happens to have."""
    rng = Random(seed)
    lines = [(at, f"host{n}") for n in range(300) for at in range(templates) for _ in range(rng.randint(0, 12))]
    columns: dict[int, list[tuple[int, str]]] = {}
    for row, (at, value) in enumerate(lines):
        columns.setdefault(at, []).append((row, value))
    return {
        at: TemplateSample(np.array([row for row, _ in some]), {"host": [value for _, value in some]})
        for at, some in columns.items()
    }


@pytest.mark.parametrize("templates", [1, 3])
def test_bursts_of_any_length_are_no_transactions(templates: int) -> None:
    assert discover_identifiers(bursts(templates)) == IdentifierChoice()


def test_bursts_between_a_login_and_a_logout_are_transactions() -> None:
    rows: list[tuple[int, str]] = []
    rng = Random(7)
    for n in range(300):
        rows += [(at, f"host{n}") for at in (0, *[1] * rng.randint(0, 12), 2)]
    samples = {
        at: TemplateSample(
            np.array([row for row, (of, _) in enumerate(rows) if of == at]),
            {"host": [value for of, value in rows if of == at]},
        )
        for at in range(3)
    }
    choice = discover_identifiers(samples)
    assert {at: found.field for at, found in choice.by_template.items()} == dict.fromkeys(range(3), "host")


def test_one_template_needs_many_values() -> None:
    few, many = (
        {0: TemplateSample(np.arange(2 * n), {"id": [f"r{row // 2}" for row in range(2 * n)]})} for n in (40, 60)
    )
    assert discover_identifiers(few) == IdentifierChoice()
    assert discover_identifiers(many).field_of(0) == "id"
