"""Relations of states against plain definitions, and their steadiness against faults and races."""

from __future__ import annotations

from itertools import permutations
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining.relations import (
    equal_table,
    faulty,
    mine_edge,
    mine_order,
    mine_requires,
    order_table,
    requires_table,
)
from models.mining.transactions import EventTable, Transactions, group_transactions

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=7), min_size=1, max_size=12)


def grouped(sequences: list[list[int]], width: int = 4) -> Transactions:
    states = [state for sequence in sequences for state in sequence]
    owner = [at for at, sequence in enumerate(sequences) for _ in sequence]
    table = EventTable(np.array(states, np.int32), np.array(owner), np.arange(len(states)))
    return group_transactions(table, tuple(range(width)))


def nothing(width: int) -> np.ndarray:
    return np.zeros((0, width), dtype=np.int32)


@given(SEQUENCES)
@settings(derandomize=True, max_examples=80, deadline=None)
def test_tables_equal_the_definitions(sequences: list[list[int]]) -> None:
    transactions = grouped(sequences)
    order = order_table(transactions.positions())
    needs, equal = requires_table(transactions.counts()), equal_table(transactions.counts())
    for a, b in permutations(range(4), 2):
        both = [s for s in sequences if a in s and b in s]
        assert order.could[a, b] == len(both)
        assert order.broken[a, b] == sum(s.index(b) < s.index(a) for s in both)
        assert needs.broken[a, b] == sum(a in s and b not in s for s in sequences)
        assert equal.broken[a, b] == sum(s.count(a) != s.count(b) for s in sequences)


def test_a_fault_in_a_hundred_hides_no_order() -> None:
    sequences = [[0, 1, 2, 3]] * 297 + [[0, 2, 1, 3]] * 3
    transactions = grouped(sequences)
    bad = faulty(transactions)
    assert bad.tolist() == [False] * 297 + [True] * 3
    always = np.ones(4, dtype=np.bool_)
    found = {(r.a, r.b) for r in mine_order(transactions.select(~bad), always)}
    assert found == {(0, 1), (1, 2), (2, 3)}


def test_a_race_that_is_nearly_always_won_is_no_order() -> None:
    rng = Random(1)
    # Three events whose times overlap by degrees: 1 before 3 in about 99 %, 1 before 2 and 2 before 3 less often.
    sequences = []
    for _ in range(2000):
        at = {1: rng.gauss(0, 1), 2: rng.gauss(1.6, 1), 3: rng.gauss(3.3, 1)}
        sequences.append([0, *sorted(at, key=lambda state: at[state])])
    transactions = grouped(sequences)
    assert not faulty(transactions).any()
    found = {(r.a, r.b) for r in mine_order(transactions, np.array([True, False, False, False]))}
    assert found == {(0, 1), (0, 2), (0, 3)}


def test_needs_that_chance_explains_are_not_learnt() -> None:
    rng = Random(2)
    # 3 is left out by one in a hundred, whether 1 is there or not; 2 comes exactly with 1.
    sequences = [
        [0, *([1, 2] if rng.random() < 0.3 else []), *([3] if rng.random() > 0.01 else [])] for _ in range(600)
    ]
    always = np.array([True, False, False, False])
    found = {(r.a, r.b) for r in mine_requires(grouped(sequences), always, nothing(4))}
    assert found == {(1, 2), (2, 1)}


def test_needs_hold_in_unfinished_transactions_too() -> None:
    sequences = [[0, 1, 2]] * 100 + [[0]] * 100
    always = np.array([True, False, False, False])
    unfinished = grouped([[0, 1]]).counts()
    found = {(r.a, r.b) for r in mine_requires(grouped(sequences), always, unfinished)}
    assert found == {(2, 1)}


def test_begin_and_end_are_found_among_faults() -> None:
    rng = Random(3)
    sequences = [[0, 1, rng.choice([2, 3])] for _ in range(297)] + [[1, 2], [1, 0, 3], [0, 1]]
    begins, unbegun = mine_edge(grouped(sequences))
    ends, unended = mine_edge(grouped(sequences), last=True)
    assert begins == {0}
    assert np.flatnonzero(unbegun).tolist() == [297, 298]
    assert ends == {2, 3}
    assert np.flatnonzero(unended).tolist() == [299]


def test_what_others_often_follow_is_no_end() -> None:
    # Half of the transactions stop at 2, others go on with 1.
    assert mine_edge(grouped([[0, 2]] * 50 + [[0, 2, 1]] * 50), last=True)[0] == {1, 2}
    sequences = [[0, 2, 1, 2, 3]] * 50 + [[0, 2]] * 50
    assert mine_edge(grouped(sequences), last=True)[0] == {2, 3}
    sequences = [[0, 2]] * 70 + [[0, 2, 1, 3]] * 30
    assert mine_edge(grouped(sequences), last=True)[0] == frozenset()
