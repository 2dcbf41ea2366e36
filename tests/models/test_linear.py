"""Linear expressions against Python's, and against time."""

from __future__ import annotations

import pickle
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grok_patterns import LIBRARY
from models.linear import LinearError, LinearRegex

# Not \B: Python 3.11 does not find it in an empty text.
_ATOMS = (
    r"a b é \. - \d \w \s \S \D \W . [ab] [^a] [a-f0-9] [\w.-] [^\s] \x41 \u00e9 [\x80-\U0010FFFF] [^\W\d] "
    r"(?i:K) (?s:.) \b"
)
ATOMS = st.sampled_from(_ATOMS.split(" "))
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{2,}?"])


def grouped(inner):
    return st.tuples(st.lists(inner, min_size=1, max_size=3), st.sampled_from(["(?:", "("]), QUANTIFIERS).map(
        lambda t: f"{t[1]}{'|'.join(t[0])}){t[2]}"
    )


pieces = st.tuples(ATOMS, QUANTIFIERS).map(lambda t: t[0] + (t[1] if t[0] != r"\b" else ""))
expressions = st.recursive(
    pieces, lambda inner: grouped(inner) | st.lists(inner, max_size=3).map("".join), max_leaves=8
)
texts = st.text("abAkK01é. -_\n\t\x0b", max_size=8)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(expressions, min_size=1, max_size=4), text=texts)
def test_it_matches_where_python_does(parts, text):
    pattern = "".join(f"(?P<g{k}>{part})" for k, part in enumerate(parts))
    ours, theirs = LinearRegex(pattern), re.compile(pattern, re.ASCII)
    for method in ("fullmatch", "match", "search"):
        mine, other = getattr(ours, method)(text), getattr(theirs, method)(text)
        assert (mine is None) == (other is None)


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(pieces, min_size=1, max_size=4), text=texts)
def test_its_groups_are_those_of_python(parts, text):
    pattern = "".join(f"(?P<g{k}>{part})" for k, part in enumerate(parts))
    ours, theirs = LinearRegex(pattern), re.compile(pattern, re.ASCII)
    for method in ("fullmatch", "match", "search"):
        mine, other = getattr(ours, method)(text), getattr(theirs, method)(text)
        assert (mine is None) == (other is None)
        if mine is not None and other is not None:
            assert mine.span() == other.span()
            assert mine.groupdict() == other.groupdict()
            for name in other.groupdict():
                assert mine.span(name) == other.span(name)
                begin, end = mine.byte_span(name)
                assert text.encode()[begin:end].decode() == other[name]


def test_a_group_without_part_in_the_match_is_none():
    found = LinearRegex("(?P<a>x)?(?P<b>y)").fullmatch("y")
    assert found is not None
    assert found["a"] is None
    assert found.span("a") == found.byte_span("a") == (-1, -1)
    with pytest.raises(KeyError):
        found["c"]


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_every_standard_pattern_can_be_matched_in_linear_time(name):
    text = LIBRARY[name]
    while "%{" in text:
        text = re.sub(r"%\{(\w+)(?::\w+)*\}", lambda m: f"(?:{LIBRARY[m[1]]})", text)
    LinearRegex(text)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)b", "looks ahead or behind"),
        ("(?<!a)b", "looks ahead or behind"),
        (r"(a)\1", "refers to a group"),
        (r"(a)?(?(1)b|c)", "depends on a group"),
        ("a{2000}", "more than 1,000 times"),
        ("(((a{900}){900}){900}){900}", "too large"),
        ("(", "missing )"),
        ("[z-a]", "bad character range"),
    ],
)
def test_what_is_refused_says_why(pattern, said):
    with pytest.raises(LinearError, match=re.escape(said)):
        LinearRegex(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"), [("(?>a+)b", "aab"), ("a++b", "aab"), ("(?i)ab$", "AB"), ("(?x) a b", "ab")]
)
def test_other_syntax_of_python_is_read(pattern, text):
    assert LinearRegex(pattern).fullmatch(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*?a){30}b",
        "(?P<a>.*?)a(?P<b>.*?)a(?P<c>.*?)a(?P<d>.*?)a(?P<e>.*?)b",
        r"(\w+\s?)*b",
        "(x?){500}b",
    ],
)
def test_no_expression_and_no_text_take_long(pattern):
    """Python's engine needs years for each of these; a thousandth of what is allowed here is usual."""
    regex = LinearRegex(pattern)
    begin = time.process_time()
    assert regex.fullmatch("a" * 100_000) is None
    assert regex.search("a" * 100_000 + "\n") is None
    assert time.process_time() - begin < 20


def test_it_survives_pickling():
    found = pickle.loads(pickle.dumps(LinearRegex("(?P<n>a+)"))).fullmatch("aa")
    assert found["n"] == found.matched == "aa"
