"""Waiting events come out in one order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.automata.pending import LAST, Chunk, Pending


def chunk(source: str, orders: list[int], start: int) -> Chunk:
    return Chunk(
        source,
        np.array(orders, dtype=np.int64),
        np.array(orders, dtype=np.int64),
        np.arange(start, start + len(orders), dtype=np.int64),
        np.zeros(len(orders), dtype=np.int32),
        [b"x"] * len(orders),
        [b"%d" % at for at in range(start, start + len(orders))],
    )


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "a/b"]), st.lists(st.integers(0, 20), max_size=6)), max_size=6),
    st.lists(st.integers(0, 22), max_size=4),
)
def test_events_come_out_sorted_and_only_once_the_watermark_is_beyond_them(chunks, watermarks):
    pending = Pending()
    waiting = []
    for at, (source, orders) in enumerate(chunks):
        number = 5 * at % 7  # batches of one source may come in any order
        pending.add(chunk(source, orders, 100 * number))
        waiting += [(order, source, 100 * number + place) for place, order in enumerate(orders)]
    for watermark in [*sorted(watermarks), LAST]:
        assert pending.count == len(waiting)
        assert pending.earliest == min((key[0] for key in waiting), default=None)
        expected = sorted(key for key in waiting if key[0] < watermark)
        waiting = [key for key in waiting if key[0] >= watermark]
        lines = list(pending.take(watermark))
        assert [(line[0], line[5], line[4]) for line in lines] == expected
        assert [line[6] for line in lines] == [b"%d" % line[4] for line in lines]
    assert pending.chunks == []


def test_an_event_at_the_last_of_times_comes_out_at_the_end():
    pending = Pending()
    pending.add(chunk("a", [LAST], 1))
    assert list(pending.take(LAST - 1)) == []
    assert len(list(pending.take(LAST))) == 1
