"""What is said of each way in which data can disagree with a schema."""

import jsonschema
import pytest

from jobs.settings_words import explain, shown


def said(schema, value):
    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    return sorted(told for error in errors for told in explain(error))


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": ["string", "null"]}, 1, "1 is not a text or nothing"),
        ({"enum": ["daily", "ilm"]}, "weekly", "'weekly' is not known here; write daily or ilm"),
        ({"enum": ["daily", "ilm"]}, "dayly", "'dayly' is not known here; did you mean daily?"),
        ({"enum": [1, 2, 3]}, 4, "4 is not known here; write 1, 2 or 3"),
        ({"const": 7}, 8, "8 is not 7, which alone is possible here"),
        ({"pattern": "^[a-z]+$", "title": "word: lower-case letters"}, "A", "'A' is no word: lower-case letters"),
        ({"pattern": "^[a-z]+$"}, "A", "'A' is no text of the form ^[a-z]+$"),
        ({"exclusiveMinimum": 0}, 0, "0 is too small; it has to be more than 0"),
        ({"exclusiveMaximum": 1}, 1, "1 is too large; it has to be less than 1"),
        ({"multipleOf": 10}, 5, "5 is no multiple of 10"),
        ({"minItems": 1}, [], "must not be empty"),
        ({"minItems": 2}, [1], "is too short; at least 2 have to be there"),
        ({"maxLength": 3}, "long", "is too long; the most is 3 characters"),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 3, "3 is not a text or a list"),
        ({"oneOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}, {}, "one of the keys a and b or c is missing; add "
         "it"),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 2}, "there are both a and b; remove one"),
        ({"not": {"required": ["a", "b"]}}, {"a": 1, "b": 2}, "there are both a and b; remove one"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "there is a but no b; add b, or remove a"),
        ({"anyOf": [{"minimum": 5}, {"type": "string"}]}, 3, "3 is too small; the least is 5"),
    ],
)  # fmt: skip
def test_each_violation_is_told_in_plain_words(schema, value, expected):
    assert [message for _, message in said(schema, value)] == [expected]


def test_two_keys_that_ask_for_each_other_are_told_one_by_one():
    schema = {"dependentRequired": {"a": ["b", "c"], "b": ["a"]}}
    assert [message for _, message in said(schema, {"a": 1})] == [
        "there is a but no b; add b, or remove a",
        "there is a but no c; add c, or remove a",
    ]


def test_a_repeated_item_is_told_at_its_own_place():
    assert said({"properties": {"x": {"uniqueItems": True}}}, {"x": [1, 2, 1, 1]}) == [
        (("x", 2), "stands twice; remove one"),
        (("x", 3), "stands twice; remove one"),
    ]


def test_a_long_value_is_cut():
    assert len(shown("a" * 1000)) == 60
    assert shown(None) == "nothing"
