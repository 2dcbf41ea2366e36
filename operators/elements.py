"""Small functions on the elements of streams: keys, times, splitting and tagging.

They stand here and not beside the graphs, so that a worker that needs one does not import a whole job.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyflink.common.watermark_strategy import TimestampAssigner

from models.log_batch import LogBatch
from models.partition_keys import partition_key

BUCKETS = 4
"""Among so many outboxes documents are spread: each sends bulks of its own, and few large ones cost least."""


def first(value: Sequence[Any]) -> Any:
    """The first field, as a key."""
    return value[0]


def same(value: Any) -> Any:
    """The element as it is."""
    return value


def one_key(_: object) -> int:
    """The key of what is to be handled in one place."""
    return 0


def joined(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as JSON, joined by line feeds; there are none within a document."""
    return "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)


def single(documents: str) -> list[str]:
    """Documents joined by line feeds, one by one."""
    return documents.split("\n")


class BatchTime(TimestampAssigner):
    """The time of ``(key, timestamp, batch)``."""

    def extract_timestamp(self, value: tuple[str, int, bytes], record_timestamp: int) -> int:
        return value[1]


class WithPartitionKey:
    """Puts the key of its partition before an encoded batch.

    Args:
        max_parallelism: how many key groups the job has.
    """

    def __init__(self, max_parallelism: int) -> None:
        self._max_parallelism = max_parallelism

    def __call__(self, row: Sequence[bytes]) -> tuple[str, bytes]:
        return partition_key(LogBatch.partition_of(row[0]), self._max_parallelism), row[0]


class ControlMessage:
    """A row of a control table as ``resolve`` takes it; without a value it is an empty message.

    Args:
        topic: where the messages come from.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def __call__(self, row: Sequence[Any]) -> tuple[bytes, str, int, int]:
        return row[0] or b"", self._topic, row[1], row[2]


class Tagged:
    """Documents joined by line feeds, with their kind and a bucket.

    Args:
        kind: one of :data:`models.index_names.KINDS`.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self, documents: str) -> tuple[int, str, str]:
        return zlib.crc32(documents.encode()) % BUCKETS, self._kind, documents
