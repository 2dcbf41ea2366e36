"""The clocks of the sources that one subtask reads, and the aligned clock that follows from them.

A source's own clock is drawn from its lines (:mod:`models.source_clock`). The aligned clock is the smallest of the
*live* sources' clocks: no event before it is to come. What makes a source hold it back, or not:

- A silent source is taken to have nothing to say: once it has been silent longer than ``idle_ms`` its clock goes
  on with the passing of time (the *heartbeat*). Its agent may say the same in words, by a heartbeat with a timestamp.
- Silent is only what is known to be: while the broker does not answer, or lines of the partition are still to be read,
  nobody is silent. An outage therefore moves no clock, and what was written meanwhile is not late.
- A source silent longer than ``timeout_ms`` has vanished and is not waited for any more, until it writes again.
- A partition that is known to hold lines, none of which has been read yet, holds the clock back like a source.
- A source that has ended, or is paused, is not waited for.

Time that passes is told by the caller: ``now_ms`` is a clock of the machine that never goes back, in ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.detection import FAR_PAST_MS


@dataclass(slots=True, frozen=True)
class ClockSettings:
    """How silence is treated.

    Attributes:
        heartbeats: silent sources' clocks go on by themselves.
        idle_ms: after so long in silence.
        timeout_ms: a source silent for longer has vanished.
        lateness_ms: how far a source's clock stays behind what is heard of it.
    """

    heartbeats: bool = True
    idle_ms: int = 10_000
    timeout_ms: int = 600_000
    lateness_ms: int = 0


@dataclass(slots=True)
class _Source:
    clock_ms: int | None
    heard_ms: int


@dataclass(slots=True)
class _Partition:
    expected: bool
    read_to: int | None = None
    silent_since_ms: int | None = None
    sources: dict[str, _Source] = field(default_factory=dict)


class AlignedClock:
    """Follows the sources of one subtask.

    Args:
        settings: how silence is treated.
    """

    def __init__(self, settings: ClockSettings) -> None:
        self._settings = settings
        self._partitions: dict[str, _Partition] = {}
        # What agents have said of sources, those too that have not been heard yet.
        self._told: dict[str, int] = {}

    def expect(self, partition: str, read_from: int, expected: bool, now_ms: int) -> None:
        """A partition is read from an offset on; what is known of it already stays.

        Args:
            partition: which one.
            read_from: the offset.
            expected: it holds lines: it holds the clock back until all that came with the first of them are read.
            now_ms: now.
        """
        if partition not in self._partitions:
            sources = {"": _Source(None, now_ms)} if expected else {}
            self._partitions[partition] = _Partition(expected, read_from, sources=sources)

    def expects(self, partition: str) -> bool:
        """Whether the partition holds lines none of which has been read yet, as far as is known."""
        entry = self._partitions.get(partition)
        return entry is not None and entry.expected

    def read(self, partition: str, next_offset: int) -> None:
        """The partition has been read up to before ``next_offset``, whatever the source."""
        entry = self._partition(partition)
        entry.read_to = max(next_offset, entry.read_to or 0)
        if entry.expected:
            entry.expected = False
            entry.sources.pop("", None)

    def hear(self, partition: str, source: str, clock_ms: int | None, now_ms: int) -> None:
        """Lines of a source were read; ``clock_ms`` is its clock, less the lateness, or None while it has none yet."""
        entry = self._partition(partition)
        known = entry.sources.get(source)
        if known is None:
            told = self._told.get(source)
            if told is not None:
                clock_ms = told if clock_ms is None else max(clock_ms, told)
            entry.sources[source] = _Source(clock_ms, now_ms)
            return
        known.heard_ms = now_ms
        if clock_ms is not None:
            known.clock_ms = clock_ms if known.clock_ms is None else max(clock_ms, known.clock_ms)

    def drop(self, partition: str, source: str) -> None:
        """A source has ended or is paused: it is not waited for until it is heard again."""
        entry = self._partitions.get(partition)
        if entry is not None:
            entry.sources.pop(source, None)

    def tell(self, source: str, timestamp_ms: int, now_ms: int) -> None:
        """A source's agent says that it has written all that it will write of the time before ``timestamp_ms``."""
        clock_ms = timestamp_ms - self._settings.lateness_ms
        self._told[source] = max(clock_ms, self._told.get(source, clock_ms))
        for entry in self._partitions.values():
            known = entry.sources.get(source)
            if known is not None:
                known.clock_ms = clock_ms if known.clock_ms is None else max(clock_ms, known.clock_ms)
                known.heard_ms = now_ms

    def forget_told(self, most: int) -> list[str]:
        """Forget what agents said of sources once it is of more than ``most``: the older half; the names."""
        if len(self._told) <= most:
            return []
        old = sorted(self._told, key=lambda name: (self._told[name], name))[: len(self._told) - most // 2]
        for name in old:
            del self._told[name]
        return old

    def probed(self, ends: Mapping[str, int] | None, now_ms: int) -> None:
        """Before which offset each partition has lines by the broker's word just now; None: it does not answer."""
        for name, entry in self._partitions.items():
            end = None if ends is None else ends.get(name)
            if end is None or (entry.read_to or 0) < end:
                entry.silent_since_ms = None
                continue
            if entry.silent_since_ms is None:
                entry.silent_since_ms = now_ms
            if entry.expected:  # there is nothing to be read
                entry.expected = False
                entry.sources.pop("", None)

    def read_to(self, partition: str) -> int:
        """The offset that is read next, 0 when none is known."""
        entry = self._partitions.get(partition)
        return (entry.read_to or 0) if entry is not None else 0

    def caught_up(self, partition: str) -> bool:
        """Whether all that the broker knew of when it was last asked has been read."""
        entry = self._partitions.get(partition)
        return entry is not None and entry.silent_since_ms is not None

    def is_waited_for(self, partition: str, source: str) -> bool:
        """Whether the source holds the clock back, as long as it has not vanished."""
        entry = self._partitions.get(partition)
        return entry is not None and source in entry.sources

    def has_vanished(self, partition: str, source: str, now_ms: int) -> bool:
        """Whether the source has been silent for longer than any source is waited for."""
        entry = self._partitions.get(partition)
        known = None if entry is None else entry.sources.get(source)
        return (
            entry is not None and known is not None and self._silence(entry, known, now_ms) > self._settings.timeout_ms
        )

    def aligned(self, now_ms: int) -> int | None:
        """The aligned clock, epoch ms; ``FAR_PAST_MS`` while a live source has none; None when no source is live."""
        found: int | None = None
        for entry in self._partitions.values():
            for source in entry.sources.values():
                clock = self._clock(entry, source, now_ms)
                if clock is not None and (found is None or clock < found):
                    found = clock
        return found

    def clocks(self, now_ms: int) -> dict[str, int]:
        """The clock of each live source that has one, epoch ms; of one in several partitions the smallest."""
        found: dict[str, int] = {}
        for entry in self._partitions.values():
            for name, source in entry.sources.items():
                clock = self._clock(entry, source, now_ms)
                if clock is not None and clock != FAR_PAST_MS:
                    found[name] = min(clock, found.get(name, clock))
        return found

    def _clock(self, entry: _Partition, source: _Source, now_ms: int) -> int | None:
        silence = self._silence(entry, source, now_ms)
        if silence > self._settings.timeout_ms:
            return None
        if source.clock_ms is None:
            return FAR_PAST_MS
        beats = self._settings.heartbeats and silence > self._settings.idle_ms
        return source.clock_ms + silence if beats else source.clock_ms

    @staticmethod
    def _silence(entry: _Partition, source: _Source, now_ms: int) -> int:
        if entry.silent_since_ms is None:
            return 0
        return max(0, now_ms - max(entry.silent_since_ms, source.heard_ms))

    def _partition(self, name: str) -> _Partition:
        entry = self._partitions.get(name)
        if entry is None:
            entry = self._partitions[name] = _Partition(False)
        return entry
