"""Sorted windows and tail rarities against slow and obvious oracles."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.tail import HIGHEST, LOOK_SHARE, TailRarity
from models.series.windows import SortedWindow, nearest

NUMBERS = st.lists(st.one_of(st.integers(0, 6).map(float), st.floats(0, 1e6)), max_size=120)


@given(NUMBERS, st.integers(1, 30))
def test_a_window_holds_the_last_numbers_sorted(numbers, size):
    window = SortedWindow(size)
    for i, number in enumerate(numbers):
        window.add(number)
        last = numbers[max(0, i + 1 - size) : i + 1]
        assert list(window.held) == last
        assert window.order == sorted(last)
        assert window.oldest() == last[0]
    assert SortedWindow(size, numbers).order == window.order


@given(st.lists(st.floats(-1e6, 1e6)), st.floats(-1e6, 1e6))
def test_nearest_is_the_least_distance(numbers, number):
    assert nearest(sorted(numbers), number) == min((abs(number - other) for other in numbers), default=math.inf)


def rarity_by_definition(before: list[float], number: float) -> float:
    """Sort everything, count everything."""
    n = len(before)
    if n <= 5:
        return 0.0
    reached = sum(other >= number for other in before)
    if reached > max(5, LOOK_SHARE * n):
        return 0.0
    falling = sorted(before, reverse=True)
    k = max(5, math.ceil(0.03 * n))
    edge = falling[k]
    if number <= edge:
        return min(HIGHEST, -math.log10((reached + 1) / (n + 1)))
    light = (number - edge) / max(sum(falling[:k]) / k - edge, 0.02 * edge) if falling[0] > 0 else math.inf
    heavy = light
    if edge > 0:
        # The ratio of a large and a tiny number is no float, the difference of their logarithms is.
        logs = [math.log(one) - math.log(edge) for one in (number, *falling[:k])]
        heavy = logs[0] / max(sum(logs[1:]) / k, 0.02)
    return min(HIGHEST, (light + heavy) / 2 / math.log(10) - math.log10(k / (n + 1)))


@pytest.mark.parametrize("memory", [7, 40, 1000])
@given(
    numbers=st.one_of(
        NUMBERS,
        st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.0, 1.0, 2.0]), max_size=400),
        st.integers(0, 400).map(lambda n: [float(n - i) for i in range(n)]),
        st.integers(0, 400).map(lambda n: [float(i * i % 97) for i in range(n)]),
    )
)
def test_rarity_is_that_of_the_definition(memory, numbers):
    tail = TailRarity(memory)
    for i, number in enumerate(numbers):
        before = numbers[max(0, i - memory) : i]
        assert tail.judge(number) == pytest.approx(rarity_by_definition(before, number), abs=1e-9)
    assert tail.arrivals() == numbers[-memory:]


@given(NUMBERS, NUMBERS)
def test_a_restored_tail_judges_on_as_before(first, second):
    whole = TailRarity(50)
    for number in first:
        whole.judge(number)
    restored = TailRarity(50, whole.arrivals())
    assert [whole.judge(number) for number in second] == [restored.judge(number) for number in second]


@pytest.mark.parametrize(
    ("draw", "one_in_a_thousand", "within"),
    [
        (lambda chance: chance.expovariate(1), math.log(1000), 0.3),
        (lambda chance: abs(chance.gauss(0, 1)), 3.2905, 0.3),
        (lambda chance: chance.paretovariate(3), 10.0, 0.5),
    ],
)
def test_light_and_heavy_tails_are_told_about_right(draw, one_in_a_thousand, within):
    """On the average of many series; of the heavy tail the exponential alone would say 3.64."""
    chance = random.Random(3)
    found = []
    for _ in range(30):
        tail = TailRarity(5000)
        for _ in range(1500):
            tail.judge(draw(chance))
        found.append(tail.judge(one_in_a_thousand))
    assert sum(found) / len(found) == pytest.approx(3.0, abs=within)


def test_the_largest_so_far_is_rarer_the_further_it_lies_out():
    def rarity(number: float) -> float:
        tail = TailRarity(10_000)
        for i in range(1000):
            tail.judge((i * 37 % 1000) / 1000)
        return tail.judge(number)

    assert rarity(0.5) == 0.0
    assert rarity(0.968) == pytest.approx(-math.log10((32 + 1) / 1001)), "32 of 1,000 reach it"
    assert 1.5 < rarity(1.0) < rarity(1.1) < rarity(1.2) <= HIGHEST
    assert rarity(100.0) == HIGHEST
