"""Threads and hosts are variables when any message may follow them."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining import headers
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


RESTS = [tuple("x" if key == "w" else key for key in shape) for shape in (" w", ":w", "-w", "w w", " w w", "w:")]
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(RESTS)).map(lambda row: (row[0], *row[1])),
    st.integers(1, 9),
    max_size=30,
)


def slowly(lines):
    """The words at the start that are free, each compared with all commoner ones."""
    rests: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for row, count in lines.items():
        rests[row[0]][row[1:]] += count
    shape = headers._shape
    words = [w for w in rests if len({shape(rest) for rest in rests[w]}) >= headers._SHARED_SHAPES]
    words.sort(key=lambda word: (-sum(rests[word].values()), word))
    free = set()
    for number, word in enumerate(words):
        like = [other for other in words[:number] if headers._interchangeable(rests[word], rests[other])]
        free |= {word, *like[:1]} if like else set()
    return free


@given(ROWS)
@settings(max_examples=300, deadline=None)
def test_words_are_free_as_when_each_is_compared_with_all(lines):
    assert headers._free_words(list(lines), {row: row for row in lines}, lines, 0) == slowly(lines)
