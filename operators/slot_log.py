"""How a shard of series rests in keyed state: a snapshot and the partial counts since, as shards of transactions do.

The entries are those of :mod:`operators.shard_log`. All of them belong to the model of the last one: when the model
changes, a snapshot under the new one replaces the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.slots.counts import SlotCounts
from models.slots.shard import SlotShard, Told, WatchedModel
from operators.shard_log import BATCH, SNAPSHOT, WATERMARK, Entry

_LEAST_LOG_BYTES = 1 << 16
_MOST_STEPS = 1000
"""After so many entries that closed slots there is a snapshot: judging these again takes a second or two."""

WatchedAt = Callable[[int], WatchedModel | None]
"""The shard's model as it was at an epoch; None if that is not known."""


class SlotLog:
    """The shard of one key: its working copy, and its log in keyed state.

    Args:
        state: list state of bytes, set to the key at hand whenever a method is called.
        model_at: the model of each epoch.
        model: the model in force.
        epoch: its epoch.
    """

    def __init__(self, state: Any, model_at: WatchedAt, model: WatchedModel, epoch: int) -> None:
        self._size = self._snapshot_size = self._steps = 0
        self.epoch = epoch
        entries = [Entry.decode(text) for text in state.get() or ()]
        before = model_at(entries[-1].epoch) if entries else None
        if before is None:
            self.shard = SlotShard(model)
            return
        self.epoch = entries[-1].epoch
        self.shard = SlotShard(before)
        for entry in entries:
            self._size += len(entry.encode())
            if entry.kind == SNAPSHOT:
                self.shard = SlotShard.restore(entry.body, before)
                self._snapshot_size = self._size
            else:
                # What this finds was told before.
                counts = SlotCounts.decode(entry.body) if entry.kind == BATCH else None
                self._steps += self.shard.step(counts, entry.watermark).counts["slots"] > 0

    def switch(self, state: Any, model: WatchedModel, epoch: int) -> None:
        """The model has changed."""
        self.epoch = epoch
        self.shard.follow(model)
        self._write_snapshot(state)

    def step(self, state: Any, record: bytes | None, counts: SlotCounts | None, watermark: int) -> Told:
        """Take in partial counts, close what the watermark has passed, and log it.

        Args:
            state: the list state, set to this shard's key.
            record: what came; None: only time has passed.
            counts: the record, decoded.
            watermark: the one it met, epoch ms.
        """
        before = self.shard.state.watermark
        told = self.shard.step(counts, watermark)
        if record is None and not told.counts["slots"]:
            return told  # time passed in silence: a replay does as well without knowing
        entry = Entry(WATERMARK if record is None else BATCH, self.epoch, before, watermark, record or b"").encode()
        self._size += len(entry)
        self._steps += told.counts["slots"] > 0
        if self._size > max(_LEAST_LOG_BYTES, 3 * self._snapshot_size) or self._steps > _MOST_STEPS:
            self._write_snapshot(state)
        else:
            state.add(entry)
        return told

    def _write_snapshot(self, state: Any) -> None:
        watermark = self.shard.state.watermark
        snapshot = Entry(SNAPSHOT, self.epoch, watermark, watermark, self.shard.snapshot()).encode()
        state.update([snapshot])
        self._size = self._snapshot_size = len(snapshot)
        self._steps = 0
