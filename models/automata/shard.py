"""The state of one shard: pending events, open transactions, and what happens to them as time passes.

*Timers decide when we tell, never what we tell*: events are stepped in the order of (order time, source, position) once
the watermark has passed them, a deadline counts where it falls between them, and so the anomalies are the same however
the events were cut into batches and however often or late :meth:`ShardState.advance` was called.

A watermark ``w`` promises that no event with an order time below ``w`` is still to come. Events and deadlines *at*
``w`` therefore wait: one more event of that very millisecond may come, from a source that sorts before.

The life of a transaction, in order time:

- It opens with its first event and stays open through ``expires_ms`` after it; once an end state was passed, only
  through ``settle_ms`` after the last event, so that stragglers join.
- A begin state after an end state opens a new transaction, unless the old one still lacks this very state: it has
  passed it, though less often than its minimum. Then it is a straggler.
- What expires without having passed an end state is told to miss its end, and stays as a tombstone for ``expires_ms``
  more: late events join it in silence, a late end tells that it took too long, a begin state opens a new transaction
  (unless it is a straggler).
- Once all sources have ended of which an open transaction has lines, it is judged at once. A source that writes again
  has not ended.
- A transaction known to have ended is told to be too long by the first event beyond the maximum, unless one slow step
  explains it; everything else is told when it closes.
"""

from __future__ import annotations

from operator import itemgetter

import numpy as np

from models.anomalies import Document
from models.automata import snapshot
from models.automata.compiled import NO_SLOT, Automaton, CompiledAutomata
from models.automata.documents import document
from models.automata.judge import Finding, judge, judge_late_end, judge_long, step_explains_long
from models.automata.lane import Lane
from models.automata.pending import Chunk, Pending, end_marker
from models.automata.transaction import EVENT, IDENTIFIER, SLOT, SOURCE, Keeping, Line, Transaction
from models.batches import EventBatch

FOREVER = 2**63 - 1
"""The watermark of the end of all input: everything is judged."""

BEGINNING = -(2**63)
"""The watermark before anything is known."""

TIMERS_MS = 256
"""Whoever drives a shard by timers rounds them up to multiples of this less one, so that one call serves what falls due
together. So what is to be passed for sure has to be passed as far as that."""

_NEVER = 1 << 80

COUNTERS = ("events", "late", "unassigned", "absorbed", "judged", "anomalous", "anomalies", "dropped")
"""What a shard counts.

``events`` came in; ``late`` of them were behind the watermark (they count as of the watermark); ``unassigned`` belong
to no automaton of this model and are left out; ``absorbed`` joined a tombstone. ``judged`` transactions closed,
``anomalous`` of them with ``anomalies`` (late ends counted too); ``dropped`` pending events and transactions went with
their automaton when the model changed.
"""


_slot, _identifier = itemgetter(SLOT), itemgetter(IDENTIFIER)


