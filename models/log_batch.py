"""Raw lines of one source on the way from ``pack`` to ``parse``: many lines in one Flink record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.batches import BatchError, columns_to_strings, pack_columns, strings_to_columns, unpack_columns, unpack_head
from models.positions import INDEX_BITS

Int64 = npt.NDArray[np.int64]

_LINE_END = 0x0A


@dataclass(slots=True, frozen=True)
class DeadRecord:
    """A message of a topic from which no line can be had.

    Attributes:
        position: where it stands in its partition, see :mod:`models.positions`.
        reason: what is wrong with it, and the mend.
        raw: all of its bytes; none of a message without a value.
        time_ms: its record's time, epoch ms; None when it is not known.
    """

    position: int
    reason: str
    raw: bytes
    time_ms: int | None = None


@dataclass(slots=True, frozen=True)
class LogBatch:
    """Raw lines of one source, or word about the source, on the way from ``pack`` to ``parse``.

    Attributes:
        source: name of the source.
        data: whole lines as UTF-8 bytes; only the last line of a file may lack its line end.
        at_end: the source ends with this batch.
        error: why the rest of the source cannot be read, or "".
        kind: ``LINES``; ``OPEN``: the source exists and has no event before ``clock_ms``; ``LANE``: no further source
            will be opened.
        clock_ms: for ``OPEN``, epoch ms, or None when it is not known.
        topic, partition: where the lines come from, if not from a file: else "" and -1.
        position: int64, for each line of ``data`` where it stands in the partition; None for files, whose lines are
            numbered by who reads them.
        time_ms: int64, for each line the time that its message tells, epoch ms; None for files.
        dead: messages from which no line can be had, in order of position.
        next_offset: one after the last message of this partition that was seen with this batch; of ``OPEN``, the offset
            of the first that is to be read; -1 for files, and while more batches of the same messages follow.
        messages: how many messages the lines and ``dead`` come from; of ``OPEN``, how many are to be read; 0 for files.
    """

    source: str
    data: bytes = b""
    at_end: bool = False
    error: str = ""
    kind: str = "lines"
    clock_ms: int | None = None
    topic: str = ""
    partition: int = -1
    position: Int64 | None = None
    time_ms: Int64 | None = None
    dead: list[DeadRecord] = field(default_factory=list)
    next_offset: int = -1
    messages: int = 0

    VERSION = 2
    LINES = "lines"
    OPEN = "open"
    LANE = "lane"

    def encode(self) -> bytes:
        """The batch as one record."""
        head: dict[str, object] = {
            "source": self.source,
            "at_end": self.at_end,
            "error": self.error,
            "kind": self.kind,
            "clock_ms": self.clock_ms,
        }
        columns = [self.data]
        if self.topic:
            head |= {
                "topic": self.topic,
                "partition": self.partition,
                "next_offset": self.next_offset,
                "messages": self.messages,
            }
        if self.position is not None and self.time_ms is not None:
            columns += [self.position.tobytes(), self.time_ms.tobytes()]
            head["lines"] = len(self.position)
        if self.dead:
            head["dead"] = [(record.position, record.reason, record.time_ms) for record in self.dead]
            columns += strings_to_columns([record.raw for record in self.dead])
        return pack_columns(self.VERSION, head, columns)

    @classmethod
    def decode(cls, record: bytes) -> LogBatch:
        """Undo :meth:`encode`; raises :class:`BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        head: dict[str, Any] = found
        told: Sequence[tuple[int, str, int | None]] = head.pop("dead", ())
        lines: int | None = head.pop("lines", None)
        if len(columns) != 1 + 2 * (lines is not None) + 2 * bool(told):
            raise BatchError("a batch is cut off")
        if lines is not None:
            head["position"], head["time_ms"] = (np.frombuffer(column, np.int64) for column in columns[1:3])
        if told:
            raw = columns_to_strings(*columns[-2:])
            head["dead"] = [
                DeadRecord(position, reason, data, time_ms)
                for (position, reason, time_ms), data in zip(told, raw, strict=True)
            ]
        return cls(data=bytes(columns[0]), **head)

    @classmethod
    def partition_of(cls, record: bytes) -> str:
        """``topic/partition`` of an encoded batch, without decoding the rest; raises :class:`BatchError`."""
        head, _ = unpack_head(record, cls.VERSION)
        return f"{head['topic']}/{head['partition']}"

    def cut(self, offset: int) -> tuple[LogBatch | None, LogBatch | None]:
        """Of a batch from a topic: what stands before an offset, and the rest; None for nothing.

        Only lines and dead messages are parted; neither part has a ``next_offset`` or a number of messages.
        """
        assert self.position is not None
        assert self.time_ms is not None
        row = int(np.searchsorted(self.position, offset << INDEX_BITS))
        if row == len(self.position):
            at = len(self.data)
        elif row == 0:
            at = 0
        else:
            at = int(np.flatnonzero(np.frombuffer(self.data, np.uint8) == _LINE_END)[row - 1]) + 1
        dead = [record for record in self.dead if record.position < offset << INDEX_BITS]
        parts = (
            (self.data[:at], self.position[:row], self.time_ms[:row], dead),
            (self.data[at:], self.position[row:], self.time_ms[row:], self.dead[len(dead) :]),
        )
        first, rest = (
            LogBatch(
                self.source,
                data,
                topic=self.topic,
                partition=self.partition,
                position=position,
                time_ms=time_ms,
                dead=records,
            )
            if len(position) or records
            else None
            for data, position, time_ms, records in parts
        )
        return first, rest
