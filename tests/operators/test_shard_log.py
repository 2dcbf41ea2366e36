"""The log of a shard in keyed state, on a list in memory; the automata engine itself is the oracle."""

from itertools import pairwise

import numpy as np
import pytest

from models.automata.shard import FOREVER, ShardState
from models.batches import EventBatch
from operators import shard_log
from operators.shard_log import ShardLog, restore
from tests.models.automata.workload import Event, batch, flow, model

MODEL = model(flow())
OPEN, WORK, CHECK, CLOSE = 1, 2, 3, 4  # places of the templates in the model


class ListState:
    """Flink's list state of one key."""

    def __init__(self, entries=()):
        self.entries = list(entries)

    def get(self):
        return iter(list(self.entries)) if self.entries else None

    def add(self, entry):
        self.entries.append(entry)

    def update(self, entries):
        self.entries = list(entries)

    def clear(self):
        self.entries = []


def events(count):
    """Transactions one after the other and overlapping; each third lacks its end, each fifth works too often."""
    found = []
    for at in range(count):
        begin = 5 * at
        steps = [OPEN, WORK, *[WORK] * (2 * (at % 5 == 4)), *[CLOSE] * (at % 3 != 2)]
        found += [(begin + k, b"tx-%d" % at, template) for k, template in enumerate(steps)]
    found.sort(key=lambda entry: entry[0])
    return [Event(t, "a.log", n, template, name, t) for n, (t, name, template) in enumerate(found, 1)]


def steps(count=40, size=4):
    """What reaches a shard: (record or None, watermark), the last one at the end of all input."""
    all_events = events(count)
    found: list[tuple[bytes | None, int]] = []
    for at in range(0, len(all_events), size):
        part = all_events[at : at + size]
        later = all_events[at + size :]
        found.append((batch(part).encode(), later[0].order if later else part[-1].order))
        if at % (3 * size) == 0:
            found.append((None, found[-1][1]))
    return [*found, (None, FOREVER)]


def replay(log_entries, rest):
    """Go on from a log in a new process; what is told from there on."""
    state = ListState(log_entries)
    log = ShardLog(state, MODEL, 10)
    return [document for record, watermark in rest for document in log.step(state, record, watermark)]


@pytest.fixture(params=[1 << 30, 0], ids=["all as a log", "a snapshot each time"])
def least_log(request, monkeypatch):
    monkeypatch.setattr(shard_log, "_LEAST_LOG_BYTES", request.param)


def test_a_restore_after_any_step_tells_the_same_from_there_on(least_log):
    state, told, kept = ListState(), [], []
    log = ShardLog(state, MODEL, 10)
    for record, watermark in steps():
        told.append(log.step(state, record, watermark))
        kept.append(list(state.entries))
    assert sum(map(len, told)) > 15
    for at, entries in enumerate(kept):
        assert replay(entries, steps()[at + 1 :]) == [d for found in told[at + 1 :] for d in found], at


def test_a_restored_shard_is_the_shard_that_was(least_log):
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    for record, watermark in steps()[:-1]:
        log.step(state, record, watermark)
        again, size = restore(state.entries, MODEL, 10)
        assert again.snapshot() == log.shard.snapshot() or again.watermark < log.shard.watermark
        assert (again.open_count, again.pending.count) == (log.shard.open_count, log.shard.pending.count)
        assert size == sum(map(len, state.entries))


def test_what_is_told_is_what_the_shard_alone_tells():
    state, alone = ListState(), ShardState(MODEL, 10)
    log = ShardLog(state, MODEL, 10)
    found = [d for record, watermark in steps() for d in log.step(state, record, watermark)]
    alone.add(batch(events(40)))
    assert sorted(d["id"] for d in found) == sorted(d["id"] for d in alone.advance(FOREVER))
    assert log.judged == 40


def test_a_snapshot_replaces_a_log_that_has_outgrown_it(monkeypatch):
    monkeypatch.setattr(shard_log, "_LEAST_LOG_BYTES", 2000)
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    lengths = []
    for record, watermark in steps(200)[:-1]:
        log.step(state, record, watermark)
        lengths.append(len(state.entries))
        snapshots = [entry for entry in state.entries if entry.startswith(b"S")]
        assert len(snapshots) <= 1
        assert not snapshots or state.entries[0] is snapshots[0]
        assert sum(map(len, state.entries)) <= max(2000, 3 * len(snapshots[0]) if snapshots else 0) + len(record or b"")
    assert max(lengths) > 3
    assert sum(b < a for a, b in pairwise(lengths)) > 3


def test_an_empty_shard_leaves_nothing_in_state():
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    log.step(state, steps()[0][0], 0)
    assert state.entries
    log.step(state, None, FOREVER)
    assert state.entries == []
    assert log.shard.empty


def test_a_batch_that_only_carries_the_clock_needs_no_transaction():
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    none64, none32 = np.empty(0, np.int64), np.empty(0, np.int32)
    assert log.step(state, EventBatch("", 0, 0, none64, none64, none64, none32).encode(), 5) == []
    assert state.entries == []


def test_time_that_passes_in_silence_writes_nothing():
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    log.step(state, batch([Event(1000, "a.log", 1, OPEN, b"x", 1000)]).encode(), 0)
    before = list(state.entries)
    assert log.step(state, None, 500) == []
    assert state.entries == before


def test_a_timer_is_due_for_the_earliest_that_waits_and_set_only_once():
    state = ListState()
    log = ShardLog(state, model(flow(expires_ms=5000)), 10)
    assert log.due() is None
    log.step(state, batch([Event(100_000, "a.log", 1, OPEN, b"x", 100_000)]).encode(), 0)
    due = log.due()
    assert due is not None
    assert 100_000 < due <= 100_000 + 256
    log.timers.add(due)
    assert log.due() is None
    log.timers.discard(due)
    assert log.step(state, None, due) == []
    later = log.due()
    assert later is not None
    assert 100_000 + 5000 < later <= 100_000 + 5000 + 256
    told = log.step(state, None, later)
    assert {document["type"] for document in told} == {"missing_end", "missing_state"}


def test_a_shard_that_has_judged_asks_for_the_end_of_input_so_that_all_is_counted():
    state = ListState()
    log = ShardLog(state, MODEL, 10)
    done = [Event(t, "a.log", t, place, b"x", t) for t, place in ((1, OPEN), (2, WORK), (3, CLOSE))]
    log.step(state, batch(done).encode(), 1000)
    assert (log.judged, log.shard.empty) == (1, True)
    assert log.due() == FOREVER
