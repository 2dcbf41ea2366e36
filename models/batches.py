"""The records that travel between operators: many lines or events in one Flink record.

A record that crosses from Java into Python costs 5–10 µs whatever it holds, so operators exchange columnar batches.
Both kinds are written in one plain, versioned layout (see :func:`pack_columns`), never as pickled objects, because
they also rest in checkpoints and have to be readable by later versions.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

_MAGIC, _PRESSED = b"WW", b"WZ"
_HEAD = struct.Struct("<2sBI")
_LENGTH = struct.Struct("<Q")
_LEAST_PRESSED_BYTES = 1024
_CODEC = pa.Codec("lz4_raw")
_MOST_PRESSED_RATIO = 300
"""LZ4 makes nothing smaller than to a 255th: a length beyond is none."""


class BatchError(ValueError):
    """A record is no batch, or one of a layout that this version does not know."""


def pack_columns(version: int, head: dict[str, object], columns: Sequence[bytes]) -> bytes:
    """Join a JSON head and byte columns into one record: magic, version, head, then each column with its length.

    All but a few columns are compressed, as one block of LZ4 behind its length: a batch crosses between Java and Python
    some ten times, and every checkpoint writes those that rest in state. The head stays as it is.
    """
    text = json.dumps(head, separators=(",", ":")).encode()
    parts = []
    for column in columns:
        parts.append(_LENGTH.pack(len(column)))
        parts.append(column)
    body = b"".join(parts)
    if len(body) < _LEAST_PRESSED_BYTES:
        return b"".join((_HEAD.pack(_MAGIC, version, len(text)), text, body))
    pressed = _CODEC.compress(body, asbytes=True)
    return b"".join((_HEAD.pack(_PRESSED, version, len(text)), text, _LENGTH.pack(len(body)), pressed))


def unpack_head(record: bytes, version: int) -> tuple[dict[str, object], int]:
    """The head of a record, and where it ends.

    Raises:
        BatchError: the record has another layout or version, or is cut off.
    """
    if len(record) < _HEAD.size:
        raise BatchError(f"a batch of {len(record)} bytes is cut off")
    magic, found, length = _HEAD.unpack_from(record)
    if magic not in (_MAGIC, _PRESSED):
        raise BatchError("a record is not a batch of this program")
    if found != version:
        raise BatchError(f"a batch has layout {found}; this version reads layout {version}")
    end = _HEAD.size + length
    if end > len(record):
        raise BatchError("a batch is cut off")
    return json.loads(bytes(record[_HEAD.size : end])), end


def unpack_columns(record: bytes, version: int) -> tuple[dict[str, object], list[memoryview]]:
    """Undo :func:`pack_columns`.

    Raises:
        BatchError: the record has another layout or version, or is cut off.
    """
    head, at = unpack_head(record, version)
    body = memoryview(record)[at:]
    if record[:2] == _PRESSED:
        body = _expand(body)
    columns, at = [], 0
    while at < len(body):
        if at + _LENGTH.size > len(body):
            raise BatchError("a batch is cut off")
        (size,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        columns.append(body[at : at + size])
        at += size
    if at != len(body):
        raise BatchError("a batch is cut off")
    return head, columns


def _expand(body: memoryview) -> memoryview:
    if len(body) < _LENGTH.size:
        raise BatchError("a batch is cut off")
    (size,) = _LENGTH.unpack_from(body)
    pressed = body[_LENGTH.size :]
    if size > _MOST_PRESSED_RATIO * len(pressed):
        raise BatchError("a compressed batch is damaged")
    try:
        whole = _CODEC.decompress(pressed, size, asbytes=True)
    except (OSError, ValueError):
        raise BatchError("a compressed batch is damaged or cut off") from None
    return memoryview(whole)


def strings_to_columns(values: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Byte strings as two columns: their lengths (int32) and their bytes, joined."""
    lengths = np.fromiter(map(len, values), dtype=np.int32, count=len(values))
    return lengths.tobytes(), b"".join(values)


def columns_to_strings(lengths: memoryview, joined: memoryview) -> list[bytes]:
    """Undo :func:`strings_to_columns`."""
    ends = np.cumsum(np.frombuffer(lengths, dtype=np.int32), dtype=np.int64).tolist()
    data = bytes(joined)
    starts = [0, *ends[:-1]]
    return [data[a:b] for a, b in zip(starts, ends, strict=True)] if ends else []


