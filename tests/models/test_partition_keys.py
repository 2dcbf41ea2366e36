"""Partitions spread evenly over subtasks, under keys that never change."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.environment import MAX_PARALLELISM
from models.partition_keys import partition_key, partition_of, subtask_of


def key(partition: str) -> str:
    return partition_key(partition, MAX_PARALLELISM)


def test_keys_are_what_they_were():
    """Under its key a partition's state rests in checkpoints and savepoints."""
    assert [key(f"logs/{number}") for number in range(4)] == ["logs/0~8", "logs/1~0", "logs/2~26", "logs/3~3"]
    assert key("shop.web-1/11") == "shop.web-1/11~17"


@pytest.mark.parametrize("parallelism", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("topic", ["logs", "shop.web-1", "a"])
@pytest.mark.parametrize("partitions", [16, 32])
def test_as_many_partitions_come_to_each_subtask(parallelism, topic, partitions):
    found = Counter(subtask_of(key(f"{topic}/{n}"), parallelism, MAX_PARALLELISM) for n in range(partitions))
    assert found == dict.fromkeys(range(parallelism), partitions // parallelism)


@pytest.mark.parametrize("parallelism", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("topic", ["logs", "shop.web-1", "a"])
def test_few_partitions_are_in_as_many_subtasks_as_can_be(parallelism, topic):
    for partitions in range(1, 16):
        found = Counter(subtask_of(key(f"{topic}/{n}"), parallelism, MAX_PARALLELISM) for n in range(partitions))
        assert max(found.values()) == -(-partitions // parallelism)


@pytest.mark.parametrize("parallelism", [3, 5, 6, 12])
def test_at_other_parallelisms_no_subtask_has_much_more_than_its_share(parallelism):
    found = Counter(subtask_of(key(f"logs/{n}"), parallelism, MAX_PARALLELISM) for n in range(48))
    assert max(found.values()) <= 2 * 48 / parallelism


@given(st.from_regex(r"[a-zA-Z0-9._-]{1,30}", fullmatch=True), st.integers(0, 10_000))
def test_a_key_tells_its_partition(topic, number):
    assert partition_of(key(f"{topic}/{number}")) == f"{topic}/{number}"
