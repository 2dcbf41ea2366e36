"""Shares that drift: found soon and told once; no alarm while they only vary, by chance or in bursts."""

import math

import numpy as np
import pytest

from models.schema_check import check
from models.slots.aligned import ClosedSlot
from models.slots.cells import Cell
from models.slots.drift import DriftJudge
from models.slots.drift_document import drift_document, percent
from models.slots.settings import Category, Share, Window
from models.slots.shares import ALARM, fit, with_others
from tests.models.slots.drifts import DAY, KEY, MINUTE, judged, learned, traffic
from tests.models.slots.lines import model

GIVEN = Category("t-get", "status", (Share("200", 0.9), Share("500", 0.1)), support=10_000)

KINDS = {
    "two values": ((0.9, 0.1), 100, 0.0),
    "few lines": ((0.9, 0.1), 10, 0.0),
    "five values": ((0.5, 0.3, 0.15, 0.04, 0.01), 150, 0.0),
    "a rare value": ((0.9985, 0.001, 0.0005), 300, 0.0),
    "varying a little": ((0.9, 0.1), 200, 0.002),
    "varying a lot": ((0.7, 0.2, 0.1), 200, 0.01),
}


@pytest.mark.parametrize("kind", KINDS)
def test_normal_traffic_makes_no_alarm_and_a_drift_is_told_once(kind):
    """Three seeds of each: two days to learn from, three without drift, then two hours with one."""
    shares, base, dispersion = KINDS[kind]
    drifted = np.array(shares)
    drifted[1] += 0.2
    drifted /= drifted.sum()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        category = learned(traffic(rng, 2 * DAY, base, shares, dispersion))
        assert category is not None
        assert judged(category, traffic(rng, 3 * DAY, base, shares, dispersion)) == []
        watched = np.concatenate(
            [
                traffic(rng, 720, base, shares, dispersion),
                traffic(rng, 120, base, drifted.tolist(), dispersion),
                traffic(rng, 240, base, shares, dispersion),
            ]
        )
        told = judged(category, watched)
        assert [720 <= slot < 840 for slot, _ in told] == [True]


def test_a_slow_drift_shows_over_more_slots():
    """A tenth becomes 30 percent where a slot has some ten lines only."""
    rng = np.random.default_rng(0)
    category = learned(traffic(rng, 3 * DAY, 10, (0.9, 0.1)))
    assert category is not None
    assert [window.slots for window in category.windows] == [10, 60]
    delays = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        told = judged(category, np.concatenate([traffic(rng, 200, 10, (0.9, 0.1)), traffic(rng, 60, 10, (0.7, 0.3))]))
        delays += [slot - 200 for slot, _ in told]
    assert len(delays) == 5
    assert all(0 <= delay < 30 for delay in delays)


def test_the_second_incident_is_told_too():
    rng = np.random.default_rng(1)
    category = learned(traffic(rng, 2 * DAY, 100, (0.9, 0.1)))
    assert category is not None
    calm, wrong = ((0.9, 0.1), 200), ((0.6, 0.4), 30)
    counts = np.concatenate([traffic(rng, slots, 100, shares) for shares, slots in (calm, wrong, calm, wrong, calm)])
    assert [slot in range(200, 230) or slot in range(430, 460) for slot, _ in judged(category, counts)] == [True, True]


def test_a_value_never_seen_is_told_by_its_name():
    rng = np.random.default_rng(2)
    counts = np.column_stack([traffic(rng, 2 * DAY, 100, (0.9, 0.1)), np.zeros(2 * DAY, np.int64)])
    category = learned(counts)
    assert category is not None
    assert [share.value for share in category.shares] == ["v0", "v1"]
    counts[50:60, 2] = 10
    ((slot, drift),) = judged(category, counts[:100])
    assert slot == 50
    assert drift.values["v2"] == 10


def test_an_alarm_is_as_rare_as_it_says():
    """Where no large change is asked for, one test in a thousand is below one in a thousand."""
    rng = np.random.default_rng(3)
    normal = with_others(np.array([0.6, 0.3, 0.1]), 10**9)
    below = sum(
        fit(np.append(rng.multinomial(500, (0.6, 0.3, 0.1)), 0), normal, 0.0, 0).log_p < math.log(1e-3)
        for _ in range(20_000)
    )
    assert below <= 40
    far = fit(np.array([600, 300, 100, 0]), with_others(np.array([0.5, 0.3, 0.2]), 0), 0.0, 0)
    assert far.log_p < math.log(ALARM)
    assert far.shift == pytest.approx(0.1, abs=1e-5)


