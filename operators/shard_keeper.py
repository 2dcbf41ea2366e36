"""One shard of one model while models change: its log, what is held for it, and when it wants to be woken."""

from __future__ import annotations

from collections import Counter
from typing import Any

from models.anomalies import Document
from models.automata.compiled import CompiledAutomata
from models.automata.history import ModelHistory
from models.automata.shard import FOREVER, TIMERS_MS
from models.batches import EventBatch
from models.checkers.interface import KeyedChecker
from models.checkers.keyed_shard import KeyedCheck
from models.checkers.running import RunningCheckers
from models.checkers.transaction_checks import TransactionChecks
from models.document import parse_model
from operators.held_batches import HeldBatches
from operators.shard_log import Compiled, ShardLog, restore

COUNTED = ("judged", "anomalies", "late", "dropped", "unassigned")
"""What is counted, of :data:`models.automata.shard.COUNTERS`."""

ALLOWED = "allowed"
"""What is counted besides: findings that are not told, as the model in force allows them."""


class CompiledModels:
    """The models in force and those before them, compiled once they are needed and shared by all shards.

    Args:
        history: the models, kept by the caller.

    Attributes:
        checkers: those of the subtask, if there are any; to be set before anything is compiled.
    """

    def __init__(self, history: ModelHistory) -> None:
        self.history = history
        self.checkers: RunningCheckers | None = None
        self._compiled: dict[tuple[str, int], CompiledAutomata] = {}

    def at(self, model: str, epoch: int) -> CompiledAutomata | None:
        """The automata of a model at an epoch, see :meth:`models.automata.history.ModelHistory.at`."""
        entry = self.history.at(model, epoch)
        if entry is None:
            return None
        key = entry.id, entry.epoch
        found = self._compiled.get(key)
        if found is None:
            in_force = {(e.id, e.epoch) for e in self.history.table.entries.values()}
            self._compiled = {k: automata for k, automata in self._compiled.items() if k in in_force}
            document = parse_model(entry.document, f"model {entry.id} version {entry.version}")
            found = self._compiled[key] = CompiledAutomata(document)
            if self.checkers is not None:
                found.checks = TransactionChecks(document, self.checkers) or None
        return found

    def has_keyed(self, checker: str) -> bool:
        """Whether there is a keyed checker of this id."""
        running = None if self.checkers is None else self.checkers.get(checker)
        return running is not None and isinstance(running.checker, KeyedChecker)

    def keyed_at(self, model: str, epoch: int, checker: str) -> KeyedCheck | None:
        """A keyed checker under a model as it was at an epoch; None if one of them is not known."""
        entry = self.history.at(model, epoch)
        running = None if self.checkers is None else self.checkers.get(checker)
        if entry is None or running is None or self.checkers is None or not self.has_keyed(checker):
            return None
        return KeyedCheck(entry.id, entry.version, running, self.checkers)


