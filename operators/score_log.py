"""How a shard of series rests in keyed state: a snapshot and the batches of points since, as other shards do.

The working copy lives in memory; a restore replays the log, which gives the same shard because scoring is a pure
function. A snapshot replaces the log once that is half as large: a replay then takes seconds, and snapshots hardly
cost more than the batches do.
"""

from __future__ import annotations

from typing import Any

from models.series.scoring.points import PointBatch
from models.series.scoring.scored import Scored, Shard
from models.series.scoring.settings import ScoreSettings
from operators.shard_log import BATCH, SNAPSHOT, Entry

_LEAST_LOG_BYTES = 1 << 16


class ScoreLog:
    """The shard of one key: its working copy, and its log in keyed state.

    Args:
        state: list state of bytes, set to the key at hand whenever a method is called.
        settings: how new series are scored.

    Attributes:
        shard: the working copy.
    """

    def __init__(self, state: Any, settings: ScoreSettings) -> None:
        self.shard: Shard = settings.shard()
        self._size = self._snapshot_size = 0
        for record in state.get() or ():
            entry = Entry.decode(record)
            if entry.kind == SNAPSHOT:
                self.shard = settings.restored(entry.body)
                self._size, self._snapshot_size = 0, len(record)
            else:
                # What this finds was told before.
                self.shard.take(PointBatch.decode(entry.body))
                self._size += len(record)

    def take(self, state: Any, record: bytes, batch: PointBatch) -> Scored:
        """Score a batch, and log it.

        Args:
            state: the list state, set to this shard's key.
            record: the batch as it came.
            batch: the record, decoded.
        """
        found = self.shard.take(batch)
        entry = Entry(BATCH, 0, 0, 0, record).encode()
        self._size += len(entry)
        if self._size > max(_LEAST_LOG_BYTES, self._snapshot_size // 2):
            snapshot = Entry(SNAPSHOT, 0, 0, 0, self.shard.snapshot()).encode()
            state.update([snapshot])
            self._size, self._snapshot_size = 0, len(snapshot)
        else:
            state.add(entry)
        return found
