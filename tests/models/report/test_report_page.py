"""The report as a whole: one safe, small, complete file."""

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from models.errors import UserError
from models.report import write_report
from models.report.digest import TYPES
from models.report.page import SHOWN
from tests.models.report.data import (
    BLOCK,
    anomaly,
    iso,
    make_anomalies,
    make_model,
    make_summary,
    template,
    violation,
    wide_model,
)

VOID = {"meta", "link", "input", "br"}
LIMIT = 5_000_000
CSS = files("models.report").joinpath("assets", "report.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Checks that tags are balanced and collects elements, visible text and addresses."""

    def __init__(self, text):
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        assert len(known) == len(attrs), f"an attribute of <{tag}> stands twice"
        assert not [name for name in known if name.startswith("on") or name == "style"]
        self.tags.append((tag, known))
        self.addresses += [known[name] for name in ("href", "src") if name in known]
        if known.get("id"):
            self.ids.append(known["id"])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.stack
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in {"script", "style"}:
            self.words.append(data)

    def all(self, tag, **attributes):
        return [a for t, a in self.tags if t == tag and all(a.get(k) == v for k, v in attributes.items())]

    @property
    def text(self):
        return "".join(self.words)


@pytest.fixture
def write(tmp_path):
    def inner(anomalies, model=None, summary=None, **more):
        path = tmp_path / "report.html"
        title = more.pop("title", "Scan")
        write_report(path, anomalies, model or make_model(), summary or make_summary(), title, "2025-01-07", **more)
        text = path.read_text(encoding="utf-8")
        return text, Page(text)

    return inner


def test_the_page_tells_what_was_scanned_and_the_worst(write):
    documents = make_anomalies(27)
    _, page = write(documents, summary=make_summary(documents))
    worst = max(documents, key=lambda a: a["score"])
    assert f"27 anomalies in 12,345 lines; the worst: {worst['reason'][:20]}" in page.text
    assert "Scanned hdfs.log, shop.log" in page.text
    assert "2008-11-09 20:35:31 to 2008-11-09 22:05:31 UTC (1 h 30 m)" in page.text
    assert "Model hdfs, version 1, learnt from 133,175 lines and 3,450 transactions" in page.text
    assert len([a for t, a in page.tags if "entry" in (a.get("class") or "").split()]) == 27


def test_nothing_is_loaded_and_every_reference_has_its_target(write):
    text, page = write(make_anomalies(27))
    assert all(address.startswith("#") or address == "data:," for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert len(page.all("script")) == 1


def test_log_lines_cannot_become_markup(write):
    evil = '<script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)\x00\x1b'
    document = anomaly(
        "too_many", 10, 1, source=evil, reason=evil, actual=evil, typical=evil,
        transaction={"id": evil, "automaton": BLOCK, "begin": None, "end": None, "states": [evil, "receiving_block"]},
        evidence=[{"file": evil, "line": 3, "timestamp": iso(0), "text": evil}],
        violations=[violation("receiving_block", 5, 1, 3), violation(evil, 5, 1, 3)],
    )  # fmt: skip
    model = make_model()
    model["id"] = model["templates"][0]["example"] = model["automata"][0]["name"] = evil
    model["templates"][0]["grok"] = evil + "%{" + evil + "}"
    model["automata"][0]["states"][0]["id"] = evil
    _, page = write([document, document | {"type": evil}], model, make_summary(files=[evil]), title=evil)
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert "<script>alert(1)</script>" in page.text


def test_the_policy_lets_only_the_own_script_and_style_run(write):
    text, page = write([])
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_without_anomalies_the_page_says_so_kindly(write):
    _, page = write([])
    assert "No anomalies in 12,345 lines" in page.text
    assert "Nothing out of the ordinary." in page.text
    assert "3 lines could not be read and went to the dead letters." in page.text
    assert "worst" not in page.ids
    assert "templates" in page.ids


def test_an_empty_summary_and_model_are_enough(write):
    _, page = write(make_anomalies(9), {"id": "m", "version": 2, "templates": [], "automata": []}, {"seconds": 1})
    assert "9 anomalies; the worst:" in page.text
    assert "The automaton of this transaction is not in the model given." in page.text
    assert "templates" not in page.ids


def test_a_hundred_thousand_anomalies_stay_small(write):
    documents = make_anomalies(900)
    many = (a | {"id": f"{k:020x}"} for k in range(112) for a in documents)
    text, page = write(itertools.islice(many, 100_000))
    assert len(text.encode()) < LIMIT
    assert f"The {SHOWN} worst of 100,000; 99,800 more are in the anomaly documents." in page.text
    assert len([a for t, a in page.tags if "entry" in (a.get("class") or "").split()]) == SHOWN


def test_the_worst_input_stays_small(write):
    # A quote takes six bytes once it is escaped.
    quotes = '"' * 5_000
    model = wide_model(80)
    names = [state["id"] for state in model["automata"][0]["states"]]
    automata = [model["automata"][0] | {"id": f"a-{k}", "name": quotes} for k in range(100)]
    templates = [template(quotes + str(k), 5, quotes) for k in range(3_000)]
    documents = [
        anomaly(
            "too_many", k, k, score=90, source=f"{k}{quotes}", reason=quotes, actual=quotes, typical=quotes,
            transaction={"id": quotes, "automaton": f"a-{k % 100}", "begin": iso(0), "end": iso(1), "states": names},
            evidence=[{"file": quotes, "line": 1, "timestamp": iso(0), "text": quotes}] * 30,
            violations=[violation(name, 9, 0, 1) for name in names],
        )
        for k in range(300)
    ]  # fmt: skip
    text, page = write(documents, model | {"automata": automata, "templates": templates}, make_summary(files=[quotes]))
    assert len(text.encode()) < LIMIT
    assert "Shortened to keep this file small" in page.text
    assert "Not drawn, to keep this file small." in page.text


def test_a_violated_transaction_shows_its_automaton_with_the_mark(write):
    only = next(a for a in make_anomalies(9) if a["type"] == "too_many")
    _, page = write([only])
    assert {a["data-state"] for a in page.all("g", **{"class": "violated"})} == {
        "receiving_block",
        "exception_in_receiveblock",
    }
    hits = [a for t, a in page.tags if t == "li" and a.get("class") == "hit" and "title" not in a]
    assert len(hits) == 6
    assert "seen 5×" in page.text


def test_evidence_keeps_its_blanks_and_names_its_place(write):
    documents = [
        anomaly("unmatched_log", 1, 1, evidence=[{"file": "a.log", "line": 7, "text": "a   b\t\tc\n  d"}]),
        anomaly("unmatched_log", 2, 2, evidence=[{"topic": "logs", "partition": 3, "offset": 88, "text": "x"}]),
        anomaly("unmatched_log", 3, 3, evidence=[{"file": "b.log", "line": 1, "text": "y" * 5_000}]),
    ]  # fmt: skip
    _, page = write(documents)
    for text in ("a   b\t\tc\n  d", "a.log:7", "logs/3@88", "… 4,200 more characters"):
        assert text in page.text


def test_what_a_checker_found_names_the_checker_its_rule_and_the_key(write):
    checker = {"id": "failed-logins", "violation": "too_many", "key": "<eve>"}
    text, _ = write([anomaly("custom", 1, 1, reason="Too many.", checker=checker)])
    for name, value in (("Checker", "failed-logins"), ("Violation", "too_many"), ("Key", "&lt;eve&gt;")):
        assert re.search(rf"<dt>{name}</dt><dd[^>]*>{value}</dd>", text)
    assert 'class="entry t-custom"' in text


def test_other_scripts_are_kept_and_isolated(write):
    text, _ = write([anomaly("unmatched_log", 1, 1, reason="النظام 日本語 ünïcödé", evidence=[{"text": "مرحبا"}])])
    assert '<span class="reason" dir="auto">النظام 日本語 ünïcödé</span>' in text
    assert '<code dir="auto">مرحبا</code>' in text


def test_templates_are_listed_with_learnt_and_scanned_counts(write):
    model = make_model()
    _, page = write([], model)
    counts = [int(a["data-value"]) for a in page.all("td") if "data-value" in a]
    expected = sorted(
        ((100 * k, item["count"]) for k, item in enumerate(model["templates"])), key=lambda pair: (-pair[0], -pair[1])
    )
    assert list(zip(counts[1::2], counts[::2], strict=True)) == expected
    _, page = write([], model, {"lines": 5})
    assert len([a for a in page.all("td") if "data-value" in a]) == len(model["templates"])


def test_truth_is_set_beside_what_was_found(write):
    truth = {
        "injected": {"too_many": 3, "too_few": 2},
        "found": {"too_many": 3, "too_few": 1},
        "invented": {"too_long": 1},
    }
    text, page = write(make_anomalies(9), truth=truth)
    row = r'<tr class="(\w+)"><th scope="row">([^<]+)</th>' + r"<td(?: class=\"wrong\")?>(\d+)</td>" * 3
    rows = re.findall(row, text)
    assert rows == [
        ("off", "Too few", "2", "1", "0"),
        ("good", "Too many", "3", "3", "0"),
        ("off", "Too long", "0", "0", "1"),
    ]
    assert "truth" in page.ids
    text, _ = write(make_anomalies(9), truth={"injected": {"too_many": 3}, "found": {}})
    assert re.findall(r"<td[^>]*>(\d+)</td>", text)[:2] == ["3", "0"]


def test_the_same_input_gives_the_same_bytes_from_a_file_too(write, tmp_path):
    documents = make_anomalies(40)
    path = tmp_path / "anomalies.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in documents))
    assert write(documents)[0] == write(path)[0] == write(documents[::-1])[0]


def test_a_report_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the report"):
        write_report(tmp_path / "file" / "report.html", [], make_model(), {}, "t", "now")


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


PALETTES = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)]


