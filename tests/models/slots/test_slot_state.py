"""Closing time slots: in order, with noughts between, asleep after many, and as before after a restore."""

import pytest

from models.batches import BatchError
from models.detection import FAR_FUTURE_MS
from models.slots.aligned import MOST_EMPTY, MOST_SILENT, SlotState
from models.slots.cells import Cell
from models.slots.counts import SlotCounts
from models.slots.series import LINES, SeriesKey, SlotWatch

MINUTE = 60_000
KEY = SeriesKey("t-1", LINES, "", MINUTE)
OTHER = SeriesKey("t-2", LINES, "", 2 * MINUTE)
WATCH = SlotWatch((KEY, OTHER))


def counts(*cells, until_ms=None):
    return SlotCounts("m", 0, 0, {(key, slot * MINUTE): Cell(lines) for key, slot, lines in cells}, until_ms=until_ms)


def told(slots):
    return [(slot.key.template, slot.begin_ms // MINUTE, slot.cell.lines, slot.first) for slot in slots]


def test_slots_are_told_by_their_ends_with_noughts_between():
    state = SlotState(WATCH)
    state.add(counts((KEY, 1, 5), (OTHER, 2, 7), (KEY, 4, 6)))
    assert told(state.advance(2 * MINUTE - 1)) == []
    assert state.next_timer() == 2 * MINUTE
    assert told(state.advance(5 * MINUTE)) == [
        ("t-1", 1, 5, True),
        ("t-1", 2, 0, False),
        ("t-1", 3, 0, False),
        ("t-2", 2, 7, True),
        ("t-1", 4, 6, False),
    ]
    assert told(state.advance(5 * MINUTE)) == []


def test_a_silent_series_is_told_to_be_silent_and_sleeps_after_a_while():
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1)))
    slots = state.advance(10_000 * MINUTE)
    assert len(slots) == 1 + MOST_EMPTY
    assert state.empty
    assert state.next_timer() is None
    state.add(counts((KEY, 20_000, 2)))
    assert told(state.advance(20_002 * MINUTE)) == [("t-1", 20_000, 2, True), ("t-1", 20_001, 0, False)]


def test_a_series_sleeps_in_a_gap_however_late_it_is_told():
    """The lines after the gap are there already when the clock passes it."""
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1), (KEY, MOST_EMPTY + 9, 2)))
    slots = told(state.advance((MOST_EMPTY + 10) * MINUTE))
    assert len(slots) == 2 + MOST_EMPTY
    assert slots[-1] == ("t-1", MOST_EMPTY + 9, 2, True)


def test_at_the_end_a_series_goes_on_as_far_as_the_sources_did():
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1), until_ms=3 * MINUTE + 5))
    assert told(state.advance(FAR_FUTURE_MS - 1)) == [("t-1", 0, 1, True), *(("t-1", n, 0, False) for n in (1, 2, 3))]
    assert told(state.advance(2**63 - 1)) == []
    assert state.empty


def test_parts_of_a_closed_slot_are_late():
    state = SlotState(WATCH)
    state.advance(5 * MINUTE)
    late = state.add(counts((KEY, 4, 3), (KEY, 5, 1)))
    assert [(part.key, part.begin_ms, part.lines) for part in late] == [(KEY, 4 * MINUTE, 3)]
    assert told(state.advance(6 * MINUTE)) == [("t-1", 5, 1, True)]


def test_a_part_at_the_watermark_is_not_late():
    state = SlotState(WATCH)
    state.advance(5 * MINUTE - 1)
    assert not state.add(counts((KEY, 4, 3)))
    assert told(state.advance(5 * MINUTE)) == [("t-1", 4, 3, True)]


def test_under_another_model_series_go_on_that_it_watches_too():
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1), (OTHER, 0, 2)))
    state.follow(SlotWatch((KEY,)))
    assert not state.add(counts((OTHER, 0, 2)))
    assert told(state.advance(2 * MINUTE)) == [("t-1", 0, 1, True), ("t-1", 1, 0, False)]


def test_a_restored_state_goes_on_where_it_was():
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1), (KEY, 6, 4), until_ms=8 * MINUTE))
    state.advance(2 * MINUTE)
    again, more, columns = SlotState.restore(state.snapshot({"some": 1}, [b"a", b"bc"]), WATCH)
    assert more == {"some": 1}
    assert list(map(bytes, columns)) == [b"a", b"bc"]
    assert again.watermark == state.watermark
    assert told(again.advance(FAR_FUTURE_MS)) == told(state.advance(FAR_FUTURE_MS))


def test_what_is_no_state_is_refused():
    with pytest.raises(BatchError):
        SlotState.restore(counts((KEY, 0, 1)).encode(), WATCH)
    with pytest.raises(BatchError):
        SlotState.restore(b"rubbish", WATCH)


def test_a_series_that_is_detected_is_silent_for_a_week_before_it_sleeps():
    state = SlotState(SlotWatch((KEY,), detected=frozenset((KEY,))))
    state.add(counts((KEY, 0, 1), (KEY, 3000, 2)))
    slots = state.advance(3001 * MINUTE)
    assert [slot.begin_ms // MINUTE for slot in slots] == list(range(3001))
    assert [slot.begins for slot in slots] == [True] + [False] * 3000
    assert [slot.silent for slot in slots] == [False] * (1 + MOST_EMPTY) + [True] * (2999 - MOST_EMPTY) + [False]
    assert [slot.begin_ms // MINUTE for slot in slots if slot.first] == [0, 3000], "as if it had slept"
    slots = state.advance(20_000 * MINUTE)
    assert len(slots) == MOST_SILENT
    assert [slot.sleeps for slot in slots] == [False] * (MOST_SILENT - 1) + [True]
    assert state.empty


def test_the_slot_within_which_all_input_ends_is_not_complete():
    state = SlotState(WATCH)
    state.add(counts((KEY, 0, 1), until_ms=3 * MINUTE + 5))
    slots = [*state.advance(MINUTE), *state.advance(FAR_FUTURE_MS - 1)]
    assert [slot.complete for slot in slots] == [True, True, True, False]


def test_a_series_that_moves_to_another_shard_ends_here_with_what_was_counted_here():
    key = SeriesKey("t-1", LINES, "", MINUTE)
    here, other = SlotWatch((key,)), SlotWatch((key,), leaders={"t-1": "t-far"})
    assert here.shard_of("t-1") != other.shard_of("t-1")
    for restored in (False, True):
        state = SlotState(here)
        state.add(SlotCounts("m", here.shard_of("t-1"), 0, {(key, 0): Cell(3), (key, 2 * MINUTE): Cell(1)}))
        assert [slot.cell.lines for slot in state.advance(MINUTE)] == [3]
        state.follow(other)
        if restored:
            state, *_ = SlotState.restore(state.snapshot(), other)
        assert [slot.cell.lines for slot in state.advance(9 * MINUTE)] == [0, 1]
        assert state.empty
