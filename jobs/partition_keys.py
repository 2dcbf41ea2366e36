"""Keys under which ``parse`` keeps partitions, chosen so that partitions spread evenly over its subtasks.

Flink hashes keys to key groups, and ranges of these make the subtasks. A topic's few partitions might by chance all
come to one subtask. A key therefore has a number at its end, ``topic/partition~n``, chosen for the key group that it
leads to: partition after partition, in the order in which halving, quartering … spreads them most evenly. The choice
depends on the topic and the partition alone, so that keys are the same at any parallelism and after any restart.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from jobs.environment import MAX_PARALLELISM

_ZONE_BITS = 4
"""Key groups are told apart in 2⁴ zones: so many partitions lie even at any parallelism that divides sixteen."""


def partition_keys(partitions: Iterable[tuple[str, int]]) -> dict[str, str]:
    """``topic/partition`` → its key; starts the Java gateway.

    Args:
        partitions: topic and number of each.
    """
    return {f"{topic}/{number}": _key(topic, number) for topic, number in partitions}


@cache
def _key(topic: str, number: int) -> str:
    turn = (zlib.crc32(topic.encode()) + number) % (1 << _ZONE_BITS)
    zone = int(f"{turn:0{_ZONE_BITS}b}"[::-1], 2)
    tried = 0
    while True:
        key = f"{topic}/{number}~{tried}"
        if key_group(key) * (1 << _ZONE_BITS) // MAX_PARALLELISM == zone:
            return key
        tried += 1


def key_group(key: str) -> int:
    """The key group that Flink gives to a text key of a Python stream."""
    java = _java()
    row = java.org.apache.flink.types.Row(1)
    row.setField(0, key)
    return int(java.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, MAX_PARALLELISM))


def _java() -> Any:
    from pyflink.java_gateway import get_gateway

    return get_gateway().jvm
