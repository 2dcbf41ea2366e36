"""Trying a model: what passes, and what is found before it could do harm in a running job."""

import copy
import json
import re
import subprocess
import sys

import pytest

from models import model_trial
from models.errors import UserError
from models.model_trial import try_model
from models.regex_samples import hard_texts
from tests.models.model_example import document


def changed(**keys):
    return copy.deepcopy(document()) | keys


def test_a_right_model_passes_with_all_that_its_examples_hold():
    assert try_model(document()).version == 3


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, {"kind": "weirwatch.model"}])
def test_what_is_no_model_is_refused(value):
    with pytest.raises(UserError):
        try_model(value)


def test_what_the_schema_and_the_cross_checks_find_is_told():
    with pytest.raises(UserError, match=r"sent: \$\.version"):
        try_model(changed(version=0), "sent")
    broken = changed()
    broken["automata"][0]["states"][0]["template"] = "t-9"
    with pytest.raises(UserError, match="there is no template 't-9'"):
        try_model(broken)


@pytest.mark.parametrize("name", ["shop\n", "a" * 201])
def test_an_id_that_no_store_would_take_is_refused(name):
    with pytest.raises(UserError, match=r"\$\.id"):
        try_model(changed(id=name))


def test_half_characters_are_refused_where_the_job_would_write_them():
    broken = changed()
    broken["automata"][0]["name"] = "caf\ud800"
    with pytest.raises(UserError, match=r"surrogate pair after .*caf"):
        try_model(broken)


def test_what_is_beyond_all_measure_is_refused_unread():
    templates = [{"id": f"t{i}", "grok": f"{i}"} for i in range(model_trial.MAX_TEMPLATES + 1)]
    states: list[dict] = [{"states": [{}] * 15_000}] * 2
    relations: list[dict] = [{"order": [{}] * 150_000, "equal": [{}] * 150_000}]
    for keys, what in (
        ({"templates": templates}, "20,001 templates"),
        ({"automata": states}, "30,000 states"),
        ({"automata": relations}, "300,000 relations"),
        ({"id_pattern": "x" * 20_001}, "20,001 characters"),
        ({"patterns": {"A": "x" * 20_001}}, "20,001 characters"),
        ({"templates": [{"id": "t", "grok": "x" * 20_001}]}, "20,001 characters"),
    ):
        with pytest.raises(UserError, match=what):
            try_model(changed(**keys))


FOR_EVER = [r"(a+)+b", r"(a|a)*b", r"x(\w+\s?)*=", r"(?:[a-z]+,?)+;", r"(.*a){30}b", r"(a|aa)+b"]


@pytest.mark.parametrize("expression", FOR_EVER)
def test_for_expressions_that_take_for_ever_there_is_a_text_that_shows_it(expression):
    texts = hard_texts(re.compile(expression))
    code = "import re, signal, sys; signal.setitimer(signal.ITIMER_VIRTUAL, 0.5); p = re.compile(sys.argv[1])\n"
    code += "for text in sys.argv[2:]: p.fullmatch(text)"
    arguments = [text for text in texts if "\x00" not in text]
    assert subprocess.run([sys.executable, "-c", code, expression, *arguments], check=False).returncode < 0


@pytest.mark.parametrize(
    "expression", [r"a+b", r"(?:/[^/]+)+", r"(\w+) (\d+)\Z", r"[^\s=]*=.*", r"(?P<x>a)(?P=x)*", ""]
)
def test_for_others_there_is_none(expression):
    pattern = re.compile(expression)
    for text in hard_texts(pattern):
        pattern.fullmatch(text)


def test_as_a_program_it_says_of_each_model_what_is_wrong_and_what_it_was_at():
    texts = [json.dumps(document()), json.dumps(changed(version=0)), "{", json.dumps(document())]
    command = [sys.executable, "-m", "models.model_trial"]
    done = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    right = [model_trial.CONTENT, "the template t-1", "the template t-2", "the id_pattern"]
    assert said[:5] == said[-5:] == [*({"at": what} for what in right), {"wrong": None}]
    at, wrong, no_json = said[5:-5]
    assert at == {"at": model_trial.CONTENT}
    assert "$.version" in wrong["wrong"]
    assert no_json["wrong"]


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        (
            {
                "rules": [
                    {
                        "id": "evil",
                        "template": "t-1",
                        "severity": 5,
                        "when": {"not": {"field": "block", "matches": "(a+)+b"}},
                    }
                ]
            },
            "the rule evil",
        ),
        (
            {"allow": [{"id": "evil", "type": "rule", "reason": "", "text_pattern": "(a|a)*b"}]},
            "the allowed finding evil",
        ),
    ],
)
def test_an_expression_of_a_rule_or_an_allowed_finding_that_takes_for_ever_ends_the_trial(sections, place):
    text = json.dumps(changed(**sections))
    code = "from models import model_trial as t; t.SEARCH_SECONDS = 0.3; t.main()"
    done = subprocess.run([sys.executable, "-c", code], input=text + "\n", capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert json.loads(done.stdout.splitlines()[-1]) == {"at": place}


def test_more_rules_than_a_job_takes_are_refused():
    rules = [{"id": f"r{n}", "when": {"line": "text", "contains": "x"}, "severity": 1} for n in range(5001)]
    with pytest.raises(UserError, match="has 5,001 rules, more than the 5,000 that a running job takes"):
        try_model(changed(rules=rules))