def test_dispersion_and_little_support_make_it_slower_to_alarm():
    counts, normal = np.array([80, 20, 0]), with_others(np.array([0.9, 0.1]), 10**6)
    plain = fit(counts, normal, 0.0, 0).log_p
    assert plain < fit(counts, normal, 0.01, 0).log_p < fit(counts, normal, 0.1, 0).log_p
    assert plain < fit(counts, normal, 0.0, 100).log_p


def test_a_change_that_is_significant_but_slight_is_no_alarm():
    normal = with_others(np.array([0.9, 0.1]), 10**7)
    found = fit(np.array([890_000, 110_000, 0]), normal, 0.0, 0)
    assert found.log_p < math.log(ALARM)
    assert not found.alarms


def test_few_lines_are_not_judged():
    assert not fit(np.array([0, 19, 0]), with_others(np.array([0.9, 0.1]), 100), 0.0, 0).alarms


def test_a_restored_judge_goes_on_where_it_was():
    rng = np.random.default_rng(4)
    category = Category("t-1", "status", (Share("v0", 0.9), Share("v1", 0.1)), windows=(Window(1), Window(10)))
    counts = np.concatenate([traffic(rng, 30, 60, (0.9, 0.1)), traffic(rng, 30, 60, (0.6, 0.4))])
    whole = [slot for slot, _ in judged(category, counts)]
    for cut in (5, 31, 45):
        judge = DriftJudge(category)
        told = [slot for slot, _ in judged(category, counts[:cut], judge)]
        judge = DriftJudge(category, judge.to_record())
        for number, row in enumerate(counts[cut:].tolist(), cut):
            cell = Cell(sum(row), {f"v{n}": lines for n, lines in enumerate(row) if lines})
            if judge.step(ClosedSlot(KEY, number * MINUTE, cell, False)) is not None:
                told.append(number)
        assert told == whole


def test_the_document_says_what_was_seen_and_what_is_usual():
    key = KEY._replace(template="t-get")
    drift = DriftJudge(GIVEN).step(ClosedSlot(key, 60_000, Cell(100, {"200": 70, "418": 30}), True))
    assert drift is not None
    document = drift_document(model(), GIVEN, drift)
    assert check("anomaly", document) == []
    assert document["type"] == "category_drift"
    assert document["@timestamp"] == "1970-01-01T00:01:00.000Z"
    assert document["category"] == {
        "field": "status",
        "begin": "1970-01-01T00:01:00.000Z",
        "end": "1970-01-01T00:02:00.000Z",
        "lines": 100,
        "moved": "418",
        "shares": [
            {"value": "418", "actual": 0.3, "typical": 0.0},
            {"value": "200", "actual": 0.7, "typical": 0.9},
            {"value": "500", "actual": 0.0, "typical": 0.1},
        ],
    }
    assert document["actual"] == "418 30 %, 200 70 %, 500 0 %"
    assert document["typical"] == "200 90 %, 500 10 %"
    assert document["reason"] == (
        "From 1970-01-01T00:01:00.000Z on, for 1 min, 30 % of the 100 lines of "
        '"GET status=<status> took=<took>" had status 418; it is none of the usual values (learnt from 10,000 lines).'
    )


def test_of_two_values_that_moved_alike_the_one_that_rose_is_told():
    drift = DriftJudge(GIVEN).step(ClosedSlot(KEY, 0, Cell(200, {"200": 140, "500": 60}), True))
    assert drift is not None
    document = drift_document(model(), GIVEN, drift)
    assert document["category"]["moved"] == "500"
    assert "30 % of the 200 lines" in document["reason"]
    assert "had status 500; 10 % is normal" in document["reason"]


@pytest.mark.parametrize(
    ("share", "text"), [(0.123, "12 %"), (0.0345, "3.5 %"), (0.0005, "0.05 %"), (0, "0 %"), (1, "100 %")]
)
def test_shares_in_words(share, text):
    assert percent(share) == text
