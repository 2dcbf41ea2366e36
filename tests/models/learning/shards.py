"""Events dealt out to shards, for tests of what merges."""

from __future__ import annotations

import random

import numpy as np

from models.source_reader import Events, ReadLimits, SourceState, read_events
from models.timestamps import TimestampReader, detect


def read(lines, source_first_line=1):
    """The events of whole lines, each of which begins with a timestamp."""
    raw = "".join(line + "\n" for line in lines).encode()
    reader = TimestampReader(detect(raw.splitlines(), "UTC", None, None))
    events, _ = read_events(SourceState(next_line=source_first_line), raw, True, reader, ReadLimits())
    assert not events.dead
    return events


def pick(events: Events, rows):
    """Some of the events, as a batch of their own."""
    rows = np.array(sorted(rows), np.int64)
    parts, begins = [b"."], []
    at = 1
    for row in rows.tolist():
        line = events.data[events.starts[row] : events.ends[row]].tobytes()
        begins.append(at)
        parts += [line, b"\n"]
        at += len(line) + 1
    starts = np.array(begins, np.int64)
    moved = starts - events.starts[rows]
    data = np.frombuffer(b"".join(parts), np.uint8)
    return Events(
        data=data,
        raw=data,
        text_starts=starts,
        first_ends=events.ends[rows] + moved,
        starts=starts,
        ends=events.ends[rows] + moved,
        text_ends=events.ends[rows] + moved,
        time_starts=events.time_starts[rows] + moved,
        time_ends=events.time_ends[rows] + moved,
        event_ms=events.event_ms[rows],
        order_ms=events.order_ms[rows],
        line=events.line[rows],
        dead=[],
        lines=len(rows),
        continued=0,
        late=0,
        clock_before_ms=None,
        clock_ms=None,
        counted=events.line[rows],
    )


def deal(batches, shards, batch_size, seed):
    """Batches ``(source, events)`` cut in pieces and dealt to shards in any order: a list of such batches a shard."""
    chance = random.Random(seed)
    dealt: list[list[tuple[str, Events]]] = [[] for _ in range(shards)]
    for source, events in batches:
        rows = list(range(len(events)))
        chance.shuffle(rows)
        for at in range(0, len(rows), batch_size):
            chance.choice(dealt).append((source, pick(events, rows[at : at + batch_size])))
    for shard in dealt:
        chance.shuffle(shard)
    return dealt


def merged(parts, seed):
    """Summaries merged in any order, pairs first or one after another."""
    chance = random.Random(seed)
    parts = list(parts)
    while len(parts) > 1:
        one = parts.pop(chance.randrange(len(parts)))
        other = parts.pop(chance.randrange(len(parts)))
        one.merge(other)
        parts.append(one)
    return parts[0]
