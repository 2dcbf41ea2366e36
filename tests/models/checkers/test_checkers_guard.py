"""What a checker does wrong is told, counted, and harms nobody else; one that always fails is switched off."""

import pytest

from models.checkers import Violation
from models.checkers.guard import Guard
from models.checkers.spec import CheckerSpec


def guard(most=3):
    return Guard(CheckerSpec("use", "limits", max_failures=most))


def tell(violation, number):
    return {"name": violation.name, "number": number}


def raising():
    raise KeyError("amount")


def test_violations_of_one_name_are_numbered():
    found = [Violation("a", 0, name="x"), Violation("b", 1, name="y"), Violation("c", 0.5, name="x")]
    at = guard()
    documents, failure = at.call(lambda: found, tell)
    assert [(d["name"], d["number"]) for d in documents] == [("x", 0), ("y", 0), ("x", 1)]
    assert (failure, at.violations, at.failures) == ("", 3, 0)
    assert at.busy_ns > 0


def test_nothing_may_be_given_as_nothing():
    assert guard().call(lambda: None, tell) == ([], "")


def test_a_failure_is_told_with_the_checker_the_place_and_the_error():
    at = guard()
    documents, failure = at.call(raising, tell)
    assert documents == []
    assert failure.startswith("checker limits failed (test_checkers_guard.py, line ")
    assert failure.endswith("): KeyError: 'amount'")
    assert (at.failures, at.is_off) == (1, False)


@pytest.mark.parametrize("given", [["text"], [None], 5])
def test_what_is_no_violation_is_a_failure(given):
    assert "TypeError" in guard().call(lambda: given, tell)[1]


def test_what_came_before_a_failure_is_not_told_either():
    def some():
        yield Violation("a", 0)
        raise ValueError("b")

    documents, failure = guard().call(some, tell)
    assert documents == []
    assert failure.endswith("ValueError: b")


def test_so_many_failures_in_a_row_switch_it_off_which_is_told_once():
    at = guard(3)
    told = [at.call(raising, tell)[1] for _ in range(5)]
    assert ["switched off" in text for text in told] == [False, False, True, False, False]
    assert "as it has failed 3 times in a row, it is switched off here until the next start" in told[2]
    assert told[3:] == ["", ""]
    assert (at.failures, at.is_off) == (3, True)
    assert at.call(lambda: [Violation("a", 0)], tell) == ([], "")


def test_failures_count_only_in_a_row():
    at = guard(3)
    for _ in range(5):
        at.call(raising, tell)
        at.call(raising, tell)
        at.call(list, tell)
    assert (at.failures, at.is_off) == (10, False)


def test_what_has_been_told_before_counts_for_nothing():
    at = guard(1)
    documents, _ = at.call(lambda: [Violation("a", 0)], tell, silent=True)
    assert len(documents) == 1
    assert at.call(raising, tell, silent=True)[1]
    assert (at.violations, at.failures, at.is_off) == (0, 0, False)


def test_a_long_error_is_cut():
    def verbose():
        raise ValueError("x" * 10_000)

    assert len(guard().call(verbose, tell)[1]) == 500


@pytest.mark.parametrize(
    ("reason", "score", "told"),
    [("", 0.5, "no reason"), ("a", 1.01, "the score 1.01"), ("a", -0.1, "the score -0.1"), ("a", float("nan"), "nan")],
)
def test_a_violation_needs_a_reason_and_a_score(reason, score, told):
    with pytest.raises(ValueError, match=told):
        Violation(reason, score)
