"""The core of ``parse``: batches of raw lines of many sources to event batches, unmatched lines and dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from models import anomalies
from models.batches import EventBatch
from models.document import ModelDocument
from models.parser import UNMATCHED, LineParser, Parsed
from models.source_reader import DeadLine, Events, ReadLimits, SourceState, read_events
from models.timestamps.reader import TimestampReader
from models.timestamps.settings import TimestampSettings

FAR_FUTURE_MS = 253_402_300_799_999
"""The clock of a subtask that has no source left: the last millisecond of the year 9999."""
FAR_PAST_MS = -(2**62)

_DEAD_TEXT_BYTES = 2000


@dataclass(slots=True)
class Outcome:
    """What one batch brought.

    Attributes:
        batches: events that belong to transactions, split by shard.
        unmatched: anomaly documents of lines that fit no template.
        dead: dead letters.
        counts: lines, matched, unmatched, continued, dead_letters, late; and ``templates`` {id: lines}.
    """

    batches: list[EventBatch] = field(default_factory=list)
    unmatched: list[dict[str, object]] = field(default_factory=list)
    dead: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, object] = field(default_factory=dict)


def shard_of(transaction: bytes, shards: int) -> int:
    """The virtual partition of a transaction: stable over processes and versions (CRC-32, never ``hash``)."""
    return zlib.crc32(transaction) % shards


class LineDetector:
    """Parses batches with one model.

    Args:
        model: the model in force.
        limits: what is read and believed.
        shards: number of virtual partitions.
    """

    def __init__(self, model: ModelDocument, limits: ReadLimits, shards: int) -> None:
        self.model = model
        self._limits = limits
        self._shards = shards
        self._reader = TimestampReader(TimestampSettings.from_document(model.timestamp))
        fields: dict[str, str] = {s.template: s.field for a in model.automata for s in a.states}
        self._ids = [t.id for t in model.templates]
        self._in_automaton = np.array([t.id in fields for t in model.templates], np.bool_)
        self._parser = LineParser(
            [t.grok for t in model.templates],
            [fields.get(t.id) for t in model.templates],
            model.patterns,
            model.id_pattern,
        )

    def process(
        self, source: str, state: SourceState, data: bytes, at_end: bool, error: str = ""
    ) -> tuple[Outcome, Events, SourceState]:
        """Read and parse the next bytes of a source; ``error`` says why nothing more can be read of it."""
        events, state = read_events(state, data, at_end, self._reader, self._limits)
        parsed = self._parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
        outcome = Outcome(dead=[_dead_letter(source, line) for line in events.dead])
        if error:  # what cannot be read counts as one line, so that nothing is lost silently
            outcome.dead.append(_dead_letter(source, DeadLine(state.next_line, error, b"")))
        raw = events.data.tobytes()
        unmatched = np.flatnonzero(parsed.template == UNMATCHED)
        outcome.unmatched = [self._unmatched(source, events, parsed, raw, int(row)) for row in unmatched.tolist()]
        outcome.batches = list(self._by_shard(source, events, parsed, raw))
        used = np.bincount(parsed.template[parsed.template >= 0], minlength=len(self._ids))
        outcome.counts = {
            "lines": events.lines + bool(error),
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

    def _by_shard(self, source: str, events: Events, parsed: Parsed, raw: bytes) -> Iterator[EventBatch]:
        rows = np.flatnonzero((parsed.id_begin >= 0) & (parsed.template >= 0))
        if not len(rows):
            return
        rows = rows[self._in_automaton[parsed.template[rows]]]
        begins, ends = parsed.id_begin[rows].tolist(), parsed.id_end[rows].tolist()
        ids = [raw[a:b] for a, b in zip(begins, ends, strict=True)]
        shard = np.fromiter(map(zlib.crc32, ids), np.int64, len(ids)) % self._shards
        order = np.argsort(shard, kind="stable")
        bounds = np.flatnonzero(np.diff(shard[order], prepend=-1)).tolist()
        text_starts, text_ends = events.starts[rows].tolist(), events.text_ends[rows].tolist()
        for first, last in zip(bounds, [*bounds[1:], len(order)], strict=True):
            some = order[first:last]
            at = rows[some]
            picks = some.tolist()
            yield EventBatch(
                source=source,
                shard=int(shard[picks[0]]),
                model_version=self.model.version,
                order_ms=events.order_ms[at],
                event_ms=events.event_ms[at],
                position=events.line[at],
                template=parsed.template[at],
                transaction=[ids[k] for k in picks],
                text=[raw[text_starts[k] : text_ends[k]] for k in picks],
            )

    def _unmatched(self, source: str, events: Events, parsed: Parsed, raw: bytes, row: int) -> dict[str, object]:
        text = raw[events.starts[row] : events.text_ends[row]].decode("utf-8", "replace")
        identifier = raw[parsed.id_begin[row] : parsed.id_end[row]].decode() if parsed.id_begin[row] >= 0 else None
        return anomalies.unmatched_log(
            self.model, source, int(events.line[row]), int(events.event_ms[row]), text, identifier
        )


def _dead_letter(source: str, line: DeadLine) -> dict[str, object]:
    return {
        "source": source,
        "line": line.line,
        "reason": line.reason,
        "timestamp": None,
        "text": line.raw[:_DEAD_TEXT_BYTES].decode("utf-8", "replace"),
        "bytes": len(line.raw),
    }
