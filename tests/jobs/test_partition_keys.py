"""The keys of partitions come to where :mod:`models.partition_keys` believes: Flink itself says so."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from pyflink.java_gateway import get_gateway

from jobs.environment import MAX_PARALLELISM
from models.partition_keys import key_group, partition_key, subtask_of


@given(st.text(max_size=30))
@example("")
@example("logs/0~17")
@example("\U0001f600")
def test_key_groups_are_flinks(text):
    flink = get_gateway().jvm.org.apache.flink
    row = flink.types.Row(1)
    row.setField(0, text)
    found = flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, MAX_PARALLELISM)
    assert key_group(text, MAX_PARALLELISM) == found


def test_subtasks_are_flinks():
    assignment = get_gateway().jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment
    for number in range(20):
        name = partition_key(f"logs/{number}", MAX_PARALLELISM)
        for parallelism in (1, 3, 4, 7, 128):
            found = assignment.computeOperatorIndexForKeyGroup(
                MAX_PARALLELISM, parallelism, key_group(name, MAX_PARALLELISM)
            )
            assert subtask_of(name, parallelism, MAX_PARALLELISM) == found
