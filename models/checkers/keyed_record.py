"""A shard of a keyed checker as one plain record, readable by later versions.

Layout, version 1 (see :func:`models.batches.pack_columns`): a JSON head with the kind, and one column, JSON:
``state_version`` of the checker, ``watermark``, ``counters``, ``templates`` (ids that the numbers in events stand for),
``waiting``: ``[order_ms, template, key, event_ms, position, source, text]`` each, and ``keys``:
``[key, state as JSON text, {deadline: epoch ms}, [origin, position, time_ms, text] of its last line, its order_ms]``
each. Keys and texts that are no UTF-8 are written with lone surrogates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.automata.pending import Chunk
from models.automata.transaction import EVENT, IDENTIFIER, ORDER, POSITION, SLOT, SOURCE, TEXT, Line
from models.batches import BatchError, pack_columns, unpack_columns
from models.checkers.events import EvidenceLine

VERSION = 1
KIND = "weirwatch.checker"

_NOTHING = "null"


def _no_line() -> EvidenceLine:
    return {"origin": "", "position": 0, "time_ms": 0, "text": ""}


@dataclass(slots=True)
class KeyRecord:
    """What is remembered of one key.

    Attributes:
        state: what the checker remembers, JSON text.
        deadlines: name → epoch ms.
        last: the key's last line.
        last_order_ms: its order time, epoch ms.
        queued: name → the time at which the shard's queue looks at that deadline, not later than its own.
        forget_queued: the time at which it looks whether to forget the key.
    """

    state: str = _NOTHING
    deadlines: dict[str, int] = field(default_factory=dict)
    last: EvidenceLine = field(default_factory=_no_line)
    last_order_ms: int = 0
    queued: dict[str, int] = field(default_factory=dict)
    forget_queued: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is remembered."""
        return self.state == _NOTHING and not self.deadlines


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was read; see the layout."""

    state_version: int
    watermark: int
    counters: dict[str, int]
    templates: list[str]
    chunks: list[Chunk]
    keys: dict[bytes, KeyRecord]


def write(
    state_version: int,
    watermark: int,
    counters: Mapping[str, int],
    waiting: Iterable[Line],
    templates: list[str],
    keys: Mapping[bytes, KeyRecord],
) -> bytes:
    """The record of a shard; ``waiting`` in any order."""
    body = {
        "state_version": state_version,
        "watermark": watermark,
        "counters": dict(counters),
        "templates": templates,
        "waiting": [
            [
                line[ORDER],
                line[SLOT],
                _text(line[IDENTIFIER]),
                line[EVENT],
                line[POSITION],
                line[SOURCE],
                _text(line[TEXT]),
            ]
            for line in waiting
        ],
        "keys": [
            [_text(key), kept.state, kept.deadlines, list(kept.last.values()), kept.last_order_ms]
            for key, kept in keys.items()
        ],
    }
    return pack_columns(VERSION, {"kind": KIND}, [json.dumps(body, ensure_ascii=True).encode()])


def read(record: bytes) -> Found:
    """Undo :func:`write`.

    Raises:
        BatchError: the record is no shard of a checker, is cut off, or is of a version that this one does not know.
    """
    head, columns = unpack_columns(record, VERSION)
    if head.get("kind") != KIND or len(columns) != 1:
        raise BatchError("a record is not the state of a checker's shard")
    body: dict[str, Any] = json.loads(bytes(columns[0]))
    keys = {}
    for key, state, deadlines, (origin, position, time_ms, text), order_ms in body["keys"]:
        last: EvidenceLine = {"origin": origin, "position": position, "time_ms": time_ms, "text": text}
        keys[_bytes(key)] = KeyRecord(state, deadlines, last, order_ms)
    lines = [
        (order, slot, _bytes(key), event, position, source, _bytes(text))
        for order, slot, key, event, position, source, text in body["waiting"]
    ]
    chunks = list(_chunks(lines))
    return Found(body["state_version"], body["watermark"], body["counters"], body["templates"], chunks, keys)


def _chunks(lines: list[Line]) -> Iterator[Chunk]:
    """Waiting events as one chunk a source."""
    by_source: dict[str, list[Line]] = {}
    for line in lines:
        by_source.setdefault(line[SOURCE], []).append(line)
    for source, own in by_source.items():
        yield Chunk(
            source,
            np.array([line[ORDER] for line in own], np.int64),
            np.array([line[EVENT] for line in own], np.int64),
            np.array([line[POSITION] for line in own], np.int64),
            np.array([line[SLOT] for line in own], np.int32),
            [line[IDENTIFIER] for line in own],
            [line[TEXT] for line in own],
        )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
