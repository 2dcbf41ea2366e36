"""One pass of learning over the sources of one shard: batches of raw lines in, records of a summary out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from models.learning.messages import MessageSummary
from models.learning.options import LearnLimits
from models.learning.second_pass import SecondPass
from models.learning.tallies import FieldTallies, TallyReading
from models.learning.visits import VisitReading, VisitSummary
from models.line_reader import LineReader
from models.log_batch import LogBatch
from models.origins import topic_origin
from models.parser import LineParser
from models.source_reader import ReadLimits, SourceState, read_events

_PART_VISITS = 50_000
_VISITS, _TALLIES = b"V", b"T"


@dataclass(frozen=True, slots=True)
class LearnTask:
    """What a shard has to know.

    Attributes:
        sections: how lines are read: ``timestamp``, ``structure`` and ``multiline`` as in the model document.
        limits: what is read and believed.
        memory: what is held.
        known: Grok of the templates that need not be learnt.
        patterns: Grok patterns of the model's own.
        reading: of the second pass; None in the first.
        tallies: of the second pass; None in the first.
    """

    sections: dict[str, Any]
    limits: ReadLimits
    memory: LearnLimits
    known: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()
    reading: VisitReading | None = None
    tallies: TallyReading | None = None


class LearnShard:
    """Reads sources, each in its order, into one summary."""

    def __init__(self, task: LearnTask) -> None:
        self._task = task
        self._reader = LineReader.of(task.sections)
        self._states: dict[str, SourceState] = {}
        self._messages = MessageSummary(task.memory)
        self._known = LineParser(task.known, [()] * len(task.known), dict(task.patterns)) if task.known else None
        self._second: SecondPass | None = None
        if task.reading is not None and task.tallies is not None:
            self._second = SecondPass(task.reading, task.tallies)

    def take(self, batch: LogBatch) -> None:
        """Read a batch of lines."""
        name = topic_origin(batch.topic, batch.partition, batch.source) if batch.topic else batch.source
        if batch.error:
            self._messages.broken[name] = batch.error
        self._messages.lines += len(batch.dead)
        self._messages.dead_letters += len(batch.dead)
        self._read(name, batch)
        if batch.at_end:
            self._states.pop(name, None)

    def records(self) -> Iterator[bytes]:
        """There are no more lines: the summary in records, see :func:`merged_messages` and :func:`merged_visits`."""
        for name in sorted(self._states):
            self._read(name, LogBatch(name, at_end=True))
        self._states.clear()
        if self._second is not None:
            yield from (_VISITS + record for record in self._second.visits.to_records(_PART_VISITS))
            yield _TALLIES + self._second.tallies.to_record()
        else:
            yield from self._messages.to_records()

    def _read(self, name: str, batch: LogBatch) -> None:
        state = self._states.get(name, SourceState())
        events, self._states[name] = read_events(
            state,
            batch.data,
            batch.at_end,
            self._reader,
            self._task.limits,
            positions=batch.position,
            times_ms=batch.time_ms,
        )
        if self._second is None:
            self._messages.add(name, events, self._known)
        else:
            self._second.add(name, events)


def merged_messages(records: Iterable[bytes], memory: LearnLimits) -> MessageSummary:
    """The summary of the first pass, from the records of all shards in any order."""
    whole = MessageSummary(memory)
    for record in records:
        whole.merge(MessageSummary.from_record(record))
    return whole


def merged_visits(
    records: Iterable[bytes], memory: LearnLimits, tallies: TallyReading
) -> tuple[VisitSummary, FieldTallies]:
    """The summaries of the second pass, from the records of all shards in any order."""
    whole, counted = VisitSummary(memory.visits), FieldTallies(tallies)
    for record in records:
        if record[:1] == _VISITS:
            whole.merge(VisitSummary.from_record(record[1:]))
        else:
            counted.merge(FieldTallies.from_record(record[1:], tallies))
    return whole, counted
