"""Distinct folds: against a dictionary, and against the rule applied to all lines at once."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import BatchError, pack_columns
from models.folding import fold_one
from models.learning.folds import FoldSummary, _group_of, _hash
from tests.models.learning.shards import deal, merged, read

WORDS = st.sampled_from(["alpha", "beta", "gamma", "x1", "7", "10.0.0.1", "user=ann", "user=bob"])
LINES = st.lists(st.tuples(st.integers(0, 20), st.lists(WORDS, min_size=1, max_size=5)), min_size=1, max_size=60)


def events_of(lines):
    return read([f"2024-01-02 03:04:{second:02d} {' '.join(words)}" for second, words in lines])


def rows_of(events):
    """Of each event its time, its line and the fold of its content, which stands behind the timestamp."""
    for k in range(len(events)):
        line = events.data[events.starts[k] : events.ends[k]].tobytes()
        yield int(events.event_ms[k]), line, fold_one(line[20:])


def oracle(events, most):
    """What is to be held: fold → (count, earliest smallest line); by going through all levels."""
    counts = Counter(key for _, _, key in rows_of(events))
    best: dict[bytes, tuple[int, bytes]] = {}
    for ms, line, key in rows_of(events):
        best[key] = min(best.get(key, (ms, line)), (ms, line))
    groups = defaultdict(list)
    for key in counts:
        groups[_group_of(key)].append(key)
    rules = []
    room = most
    while room:
        rules.append((room, 1 << 64))
        room //= 2
    rules += [(1, 1 << (64 - halving)) for halving in range(1, 64)]
    for room, floor in rules:
        held = [
            key
            for name, keys in groups.items()
            if floor == 1 << 64 or _hash(name) < floor
            for key in sorted(keys, key=_hash)[:room]
        ]
        if len(held) <= most:
            return {key: (counts[key], best[key][1].decode()) for key in held}
    raise AssertionError


def held_by(summary):
    contents, counts, examples = summary.contents()
    return {fold_one(c): (n, line) for c, n, line in zip(contents, counts, examples, strict=True)}


@given(LINES, st.integers(1, 12), st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None, max_examples=150)
def test_what_is_held_is_the_same_however_lines_are_dealt(lines, most, shards, batch_size, seed):
    events = events_of(lines)
    expected = oracle(events, most)
    summaries = []
    for batches in deal([("a", events)], shards, batch_size, seed):
        summary = FoldSummary(most)
        for _, batch in batches:
            summary.add(batch)
        summaries.append(FoldSummary.from_record(summary.to_record()))
    whole = merged(summaries, seed)
    assert held_by(whole) == expected
    assert len(whole) == len(expected)
    assert (whole.lines, whole.left_out) == (len(lines), len(lines) - sum(n for n, _ in expected.values()))


@given(LINES, st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_a_summary_in_parts_is_the_summary(lines, most, part):
    summary = FoldSummary(most)
    summary.add(events_of(lines))
    parts = [FoldSummary.from_record(record) for record in summary.to_records(part)]
    assert all(len(each) <= part for each in parts)
    assert merged(parts, part).to_record() == summary.to_record()


def test_free_text_does_not_push_out_other_messages():
    letters = "abcdefghijklmnopqrst"
    talk = [(k % 20, ["say", letters[k % 20], letters[k // 20 % 20], letters[k // 400] * 3]) for k in range(2000)]
    rest = [(k % 20, ["job", word, "done"]) for k, word in enumerate(["sort", "merge", "load", "store"] * 5)]
    summary = FoldSummary(600)
    summary.add(events_of(talk))
    summary.add(events_of(rest))
    held = held_by(summary)
    assert sum(line.endswith("done") for _, line in held.values()) == 4
    assert 300 <= len(held) <= 600
    assert summary.left_out > 1000


def test_a_record_of_another_layout_is_refused():
    with pytest.raises(BatchError, match="layout 99"):
        FoldSummary.from_record(pack_columns(99, {}, []))
