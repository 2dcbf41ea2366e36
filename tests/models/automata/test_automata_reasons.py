"""Sentences, scores and evidence of an anomaly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.automata.judge import Finding, Violation
from models.automata.reasons import bounds, explain, times
from models.automata.severity import score
from models.automata.shard import FOREVER, ShardState
from models.automata.transaction import Keeping, Transaction
from tests.models.automata.workload import MINUTE, automaton, batch, flow, model, numbered, state

SPEC = automaton(
    "a-order",
    [
        state("open", begin=True),
        state("pay", 3, 3),
        state("pack", 0, 2),
        state("ship", 0, 1),
        state("fail", 0, 0),
        state("close", end=True),
    ],
    order=[{"before": "pack", "after": "ship", "support": 3450}],
    requires=[{"if": "ship", "then": "pack", "support": 3450}],
    duration={"min_ms": 12, "max_ms": 98_000, "support": 3400},
    settle_ms=2000,
    expires_ms=5 * MINUTE,
)
OPEN, PAY, PACK, SHIP, FAIL, CLOSE = range(1, 7)


def reasons(*steps: tuple[int, int]) -> dict[str, tuple[str, str, str]]:
    compiled = model(SPEC)
    shard = ShardState(compiled)
    events = numbered([(at, "a.log", template, b"o-1", 0) for at, template in steps])
    shard.add(batch(events, compiled.template_ids))
    return {d["type"]: (d["reason"], d["actual"], d["typical"]) for d in shard.advance(FOREVER)}


def test_every_type_reads_as_one_plain_sentence():
    paid = [(1, PAY), (2, PAY), (3, PAY)]
    assert reasons((0, PAY), *paid, (20, CLOSE)) == {
        "missing_begin": (
            'Transaction o-1 began with "pay of <id>"; normally it begins with "open of <id>" '
            "(learnt from 1,000 transactions).",
            '"pay of <id>"',
            '"open of <id>"',
        ),
        "too_many": (
            'Transaction o-1 passed "pay of <id>" 4 times; 3 times is normal (learnt from 1,000 transactions).',
            "4",
            "3",
        ),
    }
    assert reasons((0, OPEN), *paid)["missing_end"][0] == (
        'Transaction o-1 never ended: it stopped at "pay of <id>", while normally "close of <id>" follows '
        "within 1 min 38 s (learnt from 1,000 transactions)."
    )
    assert reasons((0, OPEN), (20, CLOSE))["missing_state"][0] == (
        'Transaction o-1 never passed "pay of <id>"; 3 times is normal (learnt from 1,000 transactions).'
    )
    assert reasons((0, OPEN), *paid, (4, SHIP), (20, CLOSE))["missing_state"][0] == (
        'Transaction o-1 passed "ship of <id>" but never "pack of <id>", which normally comes with it '
        "(learnt from 3,450 transactions)."
    )
    assert reasons((0, OPEN), (1, PAY), (20, CLOSE))["too_few"][0] == (
        'Transaction o-1 passed "pay of <id>" only once; 3 times is normal (learnt from 1,000 transactions).'
    )
    assert reasons((0, OPEN), *paid, (4, FAIL), (20, CLOSE))["too_many"][0] == (
        'Transaction o-1 passed "fail of <id>" once, which normally never occurs (learnt from 1,000 transactions).'
    )
    assert reasons((0, OPEN), *paid, (4, SHIP), (5, PACK), (20, CLOSE))["wrong_order"] == (
        'Transaction o-1 passed "ship of <id>" before "pack of <id>"; normally "pack of <id>" comes first '
        "(learnt from 3,450 transactions).",
        '"ship of <id>" before "pack of <id>"',
        '"pack of <id>" before "ship of <id>"',
    )
    assert reasons((0, OPEN), *paid, (4, CLOSE))["too_short"] == (
        "Transaction o-1 took 4 ms; 12 ms to 1 min 38 s is normal (learnt from 3,400 transactions).",
        "4 ms",
        "12 ms to 1 min 38 s",
    )
    assert reasons((0, OPEN), *paid, (200_000, CLOSE))["too_long"][0] == (
        "Transaction o-1 took 3 min 20 s; 12 ms to 1 min 38 s is normal (learnt from 3,400 transactions)."
    )
    assert reasons((0, OPEN), *paid, (360_000, CLOSE))["too_long"][0] == (
        "Transaction o-1 ended after all, but took 6 min; 12 ms to 1 min 38 s is normal "
        "(learnt from 3,400 transactions)."
    )


def test_several_violations_of_a_type_are_one_anomaly_that_mentions_the_others():
    found = reasons((0, OPEN), *[(at, PAY) for at in range(1, 10)], (10, PACK), (10, PACK), (10, PACK), (20, CLOSE))
    assert found["too_many"][0] == (
        'Transaction o-1 passed "pay of <id>" 9 times; 3 times is normal, and 1 more of this kind '
        "(learnt from 1,000 transactions)."
    )


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(3, 3, "3"), (1, 3, "1 to 3"), (0, 3, "at most 3"), (2, None, "at least 2"), (1000, 2000, "1,000 to 2,000")],
)
def test_bounds_read_as_people_say_them(low, high, text):
    assert bounds(low, high) == text


def test_counts_read_as_people_say_them():
    assert [times(count) for count in (0, 1, 2, 1000)] == ["never", "once", "2 times", "1,000 times"]


def finding(kind="too_many", actual=5, high=3, support=100) -> Finding:
    return Finding(kind, (Violation(0, None, actual, 1, high, "occurrences", support),))


@given(st.integers(4, 10**9), st.integers(1, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_score_grows_with_the_excess_and_with_the_support_and_stays_within_100(actual, more, support, further):
    low = score(finding(actual=actual, support=support))
    assert 0 <= low <= score(finding(actual=actual + more, support=support)) <= 100
    assert low <= score(finding(actual=actual, support=support + further)) <= 100


def test_what_never_happened_weighs_more_than_what_was_quick():
    assert score(finding("missing_state", 0, 3)) > score(finding("too_many", 4, 3)) > score(finding("too_short", 0, 3))


def test_evidence_keeps_both_ends_and_the_offending_lines():
    transaction = Transaction(0, Keeping(6))
    for position in range(1, 13):
        transaction.record((position, position % 12, b"x", position, position, "a", b""), 0)
    assert [line[4] for line in transaction.lines] == list(range(1, 13))
    slots = list(range(12))
    shown = [line[4] for line in transaction.evidence(6, frozenset({7}), slots)]
    assert shown == [1, 2, 3, 7, 11, 12]
    assert [line[4] for line in transaction.evidence(0, frozenset({7}), slots)] == []
    assert [line[4] for line in transaction.evidence(1, frozenset({7}), slots)] == [1]
    everything = [line[4] for line in transaction.evidence(6, frozenset(range(12)), slots)]
    assert everything == [1, 2, 3, 10, 11, 12]


@given(st.integers(1, 500), st.integers(0, 12))
def test_first_and_last_line_and_exact_counts_survive_any_length(events, evidence):
    transaction = Transaction(0, Keeping(evidence))
    for position in range(1, events + 1):
        transaction.record((position, 0, b"x", position, position, "a", b""), position % 2)
    assert (transaction.lines[0][4], transaction.lines[-1][4]) == (1, events)
    assert sum(transaction.counts.values()) == transaction.events == events
    first, left_out, last = transaction.shown_path()
    assert len(first) + left_out + len(last) == events
    assert [*first, *last][-1] == events % 2


def test_transitions_steps_and_exclusions_read_as_one_plain_sentence():
    spec = flow()
    for entry in spec["states"]:
        entry["closed"] = not entry["end"]
    rows = [("open", "work", 900), ("work", "work", 300), ("work", "check", 400), ("check", "close", 400)]
    spec["transitions"] = [{"from": a, "to": b, "support": n, "max_ms": 2000} for a, b, n in rows]
    spec["transitions"].append({"from": "work", "to": "close", "support": 500, "min_ms": 20, "max_ms": None})
    spec["excludes"] = [{"states": ["open", "check"], "support": 77}]
    (compiled,) = model(spec).automata

    def reason(kind, *violations):
        return explain(compiled, Transaction(0, Keeping(10)), "o-1", Finding(kind, violations)).reason

    assert reason("wrong_order", Violation(1, 0, None, None, None, "transition", 900)) == (
        'Transaction o-1 passed "open of <id>" right after "work of <id>"; normally "work of <id>", "check of <id>" or '
        '"close of <id>" follows (learnt from 900 transactions).'
    )
    slow = Violation(0, 1, 9000, None, 2000, "ms", 900)
    assert reason("slow_step", slow, slow) == (
        'Transaction o-1 took 9 s from "open of <id>" to "work of <id>"; at most 2 s is normal, '
        "and 1 more of this kind (learnt from 900 transactions)."
    )
    assert reason("fast_step", Violation(1, 3, 3, 20, None, "ms", 500)) == (
        'Transaction o-1 took 3 ms from "work of <id>" to "close of <id>"; at least 20 ms is normal '
        "(learnt from 500 transactions)."
    )
    excluded = Violation(2, 0, 1, 0, 0, "occurrences", 77)
    assert reason("excluded_state", excluded) == (
        'Transaction o-1 passed "check of <id>" although it passed "open of <id>"; normally never both '
        "(learnt from 77 transactions)."
    )
    # That both came says how bad it is, not how often.
    often = Violation(2, 0, 40, 0, 0, "occurrences", 77)
    assert score(Finding("excluded_state", (excluded,))) == score(Finding("excluded_state", (often,)))
