"""A source of which too much cannot be read stops the job, with a message that says what to do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError, LimitSettings, Runs
from models.errors import UserError

flags = st.lists(st.booleans(), max_size=40).map(lambda values: np.array(values, np.bool_))


def slow_runs(dead):
    """The lengths of all runs of dead lines, by their beginnings."""
    runs, length = {}, 0
    for k, lost in enumerate([*dead.tolist(), False]):
        if lost:
            length += 1
        elif length:
            runs[k - length] = length
            length = 0
    return runs


@given(flags)
def test_runs_are_those_counted_one_by_one(dead):
    runs = slow_runs(dead)
    trailing = next((n for begin, n in runs.items() if begin + n == len(dead)), 0)
    assert Runs.of(dead) == Runs(runs.get(0, 0), max(runs.values(), default=0), trailing)


def tell(limit, dead):
    limit.count("app.log", len(dead), int(dead.sum()), Runs.of(dead), "not valid UTF-8")


@settings(max_examples=200)
@given(flags, st.lists(st.integers(0, 40), max_size=4), st.integers(1, 8))
def test_a_row_of_dead_letters_is_seen_however_the_lines_are_cut(dead, cuts, most):
    limit, begin, seen = DeadLetterLimit(LimitSettings(max_consecutive=most)), 0, False
    for cut in [*sorted(cuts), len(dead)]:
        limit = DeadLetterLimit(LimitSettings(max_consecutive=most), json.loads(json.dumps(limit.to_record())))
        try:
            tell(limit, dead[begin : max(begin, cut)])
        except DeadLetterLimitError:
            seen = True
            break
        begin = max(begin, cut)
    assert seen == (max(slow_runs(dead).values(), default=0) > most)


def test_the_message_says_source_numbers_and_what_to_do():
    with pytest.raises(UserError) as caught:
        tell(DeadLetterLimit(LimitSettings(max_consecutive=1000)), np.ones(1001, np.bool_))
    assert str(caught.value) == (
        "app.log: 1,001 lines in a row cannot be read, more than dead_letters.max_consecutive (1,000) allows. "
        "The last one: not valid UTF-8. The dead letters show the lines: if the log is right, mend input.format, "
        "input.encoding or the model's timestamp formats; if it is not, raise dead_letters.max_consecutive "
        "(0 is no limit)."
    )
    with pytest.raises(UserError, match=r"600 of the last 1,000 lines cannot be read \(60.0%\), .*max_ratio \(50.0%\)"):
        DeadLetterLimit(LimitSettings(0.5, 1000)).count("app.log", 1000, 600)


def test_a_share_is_taken_of_enough_lines_only_and_of_the_last_ones():
    limit = DeadLetterLimit(LimitSettings(0.5, 100))
    limit.count("a", 99, 99)
    limit = DeadLetterLimit(LimitSettings(0.5, 100))
    for _ in range(50):  # half of them and no more
        limit.count("a", 10, 5)
    assert not told_until_stopped(LimitSettings(0.5, 100), good=0, dead=90)
    for good in (0, 100, 1000, 100_000):  # what was good before the last stretches does not help
        assert 100 <= told_until_stopped(LimitSettings(0.5, 100), good, dead=1000) <= 200


def told_until_stopped(settings, good, dead):
    """How many dead letters after some good lines stop the job, 0 if none do."""
    limit = DeadLetterLimit(settings)
    for _ in range(good // 10):
        limit.count("a", 10, 0)
    for told in range(10, dead + 1, 10):
        try:
            limit.count("a", 10, 10)
        except DeadLetterLimitError:
            return told
    return 0


def test_there_may_be_no_limit():
    limit = DeadLetterLimit(LimitSettings(1.0, 1, 0))
    for _ in range(1000):
        limit.count("a", 1000, 1000)


def test_without_the_runs_only_batches_dead_throughout_make_a_row():
    limit = DeadLetterLimit(LimitSettings(max_consecutive=100))
    for _ in range(10):
        limit.count("a", 60, 60)
        limit.count("a", 0, 0)
        limit.count("a", 60, 59)
    limit.count("a", 60, 60)
    with pytest.raises(DeadLetterLimitError, match="120 lines in a row"):
        limit.count("a", 60, 60)


def test_a_record_of_another_version_is_refused():
    record = DeadLetterLimit(LimitSettings()).to_record()
    with pytest.raises(ValueError, match="version 9; known is 1"):
        DeadLetterLimit(LimitSettings(), {**record, "version": 9})
