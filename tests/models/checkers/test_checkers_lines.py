"""Line checkers and what keyed ones are sent, where lines are parsed; the lines themselves are the oracle."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import EventBatch
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.detection import LineDetector, shard_of
from models.document import ModelDocument
from models.schema_check import check
from models.source_reader import ReadLimits, SourceState
from tests.models.checkers.some_checkers import HERE
from tests.operators.shop import DAY, MODEL, TEMPLATES, line

SHARDS = 3
ALL = [
    *TEMPLATES,
    {"id": "t-pay", "grok": "pay %{NUMBER:amount:float}( to %{WORD:what})? for %{INT:id:int}"},
]
SHOP = ModelDocument.from_json({**MODEL, "templates": ALL})

texts = st.sampled_from(
    [
        "open 1",
        "work 2",
        "pay 1.5 to ann for 7",
        "pay 30 for 8",
        "pay 4.25 to bob for 12",
        "close 1",
        "new words",
        "pay",
    ]
)
logs = st.lists(st.tuples(st.integers(0, 20_000), texts, st.booleans()), max_size=12)


def specs(*, fail_at="never", sources=()):
    fields = {"fields": ["id", "amount"], "fail_at": fail_at}
    return [
        CheckerSpec(f"{HERE}:Shown", "shown", json.dumps(fields), sources, 1000),
        CheckerSpec(f"{HERE}:Recorder", "rec", "{}", sources),
    ]


def lines_of(rows):
    """The log: each line, and whether another one continues it."""
    return [
        (f"{line(ms, *text.split(' ', 1))}" if " " in text else line(ms, text, "").rstrip(), more)
        for ms, text, more in rows
    ]


def scan(lines, cuts=(), model=SHOP, topic=False, **how):
    """All that comes of a file read in batches: violations, letters, events for keyed checkers, all other events."""
    checkers = RunningCheckers(specs(**how))
    detector = LineDetector(model, ReadLimits(lateness_ms=10**6), SHARDS, epoch=4, checkers=checkers)
    raw = [text.encode() + b"\n" + b"  and on\n" * more for text, more in lines]
    state, begin = SourceState(), 0
    violations: list[dict[str, Any]] = []
    keyed: list[EventBatch] = []
    others: list[EventBatch] = []
    for end in [*sorted(cut for cut in cuts if cut <= len(raw)), len(raw)]:
        outcome, _, state = detector.process("a/log", state, b"".join(raw[begin:end]), end == len(raw))
        begin = end
        violations += outcome.violations
        for batch in outcome.batches:
            (keyed if batch.checker else others).append(EventBatch.decode(batch.encode()))
    return violations, checkers.take_letters(), keyed, others


def events(batches):
    rows: list[tuple[Any, ...]] = []
    for b in batches:
        assert b.key == (f"shop/rec/{b.shard}" if b.checker else f"shop/{b.shard}")
        assert {shard_of(key, SHARDS) for key in b.transaction} == {b.shard}
        place = [b.templates[at] for at in b.template.tolist()]
        rows += zip(b.position.tolist(), b.order_ms.tolist(), place, b.transaction, b.text, strict=True)
    return sorted(rows)


def told(lines):
    """What the line checker tells, read from the lines with an expression of our own."""
    found = []
    for text, _ in lines:
        match = re.fullmatch(r"\S+ \S+ pay ([0-9.]+)(?: to \w+)? for ([0-9]+)", text)
        if match:
            found.append(f"t-pay { ({'id': int(match[2]), 'amount': float(match[1])})!r} {text}")
    return found


@settings(max_examples=150, deadline=None)
@given(logs, st.lists(st.integers(0, 12), max_size=4))
def test_checkers_see_the_lines_that_they_asked_for_whatever_the_batches(rows, cuts):
    lines = lines_of(rows)
    violations, letters, keyed, others = scan(lines, cuts)
    assert [v["reason"] for v in sorted(violations, key=lambda v: v["evidence"][0]["line"])] == told(lines)
    assert letters == []
    for violation in violations:
        assert check("anomaly", violation) == []
    assert (violations, events(keyed)) == (scan(lines)[0], events(scan(lines)[2]))
    # What is there without checkers stays as it is.
    plain = LineDetector(SHOP, ReadLimits(lateness_ms=10**6), SHARDS, epoch=4)
    raw = b"".join(text.encode() + b"\n" + b"  and on\n" * more for text, more in lines)
    outcome, _, _ = plain.process("a/log", SourceState(), raw, True)
    assert events(others) == events(outcome.batches)
    assert outcome.violations == []


def test_a_violation_says_where_and_what():
    violations, _, _, _ = scan([(line(5, "pay", "1.5 for 7"), True)])
    (found,) = violations
    assert found == {
        "@timestamp": "2026-01-12T00:00:00.005Z",
        "id": found["id"],
        "type": "custom",
        "score": 25.0,
        "model": {"id": "shop", "version": 1},
        "source": "a/log",
        "transaction": None,
        "template": "t-pay",
        "evidence": [
            {
                "file": "a/log",
                "line": 1,
                "timestamp": "2026-01-12T00:00:00.005Z",
                "text": "2026-01-12 00:00:00,005 pay 1.5 for 7\n  and on",
            }
        ],
        "actual": "",
        "typical": "",
        "violations": [],
        "reason": "t-pay {'id': 7, 'amount': 1.5} 2026-01-12 00:00:00,005 pay 1.5 for 7",
        "checker": {"id": "shown", "violation": "seen", "key": None},
    }


def test_events_for_keyed_checkers_carry_the_key_as_written_and_typed_fields_ahead_of_the_text():
    _, _, keyed, _ = scan([(line(5, "pay", "1.5 to ann for 007"), True), (line(6, "pay", "2 for 8"), False)])
    first, second = events(keyed)
    assert first[:4] == (1, DAY + 5, "t-pay", b"007")
    fields, _, text = first[4].partition(b"\n")
    assert json.loads(fields) == {"id": 7, "what": "ann"}
    assert text == b"2026-01-12 00:00:00,005 pay 1.5 to ann for 007\n  and on"
    assert json.loads(second[4].partition(b"\n")[0]) == {"id": 8}, "what is left out in the line is left out here"


def test_sources_that_are_not_watched_are_not_looked_at():
    lines = [(line(5, "pay", "1.5 to ann for 7"), False)]
    violations, letters, keyed, _ = scan(lines, sources=("b/*",))
    assert (violations, letters, keyed) == ([], [], [])
    assert len(scan(lines, sources=("a/*",))[0]) == 1


def test_a_line_at_which_a_checker_fails_is_a_dead_letter_of_it_and_others_go_on():
    lines = [(line(n, "pay", f"{n} to ann for 7"), False) for n in range(1, 5)]
    violations, letters, keyed, _ = scan(lines, fail_at="pay 2 ")
    assert [v["evidence"][0]["line"] for v in violations] == [1, 3, 4]
    assert len(events(keyed)) == 4
    (letter,) = letters
    assert check("dead_letter", letter) == []
    assert letter["reason"].startswith("checker shown failed (some_checkers.py, line ")
    assert letter["reason"].endswith("): KeyError: 'as told'")
    assert (letter["source"], letter["line"], letter["checker"]) == ("a/log", 2, "shown")
    assert letter["text"] == lines[1][0]


def test_a_checker_that_fails_at_a_model_is_told_and_left_out():
    checkers = RunningCheckers([CheckerSpec(f"{HERE}:BadTemplates", "bad"), *specs()])
    detector = LineDetector(SHOP, ReadLimits(), SHARDS, checkers=checkers)
    (letter,) = checkers.take_letters()
    assert "it asks for the field 'nowhere'" in letter["reason"]
    assert check("dead_letter", letter) == []
    text = line(5, "pay", "1.5 for 7").encode() + b"\n"
    outcome, _, _ = detector.process("a", SourceState(), text, True)
    assert len(outcome.violations) == 1


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("text", "TypeError: it gave str where a Violation is wanted"),
        ("number", "TypeError: 'int' object is not iterable"),
        ("score", "TypeError: 'function' object is not iterable"),
        ("evidence", "KeyError: 'origin'"),
        ("none", None),
    ],
)
def test_what_is_given_wrong_is_a_failure_and_nothing_worse(gives, told):
    checkers = RunningCheckers([CheckerSpec(f"{HERE}:Wrong", "wrong", json.dumps({"gives": gives}))])
    detector = LineDetector(SHOP, ReadLimits(), SHARDS, checkers=checkers)
    outcome, _, _ = detector.process("a", SourceState(), line(5, "pay", "1.5 for 7").encode() + b"\n", True)
    assert outcome.violations == []
    assert [told in letter["reason"] for letter in checkers.take_letters()] == ([True] if told else [])


def test_lines_that_no_checker_asks_for_are_not_cut():
    """The fields of other templates are those that transactions need."""
    checkers = RunningCheckers(specs())
    detector = LineDetector(SHOP, ReadLimits(), SHARDS, checkers=checkers)
    wanted = detector._parser.wanted
    assert wanted[:4] == [("id",)] * 4
    assert wanted[4] == ("id", "amount", "what")
