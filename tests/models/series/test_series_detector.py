"""The detector as a whole: streaming, restartable, unmoved by what is no number."""

from __future__ import annotations

import base64
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batches import BatchError, pack_columns
from models.series.detector import VERSION, SeriesDetector
from models.series.settings import QUIET, SENSITIVE

FIXTURE = Path(__file__).parents[2] / "fixtures" / "series_detector_v1.json"
STEP = 300.0
SMALL = replace(SENSITIVE, memory_rows=200, warmup_rows=30)
VALUES = st.one_of(
    st.none(), st.just(math.nan), st.integers(-3, 3).map(float), st.floats(allow_nan=False, allow_infinity=False)
)
TIMES = st.one_of(st.none(), st.just(math.inf), st.floats(-1e10, 1e11))
ROWS = st.lists(st.tuples(TIMES, VALUES), max_size=150)


def daily(rows: int, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [50 + 20 * math.sin(2 * math.pi * i / 288) + chance.gauss(0, 2) for i in range(rows)]


def alarms(values, settings=SENSITIVE, start=0.0):
    detector = SeriesDetector(settings)
    return [i for i, value in enumerate(values) if detector.score_one(start + i * STEP, value).alarm]


def test_a_spike_a_drop_and_a_new_level_are_found_at_once():
    for change in ({2500: 180.0}, {2500: -90.0}, dict.fromkeys(range(2500, 2600), 150.0)):
        values = daily(3000)
        for at, value in change.items():
            values[at] = value
        assert 2500 in alarms(values), change
        assert 2500 in alarms(values, QUIET), change


def test_what_went_on_all_the_time_raises_few_alarms():
    assert len(alarms(daily(6000))) <= 12
    assert len(alarms(daily(6000), QUIET)) <= 2
    assert alarms([7.0] * 3000) == []


def test_the_first_rows_are_learnt_from_and_not_judged():
    values = daily(150)
    values[100] = 1e6
    detector = SeriesDetector()
    assert {detector.score_one(i * STEP, value).anomaly_score for i, value in enumerate(values)} == {0.0}


@given(ROWS, st.integers(0, 150))
def test_a_row_does_not_depend_on_later_rows(rows, cut):
    def results(some):
        detector = SeriesDetector(SMALL)
        return [detector.score_one(*row) for row in some]

    assert results(rows)[:cut] == results(rows[:cut])


@given(ROWS, ROWS)
def test_a_restored_detector_goes_on_as_if_it_had_never_stopped(first, second):
    detector = SeriesDetector(SMALL)
    for row in first:
        detector.score_one(*row)
    restored = SeriesDetector.from_record(detector.to_record())
    assert [detector.score_one(*row) for row in second] == [restored.score_one(*row) for row in second]
    assert restored.rows == detector.rows


def test_a_restored_detector_has_its_habituation():
    values = daily(3000)
    values[2000] = values[2400] = 200.0
    detector = SeriesDetector()
    for i, value in enumerate(values[:2500]):
        detector.score_one(i * STEP, value)
    restored = SeriesDetector.from_record(detector.to_record())
    rest = [(i * STEP, value) for i, value in enumerate([*values[2500:], 260.0], 2500)]
    assert [detector.score_one(*row) for row in rest] == [restored.score_one(*row) for row in rest]


@given(ROWS)
def test_results_are_in_their_ranges(rows):
    detector = SeriesDetector(SMALL)
    for time, value in rows:
        result = detector.score_one(time, value)
        assert 0.0 <= result.anomaly_score <= 1.0
        assert result.alarm == (result.anomaly_score >= 0.5)
        if result.expected is not None and result.lower is not None and result.upper is not None:
            assert result.lower <= result.expected <= result.upper


def test_rows_without_a_value_leave_no_trace():
    values = daily(2000)
    with_gaps = SeriesDetector()
    without = SeriesDetector()
    for i, value in enumerate(values):
        if i % 7 == 0:
            for nothing in (None, math.nan, math.inf, -math.inf):
                gap = with_gaps.score_one(i * STEP, nothing)
                assert (gap.anomaly_score, gap.alarm) == (0.0, False)
        assert with_gaps.score_one(i * STEP, value) == without.score_one(i * STEP, value)
    assert with_gaps.to_record() == without.to_record()


def test_times_that_stand_still_or_go_back_are_rows_like_others():
    detector = SeriesDetector()
    for i, value in enumerate(daily(1000)):
        detector.score_one(1000.0 - i * 10.0 if i % 3 else 0.0, value)
    assert detector.score_one(0.0, 500.0).alarm


def test_the_unit_of_the_values_does_not_matter():
    values = daily(3000)
    values[2500] = 180.0
    detectors = SeriesDetector(), SeriesDetector()
    for i, value in enumerate(values):
        # Powers of two scale without rounding.
        one, other = detectors[0].score_one(i * STEP, value), detectors[1].score_one(i * STEP, value * 1024)
        assert one.anomaly_score == pytest.approx(other.anomaly_score, abs=1e-9)
        assert one.alarm == other.alarm


def test_the_record_is_bounded():
    detector = SeriesDetector(replace(SENSITIVE, memory_rows=300))
    sizes = []
    for i, value in enumerate(daily(4000)):
        detector.score_one(i * STEP, value)
        if i in (3000, 3999):
            sizes.append(len(detector.to_record()))
    assert abs(sizes[0] - sizes[1]) < 0.1 * sizes[0]
    assert sizes[1] < 300 * 8 * 10 + 20_000


def test_a_record_of_version_1_is_read_and_what_it_did_not_know_is_learnt_from_its_values():
    record = base64.b64decode(json.loads(FIXTURE.read_text())["record"])
    detector = SeriesDetector.from_record(record)
    assert detector.rows == 500
    values = [50 + 20 * math.sin(2 * math.pi * i / 96) for i in range(500, 900)]
    values[350] = 260.0
    found = [detector.score_one(i * 900.0, value).alarm for i, value in enumerate(values, 500)]
    assert found[350]
    assert sum(found) <= 4
    again = SeriesDetector.from_record(detector.to_record())
    assert again.score_one(0.0, 300.0) == detector.score_one(0.0, 300.0)
    with pytest.raises(BatchError, match="damaged"):
        SeriesDetector.from_record(pack_columns(1, {"kind": "weirwatch.series"}, []))


def test_a_record_of_something_else_is_refused():
    with pytest.raises(BatchError, match="not the state of a series"):
        SeriesDetector.from_record(pack_columns(VERSION, {"kind": "weirwatch.shard"}, []))
    with pytest.raises(BatchError, match="layout 9"):
        SeriesDetector.from_record(pack_columns(9, {}, []))
    whole = SeriesDetector().to_record()
    with pytest.raises(BatchError):
        SeriesDetector.from_record(whole[:-3])
    with pytest.raises(BatchError, match="damaged"):
        SeriesDetector.from_record(pack_columns(VERSION, {"kind": "weirwatch.series"}, []))