class ShardState:
    """Pending events and open transactions of one shard.

    Attributes:
        model: the automata in force.
        max_evidence: how many lines an anomaly shows at most.
        topic: lines come from topics, not files, see :mod:`models.origins`.
        watermark: the largest watermark seen.
        counters: see :data:`COUNTERS`.
        pending: the events that wait for the watermark.
        lanes: the transactions, by automaton.
        ended: the sources that have ended, of those that have lines of open transactions; it may hold more.
        replays: what comes has come before: checkers have seen it.
    """

    def __init__(self, model: CompiledAutomata, max_evidence: int = 10, topic: bool = False) -> None:
        self.model = model
        self.max_evidence = max_evidence
        self.topic = topic
        self.watermark = BEGINNING
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.pending = Pending()
        self.lanes = [
            Lane(automaton, Keeping(max_evidence, automaton.graph or None, model.links.slots))
            for automaton in model.automata
        ]
        self.ended: set[str] = set()
        self.replays = False
        # No deadline lies before this; it may lie before all of them, which costs a look and changes nothing.
        self._due = _NEVER
        self._states = model.state_of_slot
        self._lane_of_slot = [self.lanes[at] for at, _ in model.slots]
        # The last one is for markers: no transaction is found there, so that they leave the common path.
        self._tables: list[dict[bytes, Transaction]] = [*(lane.open for lane in self._lane_of_slot), {}]
        self._begins = [place in model.automata[at].begins for at, place in model.slots]
        self._ends = [place in model.automata[at].ends for at, place in model.slots]
        bounds = [model.automata[at].max_ms for at, _ in model.slots]
        self._longest = [_NEVER if bound is None else bound for bound in bounds]
        # Where no end is known, every event may show that a transaction is too long.
        self._endless = [not model.automata[at].ends for at, _ in model.slots]

    @property
    def open_count(self) -> int:
        """How many transactions are open, tombstones not counted."""
        return sum(len(lane.open) for lane in self.lanes)

    @property
    def empty(self) -> bool:
        """Whether nothing waits here at all: no event, no transaction, no tombstone."""
        return not self.pending.count and not any(lane.open or lane.tombs for lane in self.lanes)

    def add(self, batch: EventBatch) -> None:
        """Let the events of a batch wait for the watermark, or the marker that their source has ended.

        Visits are found by their names, whichever model the batch was parsed with; those of no state of an automaton
        here are counted as ``unassigned``.
        """
        if batch.kind == EventBatch.END:
            # Whatever the source has to say has come before.
            if not self.empty:
                order = max(int(batch.order_ms[0]), self.watermark)
                self.pending.add(end_marker(batch.source, order, self.model.end_slot))
            return
        slots = self.model.slots_of_names(batch.templates, batch.template)
        chunk = Chunk(
            batch.source, batch.order_ms, batch.event_ms, batch.position, slots, batch.transaction, batch.text
        )
        self.counters["events"] += len(batch)
        if len(slots) and slots.min() == NO_SLOT:
            chunk = chunk.where(slots != NO_SLOT)
            self.counters["unassigned"] += len(slots) - len(chunk)
        late = int((chunk.order < self.watermark).sum())
        if late:
            self.counters["late"] += late
            chunk.order = np.maximum(chunk.order, self.watermark)
        self.pending.add(chunk)

    def follow(self, model: CompiledAutomata) -> bool:
        """Go on under another model, if it steps all events like the one in force; whether it does."""
        if not model.steps_like(self.model):
            return False
        self.model = model
        return True

    def next_timer(self) -> int | None:
        """The earliest watermark at which :meth:`advance` may have something to do; None if nothing waits.

        Always later than the watermark of the last :meth:`advance`.
        """
        earliest = self._due if self.pending.earliest is None else min(self.pending.earliest, self._due)
        return None if earliest == _NEVER else min(max(earliest, self.watermark) + 1, FOREVER)

    def snapshot(self) -> bytes:
        """The whole state as one record, see :mod:`models.automata.snapshot`."""
        return snapshot.write(self.model, self.watermark, self.counters, self.pending, self.lanes, self.ended)

    @classmethod
    def restore(cls, record: bytes, model: CompiledAutomata, max_evidence: int = 10, topic: bool = False) -> ShardState:
        """A shard that goes on where :meth:`snapshot` left off.

        Under another model, states are found again by the ids of their automaton and of themselves, waiting events by
        their visit's name. What has no place any more is counted as ``dropped``.

        Raises:
            BatchError: the record is no shard, or of a version that this one does not know.
        """
        reader = snapshot.Reader(record, model)
        shard = cls(model, max_evidence, topic)
        shard.watermark = reader.watermark
        shard.counters.update(reader.counters)
        reader.fill(shard.pending, shard.lanes)
        shard.ended = reader.ended
        shard.counters["dropped"] += reader.dropped
        shard._due = min((lane.earliest(_NEVER) for lane in shard.lanes), default=_NEVER)
        return shard

    def advance(self, watermark: int) -> list[Document]:
        """Step all events and pass all deadlines before ``watermark``; the anomalies found.

        A watermark below an earlier one changes nothing. :data:`FOREVER` judges everything that is open.
        """
        out: list[Document] = []
        if watermark <= self.watermark < FOREVER:
            return out
        self.watermark = watermark = max(self.watermark, min(watermark, FOREVER))
        tables, states, begins, ends, endless = self._tables, self._states, self._begins, self._ends, self._endless
        lanes, longest, gone = self._lane_of_slot, self._longest, self.ended
        lines = list(self.pending.take(watermark))
        # All at once: among millions of transactions each is a wait for memory, and so these overlap.
        found = list(map(dict.get, map(tables.__getitem__, map(_slot, lines)), map(_identifier, lines)))
        judged, closed = self.counters["judged"], False
        for line, transaction in zip(lines, found, strict=True):
            order, slot, identifier, event, _, source, _ = line
            if gone and source in gone:
                gone.discard(source)
            if transaction is None or closed:
                transaction = tables[slot].get(identifier)
            if transaction is None or order > transaction.deadline or (transaction.ended and begins[slot]):
                transaction = self._enter(line, transaction, out)
                closed = closed or self.counters["judged"] > judged
                if transaction is None:
                    continue
            transaction.record(line, states[slot])
            if ends[slot] or transaction.ended:
                deadline = lanes[slot].settle(identifier, transaction, order)
                if deadline < self._due:
                    self._due = deadline
            elif not endless[slot]:
                continue
            if event - transaction.lines[0][EVENT] > longest[slot] and not transaction.long_told:
                automaton = lanes[slot].automaton
                if step_explains_long(automaton, transaction):
                    continue
                transaction.long_told = True
                out.append(self._document(automaton, transaction, judge_long(automaton, transaction)))
        # Nothing outlives the end of all input, however far its deadline.
        limit = watermark if watermark < FOREVER else _NEVER
        if self._due < limit:
            self._pass_deadlines(limit, out)
        self.counters["anomalies"] += len(out)
        return out

    def _enter(self, line: Line, transaction: Transaction | None, out: list[Document]) -> Transaction | None:
        """The transaction an event belongs to, where it is not simply the open one.

        None if a tombstone took the event, or if it is none but the end of a source.
        """
        order, slot, identifier, _, _, source, _ = line
        if slot == self.model.end_slot:
            self._end(source, out)
            return None
        at, state = self.model.slots[slot]
        lane = self.lanes[at]
        automaton = lane.automaton
        if transaction is not None:
            if order <= transaction.deadline and _lacks(automaton, transaction, state):
                return transaction
            self._close(lane, identifier, transaction, out)
        tomb = lane.tombs.get(identifier)
        if tomb is not None:
            if order <= tomb.deadline and (state not in automaton.begins or _lacks(automaton, tomb, state)):
                self._absorb(automaton, tomb, line, state, out)
                return None
            del lane.tombs[identifier]
        transaction = lane.begin(identifier, order)
        if transaction.deadline < self._due:
            self._due = transaction.deadline
        return transaction

    def _end(self, source: str, out: list[Document]) -> None:
        """A source has ended: judge what is open and has lines of such sources alone."""
        self.ended.add(source)
        waited_for: set[str] = set()
        for lane in self.lanes:
            over = []
            for identifier, transaction in lane.open.items():
                sources = {line[SOURCE] for line in transaction.lines}
                if sources <= self.ended:
                    over.append((identifier, transaction))
                else:
                    waited_for |= sources
            for identifier, transaction in over:
                self._close(lane, identifier, transaction, out)
        self.ended &= waited_for

    def _absorb(self, automaton: Automaton, tomb: Transaction, line: Line, state: int, out: list[Document]) -> None:
        tomb.record(line, state)
        self.counters["absorbed"] += 1
        if state in automaton.ends and not tomb.ended:
            tomb.ended = True
            finding = judge_late_end(automaton, tomb)
            if finding is not None:
                out.append(self._document(automaton, tomb, finding))

    def _pass_deadlines(self, limit: int, out: list[Document]) -> None:
        self._due = _NEVER
        for lane in self.lanes:
            if not lane.open and not lane.tombs:
                continue
            for identifier, transaction in lane.due(limit):
                self._close(lane, identifier, transaction, out)
            lane.forget(limit)
            self._due = min(self._due, lane.earliest(_NEVER))

    def _close(self, lane: Lane, identifier: bytes, transaction: Transaction, out: list[Document]) -> None:
        findings = judge(lane.automaton, transaction)
        out.extend(self._document(lane.automaton, transaction, finding) for finding in findings)
        checks = self.model.checks
        if checks is not None and not self.replays:
            out.extend(checks.look(self.model, lane.automaton, transaction, findings, self.max_evidence))
        self.counters["judged"] += 1
        self.counters["anomalous"] += bool(findings or transaction.long_told)
        lane.close(identifier, transaction)
        if transaction.end_missed and transaction.deadline < self._due:
            self._due = transaction.deadline

    def _document(self, automaton: Automaton, transaction: Transaction, finding: Finding) -> Document:
        return document(self.model, automaton, transaction, finding, self.max_evidence, self.topic)


def _lacks(automaton: Automaton, transaction: Transaction, state: int) -> bool:
    """Whether a transaction has passed a state, though not often enough: one more pass is a straggler, no new begin."""
    return 0 < transaction.counts.get(state, 0) < automaton.states[state].low
