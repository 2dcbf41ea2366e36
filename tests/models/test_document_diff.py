from __future__ import annotations

import copy
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.document import ModelDocument
from models.document_diff import Change, Difference, diff
from models.document_diff_text import diff_text
from tests.models.model_example import document


def models(edit):
    """The example and what an edit of its JSON makes of it."""
    data = copy.deepcopy(document())
    edit(data)
    return ModelDocument.from_json(document()), ModelDocument.from_json(data)


def changes(edit):
    return list(diff(*models(edit)).changes)


def text(edit):
    return diff_text(diff(*models(edit)), "old", "new").splitlines()[1:]


def state(data, number=0):
    return data["automata"][0]["states"][number]


def nothing(data):
    pass


def put(*path, value):
    """An edit that puts a value at a path of keys."""

    def edit(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return edit


def test_a_model_does_not_differ_from_itself_nor_from_another_version_with_its_content():
    assert changes(nothing) == []
    assert changes(put("version", value=9)) == []
    assert text(nothing) == ["no difference"]


A = ("automata", 0)


@pytest.mark.parametrize(
    ("edit", "change", "row"),
    [
        (
            put("id", value="web"),
            Change("id", "changed", "id", values=(Difference("id", "hdfs", "web"),)),
            "  ~ id hdfs → web",
        ),
        (
            put("timestamp", "timezone", value="+02:00"),
            Change("timestamp", "changed", "timestamp", values=(Difference("timezone", "UTC", "+02:00"),)),
            "  ~ timezone UTC → +02:00",
        ),
        (
            put("timestamp", "formats", value=["yyMMdd HHmmss", "ISO8601"]),
            Change(
                "timestamp",
                "changed",
                "timestamp",
                values=(Difference("formats", ["yyMMdd HHmmss"], ["yyMMdd HHmmss", "ISO8601"]),),
            ),
            "  ~ formats yyMMdd HHmmss → yyMMdd HHmmss, ISO8601",
        ),
        (
            lambda d: d.pop("id_pattern"),
            Change("id_pattern", "changed", "id_pattern", values=(Difference("id_pattern", "blk_-?[0-9]+", None),)),
            "  ~ id_pattern blk_-?[0-9]+ → none",
        ),
        (
            put("patterns", "BLOCK", value="b[0-9]+"),
            Change("pattern", "changed", "BLOCK", values=(Difference("regex", "blk_-?[0-9]+", "b[0-9]+"),)),
            "  ~ BLOCK: regex blk_-?[0-9]+ → b[0-9]+",
        ),
        (put("patterns", "P", value="x"), Change("pattern", "added", "P", text="x"), "  + P: x"),
        (
            lambda d: d["templates"].append({"id": "t-3", "grok": "new %{INT:n}"}),
            Change("template", "added", "t-3", text="new %{INT:n}"),
            "  + t-3: new %{INT:n}",
        ),
        (
            put("templates", 0, "grok", value="start %{BLOCK:block}"),
            Change(
                "template",
                "changed",
                "t-1",
                values=(Difference("grok", "begin %{BLOCK:block} é", "start %{BLOCK:block}"),),
            ),
            "  ~ t-1: grok begin %{BLOCK:block} é → start %{BLOCK:block}",
        ),
        (
            put(*A, "states", 0, "max", value=4),
            Change("state", "changed", "begin", "a-1", values=(Difference("max", 3, 4),)),
            "  ~ state begin: max 3 → 4",
        ),
        (
            put(*A, "states", 0, "max", value=None),
            Change("state", "changed", "begin", "a-1", values=(Difference("max", 3, None),)),
            "  ~ state begin: max 3 → no bound",
        ),
        (
            put(*A, "states", 0, "begin", value=False),
            Change("state", "changed", "begin", "a-1", values=(Difference("begin", True, False),)),
            "  ~ state begin: begin yes → no",
        ),
        (
            put(*A, "excludes", value=[{"states": ["end", "begin"]}]),
            Change("excludes", "added", "begin never with end", "a-1"),
            "  + excludes begin never with end",
        ),
        (
            put(*A, "transitions", value=[{"from": "begin", "to": "end", "max_ms": 1500}]),
            Change("transition", "added", "begin → end", "a-1", "at most 1,500 ms"),
            "  + transition begin → end: at most 1,500 ms",
        ),
        (
            put(*A, "order", value=[]),
            Change("order", "removed", "begin before end", "a-1"),
            "  - order begin before end",
        ),
        (
            put(*A, "requires", 0, value={"if": "begin", "then": "end"}),
            Change("requires", "added", "begin requires end", "a-1"),
            "  + requires begin requires end",
        ),
        (put(*A, "equal", value=[]), Change("equal", "removed", "begin = end", "a-1"), "  - equal begin = end"),
        (
            put(*A, "duration", "max_ms", value=150),
            Change("automaton", "changed", "a-1", values=(Difference("duration.max_ms", 100, 150),)),
            "  ~ duration.max_ms 100 ms → 150 ms",
        ),
        (
            put(*A, "expires_ms", value=123456),
            Change("automaton", "changed", "a-1", values=(Difference("expires_ms", 200, 123456),)),
            "  ~ expires_ms 200 ms → 123,456 ms",
        ),
        (
            put("automata", value=[]),
            Change("automaton", "removed", "a-1", text="2 states"),
            '  - a-1 "begin": 2 states',
        ),
    ],
)
def test_each_part_of_a_model_tells_its_change(edit, change, row):
    assert change in changes(edit)
    assert row in text(edit)


def test_an_edit_of_one_bound_is_the_only_change():
    assert len(changes(put(*A, "states", 0, "max", value=4))) == 1
    assert text(put(*A, "states", 0, "max", value=4)) == ['automaton a-1 "begin"', "  ~ state begin: max 3 → 4"]


def test_a_template_with_another_id_and_the_same_grok_is_the_same_template():
    def edit(data):
        data["templates"][0]["id"] = state(data)["template"] = "t-9"

    assert changes(edit) == [
        Change("template", "changed", "t-1", values=(Difference("id", "t-1", "t-9"),)),
        Change("state", "changed", "begin", "a-1", values=(Difference("template", "t-1", "t-9"),)),
    ]


def test_a_state_with_another_name_and_the_same_template_is_the_same_state():
    def edit(data):
        state(data)["id"] = "start"
        data["automata"][0].update(order=[], requires=[], equal=[])

    found = changes(edit)
    assert [c for c in found if c.part == "state"] == [
        Change("state", "changed", "begin", "a-1", values=(Difference("id", "begin", "start"),))
    ]


def test_an_automaton_with_another_id_and_the_same_name_is_the_same_automaton():
    def edit(data):
        data["automata"][0]["id"] = "a-7"
        state(data)["max"] = 4

    assert text(edit) == ['automaton a-7 "begin"', "  ~ id a-1 → a-7", "  ~ state begin: max 3 → 4"]


def test_counts_and_examples_are_counted_and_not_listed():
    def edit(data):
        data["learned"]["lines"] = 11
        data["templates"][1]["example"] = "another"
        data["automata"][0]["order"][0]["support"] = 1
        state(data)["support"] = 2

    found = diff(*models(edit))
    assert (found.changes, found.counts) == ((), 4)
    assert text(edit) == ["no difference that matters", "counts, examples or origin differ in 4 places"]


def test_long_values_stand_below_each_other():
    long = "begin %{BLOCK:block} " + "x" * 60
    assert text(put("templates", 0, "grok", value=long))[1:] == [
        "  ~ t-1:",
        "      grok",
        "        begin %{BLOCK:block} é",
        f"      → {long}",
    ]


def test_what_could_upset_a_terminal_is_not_printed():
    shown = diff_text(diff(*models(put("timestamp", "literal", value="\x1b[31m\udc80"))), "a\x07", "b")
    assert [line for line in shown.splitlines() if not line.isprintable()] == []


def test_the_difference_as_json_has_the_changes_and_their_values():
    found = diff(*models(put(*A, "states", 0, "max", value=None))).to_json()
    assert found["changes"] == [
        {
            "part": "state",
            "what": "changed",
            "name": "begin",
            "automaton": "a-1",
            "text": "",
            "values": ({"key": "max", "old": 3, "new": None},),
        }
    ]
    assert found["counts_changed"] == 0


EDITS = st.lists(
    st.sampled_from(
        [
            put("timestamp", "year", value=2009),
            put("patterns", "P", value="x"),
            put(*A, "states", 0, "max", value=7),
            put(*A, "order", value=[]),
            put(*A, "equal", value=[]),
            put(*A, "settle_ms", value=5),
            lambda d: d["templates"].append({"id": "t-3", "grok": "new"}) if len(d["templates"]) == 2 else None,
        ]
    )
)


@given(EDITS, EDITS)
def test_the_way_back_undoes_each_change(there, here):
    def edited(edits):
        return models(lambda data: [edit(data) for edit in edits])[1]

    old, new = edited(there), edited(here)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}

    def back(change):
        values = tuple(Difference(v.key, v.new, v.old) for v in change.values)
        return dataclasses.replace(change, what=turned[change.what], values=values)

    assert {str(back(c)) for c in diff(old, new).changes} == {str(c) for c in diff(new, old).changes}
    assert bool(diff(old, new).changes) == (old != new)


