"""Incidents of series in the report: one each, with a plot."""

import math
import re
from collections import Counter

import pytest

from models.report import write_report
from models.report.digest import digest
from models.report.series_incident import read_incident
from models.report.series_plots import axis_of, plot_incidents
from models.report.series_section import SeriesPlots, stretches
from tests.models.report.data import anomaly, iso, make_anomalies, make_model, make_summary
from tests.models.report.series_data import series_anomalies
from tests.models.report.test_report_page import LIMIT, Page

EVIL = '<script>alert(1)</script>" onload="alert(2)\x00'


def made(number=1, start=0, slots=30, **keys):
    """An incident of ten slots of a minute at the end of a window of a flat series."""
    recent = [[iso(start + 60 * k), 50.0 if k < slots - 10 else 90.0, 50.0, 45.0, 55.0] for k in range(slots)]
    begin = start + 60 * (slots - 10)
    series = {
        "id": "lines t-get", "kind": "lines", "template": "t-get", "slot_ms": 60_000, "stage": "end",
        "begin": iso(begin), "end": iso(start + 60 * slots), "peak": iso(begin), "actual": 90.0, "typical": 50.0,
        "lower": 45.0, "upper": 55.0, "direction": "up", "lasting": False, "recent": recent, **keys,
    }  # fmt: skip
    return anomaly("spike", begin, number, source="", series=series)


@pytest.fixture
def write(tmp_path):
    def inner(anomalies, model=None):
        path = tmp_path / "report.html"
        write_report(path, anomalies, model or make_model(), make_summary(), "Scan", "2025-01-07")
        text = path.read_text(encoding="utf-8")
        return text, Page(text)

    return inner


def read(document):
    incident = read_incident(document)
    assert incident is not None
    return incident


def plotted(document):
    incident = read(document)
    return plot_incidents("se0", [incident], incident.points)


def test_begin_and_end_of_an_incident_are_one_anomaly_and_the_end_holds():
    documents = series_anomalies()
    last = {}
    for one in documents:
        last[one["id"]] = one
    assert len(last) < len(documents)
    for order in (documents, documents[::-1]):
        found = digest([*make_anomalies(9), *order], 50)
        assert found.total == 9 + len(last) == len(found.times)
        shown = {one["id"]: one for one in found.worst if "series" in one}
        assert {name: one["type"] for name, one in shown.items()} == {name: one["type"] for name, one in last.items()}
        assert {name: one["series"]["stage"] for name, one in shown.items()} == {
            name: one["series"]["stage"] for name, one in last.items()
        }
        assert sum(found.by_series.values(), Counter()) == Counter(one["type"] for one in last.values())


def test_the_end_keeps_the_slots_before_the_begin():
    begin = made(stage="begin", end=None)
    end = made(start=60 * 500)
    end = end | {"id": begin["id"], "series": end["series"] | {"begin": begin["series"]["begin"]}}
    for order in ([begin, end], [end, begin]):
        (document,) = digest(order, 5).worst
        times = [slot[0] for slot in document["series"]["recent"]]
        assert times == sorted([slot[0] for one in (begin, end) for slot in one["series"]["recent"]])
        assert document["series"]["stage"] == "end"
    curves = plotted(document).definition()
    assert len(re.findall(r'class="s-actual" d="([^"]+)"', curves)[0].split("M")[1:]) == 2, "a gap between the windows"


def test_many_incidents_are_counted_though_only_the_worst_are_kept():
    documents = [made(k, slots=11) | {"score": k / 10} for k in range(1_000)]
    found = digest(documents, 10)
    assert found.total == 1_000
    assert [one["score"] for one in found.worst] == [k / 10 for k in range(999, 989, -1)]


