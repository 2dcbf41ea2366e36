"""The core of ``parse``: batches of raw lines of many sources to event batches, unmatched lines and dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models import anomalies
from models.allow import AllowList
from models.batches import EventBatch, Int64
from models.checkers.lines import CheckedLines
from models.checkers.running import RunningCheckers
from models.dead_letter_limit import Runs
from models.dead_letters import bad_record, dead_line
from models.document import ModelDocument
from models.line_reader import LineReader
from models.log_batch import DeadRecord
from models.origins import Origin
from models.parser import UNMATCHED, LineParser, Parsed
from models.rules.line_checks import LineChecks
from models.slots.counting import SlotCounter
from models.slots.counts import SlotCounts
from models.slots.series import SlotWatch
from models.source_reader import DeadLine, Events, ReadLimits, SourceState, read_events
from models.structure.canonical import plain_value
from models.visits import identifier_fields, visit_names

FAR_FUTURE_MS = 253_402_300_799_999
"""The clock of a subtask that has no source left: the last millisecond of the year 9999."""
FAR_PAST_MS = -(2**62)


@dataclass(slots=True)
class Outcome:
    """What one batch brought.

    Attributes:
        batches: events that belong to transactions, and those for keyed checkers, split by shard.
        unmatched: anomaly documents of lines that fit no template.
        judged: anomaly documents of single lines that fit one: rules that are broken, new values.
        violations: anomaly documents of what checkers found in single lines.
        dead: dead letters, in order of position.
        counts: lines, matched, unmatched, continued, dead_letters, late, of which ``matched + unmatched + continued +
            dead_letters = lines``; ``allowed``: anomalies that are left out, as the model allows them; ``templates``
            {id: lines}; where there are events ``from_ms`` and ``to_ms``.
        runs: how many of the dead letters come in a row.
        slots: what the lines add to the time slots of the series that the model watches.
    """

    batches: list[EventBatch] = field(default_factory=list)
    unmatched: list[dict[str, object]] = field(default_factory=list)
    judged: list[dict[str, object]] = field(default_factory=list)
    violations: list[dict[str, object]] = field(default_factory=list)
    dead: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    runs: Runs = Runs()
    slots: list[SlotCounts] = field(default_factory=list)


def shard_of(transaction: bytes, shards: int) -> int:
    """The virtual partition of a transaction: stable over processes and versions (CRC-32, never ``hash``)."""
    return zlib.crc32(transaction) % shards


class LineDetector:
    """Parses batches with one model. It keeps nothing of a source: what is remembered goes in and comes out.

    Args:
        model: the model in force.
        limits: what is read and believed.
        shards: number of virtual partitions.
        epoch: number of the change of models in force, written to the batches of events; may be set anew.
        checkers: those of the subtask, if there are any.
    """

    def __init__(
        self,
        model: ModelDocument,
        limits: ReadLimits,
        shards: int,
        epoch: int = 0,
        checkers: RunningCheckers | None = None,
    ) -> None:
        self.model = model
        self.epoch = epoch
        self._limits = limits
        self._shards = shards
        self._reader = LineReader.of(model)
        fields = identifier_fields(model.automata)
        self._ids = [t.id for t in model.templates]
        # Visits are numbered through, those of a template behind one another.
        names = [visit_names(t.id, fields[t.id]) if t.id in fields else [] for t in model.templates]
        self._visits = [name for some in names for name in some]
        self._first_visit = np.cumsum([0, *map(len, names)], dtype=np.int32)
        # The last one is for lines that fit no template.
        self._states = np.array([*map(len, names), 0], np.int32)
        self._checks = LineChecks(model)
        self._allow = AllowList(model.allow, model)
        self.watch = SlotWatch.of(model)
        # Behind the identifiers, which have to be the first ones.
        checked = self._checks.wanted(fields)
        wanted = [tuple(dict.fromkeys((*checked[t.id], *self.watch.fields(t.id)))) for t in model.templates]
        self._slots = SlotCounter(self.watch, self._ids, wanted) if self.watch else None
        self._checked = CheckedLines(model, checkers, shards) if checkers is not None and checkers.all else None
        if self._checked is not None:
            wanted = list(self._checked.wanted(wanted))
        self._parser = LineParser([t.grok for t in model.templates], wanted, model.patterns, model.id_pattern)
        if self._checked is not None:
            self._checked.prepare(self._parser, wanted)

    def process(
        self,
        origin: str,
        state: SourceState,
        data: bytes,
        at_end: bool,
        error: str = "",
        *,
        topic: bool = False,
        positions: Int64 | None = None,
        times_ms: Int64 | None = None,
        records: Sequence[DeadRecord] = (),
        flush: bool = False,
    ) -> tuple[Outcome, Events, SourceState]:
        """Read and parse the next bytes of a source.

        Args:
            origin: where the lines come from, see :mod:`models.origins`.
            state: what is remembered of the source; ``SourceState()`` at first.
            data: whole lines, UTF-8, that follow those before.
            at_end: the source ends here.
            error: why nothing more can be read of it, or "".
            topic: the origin is one in a topic.
            positions: int64, where each line of ``data`` stands; None for files.
            times_ms: int64, the time that each line of ``data`` came with, epoch ms; None for files.
            records: messages among these lines from which no line can be had; they count as a line each.
            flush: the source has fallen silent: hold back only what :func:`~models.source_reader.read_events` says.

        Returns:
            What came of it; the events (their ``clock_ms`` is the source's clock less the lateness, None: none yet);
            and the source's state after them, whose ``held`` is not empty while lines are held back.
        """
        events, state = read_events(
            state,
            data,
            at_end,
            self._reader,
            self._limits,
            positions=positions,
            times_ms=times_ms,
            flush=flush,
        )
        parsed = self._parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        # What cannot be read counts as one line, so that nothing is lost silently.
        broken = [DeadLine(state.next_line, error, b"")] if error else []
        dead = [(line.line, dead_line(origin, line, topic=topic)) for line in (*events.dead, *broken)]
        if records:
            where = Origin.parse(origin)
            dead += [(r.position, bad_record(where.topic, where.partition, where.source, r)) for r in records]
        dead.sort(key=lambda told: told[0])
        outcome = Outcome(dead=[letter for _, letter in dead], runs=_runs(events, broken, records))
        raw = events.data.tobytes()
        unmatched = np.flatnonzero(parsed.template == UNMATCHED)
        outcome.unmatched = [
            self._unmatched(origin, events, parsed, raw, int(row), topic) for row in unmatched.tolist()
        ]
        outcome.judged, told = self._checks.judge(origin, events, raw, parsed, state.told, topic)
        state = state if told is state.told else replace(state, told=told)
        outcome.unmatched, quiet = self._allow.split(outcome.unmatched)
        outcome.judged, more = self._allow.split(outcome.judged)
        outcome.batches = list(self._by_shard(origin, events, parsed, raw))
        if self._slots is not None:
            outcome.slots = self._slots.count(events, parsed, self.model.id, self.epoch)
        if self._checked is not None:
            checked = self._checked.look(origin, events, parsed, raw, self.epoch)
            outcome.violations, also = self._allow.split(checked.violations)
            more += also
            outcome.batches += checked.batches
        used = np.bincount(parsed.template[parsed.template >= 0], minlength=len(self._ids))
        outcome.counts = {
            "lines": events.lines + len(broken) + len(records),
            "matched": len(events) - len(unmatched),
            "unmatched": len(unmatched),
            "continued": events.continued,
            "dead_letters": len(outcome.dead),
            "late": events.late,
            "allowed": quiet + more,
            "templates": {self._ids[i]: int(used[i]) for i in np.flatnonzero(used).tolist()},
        }
        if len(events):
            outcome.counts["from_ms"] = int(events.event_ms.min())
            outcome.counts["to_ms"] = int(events.event_ms.max())
        return outcome, events, state

    def _by_shard(self, origin: str, events: Events, parsed: Parsed, raw: bytes) -> Iterator[EventBatch]:
        states = self._states[parsed.template]
        # Ordered by line: what a line visits first stands first.
        rows, place = np.nonzero((parsed.begin >= 0).T & (np.arange(len(parsed.begin)) < states[:, None]))
        if not len(rows):
            return
        visits = self._first_visit[parsed.template[rows]] + place
        begins, ends = parsed.begin[place, rows].tolist(), parsed.end[place, rows].tolist()
        ids = [raw[a:b] for a, b in zip(begins, ends, strict=True)]
        if self.model.structure is not None:
            ids = [found if found.isascii() else plain_value(found.decode()).encode() for found in ids]
        shard = np.fromiter(map(zlib.crc32, ids), np.int64, len(ids)) % self._shards
        order = np.argsort(shard, kind="stable")
        bounds = np.flatnonzero(np.diff(shard[order], prepend=-1)).tolist()
        text_starts, text_ends = events.text_starts[rows].tolist(), events.text_ends[rows].tolist()
        told = raw if events.raw is events.data else events.raw.tobytes()
        number = np.empty(len(self._visits), np.int32)
        for first, last in zip(bounds, [*bounds[1:], len(order)], strict=True):
            some = order[first:last]
            at = rows[some]
            picks = some.tolist()
            visit = visits[some]
            distinct = np.flatnonzero(np.bincount(visit))
            number[distinct] = np.arange(len(distinct), dtype=np.int32)
            yield EventBatch(
                source=origin,
                shard=int(shard[picks[0]]),
                model=self.model.id,
                epoch=self.epoch,
                templates=[self._visits[k] for k in distinct.tolist()],
                order_ms=events.order_ms[at],
                event_ms=events.event_ms[at],
                position=events.line[at],
                template=number[visit],
                transaction=[ids[k] for k in picks],
                text=[told[text_starts[k] : text_ends[k]] for k in picks],
            )

    def _unmatched(
        self, origin: str, events: Events, parsed: Parsed, raw: bytes, row: int, topic: bool
    ) -> dict[str, object]:
        text = events.raw[events.text_starts[row] : events.text_ends[row]].tobytes().decode("utf-8", "replace")
        begin, end = int(parsed.begin[0, row]), int(parsed.end[0, row])
        identifier = raw[begin:end].decode() if begin >= 0 else None
        if identifier is not None and self.model.structure is not None:
            identifier = plain_value(identifier)
        return anomalies.unmatched_log(
            self.model, origin, int(events.line[row]), int(events.event_ms[row]), text, identifier, topic=topic
        )


def _runs(events: Events, broken: Sequence[DeadLine], records: Sequence[DeadRecord]) -> Runs:
    """The dead ones in a row, of the lines and the messages without lines, in order of position."""
    if not (events.dead or broken or records):
        return Runs()
    lines = np.concatenate([events.counted, np.array([line.line for line in broken], np.int64)])
    where = np.concatenate([lines, np.array([record.position for record in records], np.int64)])
    dead = np.isin(where, [line.line for line in (*events.dead, *broken)])
    dead[len(lines) :] = True
    return Runs.of(dead[np.argsort(where, kind="stable")])
