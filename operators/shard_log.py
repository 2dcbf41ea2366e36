"""How a shard rests in keyed state: a snapshot and the batches since.

Writing the whole shard with each batch would cost as much as there are open transactions. Instead each batch is
appended as it came, with the watermark it met, and the working copy lives in memory; a restore replays the log, which
gives the same shard because stepping is a pure function. A new snapshot replaces the log when that has outgrown the
last one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch

_HEAD = struct.Struct("<cq")
_SNAPSHOT, _BATCH, _WATERMARK = b"S", b"B", b"W"
_LEAST_LOG_BYTES = 4 << 20
_TICK_MS = 256
"""Timers are rounded up to multiples of this less one, so that one call serves what falls due together."""


def restore(log: Iterable[bytes], model: CompiledAutomata, max_evidence: int) -> tuple[ShardState, int]:
    """The shard that a log stands for, and the log's size in bytes; what the replay finds was told before."""
    shard = ShardState(model, max_evidence)
    size = 0
    for entry in log:
        size += len(entry)
        kind, watermark = _HEAD.unpack_from(entry)
        body = entry[_HEAD.size :]
        if kind == _SNAPSHOT:
            shard = ShardState.restore(body, model)
        else:
            if kind == _BATCH:
                _add(shard, body)
            shard.advance(watermark)
    return shard, size


def _add(shard: ShardState, record: bytes) -> None:
    batch = EventBatch.decode(record)
    if len(batch):  # an empty one only carries the clock
        shard.add(batch)


class ShardLog:
    """The shard of one key: its working copy, and its log in keyed state.

    Args:
        state: list state of bytes, set to the key at hand whenever a method is called.
        model: the automata in force.
        max_evidence: how many lines an anomaly shows at most.
    """

    def __init__(self, state: Any, model: CompiledAutomata, max_evidence: int) -> None:
        self.shard, self._size = restore(state.get() or (), model, max_evidence)
        self._snapshot_size = 0
        self.timers: set[int] = set()
        """The event-time timers that are set for this shard, epoch ms."""
        self.judged = 0
        """Transactions judged and not yet counted in the statistics."""

    def step(self, state: Any, record: bytes | None, watermark: int) -> list[dict[str, Any]]:
        """Take a batch in (None: only time has passed), advance to the watermark, and log it; the anomalies found."""
        judged = self.shard.counters["judged"]
        if record is not None:
            _add(self.shard, record)
        found = self.shard.advance(watermark)
        judged = self.shard.counters["judged"] - judged
        self.judged += judged
        if record is None and not found and not judged:
            return found  # time passed in silence: a replay does as well without knowing
        kind, body = (_WATERMARK, b"") if record is None else (_BATCH, record)
        self._size += _HEAD.size + len(body)
        if self.shard.empty:
            state.clear()
            self._size = self._snapshot_size = 0
        elif self._size > max(_LEAST_LOG_BYTES, 3 * self._snapshot_size):
            snapshot = _HEAD.pack(_SNAPSHOT, watermark) + self.shard.snapshot()
            state.update([snapshot])
            self._size = self._snapshot_size = len(snapshot)
        else:
            state.add(_HEAD.pack(kind, watermark) + body)
        return found

    def due(self) -> int | None:
        """The event-time timer to set now, epoch ms; None if one is set that comes early enough, or nothing waits."""
        due = self.shard.next_timer()
        if due is None:
            due = FOREVER if self.judged else None
        if due is None:
            return None
        due = min(due | (_TICK_MS - 1), FOREVER)
        return None if any(timer <= due for timer in self.timers) else due