class ShardKeeper:
    """A shard of one key.

    The list states given to its methods are set to that key; it remembers what they hold.

    Args:
        model: id of the shard's model.
        models: the models in force.
        held: list state of :mod:`operators.held_batches`.
        max_evidence: how many lines an anomaly shows at most.
        topic: lines come from topics, not files.
        checker: id of the keyed checker whose shard it is; "": it is one of transactions.

    Attributes:
        timers: the event-time timers that are set for this shard, epoch ms.
        counts: what was counted since the caller last took it away, see :data:`COUNTED` and :data:`ALLOWED`.
    """

    def __init__(
        self,
        model: str,
        models: CompiledModels,
        held: Any,
        max_evidence: int,
        topic: bool = False,
        checker: str = "",
    ) -> None:
        self._model = model
        self._checker = checker
        self._models = models
        self._held = HeldBatches(held)
        self._max_evidence = max_evidence
        self._topic = topic
        self._log: ShardLog | None = None
        self.timers: set[int] = set()
        self.counts: Counter[str] = Counter()

    @property
    def holds(self) -> bool:
        """Whether something waits for a model change: the caller has to come back soon."""
        return bool(self._held)

    @property
    def open_transactions(self) -> int:
        """How many transactions are open."""
        return 0 if self._log is None else self._log.shard.open_count

    @property
    def waiting_events(self) -> int:
        """How many events wait for the watermark, those not counted that are held."""
        return 0 if self._log is None else self._log.shard.pending.count

    def take(self, log: Any, held: Any, record: bytes | None, watermark: int) -> list[Document]:
        """A batch has reached the shard, or an event-time timer; the anomalies found.

        Args:
            log: list state of :mod:`operators.shard_log`.
            held: list state of :mod:`operators.held_batches`.
            record: an encoded :class:`EventBatch`; None: only time has passed.
            watermark: the current one, epoch ms; at its last value nothing is held any longer.
        """
        batch = None if record is None else EventBatch.decode(record)
        if not self._held and (batch is None or batch.epoch <= self._models.history.table.epoch):
            return self._step(log, record, batch, watermark, self._models.history.table.epoch)
        self._held.add(held, record, batch, watermark)
        return self.retry(log, held, watermark)

    def retry(self, log: Any, held: Any, watermark: int) -> list[Document]:
        """Step what is held and has its model by now, see :meth:`take`.

        Of several changes that have come meanwhile, each takes effect before the first batch that was parsed under it.
        """
        # At the end of all input, all that was ever told of models has arrived.
        epoch = self._models.history.table.epoch if watermark < FOREVER else FOREVER
        found: list[Document] = []
        if self._held and self._held.needs <= epoch:
            as_of = self._held.needs
            for record, batch, met in self._held.release(held, epoch):
                as_of = as_of if batch is None else max(as_of, batch.epoch)
                found += self._step(log, record, batch, met, as_of)
            if not self._held:
                found += self._step(log, None, None, watermark, self._models.history.table.epoch)
        return found

    def look(self, log: Any, held: Any, watermark: int) -> list[Document]:
        """Step what is held and has its model by now, and pass what a timer should have passed; see :meth:`take`."""
        if self._held:
            return self.retry(log, held, watermark)
        if any(timer <= watermark for timer in self.timers):
            return self.take(log, held, None, watermark)
        return []

    def due(self) -> int | None:
        """The event-time timer to set now, epoch ms; None if one is set that comes early enough, or nothing waits."""
        due = FOREVER if self._held else None
        if self._log is not None and not self._held:
            due = self._log.shard.next_timer()
        if due is None:
            return None
        due = min(due | (TIMERS_MS - 1), FOREVER)
        return None if any(timer <= due for timer in self.timers) else due

    def _step(
        self, state: Any, record: bytes | None, batch: EventBatch | None, watermark: int, as_of: int
    ) -> list[Document]:
        """Step what has come, with the model as it was at the epoch ``as_of``."""
        history = self._models.history
        in_force = history.table.get(self._model)
        entry = in_force if as_of >= history.table.epoch else history.at(self._model, as_of)
        if entry is None or (self._checker and not self._models.has_keyed(self._checker)):
            self._give_up(state)
            self.counts["dropped"] += 0 if batch is None else len(batch)
            return []
        log = self._log or ShardLog(state, self._at, entry.epoch, self._max_evidence, self._topic)
        since = history.since(self._model) if in_force else 0
        if log.epoch < since <= as_of:  # the model was deleted and added again
            self._give_up(state)
            log = ShardLog(state, self._at, entry.epoch, self._max_evidence, self._topic)
        self._log = log
        before = [log.shard.counters[name] for name in COUNTED]
        if log.epoch != entry.epoch:
            model = self._at(entry.epoch)
            assert model is not None
            log.switch(state, model, entry.epoch)
        found = log.step(state, record, batch, watermark)
        counters = log.shard.counters
        for name, count in zip(COUNTED, before, strict=True):
            if counters[name] != count:
                self.counts[name] += counters[name] - count
        return self._told(found, entry.epoch)

    def _told(self, found: list[Document], epoch: int) -> list[Document]:
        """The anomalies that the model in force does not allow."""
        model = self._models.at(self._model, epoch) if found else None
        if model is None or not model.allow:
            return found
        told, quiet = model.allow.split(found)
        if quiet:
            self.counts["anomalies"] -= quiet
            self.counts[ALLOWED] += quiet
        return told

    def _give_up(self, state: Any) -> None:
        """The model was deleted: what waits in the shard goes with it."""
        if self._log is None:
            found = restore(state.get() or (), self._at, self._max_evidence, self._topic)
            shard = None if found is None else found[0]
        else:
            shard = self._log.shard
        if shard is not None:
            self.counts["dropped"] += shard.pending.count + shard.open_count
        state.clear()
        self._log = None

    def _at(self, epoch: int) -> Compiled | None:
        if self._checker:
            return self._models.keyed_at(self._model, epoch, self._checker)
        return self._models.at(self._model, epoch)
