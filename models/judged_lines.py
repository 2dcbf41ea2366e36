"""Which first lines of events to believe, and when they happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.line_reader import FirstLines, rows_of
from models.lines import Lines
from models.source_clock import BELIEVED, ClockState, judge_times
from models.timestamps.reader import MISSING
from models.timestamps.settings import TimestampSettings
from models.timestamps.years import YearCarry, unwrap_years

Int64 = npt.NDArray[np.int64]

UNTIMED, MALFORMED = 8, 9
"""Verdicts beyond those of :mod:`models.source_clock`: no time is known; it is not written as it should be."""
MOST_HELD_BYTES = 1 << 20
"""A timestamp in doubt waits for others no longer than this much text."""


@dataclass(slots=True, frozen=True)
class Before:
    """What the lines before left behind: the source's clock, the roll-over of years, the last time that was told."""

    clock: ClockState
    years: YearCarry
    last_ms: int | None


@dataclass(slots=True, frozen=True)
class JudgedLines:
    """What is to be believed of n first lines.

    Attributes:
        event_ms: int64[n], epoch ms UTC.
        verdict: uint8[n], ``BELIEVED`` or why not.
        clock_ms: int64[n], the source's clock just after each.
        decided: those before this index are decided.
        clock, years, last_ms: of the source's state after the decided ones.
    """

    event_ms: Int64
    verdict: npt.NDArray[np.uint8]
    clock_ms: Int64
    decided: int
    clock: ClockState
    years: YearCarry
    last_ms: int | None


def judge_first_lines(
    first: FirstLines,
    alone: npt.NDArray[np.bool_],
    settings: TimestampSettings,
    before: Before,
    max_leap_ms: int,
    at_end: bool,
    *,
    flush: bool = False,
    told: Int64 | None = None,
) -> JudgedLines:
    """Which first lines to believe, and their times. One without a timestamp has that of the event before it.

    Args:
        first: the lines.
        alone: see :func:`alone_in_text`; for these lines, or more.
        settings: how their timestamps are read.
        before: what the lines before them left behind.
        max_leap_ms: a timestamp that leaps further than this has to be confirmed.
        at_end: no more lines will come.
        flush: no more lines will come for a while, see :func:`~models.source_clock.judge_times`.
        told: int64, for each line of the batch the time that it came with, epoch ms.
    """
    timed = np.flatnonzero(first.times.ms != MISSING)
    plain = len(timed) == len(first)
    times = first.times if plain else rows_of(first.times, timed)
    event_ms, years = unwrap_years(times, settings, before.years)
    told_ms = None if told is None else told[first.rows[timed]]
    judged = judge_times(event_ms, before.clock, max_leap_ms, at_end, alone[timed], flush=flush, told_ms=told_ms)
    sure = np.flatnonzero(judged.verdict == BELIEVED)
    last_ms = int(event_ms[sure[-1]]) if len(sure) else before.last_ms
    if plain:
        return JudgedLines(event_ms, judged.verdict, judged.clock_ms, judged.decided, judged.state, years, last_ms)
    n = len(first)
    verdict = np.full(n, BELIEVED, np.uint8)
    verdict[timed] = judged.verdict
    # Each line without a time, and the last believed one with a time before it.
    last = np.searchsorted(timed[sure], np.arange(n), side="right") - 1
    known = last >= 0
    full_ms = np.full(n, MISSING if before.last_ms is None else before.last_ms, np.int64)
    full_clock = np.full(n, MISSING if before.clock.clock_ms is None else before.clock.clock_ms, np.int64)
    full_ms[known] = event_ms[sure[last[known]]]
    full_clock[known] = judged.clock_ms[sure[last[known]]]
    full_ms[timed], full_clock[timed] = event_ms, judged.clock_ms
    verdict[full_ms == MISSING] = UNTIMED
    malformed = np.fromiter((int(row) in first.malformed for row in first.rows.tolist()), np.bool_, n)
    verdict[malformed] = MALFORMED
    decided = int(timed[judged.decided]) if judged.decided < len(timed) else n
    return JudgedLines(full_ms, verdict, full_clock, decided, judged.state, years, last_ms)


def alone_in_text(first: FirstLines, lines: Lines) -> npt.NDArray[np.bool_]:
    """bool[n]: the timestamps after which so much text without one follows that nothing can confirm them."""
    timed = np.flatnonzero(first.times.ms != MISSING)
    alone = np.zeros(len(first), np.bool_)
    alone[timed] = np.diff(lines.starts[first.rows[timed]], append=len(lines.data)) > MOST_HELD_BYTES
    return alone
