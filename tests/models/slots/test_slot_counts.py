"""Counting lines in time slots: against counts by hand, however the lines are cut and whatever comes first."""

import math
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomalies import iso_ms
from models.batches import BatchError, EventBatch
from models.detection import LineDetector
from models.slots.cells import MOST_UNKNOWN, Cell, bounded
from models.slots.counting import SlotCounter
from models.slots.counts import SlotCounts
from models.slots.exact import ExactSum, exact_sums
from models.slots.series import CATEGORY, LINES, METRIC, SeriesKey, SlotWatch, watches_slots
from models.source_reader import ReadLimits, SourceState, read_events
from tests.models.slots.lines import SLOT_MS, T0, Job, get, model, naive, tick

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100)


@given(st.lists(st.tuples(FLOATS, st.integers(0, 3)), max_size=40), st.randoms())
def test_sums_are_exact_in_any_order_and_however_they_are_cut(rows, random):
    def summed(some):
        values = np.array([value for value, _ in some], np.float64)
        return exact_sums(values, np.array([group for _, group in some], np.int64), 4)

    cut = random.randint(0, len(rows))
    shuffled = random.sample(rows, len(rows))
    parts = [one.plus(two) for one, two in zip(summed(shuffled[:cut]), summed(shuffled[cut:]), strict=True)]
    assert parts == summed(rows)
    for group in range(4):
        assert parts[group].value() == math.fsum(value for value, own in rows if own == group)


def test_a_sum_beyond_the_largest_number_is_infinite():
    assert ExactSum(1, 2000).value() == math.inf
    assert ExactSum(-1, 2000).value() == -math.inf
    assert ExactSum(1, -2000).value() == 0.0


@given(st.lists(st.dictionaries(st.sampled_from([f"v{n}" for n in range(60)]), st.integers(1, 9)), max_size=6))
def test_bounded_values_are_the_same_in_whatever_order_parts_are_added(parts):
    known = {"v0", "v7"}
    results = []
    for order in (parts, parts[::-1]):
        cell = Cell()
        for part in order:
            cell.add(Cell(sum(part.values()), bounded(dict(part), known)), known)
        results.append((cell.lines, dict(sorted(cell.values.items()))))
    assert results[0] == results[1]
    lines, values = results[0]
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    assert lines == total.total()
    assert values.items() <= total.items()
    assert set(values) & known == set(total) & known
    assert len(set(values) - known) == min(MOST_UNKNOWN, len(set(total) - known))


LINE = st.tuples(
    st.integers(0, 10 * SLOT_MS),
    st.sampled_from(["t-get", "t-tick"]),
    st.sampled_from(["200", "500", "404", "418"]),
    st.sampled_from([0.1, 1e16, -3.25, 7.0, 1e-9]),
)


def written(line):
    ms, template, status, number = line
    return get(ms, status, number) if template == "t-get" else tick(ms)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(LINE, min_size=1, max_size=25).map(sorted), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.booleans()), max_size=30),
)
def test_slots_are_those_counted_by_hand_however_the_sources_are_read(sources, reads):
    lines = {f"s{n}": [written(line) for line in source] for n, source in enumerate(sources)}
    plain = Job(model(), lines).finish()
    job = Job(model(), lines)
    for source, count, restore in reads:
        if f"s{source}" in lines:
            job.take(f"s{source}", count, restore)
    job.finish()
    assert job.told() == plain.told()
    assert not job.late
    expected = naive([line for source in sources for line in source], max(s[-1][0] for s in sources))
    assert len(job.slots) == len(expected)
    for slot in job.slots:
        wanted = expected.pop((slot["template"], slot["kind"], _ms(slot["@timestamp"]) - T0))
        assert {key: slot[key] for key in wanted} == wanted
    assert not expected


def _ms(text):
    return int(np.datetime64(text.rstrip("Z"), "ms").astype(np.int64))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(LINE, min_size=1, max_size=30),
    st.integers(0, 3 * SLOT_MS),
    st.lists(st.integers(1, 7), max_size=12),
)
def test_lines_out_of_order_count_within_the_allowed_lateness_and_are_told_beyond(lines, lateness, reads):
    job = Job(model(), {"s": [written(line) for line in lines]}, lateness)
    for count in reads:
        job.take("s", count)
    job.finish()
    late: Counter[tuple[str, str]] = Counter()
    clock, in_time = 0, []
    for line in lines:
        clock = max(clock, line[0])
        end = line[0] // SLOT_MS * SLOT_MS + SLOT_MS
        if clock - lateness < end:
            in_time.append(line)
        else:
            late[iso_ms(T0 + end - SLOT_MS), line[1]] += 1
    found: Counter[tuple[str, str]] = Counter()
    for document in job.late:
        if document["kind"] == LINES:
            found[document["@timestamp"], document["template"]] += document["late"]
    assert found == late
    expected = naive(in_time, max(line[0] for line in lines))
    assert {(s["template"], s["kind"], _ms(s["@timestamp"]) - T0): s["lines"] for s in job.slots} == {
        key: told["lines"] for key, told in expected.items()
    }