def test_rules_values_and_allowed_findings_are_compared():
    def edit(data):
        data["rules"] = [{"id": "r", "template": "t-2", "when": {"field": "n", "at_least": 5}, "severity": "low"}]
        data["values"] = [{"template": "t-2", "field": "n", "values": [{"value": "a"}, {"value": "b"}]}]
        data["allow"] = [{"id": "n-1", "type": "too_many", "reason": "so"}]

    assert [(c.part, c.what, c.name, c.text) for c in changes(edit)] == [
        ("rule", "added", "r", "n is at least 5"),
        ("values", "added", "n of t-2", "2 values"),
        ("allow", "added", "n-1", "too_many, so"),
    ]
    assert "rules: 1 added" in text(edit)
    assert "  + n-1: too_many, so" in text(edit)
    (one, two) = models(edit)
    changed = dataclasses.replace(two)
    changed.rules = [dataclasses.replace(two.rules[0], when={"field": "n", "at_least": 6}, enabled=False)]
    changed.values = [dataclasses.replace(two.values[0], support=7)]
    found = diff(two, changed)
    assert [(c.part, c.what, c.values) for c in found.changes] == [
        (
            "rule",
            "changed",
            (Difference("enabled", True, False), Difference("when", "n is at least 5", "n is at least 6")),
        )
    ]
    assert found.counts == 1
    assert [c.what for c in diff(two, one).changes] == ["removed"] * 3
