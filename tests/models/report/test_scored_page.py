"""The page of scored series: bounded, and with every extreme and the worst alarms."""

import math
import re

import numpy as np
import pytest

from models.report.scored_page import render_scored
from models.report.scored_series import MOST_ALARMS, ScoredRow, ScoredSeries
from tests.models.report.test_report_page import Page

EVIL = '<script>alert(1)</script>" onload="alert(2)'


def collected(values, name="cpu", start=1_400_000_000.0, alarms=(), times=None):
    found = ScoredSeries(name)
    for row, value in enumerate(values):
        time = start + 300 * row if times is None else times[row]
        score = 0.5 + row / (2 * len(values)) if row in alarms else 0.1
        found.add(ScoredRow(time, (value, 10.0, 5.0, 15.0), score, row in alarms, "spike" if row in alarms else ""))
    return found


def line(plot):
    """The strokes of the curve of what was seen: (x, y) each."""
    (path,) = re.findall(r's-actual" d="([^"]*)"', plot.definition())
    numbers = [[float(n) for n in stroke.removesuffix("h0").split()] for stroke in path.split("M")[1:]]
    return [list(zip(stroke[::2], stroke[1::2], strict=True)) for stroke in numbers]


def test_few_rows_are_drawn_as_they_are_with_gaps_where_there_is_no_value():
    values = [10.0, 12.0, math.nan, 11.0, 13.0, 9.0]
    strokes = line(collected(values).plot("se0", 2_000))
    assert [len(stroke) for stroke in strokes] == [2, 3]
    assert [x for stroke in strokes for x, _ in stroke] == [0, 200, 600, 800, 1_000]
    assert strokes[1][1][1] == min(y for stroke in strokes for _, y in stroke), "the highest value stands highest"


def test_of_many_rows_the_extremes_and_alarms_stay_and_points_are_few():
    chance = np.random.default_rng(1)
    values = chance.normal(10, 1, 30_000)
    values[17_771], values[23_456] = 300.0, -200.0
    alarms = {5, 12_345, 29_998}
    plot = collected(values.tolist(), alarms=alarms).plot("se0", 2_000)
    (stroke,) = line(plot)
    xs, ys = [x for x, _ in stroke], [y for _, y in stroke]
    assert len(stroke) <= 2_000
    assert xs == sorted(xs)
    assert xs[ys.index(min(ys))] == pytest.approx(1_000 * 17_771 / 29_999, abs=0.06)
    assert xs[ys.index(max(ys))] == pytest.approx(1_000 * 23_456 / 29_999, abs=0.06)
    marks = [float(x) for x in re.findall(r"M([\d.]+) [\d.]+h0", plot.definition())]
    assert marks == pytest.approx([1_000 * row / 29_999 for row in sorted(alarms)], abs=0.06)


def test_the_worst_alarms_are_kept_and_all_are_counted():
    found = collected([1.0] * 2_000, alarms=range(2_000))
    assert found.alarms == 2_000
    assert len(found.worst) == MOST_ALARMS
    assert {-one.before for one in found.worst} == set(range(1_500, 2_000))
    page = Page(render_scored([found], "t", "now"))
    assert "2,000 rows · 2,000 alarms, highest score 1.00" in page.text
    assert "and 1,980 more alarms in the scores" in page.text
    assert "Spike, 2014-05-20 15:28:20 UTC: 1, 5 to 15 usual" in page.text


@pytest.mark.parametrize("times", [[None, 1e9, 2e9], [1e9, 3e9, 2e9], [1e9, 1e300, 2e300]])
def test_without_a_time_that_goes_forward_rows_are_the_axis(times):
    found = collected([1.0, 2.0, 3.0], times=times)
    plot = found.plot("se0", 100)
    assert [x for x, _ in line(plot)[0]] == [0, 500, 1_000]
    assert "in 3 rows." in plot.description()


@pytest.mark.parametrize("values", [[], [math.nan] * 3, [5.0], [7.0] * 9, [1e308, -1e308, 3.0], [0.0, 1e-9]])
def test_odd_series_are_drawn_too(values):
    series = collected(values, name=EVIL) if values else ScoredSeries(EVIL)
    text = render_scored([series], EVIL, "now")
    page = Page(text)
    assert len(page.all("script")) == 1
    assert not re.search(r'[ "M]-?(nan|inf)', re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL))


def test_series_with_the_highest_alarms_come_first_and_very_many_stay_small():
    chance = np.random.default_rng(2)
    many = [
        collected(chance.normal(0, 1, 700).tolist(), name=f"s-{k:03}", alarms={k % 700} if k % 3 else ())
        for k in range(300)
    ]
    text = render_scored(many, "t", "now")
    assert len(text.encode()) < 6_000_000
    names = re.findall(r'<b dir="auto">(s-\d+)</b>', text)
    assert len(names) == 300
    quiet = [name for name in names if int(name[2:]) % 3 == 0]
    assert names[-100:] == sorted(quiet)
    assert names[0] == "s-299"
    assert "Not drawn, to keep this file small." in text
