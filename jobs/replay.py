"""Sends log files into Kafka at a pace, and tells how far it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from jobs.outbox import Outbox
from models.line_reader import LineReader
from models.pacing import Pace
from models.replay import MessageCutter, Messages, in_order_of_time
from models.splits import SplitReader, plan_splits
from models.timestamps import MISSING, TimestampSettings

_BATCH_LINES, _CHUNK = 10_000, 1_000
_NAP_S, _SHORTEST_NAP_S = 0.1, 0.002
_FAREWELL_S = 10.0


@dataclass(slots=True, frozen=True)
class Log:
    """A log to send: what it is called, where it is, how its timestamps are written, and which lines begin an event."""

    name: str
    path: str
    settings: TimestampSettings
    reader: LineReader | None = None


@dataclass(slots=True)
class Sent:
    """How far a replay came.

    Attributes:
        lines, messages: handed to the client.
        seconds: from the first to the last acknowledgement.
        complete: nothing is left to send.
        notes: why a log could not be read to its end.
    """

    lines: int = 0
    messages: int = 0
    seconds: float = 0.0
    complete: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Clock:
    """A clock that never falls, in seconds, and how to wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def head_of(path: str, encoding: str, lines: int = 5000) -> list[bytes]:
    """The first lines of a log."""
    split = plan_splits(path, path, encoding)[0]
    return [line.rstrip(b"\r") for line in next(SplitReader(lines, 1 << 20).read(split)).data.split(b"\n")]


def read_messages(logs: Sequence[Log], encoding: str, longest: int, notes: list[str]) -> Iterator[Messages]:
    """All messages of some logs, one log after the other; why one breaks off goes to ``notes``."""
    for log in logs:
        cutter = MessageCutter(log.name, log.reader or log.settings, longest)
        reader = SplitReader(_BATCH_LINES, longest)
        for split in plan_splits(log.path, log.name, encoding):
            for batch in reader.read(split):
                if batch.error:
                    notes.append(f"{log.name}: {batch.error}")
                yield cutter.cut(batch.data, batch.at_end)


def replay(
    streams: Sequence[tuple[str, Sequence[Log]]],
    outbox: Outbox,
    pace: Pace | None,
    sent: Sent,
    *,
    envelope: bool = False,
    encoding: str = "utf-8",
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda text: None,
    clock: Clock | None = None,
) -> None:
    """Send logs, merged by their time; of each source in order.

    Args:
        streams: each source with its logs, which follow each other.
        outbox: where to.
        pace: when messages are due; None: as fast as the broker takes them.
        sent: filled as the work goes on, so that it is known after an error, too.
        envelope: send JSON instead of the bare lines.
        encoding: of the logs.
        stopped: asked often; once true, nothing more is sent.
        progress: told how far the work is.
        clock: the machine's unless given.

    Raises:
        OutboxError: the broker does not take what it is sent.
        OSError: a log cannot be read.
    """
    clock = clock or Clock()
    begin = clock.now()
    readers = [read_messages(logs, encoding, outbox.longest, sent.notes) for _, logs in streams]

    def show(messages: Messages, at: int) -> None:
        log_time = int(messages.pace_ms[min(at, len(messages) - 1)])
        of = "" if log_time == MISSING else f", log time {np.datetime64(log_time, 'ms').item():%Y-%m-%d %H:%M:%S}"
        progress(f"{sent.lines:,} lines sent, {outbox.lines:,} acknowledged{of}")

    def send(source: str, messages: Messages) -> bool:
        """Send when due; False once stopped."""
        due = None if pace is None else pace.due(messages.lines, messages.pace_ms, clock.now())
        at = 0
        while at < len(messages):
            if stopped():
                return False
            show(messages, at)
            if not outbox.settle() and outbox.is_full:
                outbox.settle(_NAP_S)
                continue
            end = min(at + _CHUNK, len(messages))
            if due is not None:
                now = clock.now()
                end = min(end, int(np.searchsorted(due, now, "right")))
                if end <= at:
                    clock.sleep(min(max(float(due[at]) - now, _SHORTEST_NAP_S), _NAP_S))
                    continue
            part = messages.part(at, end)
            outbox.send(source, part, part.envelopes(source) if envelope else part.texts())
            sent.messages += end - at
            sent.lines += int(part.lines.sum())
            at = end
        return True

    try:
        sent.complete = all(send(streams[k][0], messages) for k, messages in in_order_of_time(readers))
        end_of_wait = clock.now() + _FAREWELL_S
        while not outbox.settle(_NAP_S):
            if stopped() and clock.now() > end_of_wait:
                sent.complete = False
                break
            progress(f"{sent.lines:,} lines sent, {outbox.lines:,} acknowledged")
    finally:
        sent.seconds = clock.now() - begin