@dataclass(slots=True)
class EventBatch:
    """Events of one shard and one source: the visits of parsed lines to states of transactions, in order of position.

    Visits have names (:mod:`models.visits`), so that a batch can be read whichever version of the model is in force by
    then.

    Attributes:
        source: where the lines come from, see :mod:`models.origins`.
        shard: the virtual partition, ``hash(transaction id) % shards``.
        model: id of the model that the lines were parsed with.
        epoch: number of the change of models that was in force then.
        order_ms: int64[n], the time by which events are ordered, epoch ms: ``max(event_ms, clock of the source)``.
        event_ms: int64[n], the time written in the line, epoch ms UTC.
        position: int64[n], where the line stands in its source, see :mod:`models.positions`.
        template: int32[n], index into ``templates``; -1 for none.
        templates: names of the visits that occur, each once: the template's id, where the template is one state.
        transaction: n transaction identifiers, UTF-8 bytes.
        text: n raw lines with their continuation lines, UTF-8 bytes, cut to a limit; evidence.
        kind: ``EVENTS``; ``END``: the source has ended. That one holds no events, and the source's last order time as
            the one value of ``order_ms``.
        checker: id of the keyed checker that the events are for, instead of for transactions; "" for none. Then
            ``transaction`` holds its keys, and ahead of each text stand its fields, JSON and a line feed.
    """

    source: str
    shard: int
    model: str
    epoch: int
    order_ms: Int64
    event_ms: Int64
    position: Int64
    template: Int32
    templates: list[str] = field(default_factory=list)
    transaction: list[bytes] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    kind: str = "events"
    checker: str = ""

    VERSION = 2
    EVENTS = "events"
    END = "end"

    @classmethod
    def end(cls, source: str, shard: int, model: str, epoch: int, order_ms: int) -> EventBatch:
        """The marker that a source has ended; ``order_ms`` is its last order time, epoch ms."""
        none = np.empty(0, np.int64)
        order = np.array([order_ms], np.int64)
        return cls(source, shard, model, epoch, order, none, none, np.empty(0, np.int32), kind=cls.END)

    def __len__(self) -> int:
        """How many events it holds: none, for a marker."""
        return len(self.template)

    @property
    def key(self) -> str:
        """The key of ``automata`` that it goes to: ``model/shard``, for a keyed checker ``model/checker/shard``."""
        return f"{self.model}/{self.checker}/{self.shard}" if self.checker else f"{self.model}/{self.shard}"

    def encode(self) -> bytes:
        """The batch as one record."""
        head: dict[str, object] = {
            "source": self.source,
            "shard": self.shard,
            "model": self.model,
            "epoch": self.epoch,
            "kind": self.kind,
            "templates": self.templates,
        }
        if self.checker:
            head["checker"] = self.checker
        return pack_columns(
            self.VERSION,
            head,
            [
                self.order_ms.tobytes(),
                self.event_ms.tobytes(),
                self.position.tobytes(),
                self.template.tobytes(),
                *strings_to_columns(self.transaction),
                *strings_to_columns(self.text),
            ],
        )

    @classmethod
    def decode(cls, record: bytes) -> EventBatch:
        """Undo :meth:`encode`; raises :class:`BatchError`."""
        found, columns = unpack_columns(record, cls.VERSION)
        if len(columns) != 8:
            raise BatchError("a batch is cut off")
        head: dict[str, Any] = found
        if head.get("kind") not in (cls.EVENTS, cls.END):
            raise BatchError(f"a batch of events is of the unknown kind {head.get('kind')!r}")
        order, event, position, template, t_len, t_data, x_len, x_data = columns
        return cls(
            source=head["source"],
            shard=head["shard"],
            model=head["model"],
            epoch=head["epoch"],
            order_ms=np.frombuffer(order, dtype=np.int64),
            event_ms=np.frombuffer(event, dtype=np.int64),
            position=np.frombuffer(position, dtype=np.int64),
            template=np.frombuffer(template, dtype=np.int32),
            templates=head["templates"],
            transaction=columns_to_strings(t_len, t_data),
            text=columns_to_strings(x_len, x_data),
            kind=head["kind"],
            checker=head.get("checker", ""),
        )
