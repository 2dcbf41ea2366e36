"""Visits sampled by transaction: against the rule applied to all lines at once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.visits import VisitReading, VisitSummary, _mark
from models.mining.identifier_choice import Identifier, IdentifierChoice
from tests.models.learning.shards import deal, merged, read

CHOICE = IdentifierChoice({0: Identifier("id", 0, 1.0), 1: Identifier("id", 0, 1.0)})
READING = VisitReading(("job %{NOTSPACE:id} begun", "job %{NOTSPACE:id} done", "tick"), CHOICE, (), 9)
TEXTS = [*(f"job j{n} {word}" for n in range(12) for word in ("begun", "done")), "tick", "unknown line"]
SOURCES = st.lists(
    st.lists(st.tuples(st.integers(0, 59), st.sampled_from(TEXTS)), min_size=1, max_size=40), min_size=1, max_size=3
)


def oracle(batches, most):
    """The visits to be held, in order, and the times of the edges."""
    rows = []
    for name, events in batches:
        for k in range(len(events)):
            text = events.data[events.time_ends[k] + 1 : events.ends[k]].tobytes().split()
            if text[0] in (b"job", b"tick"):
                template = {b"begun": 0, b"done": 1}.get(text[-1], 2)
                rows.append((events.order_ms[k], name, events.line[k], events.event_ms[k], template, text[1:2]))
    rows.sort(key=lambda row: row[:3])
    visits = [row for row in rows if row[5]]
    level = next(n for n in range(64) if sum(_mark(row[5][0]) < 1 << (63 - n) for row in visits) <= most)
    held = [row for row in visits if _mark(row[5][0]) < 1 << (63 - level)]
    return held, [row[3] for row in rows], level


@given(SOURCES, st.integers(1, 60), st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None, max_examples=100)
def test_the_same_visits_are_held_however_lines_are_dealt(sources, most, shards, batch_size, seed):
    batches = [
        (f"s{n}", read([f"2024-01-02 03:04:{second:02d} {text}" for second, text in lines]))
        for n, lines in enumerate(sources)
    ]
    parser = READING.parser()
    summaries = []
    for dealt in deal(batches, shards, batch_size, seed):
        summary = VisitSummary(most)
        for source, events in dealt:
            summary.add(source, events, parser)
        parts = [VisitSummary.from_record(record) for record in summary.to_records(1 + seed)]
        assert merged(parts, seed).share == summary.share
        summaries.append(merged([VisitSummary.from_record(record) for record in summary.to_records(1 + seed)], seed))
    whole = merged(summaries, seed)
    table, span = whole.table()
    held, times, level = oracle(batches, most)
    assert whole.share == 0.5**level
    assert table.template.tolist() == [row[4] for row in held]
    assert table.event_ms.tolist() == [row[3] for row in held]
    numbers = {name: n for n, name in enumerate(sorted({row[5][0] for row in held}, key=_mark))}
    assert table.transaction.tolist() == [numbers[row[5][0]] for row in held]
    if times:
        middle = lambda some: int((sorted(some)[(len(some) - 1) // 2] + sorted(some)[len(some) // 2]) / 2)  # noqa: E731
        assert span == (middle(times[:7]), middle(times[-7:]))
    else:
        assert span == (0, 0)


def test_transactions_are_held_whole_and_evenly():
    summary = VisitSummary(4000)
    parser = READING.parser()
    for k in range(20):
        lines = [f"2024-01-02 03:04:{k:02d} job {n} {word}" for n in range(k * 500, k * 500 + 500) for word in
                 ("begun", "done")]  # fmt: skip
        summary.add("a", read(lines, 1 + 1000 * k), parser)
    table, _ = summary.table()
    visits = Counter(table.transaction.tolist())
    assert set(visits.values()) == {2}
    assert summary.share == 1 / 8  # 2,500 of 10,000 transactions would fill 5,000 places
    assert 1100 <= len(visits) <= 1400


def test_one_transaction_that_is_too_long_is_left_out():
    summary = VisitSummary(100)
    lines = [f"2024-01-02 03:04:05 job {'same' if n % 3 else n} begun" for n in range(900)]
    summary.add("a", read(lines), READING.parser())
    assert summary.share < 1
    assert len(summary.table()[0].template) <= 100
