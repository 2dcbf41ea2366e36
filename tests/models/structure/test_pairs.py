"""JSON objects and logfmt to pairs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.structure.pairs import MalformedError, read_json, read_logfmt, text_of

keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(lambda key: "." not in key)
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(scalars | st.lists(scalars, max_size=3), lambda v: st.dictionaries(keys, v, max_size=3))


def slow_flat(value, before=""):
    """Every value that is no object, or an empty one, at its keys joined by dots."""
    if not isinstance(value, dict) or (not value and before):
        return {before: value}
    found: dict[str, object] = {}
    for key, inner in value.items():
        found |= slow_flat(inner, f"{before}.{key}" if before else key)
    return found


@given(st.dictionaries(keys, values, max_size=5), st.booleans())
def test_objects_are_flattened_whatever_their_spacing(found, spaced):
    text = json.dumps(found, ensure_ascii=not spaced, separators=(" , ", " : ") if spaced else (",", ":"))
    expected = {key: text_of(str(v) if type(v) is int else v) for key, v in slow_flat(found).items()}

    assert {key: text_of(value) for key, value in read_json(text).items()} == expected


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('{"a": 1.50, "b": -0, "c": 1e400, "d": 12345678901234567890123}',
         {"a": "1.50", "b": "-0", "c": "1e400", "d": "12345678901234567890123"}),
        ('{"a": NaN, "b": -Infinity}', {"a": "NaN", "b": "-Infinity"}),
        ('{"a": 1, "a": 2}', {"a": "2"}),
        (r'{"a": "caf\u00e9 \ud83d\ude00"}', {"a": "café 😀"}),
        ('{"a": "tab\there"}', {"a": "tab\there"}),
        ('{"a": {"b": {"c": true}}, "d": []}  ', {"a.b.c": "true", "d": ""}),
        ('{"a": [1, null, "x"], "b": [{"c": 1}]}', {"a": "1,,x", "b": '[{"c":"1"}]'}),
        ("{}", {}),
    ],
)  # fmt: skip
def test_values_are_what_is_written(text, pairs):
    assert {key: text_of(value) for key, value in read_json(text).items()} == pairs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": ', "is not valid JSON: a value is expected at character 7"),
        ('{"a": "b', "is not valid JSON: Unterminated string starting at at character 7"),
        ('{"a": 1} trailing', "more text follows the object at character 9"),
        ("[1, 2]", "is no JSON object"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ('{"a" 1}', "Expecting ':' delimiter at character 6"),
    ],
)
def test_what_is_no_object_says_why(text, reason):
    with pytest.raises(MalformedError, match=reason.replace("(", r"\(")):
        read_json(text)


def test_objects_within_many_objects_stay_text():
    deep = '{"a":' * 40 + "1" + "}" * 40
    (key,) = read_json(deep)
    assert key == ".".join("a" * 16)


bare = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters='"='), min_size=1, max_size=8)


@given(st.dictionaries(bare, st.text(st.characters(exclude_categories=["Cs"]), max_size=10), min_size=1, max_size=5))
def test_logfmt_that_is_quoted_is_read_as_it_was(pairs):
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in pairs.items()}
    assert read_logfmt(" ".join(f'{key}="{value}"' for key, value in escaped.items())) == pairs


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('ts=12 level=info msg="user \\"x\\" logged in" user=42 dur=3.2ms',
         {"ts": "12", "level": "info", "msg": 'user "x" logged in', "user": "42", "dur": "3.2ms"}),
        ("a= b=c done", {"a": "", "b": "c", "done": "true"}),
        ("token=abc== url=http://x/?a=b", {"token": "abc==", "url": "http://x/?a=b"}),
        (r'a="one\ntwo"', {"a": "one\ntwo"}),
    ],
)  # fmt: skip
def test_logfmt_values_are_what_is_written(text, pairs):
    assert read_logfmt(text) == pairs


@pytest.mark.parametrize(("text", "at"), [('a="b', 1), ('x=y a=b"c', 5), ("=b", 1), ("", 1), ("a=1 =2", 5)])
def test_what_is_no_logfmt_says_where(text, at):
    with pytest.raises(MalformedError, match=f"is not valid logfmt: no key=value at character {at}"):
        read_logfmt(text)
