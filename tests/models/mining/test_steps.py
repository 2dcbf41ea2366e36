"""A field whose values are steps of nearly every transaction is written out."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from models.mining.identifiers import Identifier, IdentifierChoice
from models.mining.slots import TemplateSample
from models.mining.steps import find_steps, split_contents
from models.mining.templates import mine_templates

CHOICE = IdentifierChoice({0: Identifier("id", 0, 1.0)})


def steps(course: Callable[[Random], list[str]], transactions: int = 100) -> set[str]:
    rng = Random(2)
    events = [(f"s-{number}", value) for number in range(transactions) for value in course(rng)]
    ids, values = zip(*events, strict=True)
    samples = {0: TemplateSample(np.arange(len(events)), {"id": list(ids), "path": list(values)})}
    found = find_steps(samples, CHOICE)
    assert not found or found[0][0] == "path"
    return set(found[0][1]) if found else set()


def test_values_that_every_transaction_passes_equally_often_are_steps() -> None:
    def course(rng: Random) -> list[str]:
        return ["/login", *[f"/item/{rng.randrange(9)}"] * rng.randint(0, 3), "/pay", "/pay", "/logout"]

    assert steps(course) == {"/login", "/pay", "/logout"}


def test_a_few_faulty_transactions_hide_no_step() -> None:
    def course(rng: Random) -> list[str]:
        return ["/login", "/pay", *(["/logout"] if rng.random() > 0.04 else [])]

    assert steps(course, 300) == {"/login", "/pay", "/logout"}


def test_values_that_vary_between_transactions_are_none() -> None:
    assert steps(lambda rng: rng.choices(["alice", "bob", "carol"], k=4)) == set()


def test_one_value_for_all_is_no_step() -> None:
    assert steps(lambda rng: ["main", "main"]) == set()


def test_few_transactions_show_nothing() -> None:
    assert steps(lambda rng: ["/login", "/logout"], 10) == set()


def test_contents_with_a_step_get_a_template_of_their_own() -> None:
    contents = [f'"GET {path} HTTP/1.1" sid=s-1' for path in ("/login", "/logout", "/item/1", "/shop/item/1")]
    mined = mine_templates(contents, [5] * 4)
    assert len(mined) == 1
    split = split_contents(mined, contents, {0: ("path", frozenset({"/login", "/logout"}))})
    assert set(split) == {0, 1}
    groks = {t.grok: t.contents for t in mine_templates(contents, [5] * 4, split=split)}
    assert sorted(groks.values()) == [(0,), (1,), (2, 3)]
    assert any("/login" in grok for grok in groks)
