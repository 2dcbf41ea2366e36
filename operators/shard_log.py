"""How a shard rests in keyed state: a snapshot and the batches since.

Writing the whole shard with each batch would cost as much as there are open transactions. Instead each batch is
appended as it came, with the watermark it met, and the working copy lives in memory; a restore replays the log, which
gives the same shard because stepping is a pure function. A new snapshot replaces the log when that has outgrown the
last one.

Each entry names the epoch of the model that was in force. When the model changes, the shard is carried over to the new
one with the next thing that reaches it. If its automata have changed, a snapshot replaces the log; if they have not,
the log goes on. So all entries of a log may be replayed with the model of the last one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from models.anomalies import Document
from models.automata.compiled import CompiledAutomata
from models.automata.shard import ShardState
from models.batches import BatchError, EventBatch
from models.checkers.keyed_shard import KeyedCheck, KeyedShard

_HEAD = struct.Struct("<cqqq")
SNAPSHOT, BATCH, WATERMARK = b"S", b"B", b"W"
_LEAST_LOG_BYTES = 1 << 19

Compiled = CompiledAutomata | KeyedCheck
"""What a shard steps its events with: the automata of a model, or a keyed checker."""

Shard = ShardState | KeyedShard
"""What is logged."""

ModelAt = Callable[[int], Compiled | None]
"""What the shard steps its events with as it was at an epoch; None if that is not known."""


class Entry(NamedTuple):
    """What reached a shard.

    Attributes:
        kind: ``SNAPSHOT``: the shard as it was then; ``BATCH``; ``WATERMARK``: only time has passed.
        epoch: that of the model in force; of a batch that is held, the one it needs.
        before: the shard's watermark until then, epoch ms: it decides which events are late.
        watermark: the watermark that it met, epoch ms.
        body: the snapshot or the encoded batch.
    """

    kind: bytes
    epoch: int
    before: int
    watermark: int
    body: bytes = b""

    def encode(self) -> bytes:
        """The entry as it rests in state."""
        return _HEAD.pack(self.kind, self.epoch, self.before, self.watermark) + self.body

    @classmethod
    def decode(cls, entry: bytes) -> Entry:
        """Undo :meth:`encode`.

        Raises:
            BatchError: it is no entry that this version knows.
        """
        if len(entry) < _HEAD.size or entry[:1] not in (SNAPSHOT, BATCH, WATERMARK):
            raise BatchError("an entry in the state of a shard is of a layout that this version does not know")
        kind, epoch, before, watermark = _HEAD.unpack_from(entry)
        return cls(kind, epoch, before, watermark, entry[_HEAD.size :])


def restore(
    log: Iterable[bytes], model_at: ModelAt, max_evidence: int, topic: bool = False
) -> tuple[Shard, int, int] | None:
    """The shard that a log stands for, its epoch, and the log's size in bytes.

    What the replay finds was told before. None if there is no log, or nothing is known of its model.
    """
    entries = list(log)
    if not entries:
        return None
    epoch = Entry.decode(entries[-1]).epoch
    model = model_at(epoch)
    if model is None:
        return None
    shard = _new(model, max_evidence, topic)
    for entry in map(Entry.decode, entries):
        if entry.kind == SNAPSHOT:
            shard = _restored(entry.body, model, max_evidence, topic)
            continue
        shard.replays = True
        if entry.kind == BATCH:
            shard.advance(entry.before)
            shard.add(EventBatch.decode(entry.body))
        shard.advance(entry.watermark)
    shard.replays = False
    return shard, epoch, sum(map(len, entries))


def _new(model: Compiled, max_evidence: int, topic: bool) -> Shard:
    if isinstance(model, KeyedCheck):
        return KeyedShard(model, max_evidence, topic)
    return ShardState(model, max_evidence, topic)


def _restored(record: bytes, model: Compiled, max_evidence: int, topic: bool) -> Shard:
    if isinstance(model, KeyedCheck):
        return KeyedShard.restore(record, model, max_evidence, topic)
    return ShardState.restore(record, model, max_evidence, topic)


class ShardLog:
    """The shard of one key: its working copy, and its log in keyed state.

    Args:
        state: list state of bytes, set to the key at hand whenever a method is called.
        model_at: the automata of each epoch.
        epoch: the epoch of the model in force, for a shard that is new; a restored one has the epoch of its log.
        max_evidence: how many lines an anomaly shows at most.
        topic: lines come from topics, not files.

    Raises:
        LookupError: nothing is known of the model.
    """

    def __init__(self, state: Any, model_at: ModelAt, epoch: int, max_evidence: int, topic: bool = False) -> None:
        self._snapshot_size = 0
        found = restore(state.get() or (), model_at, max_evidence, topic)
        if found is None:
            model = model_at(epoch)
            if model is None:
                raise LookupError(f"no model is known of epoch {epoch}")
            found = _new(model, max_evidence, topic), epoch, 0
        self.shard, self.epoch, self._size = found

    def switch(self, state: Any, model: Compiled, epoch: int) -> None:
        """The model has changed: carry everything over to the new one, by ids; what has no place is ``dropped``."""
        self.epoch = epoch
        before = self.shard
        if before.follow(model):  # type: ignore[arg-type]  # of one kind, as the key says
            return
        record = before.snapshot()
        self.shard = _restored(record, model, before.max_evidence, before.topic)
        if not self.shard.empty:
            # Under the new model it stands for the shard as it is now.
            self._write_snapshot(state, record)
        elif self._size:
            self._clear(state)

    def step(self, state: Any, record: bytes | None, batch: EventBatch | None, watermark: int) -> list[Document]:
        """Take a batch in, advance to the watermark, and log it; the anomalies found.

        Args:
            state: the list state, set to this shard's key.
            record: what came; None: only time has passed.
            batch: the record, decoded.
            watermark: the one it met, epoch ms.
        """
        before, judged = self.shard.watermark, self.shard.counters["judged"]
        if batch is not None:
            self.shard.add(batch)
        found = self.shard.advance(watermark)
        if self.shard.empty:
            if self._size:
                self._clear(state)
            return found
        if record is None and not found and self.shard.counters["judged"] == judged:
            return found  # time passed in silence: a replay does as well without knowing
        kind, body = (WATERMARK, b"") if record is None else (BATCH, record)
        self._size += _HEAD.size + len(body)
        if self._size > max(_LEAST_LOG_BYTES, 3 * self._snapshot_size):
            self._write_snapshot(state, self.shard.snapshot())
        else:
            state.add(Entry(kind, self.epoch, before, watermark, body).encode())
        return found

    def _write_snapshot(self, state: Any, record: bytes) -> None:
        watermark = self.shard.watermark
        snapshot = Entry(SNAPSHOT, self.epoch, watermark, watermark, record).encode()
        state.update([snapshot])
        self._size = self._snapshot_size = len(snapshot)

    def _clear(self, state: Any) -> None:
        state.clear()
        self._size = self._snapshot_size = 0
