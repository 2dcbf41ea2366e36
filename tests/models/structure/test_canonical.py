"""Canonical lines: the same for all that says the same."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.folding import RESERVED
from models.structure.canonical import CanonicalWriter, canonical_key, plain_value
from models.structure.pairs import read_json
from models.structure.settings import StructureSettings

SETTINGS = StructureSettings("json", "ts", "level", "msg")


def written(found, settings=SETTINGS):
    return CanonicalWriter(settings).write(read_json(json.dumps(found)))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"ts": 12, "level": "info", "msg": "user logged in", "user": 42}, "12 info user logged in user=42"),
        ({"msg": "m", "b": 1, "a": True, "n": None}, "m a=true b=1 n="),
        ({"msg": "", "level": "", "a": 1}, "a=1"),
        ({"msg": "only"}, "only"),
        ({"msg": "first\nsecond", "stack": "E: x\n\tat y"}, "first stack=E：␣x"),
        ({"a": "two words", "b": "x,y", "c": "http://h:80/p?q=1"}, "a=two␣words b=x，y c=http://h:80/p？q＝1"),
        ({"level": 50, "msg": "pino"}, "error pino"),
        ({"k8s": {"pod": "p"}, "a b": 1, "%s": 2}, "_s=2 a_b=1 ks.pod=p"),
        ({}, ""),
    ],
)
def test_lines_are_written_as_said(found, text):
    assert written(found) == text


@given(st.randoms(use_true_random=False), st.dictionaries(st.sampled_from("abcdefg"), st.text(max_size=5), max_size=6))
def test_the_order_of_keys_and_blanks_make_no_difference(rng, found):
    items = list(found.items())
    rng.shuffle(items)
    spaced = json.dumps(dict(items), separators=(" ,  ", ":   "))
    assert CanonicalWriter(SETTINGS).write(read_json(spaced)) == written(found)


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=12), max_size=5))
def test_a_line_holds_no_byte_that_folding_uses_and_no_line_end(found):
    line = written(found).encode("utf-8", "replace")
    assert not set(line) & (RESERVED | {0x0A, 0x0D, 0})


def test_optional_keys_stand_in_every_line():
    settings = StructureSettings("json", "ts", "", "msg", ("a", "b", "c"), ("b",))
    assert written({"msg": "m", "a": 1, "c": 2}, settings) == "m a=1 b= c=2"
    assert written({"msg": "m", "c": 2, "b": "x", "a": 1, "new": 5}, settings) == "m a=1 b=x c=2"
    assert written({"msg": "m"}, StructureSettings("json", message="msg", optional=("b",), keys=("b",))) == "m b="


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20))
def test_values_can_be_read_back(value):
    line = written({"a": value})
    assert plain_value(line.removeprefix("a=")) == value.strip()


def test_keys_do_not_fold():
    assert canonical_key("http2.status_code") == "http.status_code"
    assert canonical_key("95") == "_"


def test_many_shapes_do_not_fill_the_memory():
    writer = CanonicalWriter(SETTINGS)
    rng = random.Random(1)
    for i in range(30_000):
        writer.write({f"k{i}": "v", "msg": str(rng.random())})
    assert len(writer._plans) <= 20_000


def test_long_values_are_cut_in_the_content():
    assert len(written({"a": "x" * 100_000})) < 3000
