"""The clock of a source against one that takes a timestamp at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import source_clock
from models.source_clock import AHEAD, BEHIND, BELIEVED, RUN, STRAY, ClockState, judge_times
from tests.models.clock_oracle import SlowClock

LEAP = 100
WAYS = {"": BELIEVED, "ahead": AHEAD, "behind": BEHIND, "stray": STRAY}
steps = st.sampled_from([0, 1, 5, 60, 100, 101, 102, 300, 1000, 5000])
times = st.lists(st.tuples(st.sampled_from([1, 1, 1, -1]), steps), max_size=25).map(
    lambda moves: np.cumsum([0, *(sign * step for sign, step in moves)])[1:].astype(np.int64)
)
jumpy = st.lists(st.sampled_from([0, 50, 99, 150, 1000, 1050, 1150, 9000]), max_size=25).map(
    lambda values: np.array(values, np.int64)
)


def slow(event_ms, at_end=True):
    clock = SlowClock(LEAP)
    for t in event_ms.tolist():
        clock.tell(t)
    if at_end:
        clock.end()
    return clock


@settings(max_examples=200)
@given(times | jumpy, st.sampled_from([1, 2, 64]))
def test_all_timestamps_are_judged_as_one_by_one(event_ms, look_ahead):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_clock, "_LOOK_AHEAD", look_ahead)
        judged = judge_times(event_ms, ClockState(), LEAP, True)
    expected = slow(event_ms)
    assert judged.decided == len(event_ms)
    assert judged.verdict.tolist() == [WAYS[way] for _, _, way, _ in expected.verdicts]
    for k, (t, _, _, clock) in enumerate(expected.verdicts):
        assert judged.clock_ms[k] == (t if clock is None else clock)
    assert judged.state == ClockState(expected.clock, expected.belief)


@settings(max_examples=150)
@given(times | jumpy, st.data())
def test_where_the_batches_are_cut_changes_nothing(event_ms, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(event_ms)), max_size=6)))
    state, begin, verdicts, clocks = ClockState(), 0, [], []
    for cut in [*cuts, len(event_ms)]:
        judged = judge_times(event_ms[begin:cut], state, LEAP, False)
        expected = slow(event_ms[:cut], at_end=False)
        assert begin + judged.decided == len(expected.verdicts)
        assert judged.state == ClockState(expected.clock, expected.belief)
        verdicts += judged.verdict[: judged.decided].tolist()
        clocks += judged.clock_ms[: judged.decided].tolist()
        begin, state = begin + judged.decided, judged.state
    last = judge_times(event_ms[begin:], state, LEAP, True)
    whole = judge_times(event_ms, ClockState(), LEAP, True)
    assert verdicts + last.verdict.tolist() == whole.verdict.tolist()
    assert clocks + last.clock_ms.tolist() == whole.clock_ms.tolist()
    assert last.state == whole.state


@settings(max_examples=300)
@given(times | jumpy, st.data())
def test_what_the_lines_came_with_and_silence_count_for_the_first_timestamps_only(event_ms, data):
    near = st.sampled_from([0, 0, LEAP, -LEAP, LEAP + 1, 10**6])
    told = event_ms + np.array(data.draw(st.lists(near, min_size=len(event_ms), max_size=len(event_ms))), np.int64)
    cuts = data.draw(st.lists(st.tuples(st.integers(0, len(event_ms)), st.booleans()), max_size=6).map(sorted))
    state, begin, verdicts, clocks, expected, said = ClockState(), 0, [], [], SlowClock(LEAP), 0
    for cut, flush in [*cuts, (len(event_ms), False)]:
        for t, own in zip(event_ms[said:cut].tolist(), told[said:cut].tolist(), strict=True):
            expected.tell(t, own)
        said = cut
        if flush:
            expected.flush()
        judged = judge_times(event_ms[begin:cut], state, LEAP, False, flush=flush, told_ms=told[begin:cut])
        assert begin + judged.decided == len(expected.verdicts)
        assert judged.state == ClockState(expected.clock, expected.belief)
        verdicts += judged.verdict[: judged.decided].tolist()
        clocks += judged.clock_ms[: judged.decided].tolist()
        begin, state = begin + judged.decided, judged.state
    assert verdicts == [WAYS[way] for _, _, way, _ in expected.verdicts]
    assert clocks == [t if clock is None else clock for t, _, _, clock in expected.verdicts]


def test_a_first_timestamp_near_the_time_that_it_came_with_is_believed_at_once():
    def first(values, told):
        judged = judge_times(np.array(values), ClockState(), LEAP, False, told_ms=np.array(told))
        return judged.verdict[: judged.decided].tolist(), judged.state

    assert first([5], [5 + LEAP]) == ([0], ClockState(5, 5))
    assert first([5], [6 + LEAP]) == ([], ClockState())
    assert first([9000, 5], [5, 5]) == ([STRAY, 0], ClockState(5, 5))
    assert first([5, 6], [9000, 6]) == ([0, 0], ClockState(6, 6))
    assert first([5, 9000], [5, 9000]) == ([0], ClockState(5, 5))  # there is a belief by then


def test_silence_decides_the_first_timestamps_and_no_leap():
    def flushed(values, state):
        judged = judge_times(np.array(values), state, LEAP, False, flush=True)
        return judged.verdict[: judged.decided].tolist(), judged.state

    assert flushed([5], ClockState()) == ([0], ClockState(5, 5))
    assert flushed([9000, 5, 6], ClockState()) == ([STRAY, 0, 0], ClockState(6, 6))
    assert flushed([9000, 9001], ClockState(5, 5)) == ([], ClockState(5, 5))


def verdicts_of(values, state=ClockState(), at_end=True):  # noqa: B008  # it is frozen
    judged = judge_times(np.array(values, np.int64), state, LEAP, at_end)
    return judged.verdict[: judged.decided].tolist(), judged.state


def test_one_leap_is_refused_and_does_not_move_the_clock():
    assert verdicts_of([0, 10, 20, 9000, 30]) == ([0, 0, 0, AHEAD, 0], ClockState(30, 30))
    assert verdicts_of([0, 10, 20, -9000, 30]) == ([0, 0, 0, BEHIND, 0], ClockState(30, 30))


def test_a_leap_is_believed_once_three_lines_agree():
    assert verdicts_of([0, 1, 2, 9000, 9001, 9002]) == ([0] * 6, ClockState(9002, 9002))
    assert verdicts_of([0, 1, 2, 9000, 9001, 3]) == ([0, 0, 0, AHEAD, AHEAD, 0], ClockState(3, 3))


def test_after_a_leap_back_the_clock_stands_and_the_belief_goes_on_from_there():
    assert verdicts_of([9000, 9001, 9002, 0, 1, 2, 50]) == ([0] * 7, ClockState(9002, 50))


def test_the_beginning_is_believed_once_three_lines_agree():
    assert verdicts_of([5000, 0, 1, 2]) == ([STRAY, 0, 0, 0], ClockState(2, 2))
    assert verdicts_of([0, 1], at_end=False) == ([], ClockState())
    assert verdicts_of([0, 1]) == ([0, 0], ClockState(1, 1))
    assert verdicts_of([0, 5000]) == ([STRAY, 0], ClockState(5000, 5000))


def test_a_clock_that_creeps_on_never_leaps():
    event_ms = np.arange(0, 1000 * LEAP, LEAP)
    assert not judge_times(event_ms, ClockState(), LEAP, True).verdict.any()


@pytest.mark.parametrize("waiting", range(RUN))
def test_no_more_than_two_timestamps_wait(waiting):
    judged = judge_times(np.array([0, 0, 0, *[9000] * waiting], np.int64), ClockState(), LEAP, False)
    assert judged.decided == 3


def test_no_timestamps_leave_the_clock_as_it_was():
    state = ClockState(5, 3)
    assert judge_times(np.empty(0, np.int64), state, LEAP, True).state == state
