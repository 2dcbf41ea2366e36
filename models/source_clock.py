"""The clock of one source: which timestamps to believe, and the order time of each event.

The clock is the largest event time believed so far. An event's *order time* is its event time, or the clock less the
allowed lateness where the event is later than that: so order times never fall behind a watermark drawn from the clock,
however the lines are cut into batches.

A timestamp that leaps away from the lines around it (a corrupt line, a device without a clock) would drag the clock
along and end every open transaction. It is therefore believed only once :data:`RUN` lines in a row agree with it;
a leap that the following lines do not confirm is refused. So is the first timestamp of a source, with which all others
are compared, unless something else speaks for it: lines from a topic come with a time of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

RUN = 3
"""How many lines in a row have to agree before a leap in time is believed."""

_LOOK_AHEAD = 64
"""Timestamps looked at together at first, twice as many after each stretch without a leap: a source that leaps all the
time costs no more than its length."""

BELIEVED, AHEAD, BEHIND, STRAY = 0, 1, 2, 3


@dataclass(slots=True, frozen=True)
class ClockState:
    """What a source's clock remembers between batches.

    Attributes:
        clock_ms: the largest event time believed, epoch ms; None before the first.
        belief_ms: the time about which the source writes now, epoch ms: the clock, or less after a believed leap back.
    """

    clock_ms: int | None = None
    belief_ms: int | None = None


@dataclass(slots=True, frozen=True)
class Judgement:
    """What :func:`judge_times` found for n timestamps.

    Attributes:
        verdict: uint8[n], ``BELIEVED``, or why not: ``AHEAD``, ``BEHIND``, ``STRAY`` (of no clear direction).
        clock_ms: int64[n], the clock just after each timestamp.
        decided: timestamps before this index are decided; what follows waits for more lines.
        state: the clock after the decided ones.
    """

    verdict: npt.NDArray[np.uint8]
    clock_ms: Int64
    decided: int
    state: ClockState


def judge_times(
    event_ms: Int64,
    state: ClockState,
    max_leap_ms: int,
    at_end: bool,
    alone: BoolArray | None = None,
    *,
    flush: bool = False,
    told_ms: Int64 | None = None,
) -> Judgement:
    """Decide which timestamps to believe.

    Args:
        event_ms: int64[n], epoch ms, in order of position.
        state: the clock before them.
        max_leap_ms: a timestamp further than this from the belief has to be confirmed.
        at_end: no more lines will come: decide all.
        alone: bool[n], timestamps after which so much text without a timestamp follows that nothing can confirm them.
        flush: no more lines will come for a while: decide what waits as the first timestamps of the source. A leap
            away from a belief waits all the same.
        told_ms: int64[n], when the lines were sent or written by the word of who sent them, epoch ms. As the first
            timestamp of the source, one within ``max_leap_ms`` of this is believed without more ado.
    """
    n = len(event_ms)
    verdict = np.zeros(n, np.uint8)
    clock = np.empty(n, np.int64)
    now, belief = state.clock_ms, state.belief_ms
    near = None if told_ms is None or belief is not None else np.abs(event_ms - told_ms) <= max_leap_ms
    i = 0
    ahead = _LOOK_AHEAD
    while i < n:
        if belief is not None:
            rest = event_ms[i : i + ahead]
            before = np.empty(len(rest), np.int64)
            before[0] = belief
            np.maximum.accumulate(rest[:-1], out=before[1:])
            np.maximum(before, belief, out=before)
            leaps = np.flatnonzero(np.abs(rest - before) > max_leap_ms)
            stop = int(leaps[0]) if len(leaps) else len(rest)
            ahead = _LOOK_AHEAD if len(leaps) else 2 * ahead
            if stop:
                belief = int(max(before[stop - 1], rest[stop - 1]))
                floor = belief if now is None else now
                np.maximum(np.maximum(before[:stop], rest[:stop]), floor, out=clock[i : i + stop])
                now = int(clock[i + stop - 1])
                i += stop
                continue
        if belief is not None:
            near = None
        run, after = _find_run(event_ms, i, belief, max_leap_ms, alone, near)
        ends = at_end or (flush and belief is None)
        closed = (ends and after == n) or (alone is not None and bool(alone[after - 1]))
        confirmed = len(run) == RUN or (closed and belief is None) or (near is not None and bool(near[run[-1]]))
        undecided = not confirmed and after == n and not closed
        refused_until = run[0] if confirmed or undecided else after
        for j in range(i, refused_until):
            verdict[j] = _direction(int(event_ms[j]), belief)
            clock[j] = now if now is not None else event_ms[j]
        if undecided:
            return Judgement(verdict, clock, refused_until, ClockState(now, belief))
        if confirmed:
            belief = int(event_ms[run].max())
            for j in run:
                now = int(event_ms[j]) if now is None else max(now, int(event_ms[j]))
                clock[j] = now
            i = run[-1] + 1
        else:
            i = after
    return Judgement(verdict, clock, n, ClockState(now, belief))


def _find_run(
    event_ms: Int64, first: int, belief: int | None, max_leap_ms: int, alone: BoolArray | None, near: BoolArray | None
) -> tuple[list[int], int]:
    """The newest run of suspects that agree with each other, from ``first`` on, and the index after the last seen."""
    run = [first]
    k = first + 1
    while len(run) < RUN and k < len(event_ms) and not (alone is not None and alone[k - 1]):
        t = int(event_ms[k])
        if (belief is not None and abs(t - belief) <= max_leap_ms) or (near is not None and near[k - 1]):
            break
        run = [*run, k] if abs(t - int(event_ms[run[-1]])) <= max_leap_ms else [k]
        k += 1
    return run, k


def _direction(event_ms: int, belief: int | None) -> int:
    if belief is None:
        return STRAY
    return AHEAD if event_ms > belief else BEHIND
