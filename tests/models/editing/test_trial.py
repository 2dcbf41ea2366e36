"""Models tried on logs: every line is counted once, and every line that changes is told."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.document import ModelDocument
from models.editing.constants import specialise
from models.editing.fields import rename_field, retype_field
from models.editing.merge import merge
from models.editing.removal import add, delete
from models.editing.split import split
from models.editing.trial import FIELDS, KIND, TEMPLATE, ChangeKey, Log, Shown, compare_models, try_model
from models.editing.trial_text import comparison_text, trial_text
from models.line_table import parse_lines
from tests.models.editing.shop_model import TEMPLATES, TIME, document, model, template_of

MODEL = model()
LINES = [f"{TIME} {content}" for _, content in TEMPLATES.values()]
OTHERS = [f"{TIME} unknown 5", "  at x.y", f"{TIME} close [order=8] code 404", "bad \x00", ""]
logs = st.lists(st.sampled_from([*LINES, *OTHERS]), max_size=12)
EDITED = {
    "rename": rename_field(MODEL, "t-open", "user", "customer"),
    "retype": retype_field(MODEL, "t-visa", "ms", "WORD"),
    "specialise": specialise(MODEL, "t-close", "code", "404"),
    "split": split(MODEL, "t-close", "code", ["404"]),
    "delete": delete(MODEL, "t-cache"),
    "merge": merge(MODEL, ["t-visa", "t-paypal"]),
    "add": add(MODEL, "unknown %{INT:n}"),
    "same": MODEL,
}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Write lines to a log."""
    path = tmp_path_factory.mktemp("trial") / "log"

    def write(lines):
        path.write_text("".join(f"{line}\n" for line in lines))
        return Log("app.log", str(path))

    return write


@settings(max_examples=60, deadline=None)
@given(logs, st.sampled_from(sorted(EDITED)))
def test_what_changes_is_what_the_table_of_lines_says_of_both(log, lines, name):
    """Oracle: the rows of ``weirwatch parse`` with either model, of the lines with a timestamp."""
    source = log(lines)
    new = EDITED[name]
    found = compare_models(MODEL, new, [source], examples=100)
    rows = [list(parse_lines(m, source.path, "app.log")) for m in (MODEL, new)]
    timed = [k for k, line in enumerate(lines) if line.startswith(TIME)]
    different = [
        k + 1
        for k in timed
        if (rows[0][k].template_id, rows[0][k].parameters) != (rows[1][k].template_id, rows[1][k].parameters)
    ]
    assert sorted(e.line for c in found.changes for e in c.examples) == different
    assert found.changed == len(different)
    for trial, which in ((found.old, rows[0]), (found.new, rows[1])):
        assert trial.lines == len(lines) == trial.events + trial.continued + trial.dead
        assert trial.unmatched == sum(which[k].template_id is None for k in timed)
        assert sum(trial.templates.values()) + trial.unmatched == trial.events == len(timed)
        for template, count in trial.templates.items():
            assert count == sum(which[k].template_id == template for k in timed)
    assert try_model(new, [source], examples=3).templates == found.new.templates
    assert comparison_text(found).splitlines()[-1] != ""


def test_changes_are_grouped_with_examples_and_values(log):
    source = log([LINES[3]] * 3 + [f"{TIME} close [order=8] code 404"])
    change = compare_models(MODEL, split(MODEL, "t-close", "code", ["200"]), [source], examples=2).changes
    assert len(change) == 1
    assert (change[0].key.what, change[0].key.old, change[0].count) == (TEMPLATE, "t-close", 3)
    assert change[0].examples == [Shown("app.log", 1, LINES[3]), Shown("app.log", 2, LINES[3])]
    assert change[0].values[0] == ({"code": 200}, {})


def test_a_value_of_another_type_is_a_change(log):
    found = compare_models(MODEL, EDITED["retype"], [log([LINES[1]])])
    assert found.changes[0].key == ChangeKey(FIELDS, "t-visa", "t-visa", ("ms",))
    assert found.changes[0].values == [({"ms": 12}, {"ms": "12"})]
    assert "ms=12 → ms='12'" in comparison_text(found)


def test_lines_that_are_no_events_any_more_are_told(log):
    other = ModelDocument.from_json({**document(), "timestamp": {"formats": ["MMM d HH:mm:ss"], "year": 2026}})
    found = compare_models(MODEL, other, [log(LINES[:2])])
    assert [(c.key, c.count) for c in found.changes] == [(ChangeKey(KIND, "event", "dead"), 2)]
    assert "2 lines: event → dead" in comparison_text(found)


def test_only_the_first_lines_are_looked_at_and_logs_may_be_packed(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress("\n".join(LINES).encode()))
    assert try_model(MODEL, [Log("log.gz", str(path))], most=2).lines == 2
    assert try_model(MODEL, [Log("log.gz", str(path))]).templates == dict.fromkeys(TEMPLATES, 1)


def test_the_text_counts_lines_by_template_and_shows_those_that_fit_none(log):
    source = log([LINES[1], LINES[1], LINES[0], f"{TIME} what\x1b[31m is this", "  at x"])
    assert trial_text(try_model(MODEL, [source]), MODEL).splitlines() == [
        "5 lines: 3 fit 2 templates, 1 fit none, 1 continue the line before",
        "  2  t-visa  INFO paid order %{INT:id} with visa in %{INT:ms:int} ms",
        "  1  t-open  INFO open order %{INT:id} by %{WORD:user}",
        "no line fits 4 templates: t-paypal, t-close, t-cache, t-idle",
        "1 line fit no template, such as",
        f"    app.log:4    {TIME} what�[31m is this",
    ]


def test_no_change_is_said():
    found = compare_models(MODEL, MODEL, [])
    assert comparison_text(found).splitlines()[-1] == "no line changes"
    assert found.to_json()["changes"] == []


def test_the_oracle_of_these_tests_knows_the_examples():
    for name, (_, content) in TEMPLATES.items():
        assert template_of(MODEL, content) == name
