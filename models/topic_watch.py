"""The core of ``parse`` for topics: the sources of the partitions that one subtask reads, their lines, clocks and ends.

Lines are read source by source (:mod:`models.detection`). What is remembered of a source is a plain record, to be kept
in keyed state by partition; a working copy lives here. Time that passes is told by the caller, as ``now_ms``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.aligned_clock import AlignedClock, ClockSettings
from models.batches import EventBatch
from models.dead_letter_limit import DeadLetterLimit, LimitSettings
from models.dead_letters import bad_record
from models.detection import LineDetector, Outcome
from models.document import parse_model
from models.in_force import Entry, ModelsInForce
from models.log_batch import LogBatch
from models.origins import topic_origin
from models.positions import offset_of
from models.source_reader import ReadLimits, SourceState

COUNTS = ("lines", "matched", "unmatched", "continued", "dead_letters", "late", "unmodelled", "paused")
"""What is counted: every line is matched, unmatched, continued, a dead letter, unmodelled (its source belongs to no
model in force) or paused. Events that came later than the allowed lateness are counted as ``late`` besides."""

_EXPECTED = ""
"""The record's key of a partition that lines are expected from; no source has an empty name."""


@dataclass(slots=True)
class Output:
    """What a call brought.

    Attributes:
        batches: (key of ``automata``, encoded events), in order.
        anomalies, dead: documents.
        counts: see :data:`COUNTS`.
        records: source → its new record, None to forget it; to be written to the partition's state.
        pass_ms: where a source has ended: the clock may pass this, epoch ms, as far as that source is concerned.
    """

    batches: list[tuple[str, bytes]] = field(default_factory=list)
    anomalies: list[dict[str, Any]] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    records: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    pass_ms: int | None = None


@dataclass(slots=True)
class _Source:
    state: SourceState
    limit: DeadLetterLimit
    ends_seen: int = 0
    heard_ms: int = 0
    touched_ms: int = 0


@dataclass(slots=True)
class _End:
    """That a source ends: the how manieth time, after which of the broker's answers, and before which offsets."""

    number: int = 0
    after: int = 0
    targets: dict[str, int] = field(default_factory=dict)


_NO_END = _End()


@dataclass(slots=True, frozen=True)
class WatchSettings:
    """How topics are watched.

    Attributes:
        limits: what is read and believed.
        shards: virtual partitions of the transactions.
        clock: how silence is treated.
        dead_letters: beyond which share of dead letters the job fails.
        multiline_wait_ms: how long the last line of a source waits for lines that continue it.
    """

    limits: ReadLimits
    shards: int
    clock: ClockSettings = ClockSettings()
    dead_letters: LimitSettings = LimitSettings()
    multiline_wait_ms: int = 500