def test_curves_go_forward_stay_inside_and_break_where_there_is_no_value():
    document = made()
    document["series"]["recent"][12][1] = None
    definition = plotted(document).definition()
    line = re.findall(r'class="s-actual" d="([^"]+)"', definition)[0]
    numbers = [[float(n) for n in stroke.split()] for stroke in line.split("M")[1:]]
    assert [len(stroke) // 2 for stroke in numbers] == [12, 17]
    xs = [x for stroke in numbers for x in stroke[::2]]
    assert xs == sorted(xs)
    assert 0 <= xs[0] < xs[-1] <= 1_000
    assert all(0 <= y <= 170 for stroke in numbers for y in stroke[1::2])
    assert numbers[0][1] > numbers[1][-1], "higher values stand higher"
    assert definition.count("h0") == 10, "the slots outside of the bounds are marked"


def test_a_figure_names_what_it_shows_and_shades_the_incident():
    figure = plotted(made()).figure()
    page = Page(figure)
    assert len(page.all("svg")) == len(page.all("svg", role="img")) == 3
    assert page.text.count("lines t-get") == 3
    assert "50 to 90 in 30 points. Spike 2008-11-09 20:55:31 UTC, for 10 m: 90, 45 to 55 usual." in page.text
    shades = page.all("rect", **{"class": "shade t-spike"})
    assert len(shades) == 3
    svg = page.all("svg")[0]
    wide = float(svg["viewbox"].split()[2])
    assert float(shades[0]["x"]) + float(shades[0]["width"]) == pytest.approx(wide - 12)
    assert float(shades[0]["width"]) == pytest.approx((wide - 52) / 3, rel=0.01)


def test_an_incident_that_goes_on_is_shaded_to_the_last_slot():
    ended, goes_on = (
        plotted(made(stage=stage, end=end)).figure() for stage, end in (("end", iso(1800)), ("begin", None))
    )
    assert re.findall("<rect.*?/>", ended) == re.findall("<rect.*?/>", goes_on)
    assert "since 2008-11-09 20:55:31 UTC" in goes_on


def test_a_limit_is_a_line_that_the_axis_reaches_with_its_time_if_that_is_not_far():
    near, far = (read(made(limit=200.0, eta=iso(seconds)) | {"type": "forecast_limit"}) for seconds in (2400, 90_000))
    figure = plot_incidents("se0", [near], near.points).figure()
    assert figure.count('class="s-limit"') == figure.count('class="s-way"') == 3
    assert "limit 200, about 21:15 on 9 Nov" in figure
    assert axis_of(near.points, 60_000, [near]).high > (near.eta or 0)
    figure = plot_incidents("se0", [far], far.points).figure()
    assert figure.count('class="s-limit"') == 3
    assert "s-way" not in figure
    assert axis_of(far.points, 60_000, [far]).high == near.points.at[-1] + 60_000


def test_two_series_stand_above_each_other_on_one_axis():
    recent = made()["series"]["recent"]
    other = {"id": "lines t-db", "recent": [slot[:2] for slot in recent]}
    document = made(other=other, lag_slots=2, slope=0.5) | {"type": "correlation"}
    plot = plotted(document)
    definition = plot.definition()
    assert re.findall(r'<g id="(\w+)"', definition) == ["se0p0", "se0p1"]
    lines = re.findall(r's-actual" d="([^"]+)"', definition)
    assert [float(n) for n in lines[0][1:].split()[::2]] == [float(n) for n in lines[1][1:].split()[::2]]
    figure = plot.figure()
    assert figure.count(">lines t-get</text>") == figure.count(">lines t-db</text>") == 3
    assert ("Lag", "2 slots") in read(document).facts


def test_windows_that_meet_are_drawn_as_one():
    incidents = [read(made(k, start)) for k, start in enumerate((60 * 200, 0, 60 * 20, 60 * 50))]
    groups = stretches(incidents)
    assert [[one.begin for one in group] for group in groups] == [
        [incidents[0].begin], [incidents[1].begin, incidents[2].begin, incidents[3].begin],
    ]  # fmt: skip


def test_every_incident_has_an_entry_and_every_series_one(write):
    text, page = write([*make_anomalies(9), *series_anomalies()])
    names = {one["series"]["id"] for one in series_anomalies()}
    heads = [
        attributes for tag, attributes in page.tags if tag == "details" and "series" in attributes.get("class", "")
    ]
    assert len(heads) == len(names)
    assert "series" in page.ids
    uses = {one["href"][1:] for one in page.all("use")}
    assert uses <= set(page.ids)
    assert "2 incidents, highest score 100" in page.text
    assert text.count('<figure class="series">') == len({one["id"] for one in series_anomalies()})
    assert not re.search(r"\bnan\b|\binf\b", re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL))


def test_without_incidents_there_is_no_section(write):
    _, page = write(make_anomalies(9))
    assert "series" not in page.ids


def test_names_cannot_become_markup(write):
    other = {"id": EVIL, "template": EVIL, "recent": made()["series"]["recent"]}
    document = made(id=EVIL, field=EVIL, template=EVIL, kind=EVIL, other=other, eta=EVIL, end=EVIL, limit=EVIL)
    _, page = write([document | {"type": EVIL}])
    assert len(page.all("script")) == 1
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize(
    "keys",
    [
        {"recent": []}, {"recent": None}, {"recent": [["x"], 5, [iso(0)]]}, {"slot_ms": None}, {"slot_ms": -1},
        {"actual": None, "typical": None, "lower": None, "upper": None}, {"peak": None}, {"end": iso(-100)},
        {"recent": [[iso(0), 1e308, -1e308, None, 5]]}, {"recent": [[iso(60 * k), None, None] for k in range(9)]},
        {"other": "x", "lag_slots": "y"}, {"limit": math.inf, "eta": iso(1)}, {"begin": "x"},
    ],
)  # fmt: skip
def test_documents_that_say_less_are_shown_all_the_same(write, keys):
    document = made(**keys)
    text, page = write([document])
    assert len([a for t, a in page.tags if "entry" in (a.get("class") or "").split()]) == 1
    assert not re.search(r'[ "]-?(nan|inf)[ "]', text)


def test_the_largest_documents_stay_small(write):
    quotes = '"' * 5_000
    documents = []
    for k in range(300):
        one = made(k, 90_000 * (k % 5), slots=120, id=f"{k % 150}{quotes}", field=quotes)
        one["series"]["recent"] = [[slot[0], 1 / 3 + at, 0.1 + at % 7, -at / 7, at * 7.0] for at, slot in
                                   enumerate(one["series"]["recent"])]  # fmt: skip
        documents.append(one | {"reason": quotes, "score": 90.0})
    text, page = write(documents)
    assert len(text.encode()) < LIMIT
    assert "Not drawn, to keep this file small." in page.text
    assert SeriesPlots(documents).figure(documents[0]).count("<svg") == 3
