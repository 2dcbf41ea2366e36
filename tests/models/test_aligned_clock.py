"""The aligned clock waits for whom it must, and for nobody else."""

from __future__ import annotations

import pytest

from models.aligned_clock import AlignedClock, ClockSettings
from models.detection import FAR_PAST_MS

P, Q = "logs/0", "logs/1"
DAY = 1_700_000_000_000


def clock(**settings) -> AlignedClock:
    return AlignedClock(ClockSettings(**{"idle_ms": 1_000, "timeout_ms": 60_000, **settings}))


def read_all(aligned: AlignedClock, now_ms: int, **ends: int) -> None:
    """The broker says where partitions end: logs_0=5 for partition logs/0."""
    aligned.probed({name.replace("_", "/"): end for name, end in ends.items()}, now_ms)


def test_nobody_is_waited_for_where_nothing_is_known():
    assert clock().aligned(0) is None


def test_the_slowest_source_holds_it_back():
    it = clock()
    it.hear(P, "a", DAY + 5, 0)
    it.hear(Q, "b", DAY + 3, 0)
    assert it.aligned(1) == DAY + 3
    it.hear(Q, "b", DAY + 9, 2)
    assert it.aligned(3) == DAY + 5


def test_a_source_without_a_clock_holds_it_back_altogether():
    it = clock()
    it.hear(P, "a", DAY, 0)
    it.hear(P, "b", None, 0)
    assert it.aligned(1) == FAR_PAST_MS
    it.hear(P, "b", DAY - 7, 2)
    assert it.aligned(3) == DAY - 7


def test_a_clock_does_not_go_back():
    it = clock()
    it.hear(P, "a", DAY, 0)
    it.hear(P, "a", DAY - 50, 1)
    assert it.aligned(1) == DAY


def test_a_partition_with_lines_is_waited_for_until_one_of_them_is_read():
    it = clock()
    it.expect(Q, 0, True, 0)
    it.hear(P, "a", DAY, 0)
    assert it.aligned(1) == FAR_PAST_MS
    read_all(it, 2, logs_0=0, logs_1=10)
    assert it.aligned(3) == FAR_PAST_MS
    it.read(Q, 10)
    it.hear(Q, "b", DAY - 1, 4)
    assert it.aligned(5) == DAY - 1


def test_an_expected_partition_without_anything_to_read_is_not_waited_for():
    it = clock()
    it.expect(Q, 10, True, 0)
    it.hear(P, "a", DAY, 0)
    read_all(it, 1, logs_1=10)
    assert it.aligned(2) == DAY


def silent(**settings) -> AlignedClock:
    """A source that has said nothing since 0, all of whose lines have been read, as the broker says at 100."""
    it = clock(**settings)
    it.read(P, 5)
    it.hear(P, "a", DAY, 0)
    read_all(it, 100, logs_0=5)
    return it


def test_the_clock_of_a_silent_source_goes_on_once_it_has_been_idle():
    it = silent()
    assert it.aligned(1_100) == DAY
    assert it.aligned(1_101) == DAY + 1_001
    assert it.aligned(31_100) == DAY + 31_000


def test_without_heartbeats_it_stands():
    assert silent(heartbeats=False).aligned(31_100) == DAY


def test_a_vanished_source_is_not_waited_for_with_and_without_heartbeats():
    for heartbeats in (True, False):
        it = silent(heartbeats=heartbeats)
        it.hear(Q, "b", DAY + 500, 100)
        assert it.aligned(60_101) == DAY + 500
        it.hear(P, "a", DAY + 90, 60_102)
        assert it.aligned(60_103) == DAY + 90


def test_nobody_is_silent_while_the_broker_does_not_answer():
    it = silent()
    it.probed(None, 500)
    assert it.aligned(50_000) == DAY
    # Silence is counted anew once it answers.
    read_all(it, 50_000, logs_0=5)
    assert it.aligned(50_900) == DAY
    assert it.aligned(51_500) == DAY + 1_500


def test_nobody_is_silent_while_lines_are_still_to_be_read():
    it = silent()
    read_all(it, 500, logs_0=8)
    assert it.aligned(50_000) == DAY
    it.read(P, 8)
    it.hear(P, "a", DAY + 1, 50_001)
    read_all(it, 50_100, logs_0=8)
    assert it.aligned(50_200) == DAY + 1


def test_a_partition_that_was_empty_has_been_read_from_where_it_began():
    it = clock()
    it.expect(P, 5, False, 0)
    assert it.aligned(1) is None
    assert not it.caught_up(P)
    read_all(it, 100, logs_0=5)
    assert it.caught_up(P)


def test_word_of_a_partition_that_is_being_read_changes_nothing():
    it = clock()
    it.read(P, 5)
    it.hear(P, "a", DAY, 0)
    it.expect(P, 0, True, 1)
    assert it.aligned(2) == DAY
    assert it.read_to(P) == 5


def test_a_source_has_vanished_after_the_time_limit_alone():
    it = silent()
    assert it.is_waited_for(P, "a")
    assert not it.has_vanished(P, "a", 60_100)
    assert it.has_vanished(P, "a", 60_101)
    it.drop(P, "a")
    assert not it.is_waited_for(P, "a")
    assert not it.has_vanished(P, "a", 60_101)


def test_an_agents_word_moves_the_clock():
    it = clock(lateness_ms=10)
    it.hear(P, "a", DAY, 0)
    it.tell("a", DAY + 100, 1)
    assert it.aligned(2) == DAY + 90
    it.tell("a", DAY + 50, 3)
    assert it.aligned(4) == DAY + 90


def test_an_agents_word_counts_for_a_source_that_is_heard_later():
    it = clock()
    it.tell("a", DAY + 100, 0)
    it.hear(P, "a", None, 1)
    assert it.aligned(2) == DAY + 100


def test_of_what_agents_said_the_older_half_is_forgotten_once_it_is_too_much():
    it = clock()
    for number in range(4):
        it.tell(f"s{number}", DAY - number, 0)
        assert it.forget_told(4) == []
    it.tell("s4", DAY + 1, 0)
    assert sorted(it.forget_told(4)) == ["s1", "s2", "s3"]
    assert it.forget_told(4) == []
    it.hear(P, "s3", DAY - 50, 1)
    assert it.aligned(1) == DAY - 50
    it.hear(P, "s3", DAY + 50, 1)
    it.hear(P, "s4", DAY - 50, 1)
    assert it.aligned(1) == DAY + 1


def test_a_source_that_has_ended_is_not_waited_for_until_it_writes_again():
    it = clock()
    it.hear(P, "a", DAY, 0)
    it.hear(P, "b", DAY + 7, 0)
    it.drop(P, "a")
    assert it.aligned(1) == DAY + 7
    it.hear(P, "a", DAY + 2, 2)
    assert it.aligned(3) == DAY + 2


@pytest.mark.parametrize("first", [P, Q])
def test_of_a_source_in_two_partitions_the_slower_is_told(first):
    it = clock()
    it.hear(P, "a", DAY, 0)
    it.hear(Q, "a", DAY + 5, 0)
    it.hear(first, "b", None, 0)
    assert it.clocks(1) == {"a": DAY}
