"""Which fields are closed: few values, seen often, from early on, and no numbers or names of threads."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detection import LineDetector
from models.learner import LearnOptions, learn
from models.mining.values import LEAST_SUPPORT, MOST_VALUES, PARTS, ValueCounts
from models.source_reader import ReadLimits, SourceState

KEY = (0, "f")


def counted(rows):
    counts = ValueCounts()
    for part, value in rows:
        counts.add(KEY, part, {value: 1})
    return counts


def closed(rows):
    return dict(counted(rows).closed()).get(KEY)


def even(values, n=600):
    """Lines in which the values come in turn, all through the log."""
    return [(i * PARTS // n, values[i % len(values)]) for i in range(n)]


def test_a_few_words_that_come_all_through_the_log_are_closed():
    assert closed(even(["visa", "paypal", "bank transfer"])) == {"bank transfer": 200, "paypal": 200, "visa": 200}


@pytest.mark.parametrize(
    "rows",
    [
        even(["visa"]),
        even(["a", "b"], LEAST_SUPPORT - 1),
        even([f"w{'x' * n}" for n in range(MOST_VALUES + 1)], 5000),
        even(["worker-1", "worker-2"]),
        even(["200", "404"]),
        even(["one two three four", "ok"]),
        [*even(["a", "b"]), (0, "rare")],
        even(["a", "b"]) + [(part, "late") for part in range(5, 10) for _ in range(5)],
        even(["a", "b"]) + [(3, "burst")] * 50,
        even(["a", "-"]),
        even(["B", "KB"]),
        even(["ms", "s", "min"]),
    ],
    ids=[
        "one value",
        "few lines",
        "many values",
        "threads",
        "numbers",
        "sentences",
        "rare",
        "late",
        "burst",
        "no word",
        "units of size",
        "units of time",
    ],
)
def test_what_leaves_room_for_more_values_is_open(rows):
    assert closed(rows) is None


rows = st.lists(st.tuples(st.integers(0, PARTS - 1), st.sampled_from(["a", "b", "c", "d1"])), max_size=40)


@given(rows, rows)
def test_counts_are_the_same_in_any_order_and_merged(one, two):
    together = counted([*one, *two])
    merged = counted(two)
    merged.merge(counted(one))
    assert merged._fields == together._fields
    shuffled = [*one, *two]
    random.Random(1).shuffle(shuffled)
    assert counted(shuffled)._fields == together._fields


WAYS = [
    "visa",
    "paypal",
    "transfer",
    "cash",
    "cheque",
    "voucher",
    "giro",
    "invoice",
    "maestro",
    "amex",
    "coupon",
    "debit",
]


def log(path, lines, extra=()):
    """A log of payments in some ways, by threads, of many customers."""
    dice = random.Random(7)
    rows = []
    for n in range(lines):
        rows.append(f"paid {dice.randint(1, 10**6)} by {dice.choice(WAYS)} in pool-{n % 7} done")
        rows.append(f"mail to u{dice.randint(1, 10**6)}x sent")
    rows += extra
    stamp = "2026-01-01 {:02}:{:02}:{:02} INFO "
    path.write_text("".join(stamp.format(n // 3600, n // 60 % 60, n % 60) + row + "\n" for n, row in enumerate(rows)))
    return path


def test_learning_finds_the_closed_fields_and_a_new_value_is_told(tmp_path):
    path = log(tmp_path / "a.log", 1500)
    model, _ = learn([("a.log", str(path))], LearnOptions())
    (known,) = model.values
    assert {entry.value for entry in known.values} == set(WAYS)
    assert known.support == sum(entry.count for entry in known.values) == 1500
    detector = LineDetector(model, ReadLimits(), 4)
    watched = log(tmp_path / "b.log", 20, ["paid 77 by bitcoin in pool-9 done"]).read_bytes()
    outcome, _, _ = detector.process("b.log", SourceState(), watched, True)
    assert [(a["type"], a["fields"]) for a in outcome.judged] == [
        ("new_value", [{"name": known.field, "value": "bitcoin"}])
    ]
    assert outcome.unmatched == []
