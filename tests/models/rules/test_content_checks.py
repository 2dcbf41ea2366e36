"""What is wrong with rules, values and allowed findings is told with its place and the mend."""

from __future__ import annotations

import pytest

from models.document import ModelDocument, ModelError
from tests.models.rules.log import document, rule

WHEN = {"field": "user", "equals": "root"}


def told(**sections):
    with pytest.raises(ModelError) as caught:
        ModelDocument.from_json(document(**sections))
    return str(caught.value)


def deep(n):
    return WHEN if n == 0 else {"not": deep(n - 1)}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (
            rule(when={"field": "usr", "equals": "x"}),
            "$.rules[0].when.field: the template 't-req' has no field 'usr'; did you mean 'user'?",
        ),
        (rule(template="t-rq", when=WHEN), "$.rules[0].template: there is no template 't-rq'; did you mean 't-req'?"),
        (rule(template=None, when=WHEN), "$.rules[0].when.field: a rule for all lines has no fields"),
        (rule(when={"field": "user"}), "$.rules[0].when: has no operator; add one of equals"),
        (rule(when={"equals": "x"}), '$.rules[0].when: does not say what it is about; write one of "all"'),
        (
            rule(when={"field": "user", "line": "text", "equals": "x"}),
            "$.rules[0].when: has field and line; write one of",
        ),
        (
            rule(when={"field": "user", "equals": "x", "in": ["y"]}),
            "has the operators equals and in; write one test for each",
        ),
        (rule(when={"all": [WHEN], "equals": "x"}), '$.rules[0].when.equals: does not go with "all"'),
        (
            rule(when={"all": [WHEN, {"field": "status", "matches": "("}]}),
            "$.rules[0].when.all[1].matches: is no usable regular expression",
        ),
        (
            rule(when={"field": "status", "between": [9, 1]}),
            "$.rules[0].when.between: goes from 9 to 1; write the smaller number first",
        ),
        (
            rule(when={"field": "status", "at_least": "500"}),
            '$.rules[0].when.at_least: is the text "500"; write a number',
        ),
        (rule(when={"field": "user", "in": []}), "$.rules[0].when.in: is an empty list"),
        (rule(when={"field": "user", "in": ["a", None]}), "$.rules[0].when.in[1]: is null; write a text or a number"),
        (rule(when={"field": "user", "in": ["a", True]}), "$.rules[0].when.in[1]: is true or false"),
        (rule(when={"line": "text", "at_least": 5}), 'does not go with "line": "text": it is no number'),
        (rule(when={"line": "source", "exists": True}), "every line has it"),
        (rule(when={"line": "level", "equals": "eror"}), "there is no level 'eror'; did you mean 'error'?"),
        (
            rule(when={"field": "user", "equal": "x"}),
            '$.rules[0].when.equal: is an unknown key; did you mean "equals"?',
        ),
        (rule(when=WHEN, severity="hgih"), "$.rules[0].severity"),
        (rule(when=WHEN, severity=101), "$.rules[0].severity: is 101, which is too large"),
        (
            rule(when=WHEN, message="{usr} did it"),
            "$.rules[0].message: the template 't-req' has no field 'usr'; did you mean 'user'?",
        ),
        (
            rule(template=None, when={"line": "text", "contains": "x"}, message="{user}"),
            "$.rules[0].message: names the field 'user', but a rule for all lines has no fields",
        ),
        (rule(when=deep(22)), "is nested more than 20 deep"),
    ],
)
def test_what_is_wrong_with_a_rule(one, message):
    assert message in told(rules=[one])


def test_ids_stand_once_and_every_problem_is_told():
    text = told(rules=[rule("x", when=WHEN), rule("x", when={"field": "nope", "equals": "1"})])
    assert "$.rules[1].id: 'x' is taken by $.rules[0]; write another id" in text
    assert "has no field 'nope'" in text


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"template": "t-x", "field": "user"}, "$.values[0].template: there is no template 't-x'"),
        (
            {"template": "t-req", "field": "methd"},
            "$.values[0].field: the template 't-req' has no field 'methd'; did you mean 'method'?",
        ),
        (
            {"template": "t-req", "field": "user", "values": [{"value": "a"}, {"value": "a"}]},
            "$.values[0].values[1].value: 'a' stands twice",
        ),
        ({"template": "t-req", "field": "user", "values": []}, "$.values[0].values: is an empty list"),
    ],
)
def test_what_is_wrong_with_a_set_of_values(found, message):
    assert message in told(values=[{"values": [{"value": "a"}], **found}])


def test_a_field_has_one_set_of_values():
    one = {"template": "t-req", "field": "user", "values": [{"value": "a"}]}
    assert "$.values[1]: is about the same field as $.values[0]" in told(values=[one, one])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "to_many"}, "$.allow[0].type: there is no anomaly type 'to_many'; did you mean 'too_many'?"),
        ({"type": "unmatched_log", "text_pattern": "("}, "$.allow[0].text_pattern: is no usable regular expression"),
        (
            {"type": "too_long", "until": "2026-02-31T00:00:00Z"},
            "$.allow[0].until: '2026-02-31T00:00:00Z' is no date and time",
        ),
        ({"type": "too_long", "until": "soon"}, "$.allow[0].until"),
        ({"type": "too_long", "stats": ["a"]}, '$.allow[0].stats: is an unknown key; did you mean "states"?'),
    ],
)
def test_what_is_wrong_with_an_allowed_finding(entry, message):
    assert message in told(allow=[{"id": "n-1", "reason": "so", **entry}])


def test_a_document_with_all_sections_comes_back_as_it_was():
    sections = {
        "rules": [rule("x", when={"all": [WHEN, {"not": {"field": "status", "between": [1, 2.5]}}]}, sources=["a*"])],
        "values": [{"template": "t-req", "field": "user", "values": [{"value": "a", "count": 3}], "support": 3}],
        "allow": [{"id": "n-1", "type": "rule", "reason": "so", "rule": "x", "fields": {"user": "root"}, "by": "me"}],
    }
    back = ModelDocument.from_json(document(**sections)).to_json()
    assert {key: back[key] for key in sections} == sections
    assert ModelDocument.from_json(back).to_json() == back
    assert not set(sections) & set(ModelDocument.from_json(document()).to_json())
