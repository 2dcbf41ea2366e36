"""Events to transactions, against a grouping in plain Python."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining.transactions import (
    EventTable,
    find_components,
    group_transactions,
    split_reused,
)

EVENTS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 6)), max_size=60)


def table_of(events: list[tuple[int, int]]) -> EventTable:
    """Events of (template, transaction), 10 ms apart."""
    template = np.array([event[0] for event in events], dtype=np.int32)
    transaction = np.array([event[1] for event in events], dtype=np.int64)
    return EventTable(template, transaction, np.arange(len(events), dtype=np.int64) * 10)


@given(EVENTS)
@settings(derandomize=True, max_examples=80, deadline=None)
def test_grouping_counts_and_positions_equal_a_plain_grouping(events: list[tuple[int, int]]) -> None:
    members = (1, 3, 4)
    grouped = group_transactions(table_of(events), members)
    plain = defaultdict(list)
    for at, (template, transaction) in enumerate(events):
        if template in members and transaction >= 0:
            plain[transaction].append((members.index(template), at * 10))
    sequences = [plain[transaction] for transaction in sorted(plain)]
    assert len(grouped) == len(sequences)
    assert grouped.counts().tolist() == [[[s for s, _ in seq].count(k) for k in range(3)] for seq in sequences]
    firsts = [[next((i for i, (s, _) in enumerate(seq) if s == k), -1) for k in range(3)] for seq in sequences]
    assert grouped.positions().tolist() == firsts
    lasts = [[max((i for i, (s, _) in enumerate(seq) if s == k), default=-1) for k in range(3)] for seq in sequences]
    assert grouped.positions(last=True).tolist() == lasts
    assert grouped.duration_ms.tolist() == [seq[-1][1] - seq[0][1] for seq in sequences]
    odd = np.arange(len(grouped)) % 2 == 1
    assert grouped.select(odd).counts().tolist() == grouped.counts()[odd].tolist()


def test_templates_that_share_transactions_form_one_component() -> None:
    events = [(template, number) for number in range(50) for template in (0, 1)]
    events += [(template, number) for number in range(50, 90) for template in (2, 3)]
    kinds = np.zeros(5, dtype=np.int32)
    assert find_components(table_of(events), kinds) == [(0, 1), (2, 3)]


def test_a_handful_of_coincidences_does_not_join_workflows() -> None:
    events = [(template, number) for number in range(50) for template in (0, 1)]
    events += [(template, number) for number in range(47, 97) for template in (2, 3)]
    # An error seen in both belongs to one of them, and bridges nothing.
    events += [(4, 3), (4, 4), (4, 80)]
    assert find_components(table_of(events), np.zeros(5, dtype=np.int32)) == [(0, 1, 4), (2, 3)]


def test_a_rare_branch_joins_its_workflow() -> None:
    events = [(template, number) for number in range(200) for template in (0, 1)]
    events += [(template, number) for number in (5, 50, 150) for template in (2, 3)]
    assert find_components(table_of(events), np.zeros(4, dtype=np.int32)) == [(0, 1, 2, 3)]


def test_kinds_of_identifiers_never_mix() -> None:
    events = [(template, number) for number in range(50) for template in (0, 1)]
    assert find_components(table_of(events), np.array([0, 1], dtype=np.int32)) == [(0,), (1,)]
    assert find_components(table_of(events), np.array([0, -1], dtype=np.int32)) == [(0,)]


def test_an_identifier_used_again_is_two_transactions() -> None:
    events = [(template, number) for number in range(40) for template in (0, 1, 1, 2)]
    events += [(template, 7) for template in (0, 1, 1, 2)]
    assert len(split_reused(group_transactions(table_of(events), (0, 1, 2)))) == 41


def test_a_transaction_that_comes_back_to_its_begin_by_nature_stays_whole() -> None:
    events = [(template, number) for number in range(40) for template in (0, 1, 2)]
    # Half of them go on after what looks like an end, in ways that no other transaction has.
    events += [(template, number) for number in range(20) for template in [0, *[1] * (number + 2), 1]]
    assert len(split_reused(group_transactions(table_of(events), (0, 1, 2)))) == 40
