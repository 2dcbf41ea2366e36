"""Trying a model: what passes, and what is found before it could do harm in a running job."""

import copy
import json
import subprocess
import sys

import pytest

from models import model_trial
from models.errors import UserError
from models.model_trial import try_model
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


@pytest.mark.parametrize("grok", ["(?=a)b", r"(a)\1", "a{2000}"])
def test_expressions_that_may_take_for_ever_are_refused(grok):
    with pytest.raises(UserError, match=r"templates.*no usable regular expression"):
        try_model(changed(templates=[*document()["templates"], {"id": "evil", "grok": grok}]))
    with pytest.raises(UserError, match=r"id_pattern"):
        try_model(changed(id_pattern=grok))


def test_as_a_program_it_says_of_each_model_what_is_wrong():
    texts = [json.dumps(document()), json.dumps(changed(version=0)), "{", json.dumps(document())]
    command = [sys.executable, "-m", "models.model_trial"]
    done = subprocess.run(command, input="\n".join(texts), capture_output=True, text=True, check=True)
    right, wrong, no_json, again = [json.loads(line)["wrong"] for line in done.stdout.splitlines()]
    assert right is again is None
    assert "$.version" in wrong
    assert no_json


@pytest.mark.parametrize("expression", ["(?=a)b", r"(a)\1"])
def test_expressions_of_rules_and_allowed_findings_are_linear_too(expression):
    rule = {"id": "evil", "template": "t-1", "severity": 5, "when": {"not": {"field": "block", "matches": expression}}}
    with pytest.raises(UserError, match=r"rules\[0\].*no usable regular expression"):
        try_model(changed(rules=[rule]))
    allowed = {"id": "evil", "type": "rule", "reason": "", "text_pattern": expression}
    with pytest.raises(UserError, match=r"allow\[0\].*no usable regular expression"):
        try_model(changed(allow=[allowed]))


def test_more_rules_than_a_job_takes_are_refused():
    rules = [{"id": f"r{n}", "when": {"line": "text", "contains": "x"}, "severity": 1} for n in range(5001)]
    with pytest.raises(UserError, match="has 5,001 rules, more than the 5,000 that a running job takes"):
        try_model(changed(rules=rules))
