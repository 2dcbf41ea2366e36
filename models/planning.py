"""In which order the splits of several files are read, so that their times advance together.

Events wait in memory until the clocks of all files have passed them. Reading one file wholly before the next would let
all of it wait, so splits are ordered by the time about which they begin: rotated files one after the other, logs of the
same hours side by side. The order decides how much waits, never what is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.line_reader import LineReader
from models.log_batch import LogBatch
from models.source_reader import Events, ReadLimits, SourceState, read_events
from models.splits import Split, SplitReader, plan_splits

_PROBE_BYTES = 1 << 18


@dataclass(slots=True, frozen=True)
class Plan:
    """What is to be read.

    Attributes:
        opens: for each source, that it exists and when its clock begins.
        splits: all splits, in the order in which to read them; those of one file stand in its order.
    """

    opens: list[LogBatch]
    splits: list[Split]


def plan_sources(
    sources: Sequence[tuple[str, str]], reader: LineReader, limits: ReadLimits, encoding: str = "utf-8"
) -> Plan:
    """Plan the reading of files.

    Args:
        sources: for each file its name as a source, and its path.
        reader: finds the timestamps.
        limits: what is read and believed.
        encoding: of the files.

    Raises:
        OSError: a file cannot be read.
    """
    opens = []
    timed: list[tuple[float, int, int, Split]] = []
    for number, (name, path) in enumerate(sources):
        splits = plan_splits(path, name, encoding)
        first = _first_ms(splits, reader, limits)
        opens.append(LogBatch(name, kind=LogBatch.OPEN, clock_ms=None if first is None else first - limits.lateness_ms))
        last = _last_ms(splits[-1], reader, limits)
        begin = float("-inf") if first is None else float(first)
        span = max(0, last - first) if first is not None and last is not None else 0
        for k, split in enumerate(splits):
            timed.append((begin + span * k / len(splits), number, k, split))
    timed.sort(key=lambda entry: entry[:3])
    return Plan(opens, [split for _, _, _, split in timed])


def _first_ms(splits: list[Split], reader: LineReader, limits: ReadLimits) -> int | None:
    """The event time with which a source's clock begins; None when its first split does not tell."""
    lines = SplitReader(1 << 30, limits.max_line_bytes)
    data = b"".join(batch.data for batch in lines.read(splits[0]))
    events, _ = read_events(SourceState(), data, splits[0].last, reader, limits)
    return int(events.event_ms[0]) if len(events) else None


def _last_ms(split: Split, reader: LineReader, limits: ReadLimits) -> int | None:
    """About when a plain file ends; None for one that cannot be entered near its end."""
    if split.gzip or split.encoding != "utf-8":
        return None
    tail = Split(split.source, split.path, max(0, split.end - _PROBE_BYTES), split.end, True)
    data = b"".join(batch.data for batch in SplitReader(1 << 30, limits.max_line_bytes).read(tail))
    events: Events = read_events(SourceState(), data, True, reader, limits)[0]
    return int(events.event_ms[-1]) if len(events) else None
