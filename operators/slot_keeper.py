"""One shard of series of one model while models change: its log, what is held for it, when it wants to be woken."""

from __future__ import annotations

from typing import Any

from models.automata.history import ModelHistory
from models.automata.shard import BEGINNING, FOREVER
from models.document import parse_model
from models.slots.counts import SlotCounts
from models.slots.shard import Told, WatchedModel, merge_counts
from operators.shard_log import BATCH, Entry
from operators.slot_log import SlotLog


class WatchedModels:
    """The models in force and those before them, read once they are needed and shared by all shards.

    Args:
        history: the models, kept by the caller.
    """

    def __init__(self, history: ModelHistory) -> None:
        self.history = history
        self._read: dict[tuple[str, int], WatchedModel] = {}

    def at(self, model: str, epoch: int) -> WatchedModel | None:
        """A model as it was at an epoch; None if nothing is known of it."""
        entry = self.history.at(model, epoch)
        if entry is None:
            return None
        key = entry.id, entry.epoch
        found = self._read.get(key)
        if found is None:
            in_force = {(e.id, e.epoch) for e in self.history.table.entries.values()}
            self._read = {k: kept for k, kept in self._read.items() if k in in_force}
            found = self._read[key] = WatchedModel(
                parse_model(entry.document, f"model {entry.id} version {entry.version}")
            )
        return found


class SlotKeeper:
    """A shard of one key.

    The list states given to its methods are set to that key; it remembers what they hold. Counts that were made under a
    change of models that this subtask has not heard of yet are *held*, and all after them, until it has.

    Args:
        model: id of the shard's model.
        models: the models in force.
        held: list state of what is held.

    Attributes:
        timers: the event-time timers that are set for this shard, epoch ms.
    """

    def __init__(self, model: str, models: WatchedModels, held: Any) -> None:
        self._model = model
        self._models = models
        self._held = [Entry.decode(text) for text in held.get() or ()]
        self._log: SlotLog | None = None
        self.timers: set[int] = set()

    @property
    def holds(self) -> bool:
        """Whether something waits for a model change: the caller has to come back soon."""
        return bool(self._held)

    @property
    def open_slots(self) -> int:
        """How many slots with lines are open."""
        return 0 if self._log is None else self._log.shard.state.open_slots

    def take(self, log: Any, held: Any, record: bytes | None, watermark: int) -> Told:
        """Partial counts have reached the shard, or time has passed (None); what is to be told.

        Args:
            log: list state of :mod:`operators.slot_log`.
            held: list state of what is held.
            record: encoded :class:`~models.slots.counts.SlotCounts`.
            watermark: the current one, epoch ms; at its last value nothing is held any longer.
        """
        epoch = self._models.history.table.epoch
        told = Told()
        if record is not None:
            counts = SlotCounts.decode(record)
            if not self._held and counts.epoch <= epoch:
                return self._step(log, record, counts, watermark, epoch)
            entry = Entry(BATCH, counts.epoch, watermark, watermark, record)
            self._held.append(entry)
            held.add(entry.encode())
        if self._held:
            needed = FOREVER if watermark >= FOREVER else epoch
            free = next((at for at, entry in enumerate(self._held) if entry.epoch > needed), len(self._held))
            released, self._held = self._held[:free], self._held[free:]
            as_of = BEGINNING
            for entry in released:
                as_of = max(as_of, entry.epoch)
                _join(told, self._step(log, entry.body, SlotCounts.decode(entry.body), entry.watermark, as_of))
            if released:
                held.update([entry.encode() for entry in self._held])
        if not self._held:
            _join(told, self._step(log, None, None, watermark, epoch))
        return told

    def look(self, log: Any, held: Any, watermark: int) -> Told:
        """Take up what is held and has its model by now, and pass what a timer should have passed; see :meth:`take`."""
        if self._held or any(timer <= watermark for timer in self.timers):
            return self.take(log, held, None, watermark)
        return Told()

    def due(self) -> int | None:
        """The event-time timer to set now, epoch ms; None if one is set that comes early enough, or nothing waits."""
        due = FOREVER if self._held else None if self._log is None else self._log.shard.state.next_timer()
        if due is None or any(timer <= due for timer in self.timers):
            return None
        return due

    def _step(self, state: Any, record: bytes | None, counts: SlotCounts | None, watermark: int, as_of: int) -> Told:
        """Step what has come, with the model as it was at the epoch ``as_of``."""
        history = self._models.history
        entry = history.table.get(self._model)
        if as_of < history.table.epoch:
            entry = history.at(self._model, as_of) if entry else None
        model = None if entry is None else self._models.at(self._model, entry.epoch)
        if entry is None or model is None:  # deleted
            state.clear()
            self._log = None
            return Told()
        if self._log is not None and self._log.epoch < history.since(self._model) <= as_of:
            state.clear()  # the model was deleted and added again
            self._log = None
        if self._log is None:
            self._log = SlotLog(state, lambda epoch: self._models.at(self._model, epoch), model, entry.epoch)
        told = Told()
        if self._log.epoch != entry.epoch:
            told = self._log.step(state, None, None, watermark)  # what was over by then
            self._log.switch(state, model, entry.epoch)
        _join(told, self._log.step(state, record, counts, watermark))
        return told


def _join(told: Told, more: Told) -> None:
    told.anomalies += more.anomalies
    told.slots += more.slots
    told.late += more.late
    merge_counts(told.counts, more.counts)