@pytest.mark.parametrize("colors", PALETTES, ids=["light", "dark", "print"])
def test_contrast_meets_wcag_aa(colors):
    text_on = {
        "text": ("page", "card", "sunk", "tint", "badtint"),
        "soft": ("page", "card", "sunk", "badtint", "tint"),
        "accent": ("page", "card", "tint"),
        "bad": ("card", "badtint"),
    }
    for front, backs in text_on.items():
        for back in backs:
            assert contrast(colors[front], colors[back]) >= 4.5, (front, back)
    for kind in ("unmatched_log", "missing_begin", "missing_state", "missing_end", "too_few", "too_many", "wrong_order",
                 "too_short", "too_long", "rule", "new_value", "other", "edge"):  # fmt: skip
        assert contrast(colors[kind], colors["card"]) >= 3, kind


def test_all_three_palettes_name_the_same_colors():
    assert len(PALETTES) == 3
    assert PALETTES[0].keys() == PALETTES[1].keys() == PALETTES[2].keys()


def test_every_type_has_a_colour_in_both_modes():
    css = files("models.report").joinpath("assets/report.css").read_text(encoding="utf-8")
    for name in TYPES:
        assert f".t-{name} {{ --c: var(--{name}); }}" in css
        assert css.count(f"--{name}: #") >= 2
