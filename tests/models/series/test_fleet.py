"""Many series at once are judged as each would be alone, and go on from their records."""

from __future__ import annotations

import numpy as np
import pytest

from models.batches import BatchError
from models.series.fleet import Fleet
from models.series.watch import SeriesWatch

SLOT = 3_600_000
SLOTS = 24 * 20


def series(seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(SLOTS) / 24) * (seed % 2) + chance.normal(0, 2, SLOTS)
    values[chance.random(SLOTS) < 0.02] = np.nan
    if seed % 3 == 0:
        values[SLOTS - 60 :] += 40
    if seed % 3 == 1:
        values[SLOTS - 40 : SLOTS - 20] = np.nan
    return values


def alone(values: np.ndarray) -> tuple[list, list]:
    watch = SeriesWatch(SLOT, limit=200.0)
    results = [watch.learn_one(slot * SLOT, float(value)) for slot, value in enumerate(values)]
    told = [(one.stage, one.incident) for result in results for one in result.told]
    return [list(result.scores.values()) for result in results], told


@pytest.mark.parametrize("seed", [0, 1])
def test_a_fleet_says_of_each_series_what_is_said_of_it_alone(seed):
    """However slots are grouped into calls: in each, a random part of the series has its next slot."""
    count = 6
    values = [series(number) for number in range(count)]
    fleet = Fleet(SLOT, count)
    for row in range(count):
        fleet.set_limit(row, 200.0)
    chance = np.random.default_rng(seed)
    next_ = np.zeros(count, dtype=np.int64)
    found: list[list] = [[] for _ in range(count)]
    told: list[list] = [[] for _ in range(count)]
    while (next_ < SLOTS).any():
        rows = np.flatnonzero((next_ < SLOTS) & (chance.random(count) < 0.8))
        if not len(rows):
            continue
        now = np.array([values[row][next_[row]] for row in rows])
        judged = fleet.update(rows, next_[rows] * SLOT, now)
        for at, row in enumerate(rows):
            found[row].append(judged.rarities[at] / 10)
        for one in judged.told:
            told[one.row].append((one.stage, one.incident))
        next_[rows] += 1
    assert sum(map(len, told)) >= 4
    for row in range(count):
        scores, incidents = alone(values[row])
        np.testing.assert_allclose(np.array(found[row]), np.array(scores), rtol=1e-6, atol=1e-9)
        assert [(stage, one.type, one.begin_ms, one.last_ms) for stage, one in told[row]] == [
            (stage, one.type, one.begin_ms, one.last_ms) for stage, one in incidents
        ]


@pytest.mark.parametrize("cut", [0, 1, 30, SLOTS - 55])
def test_a_series_goes_on_from_its_record(cut):
    values = series(3)
    first = SeriesWatch(SLOT)
    for slot in range(cut):
        first.learn_one(slot * SLOT, values[slot])
    second = SeriesWatch(SLOT)
    second.from_record(first.to_record())
    for slot in range(cut, SLOTS):
        one, other = first.learn_one(slot * SLOT, values[slot]), second.learn_one(slot * SLOT, values[slot])
        assert one == other
    assert first.to_record() == second.to_record()


def test_scoring_alone_changes_nothing():
    watch = SeriesWatch(SLOT)
    for slot, value in enumerate(series(0)[:300]):
        before = watch.to_record()
        tried = watch.score_one(slot * SLOT, value)
        assert watch.to_record() == before
        assert tried == watch.learn_one(slot * SLOT, value)


def test_the_state_of_a_series_is_bounded():
    fleet = Fleet(SLOT, 1)
    for slot, value in enumerate(series(2)):
        fleet.update(np.array([0]), np.array([slot * SLOT]), np.array([value]))
        assert len(fleet.to_record(0)) <= 10_000


@pytest.mark.parametrize("cut", [0, 1, SLOTS - 55])
def test_all_series_go_on_from_one_record(cut):
    values = np.array([series(number) for number in range(4)])
    rows = np.arange(4)
    first = Fleet(SLOT, 4)
    for slot in range(cut):
        first.update(rows, np.full(4, slot * SLOT), values[:, slot])
    record = first.all_to_record()
    second = Fleet(SLOT, 1)
    second.all_from_record(record)
    assert len(record) < 4 * 10_000
    for slot in range(cut, SLOTS):
        one, other = (fleet.update(rows, np.full(4, slot * SLOT), values[:, slot]) for fleet in (first, second))
        np.testing.assert_array_equal(one.rarities, other.rarities)
        assert one.told == other.told
    assert first.all_to_record() == second.all_to_record()
    with pytest.raises(BatchError, match="slots of 3600000 ms does not fit slots of 60000 ms"):
        Fleet(60_000).all_from_record(record)
    with pytest.raises(BatchError):
        second.all_from_record(first.to_record(0))
    with pytest.raises(BatchError):
        second.all_from_record(record[:-5])


def test_records_of_something_else_are_refused():
    watch = SeriesWatch(SLOT)
    with pytest.raises(BatchError, match="slots of 3600000 ms does not fit slots of 60000 ms"):
        SeriesWatch(60_000).from_record(watch.to_record())
    with pytest.raises(BatchError):
        watch.from_record(watch.to_record()[:200])
    with pytest.raises(BatchError):
        watch.from_record(b"something else")


def test_numbers_beyond_all_measure_do_no_harm():
    fleet = Fleet(SLOT, 2)
    chance = np.random.default_rng(0)
    for slot in range(600):
        values = chance.normal(5, 1, 2)
        if slot % 50 == 0:
            values[0] = [1e308, -1e308, np.inf][slot // 50 % 3]
        judged = fleet.update(np.arange(2), np.full(2, slot * SLOT), values)
        assert np.isfinite(judged.rarities).all()
        assert ((judged.scores >= 0) & (judged.scores <= 1)).all()
