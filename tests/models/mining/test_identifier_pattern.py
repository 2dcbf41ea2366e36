"""The pattern learnt from identifiers finds them again in other text."""

from __future__ import annotations

import random
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mining.identifier_pattern import identifier_pattern

RNG = random.Random(5)


def found(pattern, text):
    match = re.search(pattern, text)
    return match and match[0]


def values_of(shape, count=40):
    """Values with the digits and hexadecimal digits of a shape filled in: 9 → a digit or more, h → hexadecimal."""

    def one():
        return re.sub(
            "[9h]+",
            lambda m: (
                str(RNG.randrange(10 ** RNG.randint(1, 6)))
                if m[0] == "9"
                else "0" + "".join(RNG.choice("0123456789abcdef") for _ in m[0])
            ),
            shape,
        )

    return [one() for _ in range(count)]


@pytest.mark.parametrize(
    "shape", ["blk_9", "blk_-9", "ord-9", "task_9_9", "req-hhhhhh", "job#9/9", "usr9", "job.9", "ord-é9"]
)
def test_identifiers_of_one_shape_are_found_whole_in_other_text(shape):
    pattern = identifier_pattern([values_of(shape)])
    assert pattern is not None
    for value in values_of(shape):
        for text in (value, f"lost {value}, sorry", f"({value})", f"id={value}"):
            assert found(pattern, text) == value


def test_uuids_are_found():
    values = [str(uuid.UUID(int=RNG.getrandbits(128))) for _ in range(20)]
    pattern = identifier_pattern([values])
    assert pattern is not None
    assert all(found(pattern, f"<{value.upper()}>") == value.upper() for value in values)
    assert not found(pattern, "123-456")


def test_block_numbers_with_and_without_sign_have_one_pattern():
    pattern = identifier_pattern([values_of("blk_9") + values_of("blk_-9")])
    assert pattern is not None
    assert found(pattern, "on blk_-12:") == "blk_-12"
    assert found(pattern, "on blk_12:") == "blk_12"


def test_of_kinds_that_begin_alike_each_is_found_whole():
    pattern = identifier_pattern([values_of("job-9"), values_of("job-9-9")])
    assert pattern is not None
    assert found(pattern, "x job-12-7 y") == "job-12-7"
    assert found(pattern, "x job-12 y") == "job-12"


@pytest.mark.parametrize(
    "values", [[], ["1", "22"], ["a1", "b2"], ["0x1f", "0x2e"], ["10.0.0.1"], ["-5"], ["é1"], ["x-1", "y-2"]]
)
def test_what_could_be_anything_has_no_pattern(values):
    assert identifier_pattern([values] if values else []) is None
    assert identifier_pattern([values]) is None


def test_kinds_without_a_pattern_do_not_spoil_the_others():
    assert identifier_pattern([["1", "2"], values_of("ord-9")]) == identifier_pattern([values_of("ord-9")])


def test_the_order_of_kinds_and_values_does_not_matter():
    kinds = [values_of("ord-9"), values_of("task_9"), values_of("pay-9-9")]
    assert identifier_pattern(kinds) == identifier_pattern([values[::-1] for values in kinds[::-1]])


def test_a_few_odd_values_are_let_go():
    assert identifier_pattern([[*values_of("ord-9", 99), "unknown"]]) == identifier_pattern([values_of("ord-9", 99)])
    assert identifier_pattern([["a_x", "bb_y", "cc_z", "dd_u", "ee_v"]]) is None  # every value its own shape


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=8), max_size=6))
def test_any_values_give_a_valid_pattern_or_none(values):
    pattern = identifier_pattern([values])
    assert pattern is None or re.compile(pattern)
