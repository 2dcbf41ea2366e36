"""Templates that differ in a word are one step when transactions use them as one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from models.mining.alternatives import find_alternatives
from models.mining.masking import VARIABLE, tokenise
from models.mining.transactions import EventTable

Course = Callable[[Random], list[str]]


def find(course: Course, transactions: int = 200) -> set[str]:
    """The joined templates of made-up transactions, as text; ``*`` stands for what varies."""
    rng = Random(1)
    templates: dict[str, int] = {}
    events = [
        (templates.setdefault(text, len(templates)), number) for number in range(transactions) for text in course(rng)
    ]
    template, transaction = (np.array(column) for column in zip(*events, strict=True))
    table = EventTable(template.astype(np.int32), transaction.astype(np.int64), np.arange(len(events)))
    patterns = [tuple(tokenise(text).keys) for text in templates]
    joined = find_alternatives(patterns, table, np.zeros(len(templates), np.int32))
    assert set(joined) <= set(patterns)
    return {"".join("*" if key == VARIABLE else key for key in row) for row in joined.values()}


def test_values_of_which_each_transaction_has_one_are_one_step() -> None:
    found = find(lambda rng: ["order received", f"paid by={rng.choice(['visa', 'paypal'])}", "order shipped"])
    assert found == {"paid by=*"}


def test_values_that_lead_to_other_steps_stay() -> None:
    def course(rng: Random) -> list[str]:
        state = rng.choice(["accepted", "declined"])
        return ["order received", f"payment state={state}", "goods sent" if state == "accepted" else "mail written"]

    assert find(course) == set()


def test_steps_that_follow_each_other_stay() -> None:
    assert find(lambda rng: ["job state=queued", "job state=running", "job state=done"]) == set()


def test_in_prose_two_words_are_no_variable_but_three_are() -> None:
    assert find(lambda rng: ["begun", f"call was {rng.choice(['fast', 'slow'])} enough", "ended"]) == set()
    three = find(lambda rng: ["begun", f"table {rng.choice(['sales', 'stock', 'users'])} written", "ended"])
    assert three == {"table * written"}


def test_a_rare_value_stays_a_message_of_its_own() -> None:
    def course(rng: Random) -> list[str]:
        outcome = "broken" if rng.random() < 0.01 else rng.choice(["good", "fine"])
        return ["begun", f"check result={outcome}", "ended"]

    rng = Random(3)
    assert any("broken" in step for _ in range(2000) for step in course(rng))
    joined = find(course, 2000)
    assert joined == {"check result=*"}


def test_a_step_that_is_often_left_out_stays_as_it_is() -> None:
    def course(rng: Random) -> list[str]:
        extra = [f"note kind={rng.choice(['a', 'b'])}"] if rng.random() < 0.3 else []
        return ["begun", *extra, "ended"]

    assert find(course) == set()
