"""The cache of folds against resolving every line anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import known_folds
from models.folding import fold, fold_one
from models.known_folds import NOWHERE, Entry, KnownFolds


def folded(lines):
    data, starts, ends = bytearray(), [], []
    for line in lines:
        starts.append(len(data))
        data += line.encode()
        ends.append(len(data))
        data += b"\n"
    return fold(np.frombuffer(bytes(data), np.uint8), np.array(starts, np.int64), np.array(ends, np.int64))


def entry_of(line):
    """An entry that depends on nothing but the fold."""
    key = fold_one(line)
    spans = tuple((at, at + 1) for at in range(len(key) % 3))
    return Entry(len(key), spans, len(key) % 2 == 0)


def rows(found):
    spans = np.stack((found.begin, found.end), axis=-1).transpose(1, 0, 2).tolist()
    return list(zip(found.template.tolist(), spans, found.each.tolist(), strict=True))


batch = st.lists(st.text("ab 1", max_size=4), min_size=1, max_size=12)


@settings(max_examples=150)
@given(
    batches=st.lists(batch, min_size=1, max_size=6),
    limit=st.integers(1, 20),
    most=st.integers(0, 6),
    worth=st.integers(0, 3),
)
def test_what_is_found_depends_on_the_line_alone(batches, limit, most, worth):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_folds, "_MOST_RECENT", most)
        patch.setattr(known_folds, "_WORTH_IT", worth)
        known = KnownFolds(2, limit)
        for lines in batches:
            entries = [entry_of(line) for line in lines]
            found = known.find(folded(lines), entries.__getitem__)
            expected = []
            for entry in entries:
                spans = [*entry.spans, *[NOWHERE] * (2 - len(entry.spans))]
                expected.append((entry.template, [list(span) for span in spans], entry.each))
            assert rows(found) == expected
            assert len(known) <= max(limit, len({fold_one(line) for line in lines}))


def test_a_fold_is_resolved_once():
    known, asked = KnownFolds(1, 100), []

    def resolve(row):
        asked.append(row)
        return Entry(7)

    for lines in (["a 1", "b", "a 22"], ["b", "a 5"], ["c 1"] * 20, ["b"]):
        known.find(folded(lines), resolve)
    assert asked == [0, 1, 0]
    assert len(known) == 3
