from __future__ import annotations

import copy
import json
import re

import pytest

from models.document import ModelDocument, ModelError, parse_model
from models.errors import UserError
from tests.models.model_example import document


def problems(change):
    """Path → message of what is wrong after a change of the valid model."""
    changed = document()
    change(changed)
    with pytest.raises(ModelError) as caught:
        ModelDocument.from_json(changed, "model.json")
    assert isinstance(caught.value, UserError)
    assert str(caught.value).startswith("model.json")
    return {p.path: p.message for p in caught.value.problems}


def automaton(document):
    return document["automata"][0]


def state(document, i=0):
    return automaton(document)["states"][i]


def graph(document, *pairs):
    """Give the automaton transitions; these."""
    found = automaton(document)["transitions"] = [{"from": one, "to": two, "support": 3} for one, two in pairs]
    return found


def exclude(document, *states):
    automaton(document)["excludes"] = [{"states": list(states)}]


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        (lambda d: state(d).update(min="3"), "$.automata[0].states[0].min", 'the text "3"; write a whole number ≥ 0'),
        (lambda d: state(d).update(min=-1), "$.automata[0].states[0].min", "is -1, which is too small"),
        (lambda d: state(d).update(min=1.5), "$.automata[0].states[0].min", "is 1.5; write a whole number"),
        (lambda d: state(d).update(max="x"), "$.automata[0].states[0].max", "≥ 0, or null for no bound"),
        (
            lambda d: state(d).update(max=0),
            "$.automata[0].states[0].max",
            "is 0 but min is 1; write a number ≥ 1, or null",
        ),
        (lambda d: state(d).update(begin=1), "$.automata[0].states[0].begin", "write true or false"),
        (
            lambda d: state(d).update(begn=True),
            "$.automata[0].states[0].begn",
            'is an unknown key; did you mean "begin"',
        ),
        (lambda d: state(d).pop("max"), "$.automata[0].states[0].max", 'is missing .* add the key "max"'),
        (lambda d: state(d, 1).update(id="begin"), "$.automata[0].states[1].id", "is taken by .*states\\[0\\]"),
        (
            lambda d: state(d).update(template="t-l"),
            "$.automata[0].states[0].template",
            "no template 't-l'; did you mean",
        ),
        (lambda d: state(d, 1).update(template="t-1"), "$.automata[0].states[1].template", "already belongs to"),
        (lambda d: state(d).update(field="blok"), "$.automata[0].states[0].field", "did you mean 'block'"),
        (lambda d: automaton(d)["order"][0].update(after="x"), "$.automata[0].order[0].after", "no state 'x'"),
        (lambda d: automaton(d)["order"][0].update(after="begin"), "$.automata[0].order[0]", "before itself"),
        (
            lambda d: automaton(d)["order"].append({"before": "end", "after": "begin"}),
            "$.automata[0].order[0]",
            "contradicts another",
        ),
        (lambda d: automaton(d)["requires"][0].update({"if": "x"}), "$.automata[0].requires[0].if", "no state 'x'"),
        (lambda d: automaton(d)["requires"][0].update(then="end"), "$.automata[0].requires[0]", "require itself"),
        (
            lambda d: automaton(d)["equal"][0].update(states=["end", "e"]),
            "$.automata[0].equal[0].states[1]",
            "no state",
        ),
        (lambda d: automaton(d)["equal"][0].update(states=["end"] * 2), "$.automata[0].equal[0].states", "twice"),
        (lambda d: automaton(d)["equal"][0].update(states=["end"]), "$.automata[0].equal[0].states", "at least 2"),
        (lambda d: automaton(d)["duration"].update(max_ms=5), "$.automata[0].duration.max_ms", "is 5 but min_ms is 12"),
        (lambda d: automaton(d).update(expires_ms=99), "$.automata[0].expires_ms", "write a number ≥ 100"),
        (lambda d: automaton(d).update(expires_ms=0), "$.automata[0].expires_ms", "≥ 1"),
        (lambda d: automaton(d).update(settle_ms=None), "$.automata[0].settle_ms", "is null; write a whole number"),
        (lambda d: automaton(d).update(states=[]), "$.automata[0].states", "empty list"),
        (lambda d: d["automata"].append(copy.deepcopy(automaton(d))), "$.automata[1].id", "is taken by"),
        (lambda d: d["templates"][1].update(id="t-1"), "$.templates[1].id", "'t-1' is taken by \\$\\.templates\\[0\\]"),
        (
            lambda d: d["templates"].append({"id": "t-3", "grok": d["templates"][0]["grok"]}),
            "$.templates[2].grok",
            "same",
        ),
        (lambda d: d["templates"][0].update(grok="%{BLOK:block}"), "$.templates[0].grok", "did you mean BLOCK"),
        (lambda d: d["templates"][0].update(grok=["x"]), "$.templates[0].grok", "is a list; write a text"),
        (lambda d: graph(d, ("begin", "ned")), "$.automata[0].transitions[0].to", "no state 'ned'.*did you mean 'end'"),
        (lambda d: graph(d, ("x", "end")), "$.automata[0].transitions[0].from", "no state 'x'"),
        (
            lambda d: graph(d, ("begin", "end"), ("begin", "begin"), ("begin", "end")),
            "$.automata[0].transitions[2]",
            r"same transition as .*transitions\[0\]; remove one",
        ),
        (
            lambda d: graph(d, ("begin", "end"))[0].update(min_ms=9, max_ms=3),
            "$.automata[0].transitions[0].max_ms",
            "is 3 but min_ms is 9; write a number ≥ 9",
        ),
        (lambda d: graph(d, ("begin", "end"))[0].update(max_ms=-1), "$.automata[0].transitions[0].max_ms", "too small"),
        (lambda d: graph(d, ("begin", "end"))[0].pop("to"), "$.automata[0].transitions[0].to", 'add the key "to"'),
        (lambda d: state(d).update(closed=True), "$.automata[0].states[0].closed", "no transition starts in 'begin'"),
        (lambda d: state(d).update(closed=1), "$.automata[0].states[0].closed", "write true or false"),
        (lambda d: exclude(d, "begin", "x"), "$.automata[0].excludes[0].states[1]", "no state 'x'"),
        (lambda d: exclude(d, "end", "end"), "$.automata[0].excludes[0].states", "exclude itself"),
        (lambda d: exclude(d, "end"), "$.automata[0].excludes[0].states", "at least 2"),
        (lambda d: d["templates"].append(7), "$.templates[2]", "is 7; write an object"),
        (lambda d: d["patterns"].update(BAD="("), "$.patterns.BAD", "never closed"),
        (lambda d: d["patterns"].update({"A B": "x"}), '$.patterns["A B"]', "not usable"),
        (lambda d: d.update(id_pattern="("), "$.id_pattern", "no usable regular expression"),
        (lambda d: d.update(id_pattern="a*"), "$.id_pattern", "at least one character"),
        (lambda d: d["timestamp"].update(timezone="Mars/Base"), "$.timestamp.timezone", "no time zone 'Mars/Base'"),
        (lambda d: d["timestamp"].update(formats=["qqq"]), "$.timestamp.formats[0]", "format 'qqq'"),
        (lambda d: d["timestamp"].update(formats=[]), "$.timestamp.formats", "empty list; write a list of at least 1"),
        (lambda d: d["timestamp"].update(formats=["MMM d HH:mm:ss"], year=None), "$.timestamp", "year"),
        (lambda d: d.update(id="a b"), "$.id", "write a text that matches"),
        (lambda d: d.update(version=True), "$.version", "is true; write a whole number ≥ 1"),
        (lambda d: d.update(automatons=[]), "$.automatons", "unknown key"),
        (lambda d: d.pop("templates"), "$.templates", "is missing"),
        (lambda d: d.update(format="1"), "$.format", "write 1"),
    ],
)
def test_an_error_names_the_path_and_the_mend(change, path, says):
    found = problems(change)
    assert path in found
    assert re.search(says, found[path]), found[path]


def test_all_errors_are_told_at_once_up_to_ten():
    def spoil(d):
        d["templates"] = [{"id": f"t-{i}"} for i in range(14)]

    changed = document()
    spoil(changed)
    with pytest.raises(ModelError) as caught:
        ModelDocument.from_json(changed, "model.json")
    lines = str(caught.value).splitlines()
    assert lines[0] == "model.json is no usable model, 14 problems:"
    assert len(lines) == 12
    assert lines[1].startswith("  $.templates[0].grok: is missing")
    assert lines[10].startswith("  $.templates[9].grok")
    assert lines[11] == "  and 4 more"
    assert len(caught.value.problems) == 14


def test_a_broken_pattern_is_told_once_not_for_every_template_that_uses_it():
    assert list(problems(lambda d: d["patterns"].update(BLOCK="("))) == ["$.patterns.BLOCK"]


def test_a_newer_format_asks_for_an_upgrade():
    data = document() | {"format": 2, "news": {}}
    with pytest.raises(ModelError) as caught:
        parse_model(json.dumps(data), "model.json")
    assert str(caught.value) == (
        "model.json has format 2; this version of weirwatch reads up to 1: upgrade weirwatch or learn again"
    )
