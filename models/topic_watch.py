"""The core of ``parse`` for topics: the sources of the partitions that one subtask reads, their lines, clocks and ends.

Lines are read source by source (:mod:`models.detection`). What is remembered are plain records
(:mod:`models.watched`), to be kept in keyed state by partition; a working copy lives here. Time that passes is told by
the caller, as ``now_ms``.

*Ends.* When a source is said to end, all that the broker holds then is still to be read. So it is asked first where
each partition ends; what stands before these offsets belongs to the source that ends, what comes later is that source
begun anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.aligned_clock import AlignedClock, ClockSettings
from models.automata.shard import TIMERS_MS
from models.batches import EventBatch
from models.checkers.running import RunningCheckers
from models.dead_letter_limit import DeadLetterLimit, LimitSettings
from models.dead_letters import bad_record
from models.detection import FAR_PAST_MS, Outcome
from models.detectors import Detectors
from models.in_force import Entry, ModelsInForce
from models.log_batch import LogBatch
from models.origins import topic_origin
from models.slots.series import series_key
from models.source_reader import ReadLimits, SourceState
from models.watched import PARTITION, PendingEnd, WatchedPartition, WatchedSource

COUNTS = ("lines", "matched", "unmatched", "continued", "dead_letters", "late", "unmodelled", "paused", "allowed")
"""What is counted: every line is matched, unmatched, continued, a dead letter, unmodelled (its source belongs to no
model in force) or paused. Events that came later than the allowed lateness are counted as ``late`` besides, and
findings that are not told, since the model allows them, as ``allowed``."""

_FORGET_MS = 86_400_000
"""Nothing is remembered of a source that has been silent for longer."""


@dataclass(slots=True)
class Output:
    """What a call brought.

    Attributes:
        batches: (key of ``automata``, encoded events), in order.
        slots: (key of ``slots``, encoded partial counts), in order.
        anomalies, dead: documents.
        counts: see :data:`COUNTS`.
        records: key → its new record, None to forget it; to be written to the partition's state.
    """

    batches: list[tuple[str, bytes]] = field(default_factory=list)
    slots: list[tuple[str, bytes]] = field(default_factory=list)
    anomalies: list[dict[str, Any]] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    records: dict[str, dict[str, Any] | None] = field(default_factory=dict)


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
        checkers: those of the subtask, if there are any.

    Attributes:
        clock: the clocks of all sources.
        models: the models in force.
        told_ms: the clock as :meth:`advance` told it last, epoch ms.
    """

    def __init__(self, settings: WatchSettings, models: ModelsInForce, checkers: RunningCheckers | None = None) -> None:
        self.clock = AlignedClock(settings.clock)
        self.models = models
        self.told_ms = FAR_PAST_MS
        self._settings = settings
        self._partitions: dict[str, WatchedPartition] = {}
        self._awaited: set[str] = set()
        self._await_until_ms = 0
        self._detectors = Detectors(models, settings.limits, settings.shards, checkers)
        self._paused: set[str] = set()
        self._ends: dict[str, int] = {}

    @property
    def watches_slots(self) -> bool:
        """Whether any model in force watches series in time slots."""
        return self._detectors.watches_slots

    def wait_for(self, partitions: Iterable[str], until_ms: int) -> None:
        """The clock stands until these partitions are known, but no longer than that."""
        self._awaited = {name for name in partitions if name not in self._partitions}
        self._await_until_ms = until_ms

    def knows(self, partition: str) -> bool:
        """Whether the partition's records have been loaded."""
        return partition in self._partitions

    def load(self, partition: str, records: Mapping[str, dict[str, Any]], now_ms: int, asked: int = 0) -> None:
        """Take up what was kept of a partition, after a restore or at first sight.

        Args:
            partition: which one.
            records: as :class:`Output` gave them.
            now_ms: now.
            asked: the number of the last question to the broker.

        Raises:
            ValueError: another version of weirwatch wrote them.
        """
        self._awaited.discard(partition)
        newest = max(self._ends.values(), default=0)
        record = records.get(PARTITION)
        if record is None:
            watched = WatchedPartition(ends_known=newest)
        else:
            watched = WatchedPartition.from_record(record, asked)
            self.clock.expect(partition, record["read_to"], record["expected"], now_ms)
            for name, number in self._ends.items():
                if number > watched.ends_known:
                    watched.ends[name] = PendingEnd(asked)
            watched.ends_known = max(watched.ends_known, newest)
        self._partitions[partition] = watched
        lateness = self._settings.limits.lateness_ms
        for name, kept in records.items():
            if name == PARTITION:
                continue
            source = WatchedSource.from_record(kept, self._settings.dead_letters, now_ms)
            watched.sources[name] = source
            if source.is_open and name not in self._paused:
                clock = source.state.clock.clock_ms
                self.clock.hear(partition, name, None if clock is None else clock - lateness, now_ms)

    def expect(self, partition: str, read_from: int, expected: bool, now_ms: int) -> Output:
        """Word of a partition: from where it is read, and whether it holds lines, which hold back the clock."""
        out = Output()
        self.clock.expect(partition, read_from, expected, now_ms)
        self._keep(partition, out)
        return out

    def pause(self, source: str, paused: bool) -> None:
        """From now on lines of that source are counted and not looked at; or they are again."""
        if not paused:
            self._paused.discard(source)
            return
        self._paused.add(source)
        for partition in self._partitions:
            self.clock.drop(partition, source)

    def end(self, source: str, number: int, asked: int = 0) -> None:
        """Of that source, what the broker holds now is the last.

        Args:
            source: its name.
            number: counts all such words, of whatever source.
            asked: the number of the last question to the broker that may have been asked before.
        """
        self._ends[source] = number
        for watched in self._partitions.values():
            if number > watched.ends_known:
                watched.ends[source] = PendingEnd(asked)
                watched.ends_known = number
                watched.changed = True

    def take(self, batch: LogBatch, now_ms: int) -> Output:
        """Read lines of a source.

        Raises:
            DeadLetterLimitError: too much of the source cannot be read.
        """
        partition = f"{batch.topic}/{batch.partition}"
        out = Output()
        watched = self._partitions[partition]
        end = watched.ends.get(batch.source)
        rest: LogBatch | None = batch
        if end is not None and end.target is not None:
            first, rest = batch.cut(end.target)
            if first is not None:
                self._take(partition, first, out, now_ms)
            if rest is not None:  # all before it has been read
                self._end(partition, batch.source, out)
        if rest is not None:
            self._take(partition, rest, out, now_ms)
        if batch.next_offset >= 0:
            self.clock.read(partition, batch.next_offset)
            watched.changed = True
        self._keep(partition, out)
        return out

    def tick(self, partition: str, now_ms: int) -> Output:
        """Some time has passed: let go what waited for lines to continue it, and end what has ended."""
        out = Output()
        watched = self._partitions[partition]
        for name, end in list(watched.ends.items()):
            if end.target is not None and self._has_read_all(partition, end.target):
                self._end(partition, name, out)
        for name, source in list(watched.sources.items()):
            unmodelled = self._detectors.model_of(name) is None
            if source.state.held and (unmodelled or now_ms - source.touched_ms >= self._settings.multiline_wait_ms):
                source.touched_ms = now_ms
                self._read(partition, name, source, out, flush=True)
            if source.is_open:
                if unmodelled or name in self._paused or self.clock.has_vanished(partition, name, now_ms):
                    self._close(partition, name, source, out)
            elif now_ms - source.heard_ms > _FORGET_MS and not source.state.held:
                del watched.sources[name]
                out.records[name] = None
        self._keep(partition, out)
        return out

    def probed(self, question: int, ends: Mapping[str, int] | None, now_ms: int) -> None:
        """Before which offset each partition has lines, by the answer to a question; None: the broker is away."""
        self.clock.probed(ends, now_ms)
        for name, watched in self._partitions.items():
            for end in watched.ends.values():
                if ends is not None and name in ends and question > end.after and end.target is None:
                    end.target = ends[name]
                    watched.changed = True

    def advance(self, now_ms: int) -> int | None:
        """The clock of this subtask, epoch ms, which never goes back; None if nobody here is waited for."""
        aligned = self.clock.aligned(now_ms)
        if aligned is None:
            # What has ended here may have been the last that there was.
            passed = [p.pass_ms for p in self._partitions.values() if p.pass_ms is not None]
            aligned = max(passed, default=FAR_PAST_MS)
            if aligned <= self.told_ms:
                return None
        if not self._awaited or now_ms >= self._await_until_ms:
            self.told_ms = max(self.told_ms, aligned)
        return self.told_ms

    def holds_lines(self, partition: str) -> bool:
        """Whether a source of the partition has lines that wait for more."""
        return any(source.state.held for source in self._partitions[partition].sources.values())

    def awaits_end(self, partition: str) -> bool:
        """Whether a source of the partition is about to end."""
        return bool(self._partitions[partition].ends)

    def read_to(self) -> dict[str, int]:
        """Each partition that this subtask reads, and the offset that is read next."""
        return {partition: self.clock.read_to(partition) for partition in self._partitions}

    def _has_read_all(self, partition: str, target: int) -> bool:
        return self.clock.read_to(partition) >= target or self.clock.caught_up(partition)

    def _take(self, partition: str, batch: LogBatch, out: Output, now_ms: int) -> None:
        sources = self._partitions[partition].sources
        source = sources.get(batch.source)
        if source is None:
            source = sources[batch.source] = WatchedSource(
                SourceState(), DeadLetterLimit(self._settings.dead_letters), touched_ms=now_ms
            )
        source.heard_ms = now_ms
        if batch.source in self._paused:
            self._pass_over(batch, "paused", out)
            return
        source.touched_ms = now_ms
        self._read(partition, batch.source, source, out, batch=batch)

    def _end(self, partition: str, name: str, out: Output) -> None:
        watched = self._partitions[partition]
        del watched.ends[name]
        watched.changed = True
        source = watched.sources.pop(name, None)
        if source is None:
            return
        if source.state.held:
            self._read(partition, name, source, out, at_end=True)
        entry, last = self._detectors.model_of(name), source.state.clock.clock_ms
        if entry is not None and last is not None:
            origin = self._origin(partition, name)
            for shard in range(self._settings.shards):
                marker = EventBatch.end(origin, shard, entry.id, self.models.epoch, last)
                out.batches.append((f"{entry.id}/{shard}", marker.encode()))
            # Markers count as of the watermark if that is later, and wait until it has passed them and a timer fires.
            beyond = max(last + 1, self.told_ms) | (TIMERS_MS - 1)
            watched.pass_ms = max(watched.pass_ms or FAR_PAST_MS, beyond + 1)
        self.clock.drop(partition, name)
        out.records[name] = None

    def _read(
        self,
        partition: str,
        name: str,
        source: WatchedSource,
        out: Output,
        *,
        batch: LogBatch | None = None,
        at_end: bool = False,
        flush: bool = False,
    ) -> None:
        entry = self._detectors.model_of(name)
        if entry is None:
            held = len(source.state.held_positions)
            source.state = replace(source.state, held=b"", held_positions=(), held_times=())
            out.counts += Counter(lines=held, unmodelled=held)
            if batch is not None:
                self._pass_over(batch, "unmodelled", out)
            self._close(partition, name, source, out)
            return
        none = np.empty(0, np.int64)
        outcome, events, source.state = self._detectors.of(entry).process(
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
        if batch is not None or source.is_open:
            # Of what has no time and waits for none there is nothing to be waited for.
            source.is_open = name not in self._paused and (events.clock_ms is not None or bool(source.state.held))
            if source.is_open:
                self.clock.hear(partition, name, events.clock_ms, source.heard_ms)
            else:
                self.clock.drop(partition, name)
        out.records[name] = source.to_record()

    def _close(self, partition: str, name: str, source: WatchedSource, out: Output) -> None:
        """The source is not waited for until it is heard again."""
        source.is_open = False
        self.clock.drop(partition, name)
        out.records[name] = source.to_record()

    def _pass_over(self, batch: LogBatch, why: str, out: Output) -> None:
        """Count lines that are not looked at; what could not be read as lines is a dead letter all the same."""
        lines = 0 if batch.position is None else len(batch.position)
        out.dead += [bad_record(batch.topic, batch.partition, batch.source, record) for record in batch.dead]
        out.counts += Counter({"lines": lines + len(batch.dead), why: lines, "dead_letters": len(batch.dead)})

    def _collect(self, entry: Entry, outcome: Outcome, out: Output) -> None:
        out.batches += [(batch.key, batch.encode()) for batch in outcome.batches]
        out.slots += [(series_key(entry.id, counts.shard), counts.encode()) for counts in outcome.slots]
        out.anomalies += outcome.unmatched + outcome.judged + outcome.violations
        out.dead += outcome.dead
        for name in COUNTS:
            out.counts[name] += outcome.counts.get(name, 0)

    def _keep(self, partition: str, out: Output) -> None:
        """Put the partition's own record into what is to be written, if that has changed."""
        watched = self._partitions[partition]
        if watched.changed:
            watched.changed = False
            out.records[PARTITION] = watched.to_record(self.clock.read_to(partition), self.clock.expects(partition))

    def _origin(self, partition: str, name: str) -> str:
        topic, _, number = partition.rpartition("/")
        return topic_origin(topic, int(number), name)
