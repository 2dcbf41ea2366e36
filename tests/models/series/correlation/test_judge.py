"""The judge of many pairs against a slow one of one pair; its record; its bounds."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import BatchError
from models.series.correlation.follow import FollowedPairs
from models.series.correlation.judge import CLIP, LOOSE_SLOTS, RING, SLOTS, PairFleet
from models.series.correlation.pair import MOST_LAG, Correlation, SeriesRef
from tests.models.series.correlation.pairs_of_series import FIRST, MINUTE, flow


class SlowJudge:
    """Averages of one pair, written as docs/correlation.md says it: counts, a number at a time."""

    def __init__(self, pair):
        self.pair = pair
        self.led: deque[float] = deque(maxlen=pair.lag_slots + 1)
        self.seen = 0
        self.size = self.bias = self.near = 0.0
        self.scale = (pair.spread or 0.0) / 1.2533
        self.trusted = 60 if pair.spread else 0
        self.far = 0.798

    def step(self, a, b):
        """The expected value and both averages."""
        self.led.append(a)
        if len(self.led) <= self.pair.lag_slots or math.isnan(self.led[0]) or math.isnan(b):
            return None
        expected = max(0.0, self.pair.intercept + self.pair.slope * self.led[0])
        unit = math.sqrt(max(expected, 1.0))
        if self.seen > 5:
            unit *= math.sqrt(max(1.0, expected / max(self.size, 1.0)))
        raw = (b - expected) / unit
        usual = max(1.2533 * self.scale, 0.25)
        distance = max(-CLIP, min(CLIP, (raw - self.bias) / usual))
        self.near += (distance - self.near) / SLOTS
        self.far += (abs(distance) - self.far) / LOOSE_SLOTS
        middle = expected + self.bias * unit
        known = self.seen + self.trusted
        off = raw - self.bias
        bound = CLIP * usual if known >= 5 else math.inf
        self.scale += max(1 / (known + 1), 1 / 400) * (min(abs(off), bound) - self.scale)
        self.bias += max(1 / (self.seen + 1), 1 / 720) * max(-bound, min(bound, off))
        self.size += max(1 / (self.seen + 1), 1 / 1440) * (expected - self.size)
        self.seen += 1
        return middle, self.near, self.far


@given(st.integers(0, 10_000), st.integers(0, MOST_LAG), st.booleans())
@settings(deadline=None, max_examples=25)
def test_averages_are_those_of_a_slow_judge(seed, lag, given_spread):
    rng = np.random.default_rng(seed)
    values = flow(rng, 300, base=20, lag=lag)
    values[rng.random((300, 3)) < 0.02] = np.nan
    spread = 0.3 if given_spread else None
    pair = Correlation(SeriesRef("t-a"), SeriesRef("t-b"), lag, 0.97, 0.5, spread)
    slow, fleet = SlowJudge(pair), PairFleet(MINUTE)
    fleet.add([pair])
    for at, (a, b, _) in enumerate(values.tolist()):
        judged = fleet.update(np.zeros(1, np.int64), (FIRST + at) * MINUTE, np.array([a]), np.array([b]))
        wanted = slow.step(a, b)
        if wanted is None:
            assert math.isnan(judged.expected[0])
            assert judged.rarity[0] == 0
            continue
        state = fleet._columns.arrays
        assert (judged.expected[0], state["near"][0], state["far"][0]) == pytest.approx(wanted)
        assert judged.lower[0] <= judged.expected[0] + 1e-9 <= judged.upper[0] + 2e-9


def random_pairs(rng, count):
    return [
        Correlation(SeriesRef(f"t-{n}"), SeriesRef(f"t-{n + 1}"), int(rng.integers(0, 6)), float(rng.uniform(0.5, 2)))
        for n in range(count)
    ]


def run(followed, rows, values, slots):
    told = []
    for at in slots:
        told += followed.update(rows, (FIRST + at) * MINUTE, values[at, rows], values[at, rows + 1])
    return [(one.row, one.stage, one.departure, [str(row) for row in one.recent]) for one in told]


@given(st.integers(0, 10_000), st.integers(1, 399))
@settings(deadline=None, max_examples=15)
def test_a_record_goes_on_as_if_it_had_never_stopped(seed, stop):
    rng = np.random.default_rng(seed)
    pairs = random_pairs(rng, 3)
    values = rng.poisson(30, (400, 4)).astype(float)
    values[200:260, 1] *= 3
    rows = np.arange(3)
    whole, parted, later = (FollowedPairs(MINUTE) for _ in range(3))
    for one in (whole, parted, later):
        one.add(pairs)
    wanted = run(whole, rows, values, range(400))
    got = run(parted, rows, values, range(stop))
    for row in range(3):
        later.from_record(row, parted.to_record(row))
    assert got + run(later, rows, values, range(stop, 400)) == wanted
    assert [whole.to_record(row) for row in range(3)] == [later.to_record(row) for row in range(3)]


def test_a_record_of_another_kind_or_length_is_refused():
    one, other = FollowedPairs(MINUTE), FollowedPairs(2 * MINUTE)
    for followed in (one, other):
        followed.add(random_pairs(np.random.default_rng(0), 1))
    with pytest.raises(BatchError, match="slots of 60000 ms"):
        other.from_record(0, one.to_record(0))
    with pytest.raises(BatchError):
        one.from_record(0, one.to_record(0)[:-3])
    with pytest.raises(BatchError):
        one.from_record(0, b"")


def test_pairs_do_not_depend_on_each_other_nor_on_how_they_are_grouped():
    rng = np.random.default_rng(7)
    pairs = random_pairs(rng, 5)
    values = rng.poisson(30, (300, 6)).astype(float)
    together = PairFleet(MINUTE)
    together.add(pairs)
    alone = [PairFleet(MINUTE) for _ in pairs]
    for fleet, pair in zip(alone, pairs, strict=True):
        fleet.add([pair])
    for at in range(300):
        rows = np.flatnonzero(rng.random(5) < 0.8)
        judged = together.update(rows, (FIRST + at) * MINUTE, values[at, rows], values[at, rows + 1])
        for i, row in enumerate(rows.tolist()):
            own = alone[row].update(
                np.zeros(1, np.int64), (FIRST + at) * MINUTE, values[at, [row]], values[at, [row + 1]]
            )
            assert judged.rarity[i] == own.rarity[0]
            np.testing.assert_equal(judged.expected[i], own.expected[0])


def test_slots_that_nobody_told_hold_nothing():
    fleet = PairFleet(MINUTE)
    fleet.add([Correlation(SeriesRef("t-a"), SeriesRef("t-b"), 2, 1.0)])
    zero = np.zeros(1, np.int64)
    for at in (0, 1, 2, 3 + RING, 4 + RING):
        judged = fleet.update(zero, (FIRST + at) * MINUTE, np.array([5.0]), np.array([6.0]))
        assert math.isnan(judged.expected[0]) == (at != 2)
    assert [row[0] for row in fleet.recent(0, 100)] == [(FIRST + at) * MINUTE for at in (3 + RING, 4 + RING)]


def test_the_state_of_a_pair_is_small_and_stays_so():
    fleet = PairFleet(MINUTE)
    fleet.add([Correlation(SeriesRef("t-a"), SeriesRef("t-b"), 2, 1.0)])
    assert fleet.bytes_a_pair < 2500
