"""The report in a real browser: what it shows, how it filters, and that it fits the screen."""

import math
import re
import struct
from collections import Counter

import pytest

from models.report import write_report
from models.report.scored_page import write_scored
from tests.browser.headless import browser
from tests.models.report.data import anomaly, iso, make_anomalies, make_model, make_summary, wide_model
from tests.models.report.series_data import series_anomalies
from tests.models.report.test_scored_page import collected

pytestmark = pytest.mark.browser

ANOMALIES = make_anomalies(27)
SHOWN = "[...document.querySelectorAll('.entry')].filter(e => e.offsetParent !== null)"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def write(folder, name, anomalies, model=None, summary=None):
    path = folder / f"{name}.html"
    write_report(path, anomalies, model or make_model(), summary or make_summary(anomalies), name, "2025-01-07")
    return path


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The usual report and those at the edges, by name."""
    folder = tmp_path_factory.mktemp("pages")
    wide = wide_model(40)
    names = [state["id"] for state in wide["automata"][0]["states"]]
    large = [a | {"transaction": a["transaction"] and a["transaction"] | {"states": names}} for a in ANOMALIES]
    for document in large:
        if document["violations"]:
            document["violations"] = [v | {"state": names[20], "other": names[3]} for v in document["violations"]]
    odd = anomaly(
        "unmatched_log", 5, 1, reason="النظام " + "x" * 3_000, source="/very/long/path" * 20, actual="y" * 400,
        evidence=[{"file": "/very/long/path" * 20, "line": 1, "timestamp": iso(5), "text": "z" * 5_000}],
    )  # fmt: skip
    long = "/very/long/path" * 20
    waves = [1e9 + 4e8 * math.sin(row / 40) for row in range(3_000)]
    scored = [collected(waves, long, alarms=range(100, 3_000, 90)), collected([-1.0, 2.0], times=[None, None])]
    write_scored(folder / "scored.html", scored, "Weirwatch: " + long, "2025-01-07")
    return {
        "scored": folder / "scored.html",
        "usual": write(folder, "usual", ANOMALIES),
        "quiet": write(folder, "quiet", []),
        "large": write(folder, "large", large, wide),
        "odd": write(folder, "odd" + "w" * 180, [odd], summary=make_summary(files=["/very/long/path" * 20] * 9)),
        "series": write(folder, "series", list(series_anomalies())),
        "evil": write(folder, "evil", [a | {"reason": "<script>document.title = 'taken'</script>"} for a in ANOMALIES]),
    }


def test_the_counts_shown_equal_the_data(chromium, pages):
    chromium.open(pages["usual"])
    expected = Counter(a["type"] for a in ANOMALIES)
    tiles = chromium.ask(
        "Object.fromEntries([...document.querySelectorAll('.tiles dd')].map(d => [d.dataset.key, d.firstChild.data]))"
    )
    summary = make_summary()
    assert tiles["anomalies"] == "27"
    for key in ("lines", "matched", "unmatched", "continued", "dead_letters", "transactions"):
        assert tiles[key] == f"{summary[key]:,}"
    legend = chromium.ask(
        "Object.fromEntries([...document.querySelectorAll('.legend li')]"
        ".map(l => [l.dataset.type, Number(l.querySelector('b').textContent)]))"
    )
    assert legend == expected
    bars = chromium.ask(
        "[...document.querySelectorAll('.chart')].filter(c => c.offsetParent).map(c => "
        "[...c.querySelectorAll('rect')].map(r => [r.dataset.type, Number(r.dataset.count)]))"
    )
    assert len(bars) == 1, "one of the three charts is shown"
    drawn: Counter[str] = Counter()
    for kind, count in bars[0]:
        drawn[kind] += count
    assert drawn == expected
    assert chromium.ask(f"{SHOWN}.length") == 27
    scores = chromium.ask(f"{SHOWN}.map(e => Number.parseFloat(e.querySelector('.score').firstChild.data))")
    assert scores == sorted((a["score"] for a in ANOMALIES), reverse=True)


def test_filters_by_type_text_and_source_work_together(chromium, pages):
    chromium.open(pages["usual"])
    chromium.click("#filter [data-type=too_many]")
    assert chromium.ask(f"{SHOWN}.map(e => e.dataset.type)") == ["too_many"] * 3
    chromium.click("#filter [data-type=unmatched_log]")
    assert chromium.ask(f"{SHOWN}.length") == 6
    assert chromium.ask("document.querySelector('#filter output').textContent") == "6 of 27"
    chromium.ask("(s => { s.value = 'shop.log'; s.dispatchEvent(new Event('change')); })(document.forms.filter.source)")
    assert chromium.ask(f"{SHOWN}.map(e => e.dataset.type)") == ["unmatched_log"] * 3
    chromium.type("#filter input", "DISK <sda2> failed")
    assert chromium.ask(f"{SHOWN}.length") == sum("disk <sda2>" in a["evidence"][0]["text"] for a in ANOMALIES) == 1
    chromium.type("#filter input", " nothingsuch")
    assert chromium.ask(f"{SHOWN}.length") == 0
    assert chromium.ask("document.getElementById('none').offsetParent !== null")
    chromium.click("#filter [name=clear]")
    assert chromium.ask(f"{SHOWN}.length") == 27
    assert chromium.messages() == []


def test_the_filter_and_the_details_work_by_keyboard(chromium, pages):
    chromium.open(pages["usual"])
    chromium.ask("document.querySelector('#filter [data-type=too_few]').focus()")
    chromium.press(" ")
    assert chromium.ask(f"{SHOWN}.map(e => e.dataset.type)") == ["too_few"] * 3
    chromium.ask(f"{SHOWN}[0].querySelector('summary').focus()")
    chromium.press("\ue007")
    assert chromium.ask(f"{SHOWN}[0].querySelector('details').open")


def test_templates_are_sorted_by_a_click_and_back(chromium, pages):
    chromium.open(pages["usual"])
    learnt = "[...document.querySelectorAll('.templates tbody tr')].map(r => Number(r.cells[1].dataset.value))"
    expected = sorted((item["count"] for item in make_model()["templates"]), reverse=True)
    chromium.click(".templates th:nth-child(2) button")
    assert chromium.ask(learnt) == expected
    chromium.click(".templates th:nth-child(2) button")
    assert chromium.ask(learnt) == expected[::-1]
    assert chromium.ask("document.querySelector('.templates th:nth-child(2)').ariaSort") == "ascending"


def test_a_violated_transaction_shows_its_automaton_with_the_state_marked(chromium, pages):
    chromium.open(pages["usual"])
    chromium.click("#filter [data-type=missing_state]")
    chromium.click("#filter [name=toggle]")
    entry = f"{SHOWN}[0]"
    mark = f"{entry}.querySelector('.violated[data-state=received_block_of_size_from]')"
    assert chromium.ask(f"{mark}.querySelector('.badcount').textContent") == "seen 0×"
    shape, drawing, scroll = (
        chromium.ask(f"(r => [r.left, r.top, r.right, r.bottom])({element}.getBoundingClientRect())")
        for element in (mark, f"{entry}.querySelector('use')", f"{entry}.querySelector('.scroll')")
    )
    assert shape[2] - shape[0] > 150
    assert drawing[3] - drawing[1] > 300, "the automaton itself is drawn through its reference"
    assert all(scroll[side] <= shape[side] for side in (0, 1))
    assert all(scroll[side] >= shape[side] for side in (2, 3))
    red = chromium.ask(f"getComputedStyle({mark}.querySelector('rect')).stroke")
    assert red == "rgb(179, 34, 28)"


def test_a_large_automaton_opens_where_it_was_violated(chromium, pages):
    chromium.open(pages["large"], 390)
    box, frame = (
        chromium.ask(
            f"(r => [r.left, r.top, r.right, r.bottom])(document.querySelector('{name}').getBoundingClientRect())"
        )
        for name in (".violated", ".entry .scroll")
    )
    assert frame[0] < (box[0] + box[2]) / 2 < frame[2]
    assert frame[1] < (box[1] + box[3]) / 2 < frame[3]


def test_no_text_of_a_drawing_leaves_its_box_or_meets_another(chromium, pages):
    for name in ("usual", "large"):
        chromium.open(pages[name])
        chromium.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        # What <use> copies cannot be measured, so the definitions are shown in a drawing of their own.
        problems = chromium.ask(
            """(() => {
              const found = [];
              for (const group of document.querySelectorAll('defs > g')) {
                const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
                document.body.append(svg);
                svg.append(group);
                for (const state of group.querySelectorAll('g')) {
                  const box = state.querySelector('rect').getBoundingClientRect();
                  const texts = [...state.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
                  for (const [text, r] of texts)
                    if (r.left < box.left || r.right > box.right || r.top < box.top || r.bottom > box.bottom)
                      found.push('leaves its box: ' + text.textContent);
                  for (const [a, p] of texts) for (const [b, q] of texts)
                    if (a !== b && p.left < q.right && q.left < p.right && p.top < q.bottom - 3 && q.top < p.bottom - 3)
                      found.push('meets another: ' + a.textContent);
                }
              }
              return found;
            })()"""
        )
        assert problems == []


def test_ticks_of_the_chart_do_not_meet(chromium, pages):
    for width in (390, 700, 1280):
        chromium.open(pages["usual"], width)
        boxes = chromium.ask(
            "[...document.querySelectorAll('.bars text')].filter(t => t.getBoundingClientRect().width).map(t => "
            "(r => [r.left, r.top, r.right, r.bottom, t.textContent])(t.getBoundingClientRect()))"
        )
        frame = chromium.ask("(r => [r.left, r.right])([...document.querySelectorAll('.chart')]"
                             ".find(c => c.offsetParent).getBoundingClientRect())")  # fmt: skip
        assert len(boxes) > 4
        for index, one in enumerate(boxes):
            assert frame[0] <= one[0]
            assert one[2] <= frame[1]
            for two in boxes[index + 1 :]:
                apart = one[2] <= two[0] or two[2] <= one[0] or one[3] - 2 <= two[1] or two[3] - 2 <= one[1]
                assert apart, (width, one, two)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["usual", "quiet", "large", "odd", "series", "scored"])
def test_nothing_is_wider_than_the_screen_and_the_console_is_silent(chromium, pages, name, width):
    chromium.open(pages[name], width)
    chromium.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert chromium.ask("document.documentElement.scrollWidth") <= width
    assert chromium.ask("document.documentElement.clientWidth") <= width
    wide = chromium.ask(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .sr, defs') && "
        "e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 90))"
    )
    assert wide == []
    assert chromium.messages() == []


@pytest.mark.parametrize("width", [400, 700, 1400])
@pytest.mark.parametrize("name", ["series", "scored"])
def test_plots_of_series_fit_and_their_texts_do_not_meet(chromium, pages, name, width):
    chromium.open(pages[name], width)
    chromium.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert chromium.ask("document.documentElement.scrollWidth") <= width
    problems = chromium.ask(
        """(() => {
          const found = [];
          const plots = [...document.querySelectorAll('svg.plot')].filter(s => s.getBoundingClientRect().width);
          for (const svg of plots) {
            const frame = svg.getBoundingClientRect();
            const name = svg.querySelector('title').textContent + ': ';
            const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
            for (const [text, r] of texts)
              if (r.left < frame.left || r.right > frame.right || r.top < frame.top - 1 || r.bottom > frame.bottom)
                found.push(name + text + ' leaves the plot');
            for (const [a, p] of texts) for (const [b, q] of texts)
              if (p !== q && p.left < q.right && q.left < p.right && p.top < q.bottom - 3 && q.top < p.bottom - 3)
                found.push(name + a + ' meets ' + b);
            for (const use of svg.querySelectorAll('use')) {
              const r = use.getBoundingClientRect();
              if (r.width < frame.width / 3 || r.left < frame.left || r.right > frame.right + 1)
                found.push(name + 'the curves do not fill the plot');
            }
          }
          return [plots.length, found];
        })()"""
    )
    incidents = {one["id"]: one["series"]["id"] for one in series_anomalies()}
    assert problems == [2 if name == "scored" else len(incidents) + len(set(incidents.values())), []]
    assert chromium.messages() == []


def test_dark_mode_is_dark_and_light_mode_is_light(chromium, pages):
    def brightness(selector, side):
        color = chromium.ask(f"getComputedStyle(document.querySelector('{selector}')).{side}")
        return sum(map(int, re.findall(r"\d+", color)[:3])) / 3

    chromium.open(pages["usual"], dark=True)
    assert brightness("body", "backgroundColor") < 40
    assert brightness("h1", "color") > 200
    assert brightness(".entry details", "backgroundColor") < 60
    chromium.open(pages["usual"])
    assert brightness("body", "backgroundColor") > 230
    assert brightness("h1", "color") < 60


def test_without_javascript_everything_can_still_be_read(chromium, pages):
    chromium.open(pages["usual"], javascript=False)
    assert chromium.ask("document.getElementById('filter').offsetParent === null"), "no filter that does nothing"
    assert chromium.ask(f"{SHOWN}.length") == 27
    chromium.click(".entry:nth-child(2) summary")
    assert chromium.ask("document.querySelector('.entry:nth-child(2) .violated').getBoundingClientRect().height") > 40


def test_log_lines_cannot_run_scripts(chromium, pages):
    chromium.open(pages["evil"])
    assert chromium.ask("document.title") == "evil"
    assert "<script>" in chromium.ask("document.querySelector('.entry .reason').textContent")
    assert chromium.messages() == []


def test_a_quiet_report_is_friendly(chromium, pages):
    chromium.open(pages["quiet"])
    assert "Nothing out of the ordinary" in chromium.ask("document.querySelector('.quiet').innerText")
    assert chromium.ask(f"{SHOWN}.length") == 0


def test_a_picture_can_be_taken(chromium, pages):
    chromium.open(pages["usual"])
    picture = chromium.screenshot()
    assert struct.unpack(">II", picture[16:24]) == (1280, 900)
