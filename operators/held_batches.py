"""What waits, shard by shard, for a model change to arrive: word of it and events travel in different channels.

Events that were parsed under a change which this subtask has not heard of yet would be misread. They and everything
after them wait in keyed state, in the order of arrival and each with the watermark that it met, so that nothing is
another than if the change had come in time.
"""

from __future__ import annotations

from typing import Any

from models.batches import EventBatch
from operators.shard_log import BATCH, WATERMARK, Entry


class HeldBatches:
    """The held batches of one shard.

    Args:
        state: list state of bytes, set to the key at hand whenever a method is called.
    """

    def __init__(self, state: Any) -> None:
        self._entries = [Entry.decode(text) for text in state.get() or ()]

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def needs(self) -> int:
        """The epoch for which the first one waits.

        Raises:
            IndexError: nothing is held.
        """
        return self._entries[0].epoch

    def add(self, state: Any, record: bytes | None, batch: EventBatch | None, watermark: int) -> None:
        """Hold a batch, or word that time has passed (None)."""
        if record is None or batch is None:
            if self._entries[-1].watermark >= watermark:
                return
            entry = Entry(WATERMARK, 0, watermark, watermark)
        else:
            entry = Entry(BATCH, batch.epoch, watermark, watermark, record)
        self._entries.append(entry)
        state.add(entry.encode())

    def release(self, state: Any, epoch: int) -> list[tuple[bytes | None, EventBatch | None, int]]:
        """All up to the first that needs a change after ``epoch``: record, the record decoded, watermark."""
        free = next((at for at, entry in enumerate(self._entries) if entry.epoch > epoch), len(self._entries))
        released, self._entries = self._entries[:free], self._entries[free:]
        if self._entries:
            state.update([entry.encode() for entry in self._entries])
        else:
            state.clear()
        return [
            (entry.body, EventBatch.decode(entry.body), entry.watermark)
            if entry.kind == BATCH
            else (None, None, entry.watermark)
            for entry in released
        ]
