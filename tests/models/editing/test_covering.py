"""Patterns that take what others take, and templates side by side."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.editing.alignment import aligned, tokens_of
from models.editing.covering import NO_BLANK, WIDER, covering
from models.grok import compile_grok


def regex(name):
    return compile_grok(f"%{{{name}}}").regex


PARTS = [
    "1",
    "23",
    "-",
    "+",
    ".",
    ":",
    "::1",
    "1.2.3.4",
    "a",
    "ff",
    "G",
    "_",
    "/",
    "\\",
    "C:",
    "x.y",
    "@",
    "http://h",
    "?",
    "=",
]
PARTS += ["[1]", "%", "GET", "May", "mon", "urn:x:", "é", "-0-", "/dev/", " ", "\t"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=7).map("".join)
EVERY = {name: regex(name) for name in {*NO_BLANK, *WIDER, *(name for names in WIDER.values() for name in names)}}


@settings(max_examples=700, deadline=None)
@given(TEXTS)
def test_patterns_take_what_they_are_said_to_take(text):
    taken = {name for name, expression in EVERY.items() if expression.fullmatch(text)}
    if taken & NO_BLANK:
        assert re.fullmatch(r"\S+", text, re.ASCII), taken
    for wide, others in WIDER.items():
        assert wide in taken or not taken & others, (wide, taken & others)


def test_no_pattern_is_left_untried():
    shapes = [
        "1",
        "-1",
        "Z",
        "a",
        "a@x.y",
        "1-a-2-b-3",
        "1:2:3:4:5:6",
        "1-2-3-4-5-6",
        "1.2.3",
        "1.2.3.4",
        "::1",
        "info",
    ]
    shapes += ["urn:x:a", "May", "mon", "/dev/a", "http://h", "C:\\a", "1:23", "1-2-3", "GET", "?a", "a:1", "/a"]
    assert [name for name, taken in EVERY.items() if not any(map(taken.fullmatch, shapes))] == []


@pytest.mark.parametrize(
    ("patterns", "values", "expected"),
    [
        ({"INT"}, (), "INT"),
        ({"INT"}, ("5",), "INT"),
        ({"INT"}, ("x",), "NOTSPACE"),
        ({"INT", "NUMBER"}, (), "NUMBER"),
        ({"INT", "POSINT"}, ("-1",), "INT"),
        ({"IPV4", "IPV6"}, (), "IP"),
        ({"WORD", "PATH"}, (), "NOTSPACE"),
        ({"WORD", "DATA"}, (), "DATA"),
        ({"WORD"}, ("a b",), "DATA"),
        ({"ORDER"}, (), "ORDER"),
        ({"ORDER", "INT"}, (), "DATA"),
        ((), ("1", "22"), "INT"),
        ((), ("a", ""), "DATA"),
    ],
)
def test_the_narrowest_pattern_that_takes_all_is_chosen(patterns, values, expected):
    assert covering(patterns, values, {"ORDER": "o[0-9]+"}) == expected


def test_a_pattern_of_the_models_own_is_not_taken_for_the_standard_one():
    assert covering({"INT", "NUMBER"}, (), {"INT": "[a-z ]+"}) == "DATA"


def test_what_ends_a_template_takes_the_rest():
    assert covering({"WORD"}, ("a b",), {}, last=True) == "GREEDYDATA"


PIECES = st.lists(
    st.sampled_from(["a ", "bb", ", ", "%{INT:x}", "(?:c|d)+", r"\[", r"\d+ ", "%{SPACE}", "%{WORD}?", "e? "]),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_the_tokens_of_a_template_are_all_of_it(pieces):
    grok = "".join(pieces).replace("%{INT:x}", "%{INT:x}", 1)
    if grok.count("%{INT:x}") > 1:
        return
    tokens = tokens_of(grok)
    assert tokens is not None
    assert "".join(token.source for token in tokens) == grok


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc "), max_size=8), st.lists(st.sampled_from("abc "), max_size=8))
def test_an_alignment_has_all_tokens_of_both_in_order(one, two):
    left, right = tokens_of(" ".join(one)) or [], tokens_of(" ".join(two)) or []
    pairs = list(aligned(left, right))
    assert [t for a, _ in pairs for t in a] == left
    assert [t for _, b in pairs for t in b] == right


def test_anchors_are_no_part_of_what_is_shared():
    assert [t.source for t in tokens_of(r"^a\$ b$") or []] == ["a", r"\$", " ", "b"]
    assert tokens_of("a|b") is None
    assert tokens_of("(?i)a") is None
