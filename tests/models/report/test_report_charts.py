"""Bins, ticks and bars over time."""

import re
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.charts import bin_times, count_ticks, draw_bars, step_for, time_ticks
from models.report.digest import digest
from models.report.text import parse_time
from tests.models.report.data import make_anomalies


def at(text):
    moment = parse_time(text)
    assert moment is not None
    return moment


MOMENTS = st.integers(-(10**12), 4 * 10**12)


def test_every_anomaly_is_in_the_bin_of_its_time_and_type():
    documents = make_anomalies(90)
    found = digest(documents, 5)
    bins = bin_times(found, 40)
    expected = Counter(
        ((at(a["@timestamp"]) - bins.start) // bins.step, found.types.index(a["type"])) for a in documents
    )
    counted = {(i, k): n for i, row in enumerate(bins.counts.tolist()) for k, n in enumerate(row) if n}
    assert counted == dict(expected)


@settings(derandomize=True, max_examples=200)
@given(MOMENTS, st.integers(0, 10**12), st.integers(3, 80))
def test_bins_cover_the_span_within_their_limit(start, span, most):
    step = step_for(span, most)
    first = start // step
    last = (start + span) // step
    assert last - first + 1 <= most


@settings(derandomize=True, max_examples=200)
@given(MOMENTS, st.integers(1, 10**12), st.integers(3, 12))
def test_ticks_lie_inside_in_order_and_are_few(start, span, most):
    ticks = [tick for tick, _, _ in time_ticks(start, start + span, most)]
    assert ticks == sorted(set(ticks))
    assert all(start <= tick <= start + span for tick in ticks)
    assert len(ticks) <= most + 1


def test_ticks_name_the_date_once():
    day = at("2008-11-09T22:00:00Z")
    ticks = time_ticks(day, day + 4 * 3_600_000, 5)
    assert [(clock, date) for _, clock, date in ticks] == [
        ("22:00", "9 Nov 2008"), ("23:00", ""), ("00:00", "10 Nov 2008"), ("01:00", ""), ("02:00", ""),
    ]  # fmt: skip


def test_long_spans_have_ticks_at_the_first_of_months():
    start, end = at("2008-01-15T00:00:00Z"), at("2009-12-15T00:00:00Z")
    assert [name for _, name, _ in time_ticks(start, end, 8)] == [
        "Apr 2008", "Jul 2008", "Oct 2008", "Jan 2009", "Apr 2009", "Jul 2009", "Oct 2009",
    ]  # fmt: skip


@settings(derandomize=True, max_examples=200)
@given(st.integers(1, 10**9))
def test_count_ticks_are_whole_even_and_reach_the_highest_closely(highest):
    ticks = count_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert len({b - a for a, b in pairwise(ticks)}) == 1
    assert ticks[-2] < highest
    assert len(ticks) <= 5


def test_the_bars_hold_every_anomaly_once_and_stay_inside():
    found = digest(make_anomalies(200), 5)
    svg = draw_bars(found, 640, 40)
    drawn: Counter[str] = Counter()
    for kind, count, x, y, wide, tall in re.findall(
        r'data-type="(\w+)" data-count="(\d+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg
    ):
        drawn[kind] += int(count)
        assert 0 <= float(x) <= 640 - float(wide)
        assert float(y) >= 0
        assert float(tall) > 0
    assert drawn == found.by_type


def test_anomalies_of_one_instant_are_one_bar():
    documents = [a | {"@timestamp": "2008-11-09T20:35:31.000Z"} for a in make_anomalies(9)]
    svg = draw_bars(digest(documents, 5), 360, 24)
    assert svg.count("<title>") == 1
    assert "9 anomalies" in svg


def test_the_quiet_before_the_first_anomaly_is_shown():
    found = digest(make_anomalies(9), 5)
    early = at("2008-11-09T00:00:00Z")
    assert bin_times(found, 40, first=early).start <= early
