"""Small functions on the elements of streams: keys, times, splitting and tagging.

They stand here and not beside the graphs, so that a worker that needs one does not import a whole job.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyflink.common import Row, Types

from models.log_batch import LogBatch
from models.partition_keys import partition_key

KEYED_BYTES = Types.ROW([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
"""A key and a record, as :func:`jobs.naming.by_key` takes them."""

BUCKETS = 4
"""Among so many outboxes documents are spread: each sends bulks of its own, and few large ones cost least."""


def first(value: Sequence[Any]) -> Any:
    """The first field, as a key."""
    return value[0]


def joined(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as JSON, joined by line feeds; there are none within a document."""
    return "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)


def single(documents: str) -> list[str]:
    """Documents joined by line feeds, one by one."""
    return documents.split("\n")


class WithPartitionKey:
    """Puts the key of its partition before an encoded batch.

    Args:
        max_parallelism: how many key groups the job has.
    """

    def __init__(self, max_parallelism: int) -> None:
        self._max_parallelism = max_parallelism

    def __call__(self, row: Sequence[bytes]) -> Row:
        return Row(partition_key(LogBatch.partition_of(row[0]), self._max_parallelism), row[0])


class ControlMessage:
    """A row of a control table as ``resolve`` takes it, all under one key; without a value it is an empty message.

    Args:
        topic: where the messages come from.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def __call__(self, row: Sequence[Any]) -> Row:
        return Row(0, (row[0] or b"", self._topic, row[1], row[2]))


class Tagged:
    """Documents joined by line feeds, with their kind, under a bucket as their key.

    Args:
        kind: one of :data:`models.index_names.KINDS`.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self, documents: str) -> Row:
        return Row(zlib.crc32(documents.encode()) % BUCKETS, (self._kind, documents))