class TopicWatch:
    """The sources of one subtask.

    Args:
        settings: how topics are watched.
        models: the models in force, kept by the caller: a change takes effect with the next line.
    """

    def __init__(self, settings: WatchSettings, models: ModelsInForce) -> None:
        self.clock = AlignedClock(settings.clock)
        self.models = models
        self._settings = settings
        self._partitions: dict[str, dict[str, _Source]] = {}
        self._detectors: dict[tuple[str, int], LineDetector] = {}
        self._belongs: tuple[int, dict[str, Entry | None]] = (-1, {})
        self._paused: set[str] = set()
        self._ends: dict[str, _End] = {}
        self._answers = 0

    def knows(self, partition: str) -> bool:
        """Whether the partition's records have been loaded."""
        return partition in self._partitions

    def load(self, partition: str, records: Mapping[str, dict[str, Any]], now_ms: int) -> None:
        """Take up what was kept of a partition, after a restore or at first sight."""
        sources = self._partitions[partition] = {}
        lateness = self._settings.limits.lateness_ms
        for name, record in records.items():
            if name == _EXPECTED:
                self.clock.expect(partition, record["read_from"], now_ms)
                continue
            limit = DeadLetterLimit(self._settings.dead_letters, record["limit"])
            state = SourceState.from_record(record["state"])
            sources[name] = _Source(state, limit, record["ends"], now_ms, now_ms)
            self.clock.read(partition, record["next_offset"])
            if record["open"]:
                clock = state.clock.clock_ms
                self.clock.hear(partition, name, None if clock is None else clock - lateness, now_ms)

    def expect(self, partition: str, read_from: int | None, now_ms: int) -> Output:
        """Lines are to be read from that partition: it holds the clock back until they have been."""
        out = Output()
        if not self._partitions.get(partition):
            self.clock.expect(partition, read_from, now_ms)
            out.records[_EXPECTED] = {"read_from": read_from}
        return out

    def pause(self, source: str, paused: bool) -> None:
        """From now on lines of that source are counted and not looked at; or they are again."""
        if not paused:
            self._paused.discard(source)
            return
        self._paused.add(source)
        for partition in self._partitions:
            self.clock.drop(partition, source)

    def end(self, source: str, number: int) -> None:
        """The ``number``-th end of log was told: of that source, what the broker holds now is the last."""
        # A question may be under way that was asked before.
        self._ends[source] = _End(number, self._answers + 1)

    def take(self, batch: LogBatch, now_ms: int) -> Output:
        """Read lines of a source.

        Raises:
            DeadLetterLimitError: too much of the source cannot be read.
        """
        partition = f"{batch.topic}/{batch.partition}"
        out = Output()
        sources = self._partitions[partition]
        if self.clock.expects(partition):
            out.records[_EXPECTED] = None
        self.clock.read(partition, batch.next_offset)
        source = sources.get(batch.source)
        if source is None:
            source = _Source(SourceState(), DeadLetterLimit(self._settings.dead_letters))
            end = self._ends.get(batch.source, _NO_END)
            target = end.targets.get(partition)
            if target is not None and offset_of(_first_position(batch)) >= target:
                source.ends_seen = end.number
            sources[batch.source] = source
        source.heard_ms = source.touched_ms = now_ms
        if batch.source in self._paused:
            self._pass_over(batch, "paused", out)
        else:
            self._read(partition, batch.source, source, out, now_ms, batch=batch)
        return out

    def tick(self, partition: str, now_ms: int) -> Output:
        """Some time has passed: let go what waited for lines to continue it, and end what has ended."""
        out = Output()
        for name, source in self._partitions[partition].items():
            end = self._ends.get(name, _NO_END)
            if end.number > source.ends_seen and self._has_read_all(partition, end.targets):
                self._end(partition, name, source, end.number, out, now_ms)
            elif source.state.held and now_ms - source.touched_ms >= self._settings.multiline_wait_ms:
                source.touched_ms = now_ms
                if name not in self._paused:
                    self._read(partition, name, source, out, now_ms, flush=True)
        return out

    def probed(self, answer: int, ends: dict[str, int] | None, now_ms: int) -> None:
        """Where the partitions end, by the broker's ``answer``-th answer; None: it did not answer."""
        self._answers = answer
        self.clock.probed(ends, now_ms)
        for end in self._ends.values():
            if answer > end.after:
                for partition, offset in (ends or {}).items():
                    end.targets.setdefault(partition, offset)

    def holds_lines(self, partition: str) -> bool:
        """Whether a source of the partition has lines that wait for more."""
        return any(source.state.held for source in self._partitions.get(partition, {}).values())

    def awaits_end(self, partition: str) -> bool:
        """Whether a source of the partition is about to end."""
        sources = self._partitions.get(partition, {})
        return any(self._ends.get(name, _NO_END).number > source.ends_seen for name, source in sources.items())

    def partitions(self) -> list[str]:
        """The partitions that this subtask reads."""
        return list(self._partitions)

    def _has_read_all(self, partition: str, targets: Mapping[str, int]) -> bool:
        target = targets.get(partition)
        return target is not None and (self.clock.read_to(partition) >= target or self.clock.caught_up(partition))

    def _end(self, partition: str, name: str, source: _Source, number: int, out: Output, now_ms: int) -> None:
        entry = self._entry(name)
        if source.state.held and name not in self._paused:
            self._read(partition, name, source, out, now_ms, at_end=True)
        last = source.state.clock.clock_ms
        if entry is not None and last is not None:
            origin = self._origin(partition, name)
            for shard in range(self._settings.shards):
                marker = EventBatch.end(origin, shard, entry.id, self.models.epoch, last)
                out.batches.append((f"{entry.id}/{shard}", marker.encode()))
            out.pass_ms = max(out.pass_ms or 0, last + 2)
        source.state = SourceState()
        source.ends_seen = number
        self.clock.drop(partition, name)
        out.records[name] = self._record(partition, source, is_open=False)

    def _read(
        self,
        partition: str,
        name: str,
        source: _Source,
        out: Output,
        now_ms: int,
        *,
        batch: LogBatch | None = None,
        at_end: bool = False,
        flush: bool = False,
    ) -> None:
        entry = self._entry(name)
        if entry is None:
            if batch is not None:
                self._pass_over(batch, "unmodelled", out)
            self.clock.drop(partition, name)
            return
        none = np.empty(0, np.int64)
        outcome, events, source.state = self._detector(entry).process(
            self._origin(partition, name),
            source.state,
            b"" if batch is None else batch.data,
            at_end,
            topic=True,
            positions=none if batch is None or batch.position is None else batch.position,
            times_ms=none if batch is None or batch.time_ms is None else batch.time_ms,
            records=() if batch is None else batch.dead,
            flush=flush,
        )
        self._collect(entry, outcome, out)
        reason = str(outcome.dead[-1]["reason"]) if outcome.dead else ""
        source.limit.count(name, outcome.counts["lines"], len(outcome.dead), outcome.runs, reason)
        if batch is not None or events.clock_ms is not None:
            heard = now_ms if batch is not None else source.heard_ms
            self.clock.hear(partition, name, events.clock_ms, heard)
        out.records[name] = self._record(partition, source, is_open=True)

    def _pass_over(self, batch: LogBatch, why: str, out: Output) -> None:
        """Count lines that are not looked at; what could not be read as lines is a dead letter all the same."""
        lines = 0 if batch.position is None else len(batch.position)
        out.dead += [bad_record(batch.topic, batch.partition, batch.source, record) for record in batch.dead]
        out.counts += Counter({"lines": lines + len(batch.dead), why: lines, "dead_letters": len(batch.dead)})

    def _collect(self, entry: Entry, outcome: Outcome, out: Output) -> None:
        out.batches += [(f"{entry.id}/{batch.shard}", batch.encode()) for batch in outcome.batches]
        out.anomalies += outcome.unmatched
        out.dead += outcome.dead
        for name in COUNTS:
            out.counts[name] += outcome.counts.get(name, 0)

    def _record(self, partition: str, source: _Source, *, is_open: bool) -> dict[str, Any]:
        return {
            "state": source.state.to_record(),
            "limit": source.limit.to_record(),
            "ends": source.ends_seen,
            "open": is_open,
            "next_offset": self.clock.read_to(partition),
        }

    def _origin(self, partition: str, name: str) -> str:
        topic, _, number = partition.rpartition("/")
        return topic_origin(topic, int(number), name)

    def _entry(self, name: str) -> Entry | None:
        epoch, belongs = self._belongs
        if epoch != self.models.epoch:
            epoch, belongs = self._belongs = (self.models.epoch, {})
            self._detectors = {key: d for key, d in self._detectors.items() if self._is_in_force(key)}
        if name not in belongs:
            belongs[name] = self.models.for_source(name)
        return belongs[name]

    def _is_in_force(self, key: tuple[str, int]) -> bool:
        entry = self.models.get(key[0])
        return entry is not None and entry.epoch == key[1]

    def _detector(self, entry: Entry) -> LineDetector:
        key = (entry.id, entry.epoch)
        detector = self._detectors.get(key)
        if detector is None:
            model = parse_model(entry.document, f"model {entry.id} version {entry.version}")
            detector = LineDetector(model, self._settings.limits, self._settings.shards, epoch=self.models.epoch)
            self._detectors[key] = detector
        detector.epoch = self.models.epoch
        return detector


def _first_position(batch: LogBatch) -> int:
    """Where the first line stands, or the first message from which none could be had."""
    lines = [] if batch.position is None or not len(batch.position) else [int(batch.position[0])]
    return min(lines + [record.position for record in batch.dead], default=0)
