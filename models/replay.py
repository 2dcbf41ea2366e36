"""A log cut into the messages that send it anew: each an event with the lines that continue it, and when it is due.

What is sent is what was read: lines that a job will refuse are sent, too. Only in time do they count for nothing: a
timestamp that leaps away from the lines around it (:mod:`models.source_clock`) must not hold up a replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.line_reader import LineReader
from models.lines import split_lines
from models.source_clock import ClockState, judge_times
from models.source_reader import ReadLimits
from models.timestamps import MISSING, TimestampSettings, YearCarry, unwrap_years
from models.timestamps.patterns import NONE

Int64 = npt.NDArray[np.int64]


@dataclass(slots=True, frozen=True)
class Messages:
    """Successive messages of one log; arrays of length n; byte ranges are of ``data``.

    Attributes:
        log: name of the log, as errors call it.
        data: the raw bytes.
        starts, ends: int64[n], the message, without its last line end.
        line: int64[n], 1-based number of its first line.
        lines: int64[n], how many lines it has.
        event_ms: int64[n], its timestamp, epoch ms; ``MISSING`` where it has none.
        pace_ms: int64[n], never falling: the log's time when it was written; ``MISSING`` before the first timestamp.
    """

    log: str
    data: bytes
    starts: Int64
    ends: Int64
    line: Int64
    lines: Int64
    event_ms: Int64
    pace_ms: Int64

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, begin: int, end: int) -> Messages:
        """The messages from ``begin`` to before ``end``."""
        cut = {
            name: getattr(self, name)[begin:end] for name in ("starts", "ends", "line", "lines", "event_ms", "pace_ms")
        }
        return replace(self, **cut)

    def texts(self) -> list[bytes]:
        """The text of each message."""
        data = self.data
        return [data[a:b] for a, b in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def envelopes(self, source: str) -> list[bytes]:
        """Each message as agents send it: JSON with ``source``, ``timestamp`` (left out where there is none), message.

        Bytes that are no UTF-8 become U+FFFD, for JSON holds none.
        """
        known = self.event_ms != MISSING
        times = np.datetime_as_string(np.where(known, self.event_ms, 0).astype("datetime64[ms]")).tolist()
        head = json.dumps({"source": source}, ensure_ascii=False)[:-1]
        dump = json.JSONEncoder(ensure_ascii=False).encode
        return [
            (
                f'{head}, "timestamp": "{time}Z", "message": {dump(text.decode("utf-8", "replace"))}}}'
                if told
                else f'{head}, "message": {dump(text.decode("utf-8", "replace"))}}}'
            ).encode()
            for text, time, told in zip(self.texts(), times, known.tolist(), strict=True)
        ]


class MessageCutter:
    """Cuts one log, batch by batch. Which messages come out does not depend on where the batches are cut.

    Args:
        log: name of the log.
        settings: where its timestamps stand, or what finds the lines that begin an event.
        longest: an event with more bytes than this is let go at a batch's end, its remaining lines one by one.
    """

    def __init__(self, log: str, settings: TimestampSettings | LineReader, longest: int) -> None:
        self._log = log
        self._reader = settings if isinstance(settings, LineReader) else LineReader(settings)
        self._timeless = self._reader.settings.formats == (NONE,)
        self._longest = longest
        self._years = YearCarry()
        self._clock = ClockState()
        self._pace = MISSING
        self._next_line = 1
        self._held = b""

    def cut(self, raw: bytes, at_end: bool) -> Messages:
        """The messages that the next lines complete; the last event waits for its continuation unless ``at_end``."""
        data = self._held + raw
        lines = split_lines(np.frombuffer(data, np.uint8))
        found = self._reader.read(lines.data, lines, np.arange(len(lines)))
        # A line held back is read again, with the years that it has set itself: they stay as they are.
        told, self._years = unwrap_years(found.times, self._reader.settings, self._years)
        times = np.full(len(lines), MISSING)
        times[found.rows] = told
        begins = np.zeros(len(lines), np.bool_)
        begins[found.rows] = True
        first = int(np.argmax(begins)) if begins.any() else len(lines)
        begins[:first] = True  # what nothing precedes that it could continue goes by itself
        rows = np.flatnonzero(begins)
        whole = at_end or not len(rows) or int(lines.nexts[-1] - lines.starts[rows[-1]]) > self._longest
        stop = len(lines) if whole or first == len(lines) else int(rows[-1])
        rows = rows[rows < stop]
        last = np.append(rows[1:], stop)[: len(rows)] - 1
        event_ms = times[rows]
        boundary = int(lines.nexts[stop - 1]) if stop else 0
        messages = Messages(
            log=self._log,
            data=data,
            starts=lines.starts[rows],
            ends=np.maximum(lines.ends[last], lines.starts[rows]),
            line=rows + self._next_line,
            lines=last - rows + 1,
            event_ms=np.full(len(rows), MISSING) if self._timeless else event_ms,
            pace_ms=self._paces(event_ms),
        )
        self._next_line += stop
        self._held = data[boundary:]
        return messages

    def _paces(self, event_ms: Int64) -> Int64:
        paces = np.full(len(event_ms), MISSING)
        timed = np.flatnonzero(event_ms != MISSING)
        if len(timed) and not self._timeless:
            judged = judge_times(event_ms[timed], self._clock, ReadLimits().max_leap_ms, at_end=True)
            # Strays before the first time that is believed have no clock to go by: theirs is the one that follows.
            paces[timed] = np.minimum.accumulate(judged.clock_ms[::-1])[::-1]
            self._clock = judged.state
        paces = np.maximum(np.maximum.accumulate(paces), self._pace) if len(paces) else paces
        self._pace = int(paces[-1]) if len(paces) else self._pace
        return paces


def in_order_of_time(streams: Sequence[Iterator[Messages]]) -> Iterator[tuple[int, Messages]]:
    """Messages of several streams as they were written: stretches of one stream, with its number, in order of pace.

    Each stream keeps its own order; of equal times the stream of the lower number goes first.
    """
    heads: dict[int, Messages] = {}

    def advance(number: int) -> None:
        heads.pop(number, None)
        for messages in streams[number]:
            if len(messages):
                heads[number] = messages
                return

    for number in range(len(streams)):
        advance(number)
    while heads:
        (_, chosen), *others = sorted((int(head.pace_ms[0]), number) for number, head in heads.items())
        head = heads[chosen]
        count = len(head)
        if others:
            limit, rival = others[0]
            count = max(1, int(np.searchsorted(head.pace_ms, limit, "right" if chosen < rival else "left")))
        yield chosen, head.part(0, count)
        if count < len(head):
            heads[chosen] = head.part(count, len(head))
        else:
            advance(chosen)
