"""The stretch of lines: against the rule applied to all sources at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.stretch import StretchSummary
from tests.models.learning.shards import deal, merged, read

SOURCES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.lists(st.integers(1, 700), min_size=1, max_size=25)),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[0],
)


def batches_of(sources):
    return [
        (name, read([f"2024-01-02 03:04:{k:02d} {name * size}" for k, size in enumerate(sizes)]))
        for name, sizes in sources
    ]


def oracle(sources, most):
    """The lines to be held, by source: the best level is tried out."""
    costs = {name: [1 + (20 + size) // 256 for size in sizes] for name, sizes in sources}

    def held(level):
        return {name: sum(sum(own[: k + 1]) <= level for k in range(len(own))) for name, own in costs.items()}

    fitting = [level for level in range(most + 1) if sum(min(sum(own), level) for own in costs.values()) <= most]
    return held(max(fitting))


@given(SOURCES, st.integers(1, 60), st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None, max_examples=100)
def test_the_same_lines_are_held_however_they_are_dealt(sources, most, shards, batch_size, seed):
    batches = batches_of(sources)
    summaries = []
    for dealt in deal(batches, shards, batch_size, seed):
        summary = StretchSummary(most)
        for source, events in dealt:
            summary.add(source, events)
        summaries.append(StretchSummary.from_record(summary.to_record()))
    stretch = merged(summaries, seed).stretch()
    sizes = oracle(sources, most)
    expected = [
        (int(events.order_ms[k]), name, int(events.line[k]), events.data[events.starts[k] : events.ends[k]].tobytes())
        for name, events in batches
        for k in range(sizes[name])
    ]
    assert [
        (int(stretch.order_ms[k]), stretch.data[stretch.starts[k] : stretch.ends[k]].tobytes())
        for k in range(len(stretch))
    ] == [(ms, line) for ms, _, _, line in sorted(expected)]
    for k in range(len(stretch)):
        stamp = stretch.data[stretch.time_starts[k] : stretch.time_ends[k]].tobytes()
        assert stamp == b"2024-01-02 03:04:%02d" % (stretch.event_ms[k] // 1000 % 60)


@given(SOURCES, st.integers(1, 60), st.integers(1, 7))
@settings(deadline=None, max_examples=50)
def test_a_summary_in_parts_is_the_summary(sources, most, part):
    summary = StretchSummary(most)
    for source, events in batches_of(sources):
        summary.add(source, events)
    parts = [StretchSummary.from_record(record) for record in summary.to_records(part)]
    assert merged(parts, part).to_record() == summary.to_record()


def test_a_long_source_leaves_room_for_the_others():
    summary = StretchSummary(100)
    for source, events in batches_of([("a", [5] * 50), ("b", [5] * 10)]):
        summary.add(source, events)
    for at in range(20):
        summary.add("a", read([f"2024-01-02 03:05:{k:02d} a" for k in range(50)], 51 + 50 * at))
    stretch = summary.stretch()
    letters = [int(stretch.data[end]) for end in stretch.time_ends + 1]
    assert (letters.count(ord("a")), letters.count(ord("b"))) == (90, 10)
