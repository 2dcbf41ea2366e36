"""Pauses double up to a bound, and end with the first success."""

import pytest

from models.back_off import FIRST_S, LONGEST_S, BackOff


class Time:
    now = 100.0

    def __call__(self):
        return self.now


def test_there_is_no_pause_before_anything_failed():
    back_off = BackOff(Time(), lambda: 0.5)
    assert (back_off.remaining(), back_off.failing) == (0, False)


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (1.0, 1.0)])
def test_pauses_double_up_to_the_longest_and_jitter_halves_them_at_most(chance, share):
    back_off, found = BackOff(Time(), lambda: chance), []
    for _ in range(9):
        back_off.failed()
        found.append(back_off.remaining())
    assert found == pytest.approx([share * min(FIRST_S * 2**n, LONGEST_S) for n in range(9)])


def test_a_pause_passes_with_time():
    clock = Time()
    back_off = BackOff(clock, lambda: 1.0)
    back_off.failed()
    clock.now += 0.15
    assert back_off.remaining() == pytest.approx(0.05)
    clock.now += 0.1
    assert (back_off.remaining(), back_off.failing) == (0, True)


def test_a_success_ends_the_pause_and_the_next_one_is_short_again():
    back_off = BackOff(Time(), lambda: 1.0)
    for _ in range(5):
        back_off.failed()
    back_off.succeeded()
    assert (back_off.remaining(), back_off.failing) == (0, False)
    back_off.failed()
    assert back_off.remaining() == pytest.approx(FIRST_S)
