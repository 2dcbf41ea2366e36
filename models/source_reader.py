"""From the raw bytes of one source, batch by batch, to events: lines with their continuation, event time, order time.

A line without a timestamp continues the event before it. The last event of a batch may go on in the next one, so its
bytes are held back until a new event begins or the source ends; the same bytes wait for a leap in time to be confirmed.
What comes out does not depend on where the batches are cut.

A source that never ends may fall silent with an event held back. It is then *flushed*: the event goes as it is, and
lines that continue it later are counted, but missing in its text.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.judged_lines import MALFORMED, UNTIMED, Before, JudgedLines, alone_in_text, judge_first_lines
from models.line_reader import FirstLines, LineReader
from models.lines import Lines, find_bad, split_lines
from models.multiline import MultilineSettings
from models.source_clock import AHEAD, BEHIND, BELIEVED, ClockState
from models.timestamps.patterns import NONE
from models.timestamps.reader import TimestampColumn, TimestampReader
from models.timestamps.years import YearCarry

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

_DAY_MS = 86_400_000


@dataclass(slots=True, frozen=True)
class ReadLimits:
    """What is read and believed.

    Attributes:
        lateness_ms: how far behind the clock an event may be and still be put in order.
        max_leap_ms: a timestamp that leaps further than this has to be confirmed by the lines after it.
        max_line_bytes: a longer line goes to dead letters.
        max_text_bytes: this much of an event is kept as evidence.
    """

    lateness_ms: int = 0
    max_leap_ms: int = _DAY_MS
    max_line_bytes: int = 1 << 20
    max_text_bytes: int = 2000


@dataclass(slots=True, frozen=True)
class SourceState:
    """What is remembered of a source between batches; a plain record (:meth:`to_record`).

    Attributes:
        next_line: 1-based number of the first line that is not yet counted.
        open: an event has begun, so that a line without timestamp continues it.
        clock: the source's clock.
        years: the roll-over of timestamps that have no year.
        held: raw bytes of lines read but not yet counted.
        held_positions: the position of each of these lines; none where lines are numbered.
        held_times: the time that each of them came with, epoch ms; none where they came without.
        told: what stands for the new values that were told of it, oldest first, see :mod:`models.rules.new_values`.
        last_ms: the time of the last event that told one, epoch ms, which one without has too; None before the first.
    """

    next_line: int = 1
    open: bool = False
    clock: ClockState = ClockState()
    years: YearCarry = YearCarry()
    held: bytes = b""
    held_positions: tuple[int, ...] = ()
    held_times: tuple[int, ...] = ()
    told: tuple[str, ...] = ()
    last_ms: int | None = None

    VERSION = 3

    def to_record(self) -> dict[str, object]:
        """The state as plain JSON values."""
        return {
            "version": self.VERSION,
            "next_line": self.next_line,
            "open": self.open,
            "clock_ms": self.clock.clock_ms,
            "belief_ms": self.clock.belief_ms,
            "years": list(self.years),
            "last_ms": self.last_ms,
            "held": base64.b64encode(self.held).decode(),
            "held_positions": list(self.held_positions),
            "held_times": list(self.held_times),
            "told": list(self.told),
        }

    @classmethod
    def from_record(cls, record: dict[str, object]) -> SourceState:
        """Undo :meth:`to_record`, of this version and those before; raises ValueError for one that is not known."""
        if record.get("version") not in range(1, cls.VERSION + 1):
            raise ValueError(f"state of a source has version {record.get('version')!r}; known are 1 to {cls.VERSION}")
        return cls(
            next_line=int(record["next_line"]),  # type: ignore[call-overload]
            open=bool(record["open"]),
            clock=ClockState(record["clock_ms"], record["belief_ms"]),  # type: ignore[arg-type]
            years=YearCarry(*record["years"]),  # type: ignore[misc]
            last_ms=record.get("last_ms"),  # type: ignore[arg-type]  # since version 3
            held=base64.b64decode(str(record["held"])),
            held_positions=tuple(record.get("held_positions", ())),  # type: ignore[arg-type]  # since version 2
            held_times=tuple(record.get("held_times", ())),  # type: ignore[arg-type]
            told=tuple(record.get("told", ())),  # type: ignore[arg-type]  # since version 3
        )


@dataclass(slots=True, frozen=True)
class DeadLine:
    """A line that cannot be used.

    Attributes:
        line: its 1-based number, or its position in a topic's partition.
        reason: what is wrong with it.
        raw: its raw bytes, all of them.
        time_ms: the time that it came with, epoch ms; None where it came without.
    """

    line: int
    reason: str
    raw: bytes
    time_ms: int | None = None


@dataclass(slots=True, frozen=True)
class Events:
    """The n events that a batch completed, all arrays in order of position; byte ranges are of ``data`` where not said.

    Attributes:
        data: uint8[m], what the events say: the raw bytes, or of structured lines their canonical form.
        starts, ends: int64[n], the event's first line.
        time_starts, time_ends: int64[n], the timestamp in that line.
        raw: uint8[k], the raw bytes, of which the next three are ranges.
        text_starts: int64[n], where the event's text begins.
        first_ends: int64[n], where its first line ends; of an object over several lines the last of these.
        text_ends: int64[n], where its text ends, continuation lines included, cut to the limit.
        event_ms: int64[n], event time, epoch ms UTC.
        order_ms: int64[n], order time, epoch ms UTC.
        line: int64[n], 1-based line number, or position in a topic's partition.
        dead: lines that cannot be used.
        lines: how many lines were counted; ``lines == n + continued + len(dead)``.
        continued: how many of them continue an event.
        late: how many events came later than the allowed lateness.
        clock_before_ms, clock_ms: the source's clock less the lateness, before and after the batch; None: none yet.
        counted: int64[lines], number or position of every line that was counted.
    """

    data: Bytes
    starts: Int64
    ends: Int64
    time_starts: Int64
    time_ends: Int64
    raw: Bytes
    text_starts: Int64
    first_ends: Int64
    text_ends: Int64
    event_ms: Int64
    order_ms: Int64
    line: Int64
    dead: list[DeadLine]
    lines: int
    continued: int
    late: int
    clock_before_ms: int | None
    clock_ms: int | None
    counted: Int64

    def __len__(self) -> int:
        return len(self.starts)


def read_events(
    state: SourceState,
    raw: bytes,
    at_end: bool,
    reader: LineReader | TimestampReader,
    limits: ReadLimits,
    *,
    positions: Int64 | None = None,
    times_ms: Int64 | None = None,
    flush: bool = False,
) -> tuple[Events, SourceState]:
    """Read the next bytes of a source.

    Args:
        state: what is remembered of the source.
        raw: whole lines that follow those read before; only the last line of a source may lack its line end.
        at_end: the source ends here: nothing is held back.
        reader: finds the lines that begin an event; a mere reader of timestamps, those that have one.
        limits: what is read and believed.
        positions: int64, for each line of ``raw`` where it stands, none less than those before; None: lines are
            numbered from 1. The same for all lines of a source.
        times_ms: int64, for each line of ``raw`` the time that it came with, epoch ms; None: they came without. It is
            the event time where the reader's format is ``NONE``, and speaks for the first timestamp of the source.
        flush: the source has fallen silent: hold nothing back but timestamps that leap.

    Returns:
        The events completed, and the source's state after them.

    Raises:
        ValueError: there are not as many positions or times as lines.
    """
    if isinstance(reader, TimestampReader):
        reader = LineReader(reader)
    data = np.frombuffer(state.held + raw if state.held else raw, np.uint8)
    lines = split_lines(data)
    find_bad(lines, limits.max_line_bytes)
    n = len(lines)
    told = _column("times", state.held_times, times_ms, n)
    where = _column("positions", state.held_positions, positions, n)
    if where is None:
        where = np.arange(state.next_line, state.next_line + n)
    good = np.ones(n, np.bool_)
    good[list(lines.bad)] = False
    first = reader.read(data, lines, np.flatnonzero(good))
    if told is not None and reader.settings.formats == (NONE,):
        first = replace(first, times=TimestampColumn(told[first.rows], first.times.begin, first.times.end))
    alone = alone_in_text(first, lines)
    before = Before(state.clock, state.years, state.last_ms)
    judged = judge_first_lines(
        first, alone, reader.settings, before, limits.max_leap_ms, at_end, flush=flush, told=told
    )
    stop, decided = _held_from(lines, first.rows, judged.decided, at_end or flush, limits)
    while decided < len(first):  # what is held back is judged next time: take the clock of the rest alone
        first = first.before(decided)
        judged = judge_first_lines(first, alone, reader.settings, before, limits.max_leap_ms, False, told=told)
        if judged.decided < decided:
            decided = judged.decided
            stop = int(first.rows[decided])

    believed = np.flatnonzero(judged.verdict == BELIEVED)
    rows = first.rows[believed]
    late_floor = judged.clock_ms[believed] - limits.lateness_ms
    event_ms = judged.event_ms[believed]
    order_ms = np.maximum(event_ms, late_floor)
    continued, orphans = _continuations(good[:stop], first.rows, state.open)
    reasons = _reasons(lines, stop, first, judged, orphans)
    boundary = int(lines.nexts[stop - 1]) if stop else 0
    events = Events(
        data=first.data,
        starts=first.starts[believed],
        ends=first.ends[believed],
        raw=data,
        text_starts=lines.starts[rows],
        first_ends=lines.ends[np.maximum(np.minimum(first.until[believed], stop), rows + 1) - 1],
        text_ends=_text_ends(lines, first.rows, believed, boundary, limits.max_text_bytes, reader.multiline),
        time_starts=first.times.begin[believed],
        time_ends=first.times.end[believed],
        event_ms=event_ms,
        order_ms=order_ms,
        line=where[rows],
        dead=[
            DeadLine(
                int(where[i]),
                reason,
                data[lines.starts[i] : lines.ends[i]].tobytes(),
                None if told is None else int(told[i]),
            )
            for i, reason in sorted(reasons.items())
        ],
        lines=stop,
        continued=continued,
        late=int((event_ms < order_ms).sum()),
        clock_before_ms=_less(state.clock.clock_ms, limits.lateness_ms),
        clock_ms=_less(judged.clock.clock_ms, limits.lateness_ms),
        counted=where[:stop],
    )
    numbered = positions is None and not state.held_positions
    after = replace(
        state,
        next_line=state.next_line + stop,
        open=state.open or len(first) > 0,
        clock=judged.clock,
        years=judged.years,
        last_ms=judged.last_ms,
        held=data[boundary:].tobytes(),
        held_positions=() if numbered else tuple(where[stop:].tolist()),
        held_times=() if told is None else tuple(told[stop:].tolist()),
    )
    return events, after


def _column(name: str, held: tuple[int, ...], new: Int64 | None, n: int) -> Int64 | None:
    """What is told of each of n lines, those held back first; None where nothing is."""
    if new is None and not held:
        return None
    column = np.array(held, np.int64) if new is None else np.concatenate([np.array(held, np.int64), new])
    if len(column) != n:
        raise ValueError(f"{len(column)} {name} are told of {n} lines")
    return column


def _held_from(lines: Lines, first_lines: Int64, decided: int, all_go: bool, limits: ReadLimits) -> tuple[int, int]:
    """Where to stop counting: the index of the line, and the number of events before it."""
    n = len(lines)
    if decided < len(first_lines):
        return int(first_lines[decided]), decided
    if all_go or not len(first_lines):
        return n, decided  # where nothing begins, all continue an event that was let go, or none
    last = int(first_lines[-1])
    if int(lines.nexts[-1] - lines.starts[last]) > max(1 << 16, 2 * limits.max_text_bytes):
        return n, decided  # what follows cannot change what is kept of it
    return last, decided - 1


def _reasons(lines: Lines, stop: int, first: FirstLines, judged: JudgedLines, orphans: Int64) -> dict[int, str]:
    """Of the lines before ``stop``, those that cannot be used: index → why."""
    reasons = {i: reason for i, reason in lines.bad.items() if i < stop}
    for k in np.flatnonzero(judged.verdict != BELIEVED).tolist():
        row, verdict = int(first.rows[k]), int(judged.verdict[k])
        if verdict == MALFORMED:
            reasons[row] = first.malformed[row]
        elif verdict == UNTIMED:
            reasons[row] = "no timestamp, and no line before it whose time it could have"
        else:
            when = str(np.datetime64(int(judged.event_ms[k]), "ms"))
            way = {AHEAD: "leaps ahead of", BEHIND: "leaps back behind"}.get(verdict, "does not agree with")
            reasons[row] = f"timestamp {when}Z {way} the lines around it (max_leap_ms)"
    for i in orphans.tolist():
        reasons[i] = "no timestamp, and no line before it that it could continue"
    return reasons


def _continuations(good: npt.NDArray[np.bool_], first_lines: Int64, is_open: bool) -> tuple[int, Int64]:
    """How many lines continue an event, and those that have none before them to continue."""
    plain = good.copy()
    plain[first_lines] = False
    begin = 0 if is_open else (int(first_lines[0]) if len(first_lines) else len(good))
    return int(plain[begin:].sum()), np.flatnonzero(plain[:begin])


def _text_ends(
    lines: Lines,
    first_lines: Int64,
    believed: Int64,
    boundary: int,
    max_bytes: int,
    multiline: MultilineSettings | None,
) -> Int64:
    """Where the text of each event ends: before the next event's first line, without line end, cut to the limits."""
    if not len(believed):
        return np.empty(0, np.int64)
    begins = lines.starts[first_lines]
    last_lines = np.append(first_lines[1:], np.searchsorted(lines.nexts, boundary) + 1)[believed] - 1
    if multiline is not None:
        last_lines = np.minimum(last_lines, first_lines[believed] + (multiline.max_lines - 1))
        max_bytes = min(max_bytes, multiline.max_bytes)
    return np.minimum(lines.ends[last_lines], begins[believed] + max_bytes)


def _less(clock_ms: int | None, lateness_ms: int) -> int | None:
    return None if clock_ms is None else clock_ms - lateness_ms
