"""The core of ``parse``: batches of raw lines of many sources to event batches, unmatched lines and dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models import anomalies
from models.batches import EventBatch, Int64
from models.checkers.line_checks import LineChecks
from models.checkers.running import RunningCheckers
from models.dead_letter_limit import Runs
from models.dead_letters import bad_record, dead_line
from models.document import ModelDocument
from models.log_batch import DeadRecord
from models.origins import Origin
from models.parser import UNMATCHED, LineParser, Parsed
from models.source_reader import DeadLine, Events, ReadLimits, SourceState, read_events
from models.timestamps.reader import TimestampReader
from models.timestamps.settings import TimestampSettings

FAR_FUTURE_MS = 253_402_300_799_999
"""The clock of a subtask that has no source left: the last millisecond of the year 9999."""
FAR_PAST_MS = -(2**62)


@dataclass(slots=True)
class Outcome:
    """What one batch brought.

    Attributes:
        batches: events that belong to transactions, and those for keyed checkers, split by shard.
        unmatched: anomaly documents of lines that fit no template.
        violations: anomaly documents of what checkers found in single lines.
        dead: dead letters, in order of position.
        counts: lines, matched, unmatched, continued, dead_letters, late, of which ``matched + unmatched + continued +
            dead_letters = lines``; ``templates`` {id: lines}; where there are events ``from_ms`` and ``to_ms``.
        runs: how many of the dead letters come in a row.
    """

    batches: list[EventBatch] = field(default_factory=list)
    unmatched: list[dict[str, object]] = field(default_factory=list)
    violations: list[dict[str, object]] = field(default_factory=list)
    dead: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    runs: Runs = Runs()


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
        self._reader = TimestampReader(TimestampSettings.from_document(model.timestamp))
        fields = {s.template: (s.field,) for a in model.automata for s in a.states}
        self._ids = [t.id for t in model.templates]
        self._in_automaton = np.array([t.id in fields for t in model.templates], np.bool_)
        wanted: Sequence[Sequence[str]] = [fields.get(t.id, ()) for t in model.templates]
        self._checks = LineChecks(model, checkers, shards) if checkers is not None and checkers.all else None
        if self._checks is not None:
            wanted = self._checks.wanted(wanted)
        self._parser = LineParser([t.grok for t in model.templates], wanted, model.patterns, model.id_pattern)
        if self._checks is not None:
            self._checks.prepare(self._parser, wanted)

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
        outcome.batches = list(self._by_shard(origin, events, parsed, raw))
        if self._checks is not None:
            checked = self._checks.look(origin, events, parsed, raw, self.epoch)
            outcome.violations = checked.violations
            outcome.batches += checked.batches
        used = np.bincount(parsed.template[parsed.template >= 0], minlength=len(self._ids))
        outcome.counts = {
            "lines": events.lines + len(broken) + len(records),
            "matched": len(events) - len(unmatched),
            "unmatched": len(unmatched),
            "continued": events.continued,
            "dead_letters": len(outcome.dead),
            "late": events.late,
            "templates": {self._ids[i]: int(used[i]) for i in np.flatnonzero(used).tolist()},
        }
        if len(events):
            outcome.counts["from_ms"] = int(events.event_ms.min())
            outcome.counts["to_ms"] = int(events.event_ms.max())
        return outcome, events, state

    def _by_shard(self, origin: str, events: Events, parsed: Parsed, raw: bytes) -> Iterator[EventBatch]:
        rows = np.flatnonzero((parsed.begin[0] >= 0) & (parsed.template >= 0))
        # Of other templates the first field is one that a checker wants.
        rows = rows[self._in_automaton[parsed.template[rows]]]
        if not len(rows):
            return
        begins, ends = parsed.begin[0, rows].tolist(), parsed.end[0, rows].tolist()
        ids = [raw[a:b] for a, b in zip(begins, ends, strict=True)]
        shard = np.fromiter(map(zlib.crc32, ids), np.int64, len(ids)) % self._shards
        order = np.argsort(shard, kind="stable")
        bounds = np.flatnonzero(np.diff(shard[order], prepend=-1)).tolist()
        text_starts, text_ends = events.starts[rows].tolist(), events.text_ends[rows].tolist()
        place = np.empty(len(self._ids), np.int32)
        for first, last in zip(bounds, [*bounds[1:], len(order)], strict=True):
            some = order[first:last]
            at = rows[some]
            picks = some.tolist()
            template = parsed.template[at]
            distinct = np.flatnonzero(np.bincount(template))
            place[distinct] = np.arange(len(distinct), dtype=np.int32)
            yield EventBatch(
                source=origin,
                shard=int(shard[picks[0]]),
                model=self.model.id,
                epoch=self.epoch,
                templates=[self._ids[k] for k in distinct.tolist()],
                order_ms=events.order_ms[at],
                event_ms=events.event_ms[at],
                position=events.line[at],
                template=place[template],
                transaction=[ids[k] for k in picks],
                text=[raw[text_starts[k] : text_ends[k]] for k in picks],
            )

    def _unmatched(
        self, origin: str, events: Events, parsed: Parsed, raw: bytes, row: int, topic: bool
    ) -> dict[str, object]:
        text = raw[events.starts[row] : events.text_ends[row]].decode("utf-8", "replace")
        begin, end = int(parsed.begin[0, row]), int(parsed.end[0, row])
        identifier = raw[begin:end].decode() if begin >= 0 else None
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
