"""The state of one shard of a keyed checker: events that wait, what is remembered of each key, and deadlines.

It follows the rules of :mod:`models.automata.shard`: events are stepped in the order of (order time, source, position)
once the watermark has passed them, and a deadline counts where it falls between them: before all events with a later
order time, after those with its own. So what a checker sees of a key is the same however the events were cut into
batches and however often :meth:`KeyedShard.advance` was called.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

import numpy as np

from models.anomalies import Document
from models.automata.pending import Chunk, Pending
from models.automata.shard import BEGINNING, COUNTERS, FOREVER
from models.automata.transaction import EVENT, IDENTIFIER, ORDER, POSITION, SLOT, SOURCE, TEXT, Line
from models.batches import EventBatch
from models.checkers import keyed_record
from models.checkers.documents import place_of, violation_document
from models.checkers.events import Event, EvidenceLine
from models.checkers.interface import Deadline, KeyedChecker, Memory, Violation
from models.checkers.keyed_record import KeyRecord
from models.checkers.running import Running, RunningCheckers
from models.origins import Origin

_NEVER = 1 << 80

_Due: TypeAlias = tuple[int, bytes, bool, str]
"""Of a deadline: time, key, whether the key is forgotten then, name."""


class KeyedCheck:
    """A keyed checker under one model, shared by all its shards.

    Args:
        model, version: of the model in force.
        running: the checker.
        checkers: those of the subtask.
    """

    def __init__(self, model: str, version: int, running: Running, checkers: RunningCheckers) -> None:
        self.id = model
        self.version = version
        self.running = running
        self.checkers = checkers
        assert isinstance(running.checker, KeyedChecker)
        self.checker: KeyedChecker = running.checker


class KeyedShard:
    """What waits and what is remembered in one shard.

    Attributes:
        model: the checker under the model in force.
        max_evidence: how many lines an anomaly shows at most.
        topic: lines come from topics, not files.
        watermark: the largest watermark seen.
        counters: see :data:`models.automata.shard.COUNTERS`; of transactions there are none.
        pending: the events that wait for the watermark.
        keys: what is remembered, by key.
        replays: what comes has come before: it is stepped, and told to nobody.
    """

    open_count = 0
    """Transactions that are open: a checker has none."""

    def __init__(self, model: KeyedCheck, max_evidence: int = 10, topic: bool = False) -> None:
        self.model = model
        self.max_evidence = max_evidence
        self.topic = topic
        self.watermark = BEGINNING
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.pending = Pending()
        self.keys: dict[bytes, KeyRecord] = {}
        self.replays = False
        self._templates: list[str] = []
        self._slots: dict[str, int] = {}
        self._due: list[_Due] = []

    @property
    def empty(self) -> bool:
        """Whether nothing waits here and nothing is remembered."""
        return not self.pending.count and not self.keys

    def add(self, batch: EventBatch) -> None:
        """Let the events of a batch wait for the watermark."""
        slots = np.array([self._slot(template) for template in batch.templates], np.int32)
        order = batch.order_ms
        self.counters["events"] += len(batch)
        late = int((order < self.watermark).sum())
        if late:
            self.counters["late"] += late
            order = np.maximum(order, self.watermark)
        self.pending.add(
            Chunk(
                batch.source,
                order,
                batch.event_ms,
                batch.position,
                slots[batch.template],
                batch.transaction,
                batch.text,
            )
        )

    def _slot(self, template: str) -> int:
        found = self._slots.setdefault(template, len(self._templates))
        if found == len(self._templates):
            self._templates.append(template)
        return found

    def follow(self, model: KeyedCheck) -> bool:
        """Go on under another model: what is remembered does not depend on it."""
        self.model = model
        return True

    def next_timer(self) -> int | None:
        """The earliest watermark at which :meth:`advance` may have something to do; None if nothing waits."""
        earliest = self._due[0][0] if self._due else _NEVER
        if self.pending.earliest is not None:
            earliest = min(earliest, self.pending.earliest)
        return None if earliest == _NEVER else min(max(earliest, self.watermark) + 1, FOREVER)

    def advance(self, watermark: int) -> list[Document]:
        """Step all events and pass all deadlines before ``watermark``; the anomalies found.

        A watermark below an earlier one changes nothing; at :data:`~models.automata.shard.FOREVER` all deadlines pass.
        """
        out: list[Document] = []
        if watermark <= self.watermark < FOREVER:
            return out
        self.watermark = watermark = max(self.watermark, min(watermark, FOREVER))
        for line in self.pending.take(watermark):
            self._pass_deadlines(line[ORDER], out)
            self._step(line, out)
        self._pass_deadlines(watermark if watermark < FOREVER else _NEVER, out)
        self.counters["anomalies"] += len(out)
        return out

    def _step(self, line: Line, out: list[Document]) -> None:
        key = line[IDENTIFIER]
        record = self.keys.get(key) or KeyRecord()
        fields, _, whole = line[TEXT].partition(b"\n")
        origin = line[SOURCE]
        event = Event(
            self.model.id,
            self._templates[line[SLOT]],
            Origin.parse(origin).source if self.topic else origin,
            origin,
            line[POSITION],
            line[EVENT],
            line[ORDER],
            partial(json.loads, fields),
            lambda: whole.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace"),
            lambda: whole.decode("utf-8", "replace"),
        )
        last = event.line()
        tell = partial(self._event_document, key, event, last)
        look = partial(self.model.checker.on_event, event)
        self._call(key, record, last, look, tell, out, "event", may_set=True)
        # What it failed at counts as seen all the same.
        record.last, record.last_order_ms = last, line[ORDER]
        self._keep(key, record)

    def _pass_deadlines(self, limit: int, out: list[Document]) -> None:
        """All deadlines before ``limit``, in order of time; of one time by key and name."""
        due = self._due
        while due and due[0][0] < limit:
            time_ms, key, forget, name = heapq.heappop(due)
            record = self.keys.get(key)
            if record is None:
                continue
            if forget:
                if record.forget_queued == time_ms:
                    record.forget_queued = None
                    if record.last_order_ms + (self.model.checker.forget_ms or 0) <= time_ms:
                        del self.keys[key]
                        continue
            elif record.queued.get(name) == time_ms:
                del record.queued[name]
                if record.deadlines.get(name) == time_ms:
                    self._pass(key, record, Deadline(name, time_ms), out)
            self._keep(key, record)

    def _pass(self, key: bytes, record: KeyRecord, deadline: Deadline, out: list[Document]) -> None:
        del record.deadlines[deadline.name]
        tell = partial(self._deadline_document, key, deadline, record.last)
        look = partial(self.model.checker.on_time, deadline)
        what = "deadline", deadline.name, deadline.time_ms
        self._call(key, record, record.last, look, tell, out, *what, may_set=False)

    def _call(
        self,
        key: bytes,
        record: KeyRecord,
        line: EvidenceLine,
        look: Callable[[Memory], Iterable[Violation] | None],
        tell: Callable[[Violation, int], Document],
        out: list[Document],
        *what: str | int,
        may_set: bool,
    ) -> None:
        """Let the checker look, and remember what it remembers; if it raises, all stays as it was."""
        name = key.decode("utf-8", "replace")
        kept: list[str] = []
        memory = Memory(name, None, record.deadlines, may_set)

        def look_and_write() -> list[Violation]:
            memory.state = json.loads(record.state)
            found = list(look(memory) or ())
            # Written here, so that a state which is no JSON counts as a failure of the checker.
            kept.append(json.dumps(memory.state, ensure_ascii=True, allow_nan=False, separators=(",", ":")))
            return found

        found, failure = self.model.running.guard.call(look_and_write, tell, silent=self.replays)
        out += found
        if failure:
            if not self.replays:
                self.model.checkers.tell(self.model.running, failure, line, *what, name)
        elif kept:
            record.state = kept[0]
            record.deadlines = dict(memory.deadlines)

    def _keep(self, key: bytes, record: KeyRecord) -> None:
        """File what is remembered of a key, and its deadlines; or nothing if it is nothing."""
        if record.empty:
            self.keys.pop(key, None)
            return
        self.keys[key] = record
        # One place in the queue is enough: where a deadline was put off, it is queued anew once that comes up.
        for name, time_ms in record.deadlines.items():
            queued = record.queued.get(name)
            if queued is None or time_ms < queued:
                record.queued[name] = time_ms
                heapq.heappush(self._due, (time_ms, key, False, name))
        age = self.model.checker.forget_ms
        if age is not None and record.forget_queued is None:
            record.forget_queued = record.last_order_ms + age
            heapq.heappush(self._due, (record.forget_queued, key, True, ""))

    def _event_document(
        self, key: bytes, event: Event, line: EvidenceLine, violation: Violation, number: int
    ) -> Document:
        place = place_of(event.origin, event.position, self.topic)
        return self._document(
            key, line, violation, number, ("event", *place, event.time_ms), event.time_ms, event.template
        )

    def _deadline_document(
        self, key: bytes, deadline: Deadline, line: EvidenceLine, violation: Violation, number: int
    ) -> Document:
        place = place_of(line["origin"], line["position"], self.topic)
        identity = ("deadline", deadline.name, deadline.time_ms, *place)
        return self._document(key, line, violation, number, identity, deadline.time_ms, None)

    def _document(
        self,
        key: bytes,
        line: EvidenceLine,
        violation: Violation,
        number: int,
        identity: tuple[str | int, ...],
        time_ms: int,
        template: str | None,
    ) -> Document:
        name = key.decode("utf-8", "replace")
        evidence = list(violation.evidence) or [line]
        return violation_document(
            violation,
            number,
            spec=self.model.running.spec,
            model=(self.model.id, self.model.version),
            identity=(name, *identity),
            time_ms=time_ms,
            evidence=evidence[-self.max_evidence :],
            topic=self.topic,
            key=name,
            template=template,
        )

    def snapshot(self) -> bytes:
        """The whole state as one record, see :mod:`models.checkers.keyed_record`."""
        waiting = [line for chunk in self.pending.chunks for line in chunk.lines(chunk.start, len(chunk.order))]
        version = self.model.checker.state_version
        return keyed_record.write(version, self.watermark, self.counters, waiting, self._templates, self.keys)

    @classmethod
    def restore(cls, record: bytes, model: KeyedCheck, max_evidence: int = 10, topic: bool = False) -> KeyedShard:
        """A shard that goes on where :meth:`snapshot` left off.

        What an older version of the checker remembers is put through its ``upgrade``; a key for which that fails is
        forgotten and counted as ``dropped``.

        Raises:
            BatchError: the record is no shard of a checker, or of a version that this one does not know.
        """
        found = keyed_record.read(record)
        shard = cls(model, max_evidence, topic)
        shard.watermark = found.watermark
        shard.counters.update(found.counters)
        for template in found.templates:
            shard._slot(template)
        for chunk in found.chunks:
            shard.pending.add(chunk)
        for key, kept in found.keys.items():
            if found.state_version == model.checker.state_version or shard._upgrade(key, kept, found.state_version):
                shard._keep(key, kept)
            else:
                shard.counters["dropped"] += 1
        return shard

    def _upgrade(self, key: bytes, record: KeyRecord, version: int) -> bool:
        try:
            state = self.model.checker.upgrade(version, json.loads(record.state))
            record.state = json.dumps(state, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        except Exception as error:  # noqa: BLE001  (whatever a plug-in does, the job goes on)
            reason = self.model.running.guard.fail(error)
            name = key.decode("utf-8", "replace")
            self.model.checkers.tell(self.model.running, reason, record.last, "upgrade", version, name)
            return False
        return True