def test_what_is_no_number_is_left_out_of_a_metric():
    lines = [get(0, 200, took) for took in ("-", "nan", "inf", "1e400", "1_000", "2.5", "-0", "0")]
    job = Job(model(), {"s": lines}).finish()
    (metric,) = [slot for slot in job.slots if slot["kind"] == METRIC]
    assert (metric["lines"], metric["sum"], metric["min"], metric["max"]) == (3, 2.5, 0.0, 2.5)
    assert str(metric["min"]) == "0.0"


def test_values_that_no_one_named_are_bounded():
    lines = [get(at, 1000 + at) for at in range(500)] + [get(600, 200)]
    job = Job(model(), {"s": lines}).finish()
    (category,) = [slot for slot in job.slots if slot["kind"] == CATEGORY]
    assert category["lines"] == 501
    assert len(category["values"]) == MOST_UNKNOWN + 1
    assert category["values"]["200"] == 1


def test_fields_of_transactions_are_cut_out_beside_their_identifier():
    document = model(
        automata=[
            {
                "id": "a",
                "states": [{"id": "s", "template": "t-get", "field": "took", "min": 1, "max": 1}],
                "settle_ms": 1,
                "expires_ms": 1,
            }
        ]
    )
    detector = LineDetector(document, ReadLimits(), 1)
    data = f"{get(0, 200, 'abc')}\n{tick(1)}\n".encode()
    outcome, _, _ = detector.process("s", SourceState(), data, True)
    assert [batch.transaction for batch in outcome.batches] == [[b"abc"]]
    cells = {key: cell for part in outcome.slots for (key, _), cell in part.cells.items()}
    assert cells[SeriesKey("t-get", CATEGORY, "status", SLOT_MS)].values == {"200": 1}
    assert SeriesKey("t-get", METRIC, "took", SLOT_MS) not in cells


def test_watched_fields_alone_make_no_transaction():
    outcome, _, _ = LineDetector(model(), ReadLimits(), 1).process("s", SourceState(), f"{get(0)}\n".encode(), True)
    assert not outcome.batches
    assert outcome.slots


def test_nothing_is_counted_for_a_model_that_watches_nothing():
    quiet = model(categories=[], series={})
    assert not SlotWatch.of(quiet)
    outcome, _, _ = LineDetector(quiet, ReadLimits(), 1).process("s", SourceState(), f"{get(0)}\n".encode(), True)
    assert outcome.slots == []


@pytest.mark.parametrize(
    ("text", "watches"),
    [
        ("{}", False),
        ('{"series": {"enabled": false}}', False),
        ('{"series": {"enabled": true}}', True),
        ('{"categories": [], "series": {}}', False),
        ('{"categories": [{}]}', True),
    ],
)
def test_a_text_says_whether_its_model_watches_slots(text, watches):
    assert watches_slots(text) is watches


def test_a_record_of_another_kind_or_cut_off_is_refused():
    key = SeriesKey("t", LINES, "", SLOT_MS)
    record = SlotCounts("m", 0, 0, {(key, T0): Cell(3)}, {(key, T0): 2}, 7).encode()
    assert SlotCounts.decode(record) == SlotCounts("m", 0, 0, {(key, T0): Cell(3)}, {(key, T0): 2}, 7)
    with pytest.raises(BatchError):
        SlotCounts.decode(record[:-3])
    with pytest.raises(BatchError):
        SlotCounts.decode(EventBatch.end("s", 0, "m", 0, 1).encode())


def test_a_batch_of_ten_thousand_lines_makes_a_small_record_at_little_cost():
    """0.3 µs a line are meant; the bound of the test leaves room for a busy machine."""
    document = model()
    detector = LineDetector(document, ReadLimits(), 4)
    lines = [get(7 * at, (200, 500, 404)[at % 3], at % 90 / 10) if at % 5 else tick(7 * at) for at in range(10_000)]
    data = "".join(f"{line}\n" for line in lines).encode()
    events, _ = read_events(SourceState(), data, True, detector._reader, ReadLimits())
    parsed = detector._parser.parse(events.data, events.starts, events.ends, events.time_starts, events.time_ends)
    counter = detector._slots
    assert isinstance(counter, SlotCounter)
    parts, seconds = [], math.inf
    for _ in range(7):
        begin = time.perf_counter()
        parts = counter.count(events, parsed, "web", 0)
        seconds = min(seconds, time.perf_counter() - begin)
    assert sum(len(part.cells) for part in parts) < 20
    assert sum(len(part.encode()) for part in parts) < 3_000
    assert seconds / len(lines) < 1.5e-6
