"""Threads and hosts are variables when any message may follow them."""

from __future__ import annotations

import pytest

from models.mining.headers import free_headers
from models.mining.masking import VARIABLE, tokenise
from models.mining.templates import assignment, mine_templates

MESSAGES = ["started", "read 5 rows", "wrote file /a/b: 3 bytes", "took 7 ms, 3 retries", "(idle)"]


def groups(contents: list[str]) -> list[set[str]]:
    found = mine_templates(contents, [1] * len(contents))
    owner = assignment(found, len(contents))
    return [{contents[i] for i in range(len(contents)) if owner[i] == t} for t in range(len(found))]


@pytest.mark.parametrize("header", ["INFO [{}] ", "INFO:{}:app:", "{} app - "])
def test_a_thread_before_all_kinds_of_messages_is_a_variable(header: str) -> None:
    contents = [header.format(thread) + message for message in MESSAGES for thread in ("main", "worker-3")]
    assert sorted(map(len, groups(contents))) == [2] * len(MESSAGES)


def test_a_level_or_component_that_has_messages_of_its_own_stays() -> None:
    contents = [f"{('INFO', 'WARN')[at % 2]} core.{'ab'[at % 2]}: {message}" for at, message in enumerate(MESSAGES * 2)]
    signatures = {tuple(tokenise(content).keys): 1 for content in contents}
    assert free_headers(signatures) == {row: row for row in signatures}


def test_words_of_one_message_that_vary_freely_are_no_header() -> None:
    contents = [f"Database {verb} for {who}" for verb in ("opened", "closed") for who in ("web", "shop", "mail", "ops")]
    signatures = {tuple(tokenise(content).keys): 1 for content in contents}
    assert all(VARIABLE not in row for row in free_headers(signatures).values())


def test_what_is_free_before_many_messages_is_free_before_few() -> None:
    contents = [f"INFO [{thread}] {message}" for message in MESSAGES for thread in ("main", "pool")]
    contents += [f"WARN [{thread}] disk full" for thread in ("main", "pool")]
    assert {"WARN [main] disk full", "WARN [pool] disk full"} in groups(contents)


def test_order_of_lines_does_not_matter() -> None:
    contents = [f"[{thread}] {message}" for message in MESSAGES for thread in ("main", "pool", "io")]
    signatures = {tuple(tokenise(content).keys): 1 for content in contents}
    backwards = dict(reversed(signatures.items()))
    assert free_headers(signatures) == free_headers(backwards)
