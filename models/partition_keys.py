"""Keys under which ``parse`` keeps partitions, chosen so that partitions spread evenly over its subtasks.

Flink hashes keys to key groups, and ranges of these make the subtasks. A topic's few partitions might by chance all
come to one subtask. A key therefore has a number at its end, ``topic/partition~n``, chosen for the key group that it
leads to: partition after partition, in the order in which halving, quartering … spreads them most evenly. The choice
depends on the topic and the partition alone, so that keys are the same at any parallelism, after any restart, and for
partitions that are made while the job runs.
"""

from __future__ import annotations

import zlib
from functools import cache

_ZONE_BITS = 4
"""Key groups are told apart in 2⁴ zones: so many partitions lie even at any parallelism that divides sixteen."""

_WORD = 0xFFFFFFFF
_HASH_OF_NOTHING = 62
"""Java's hash of a row of one empty string."""


@cache
def partition_key(partition: str, max_parallelism: int) -> str:
    """The key of a partition, ``topic/partition``, in a job of so many key groups."""
    topic, _, number = partition.rpartition("/")
    turn = (zlib.crc32(topic.encode()) + int(number)) % (1 << _ZONE_BITS)
    zone = int(f"{turn:0{_ZONE_BITS}b}"[::-1], 2)
    tried = 0
    while True:
        key = f"{partition}~{tried}"
        if (key_group(key, max_parallelism) << _ZONE_BITS) // max_parallelism == zone:
            return key
        tried += 1


def partition_of(key: str) -> str:
    """The partition, ``topic/partition``, of a key."""
    return key.rpartition("~")[0]


def subtask_of(key: str, parallelism: int, max_parallelism: int) -> int:
    """The number, from 0, of the subtask to which Flink gives a key."""
    return key_group(key, max_parallelism) * parallelism // max_parallelism


def key_group(key: str, max_parallelism: int) -> int:
    """The key group that Flink gives to a text key of a Python stream, which is a row of one string to it."""
    code = 0
    units = key.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & _WORD
    return _murmur(code + _HASH_OF_NOTHING) % max_parallelism


def _murmur(code: int) -> int:
    """Flink's ``MathUtils.murmurHash``."""
    code = code * 0xCC9E2D51 & _WORD
    code = (code << 15 | code >> 17) & _WORD
    code = code * 0x1B873593 & _WORD
    code = (code << 13 | code >> 19) & _WORD
    code = (code * 5 + 0xE6546B64 & _WORD) ^ 4
    code = (code ^ code >> 16) * 0x85EBCA6B & _WORD
    code = (code ^ code >> 13) * 0xC2B2AE35 & _WORD
    code ^= code >> 16
    if code < 1 << 31:
        return code
    return 0 if code == 1 << 31 else (1 << 32) - code
