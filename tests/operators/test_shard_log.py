"""The log of a shard in keyed state, on a list in memory; the automata engine itself is the oracle."""

import base64
import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from models.automata.shard import FOREVER, ShardState
from models.batches import BatchError, EventBatch
from operators import shard_log
from operators.shard_log import BATCH, SNAPSHOT, Entry, ShardLog, restore
from tests.models.automata.workload import Event, batch, end_of, endless, flow, model, numbered
from tests.operators.list_state import ListState

MODEL = model(flow())
OPEN, WORK, CHECK, CLOSE = 1, 2, 3, 4  # places of the templates in the model
EPOCH = 5
FIXTURE = Path(__file__).parents[1] / "fixtures" / "shard_log_v1.json"


def new_log(state, compiled=MODEL):
    return ShardLog(state, lambda epoch: compiled, EPOCH, 10)


def step(log, state, record, watermark):
    return log.step(state, record, None if record is None else EventBatch.decode(record), watermark)


def events(count):
    """Transactions one after the other and overlapping; each third lacks its end, each fifth works too often."""
    found = []
    for at in range(count):
        begin = 5 * at
        path = [OPEN, WORK, *[WORK] * (2 * (at % 5 == 4)), *[CLOSE] * (at % 3 != 2)]
        found += [(begin + k, b"tx-%d" % at, template) for k, template in enumerate(path)]
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
    found.append((end_of(all_events, "a.log").encode(), all_events[-1].order))
    return [*found, (None, FOREVER)]


def replay(log_entries, rest):
    """Go on from a log in a new process; what is told from there on."""
    state = ListState(log_entries)
    log = new_log(state)
    return [document for record, watermark in rest for document in step(log, state, record, watermark)]


@pytest.fixture(params=[1 << 30, 0], ids=["all as a log", "a snapshot each time"])
def least_log(request, monkeypatch):
    monkeypatch.setattr(shard_log, "_LEAST_LOG_BYTES", request.param)


def test_a_restore_after_any_step_tells_the_same_from_there_on(least_log):
    state, told, kept = ListState(), [], []
    log = new_log(state)
    for record, watermark in steps():
        told.append(step(log, state, record, watermark))
        kept.append(list(state.entries))
    assert sum(map(len, told)) > 15
    for at, entries in enumerate(kept):
        assert replay(entries, steps()[at + 1 :]) == [d for found in told[at + 1 :] for d in found], at


def test_a_restored_shard_is_the_shard_that_was(least_log):
    state = ListState()
    log = new_log(state)
    for record, watermark in steps()[:-1]:
        step(log, state, record, watermark)
        found = restore(state.entries, lambda epoch: MODEL, 10)
        assert found is not None
        again, epoch, size = found
        assert again.snapshot() == log.shard.snapshot() or again.watermark < log.shard.watermark
        assert (again.open_count, again.pending.count) == (log.shard.open_count, log.shard.pending.count)
        assert (epoch, size) == (EPOCH, sum(map(len, state.entries)))


def test_which_events_are_late_is_the_same_after_a_restore():
    """Time passed in silence, which is not logged; the late event after it is."""
    state = ListState()
    log = new_log(state)
    step(log, state, batch([Event(1, "a.log", 1, OPEN, b"x", 1)]).encode(), 0)
    step(log, state, None, 10)
    assert len(state.entries) == 1
    step(log, state, batch([Event(3, "b.log", 1, OPEN, b"y", 3)]).encode(), 10)
    assert log.shard.counters["late"] == 1
    found = restore(state.entries, lambda epoch: MODEL, 10)
    assert found is not None
    assert found[0].snapshot() == log.shard.snapshot()


def test_what_is_told_is_what_the_shard_alone_tells():
    state, alone = ListState(), ShardState(MODEL, 10)
    log = new_log(state)
    found = [d for record, watermark in steps() for d in step(log, state, record, watermark)]
    alone.add(batch(events(40)))
    assert sorted(d["id"] for d in found) == sorted(d["id"] for d in alone.advance(FOREVER))
    assert log.shard.counters["judged"] == 40


def test_a_snapshot_replaces_a_log_that_has_outgrown_it(monkeypatch):
    monkeypatch.setattr(shard_log, "_LEAST_LOG_BYTES", 2000)
    state = ListState()
    log = new_log(state)
    lengths = []
    for record, watermark in steps(200)[:-1]:
        step(log, state, record, watermark)
        lengths.append(len(state.entries))
        snapshots = [entry for entry in state.entries if entry.startswith(SNAPSHOT)]
        assert len(snapshots) <= 1
        assert not snapshots or state.entries[0] is snapshots[0]
        assert sum(map(len, state.entries)) <= max(2000, 3 * len(snapshots[0]) if snapshots else 0) + len(record or b"")
    assert max(lengths) > 3
    assert sum(b < a for a, b in pairwise(lengths)) > 3


def test_a_batch_adds_one_entry_to_the_state_and_rewrites_nothing():
    state = ListState()
    log = new_log(state)
    for number, (record, watermark) in enumerate(steps(count=4, size=1)[:3], 1):
        before = list(state.entries)
        step(log, state, record, watermark)
        if record is None:
            continue
        assert state.entries[:-1] == before, number
        assert Entry.decode(state.entries[-1]).body == record


def test_an_empty_shard_leaves_nothing_in_state():
    state = ListState()
    log = new_log(state)
    step(log, state, steps()[0][0], 0)
    assert state.entries
    step(log, state, None, FOREVER)
    assert state.entries == []
    assert log.shard.empty


def test_time_that_passes_in_silence_writes_nothing():
    state = ListState()
    log = new_log(state)
    step(log, state, batch([Event(1000, "a.log", 1, OPEN, b"x", 1000)]).encode(), 0)
    before = list(state.entries)
    assert step(log, state, None, 500) == []
    assert state.entries == before


def test_a_new_model_takes_over_what_it_knows_and_a_snapshot_replaces_the_log():
    state = ListState()
    log = new_log(state, model(flow(), endless()))
    takes = batch(numbered([(0, "a", OPEN, b"x", 0), (1, "a", 5, b"y", 0), (2, "a", 6, b"y", 0), (9, "a", 4, b"x", 0)]))
    step(log, state, takes.encode(), 3)
    log.switch(state, MODEL, EPOCH + 1)
    assert log.shard.counters["dropped"] == 1
    (entry,) = map(Entry.decode, state.entries)
    assert (entry.kind, entry.epoch, entry.watermark) == (SNAPSHOT, EPOCH + 1, 3)
    found = restore(state.entries, {EPOCH + 1: MODEL}.get, 10)
    assert found is not None
    assert found[1] == EPOCH + 1
    assert [d["type"] for d in step(log, state, None, FOREVER)] == ["too_long", "missing_state"]


def test_under_a_new_model_with_the_same_automata_the_log_goes_on(monkeypatch):
    state, plain = ListState(), ListState()
    newer = model(flow(), version=2)
    log, unchanged = new_log(state), new_log(plain)
    for number, (record, watermark) in enumerate(steps()):
        if number == 3:
            monkeypatch.setattr(ShardState, "snapshot", None)  # nothing is written anew
            log.switch(state, newer, EPOCH + 1)
            monkeypatch.undo()
            assert [e.epoch for e in map(Entry.decode, state.entries)] == [EPOCH] * len(state.entries)
        found, expected = step(log, state, record, watermark), step(unchanged, plain, record, watermark)
        version = 2 if number >= 3 else 1
        assert [d["model"]["version"] for d in found] == [version] * len(found)
        assert [d | {"model": None} for d in found] == [d | {"model": None} for d in expected]
        assert [e[9:] for e in state.entries] == [e[9:] for e in plain.entries]
        restored = restore(state.entries, {EPOCH: MODEL, EPOCH + 1: newer}.get, 10)
        assert (restored is None) == log.shard.empty
        if restored is not None:
            assert (restored[0].open_count, restored[0].watermark) == (log.shard.open_count, log.shard.watermark)


def test_a_new_model_that_knows_nothing_of_it_leaves_nothing_in_state():
    state = ListState()
    log = new_log(state)
    step(log, state, batch([Event(0, "a", 1, OPEN, b"x", 0)]).encode(), 1)
    log.switch(state, model(endless()), EPOCH + 1)
    assert (log.shard.empty, log.shard.counters["dropped"], state.entries) == (True, 1, [])
    assert log.shard.watermark == 1


def test_a_log_is_replayed_with_the_model_of_its_epoch():
    state = ListState()
    log = new_log(state)
    record, watermark = steps()[0]
    step(log, state, record, watermark)
    found = restore(state.entries, {EPOCH: MODEL}.get, 10)
    assert found is not None
    assert found[0].model is MODEL
    assert restore(state.entries, lambda epoch: None, 10) is None


@pytest.mark.parametrize("entry", [b"", b"B", b"x" * 40])
def test_an_entry_of_an_unknown_layout_is_refused(entry):
    with pytest.raises(BatchError, match="does not know"):
        restore([entry], lambda epoch: MODEL, 10)


def entries_of_each_kind(monkeypatch):
    """A log with a snapshot, in which the end of a source waits, then a batch, a deadline, and another end."""
    state = ListState()
    log = new_log(state)
    raw = [(0, "a", OPEN, b"own", 0), (1, "a", WORK, b"own", 0), (20, "a", OPEN, b"later", 0)]
    raw += [(0, "b", OPEN, b"overdue", 0), (19, "b", WORK, b"later", 0), (21, "b", OPEN, b"mine", 0)]
    all_events = numbered(raw)
    own, other = ([e for e in all_events if e.source == source] for source in "ab")
    step(log, state, batch(own).encode(), 2)
    with monkeypatch.context() as always:
        always.setattr(shard_log, "_LEAST_LOG_BYTES", 0)
        step(log, state, end_of(all_events, "a").encode(), 2)
    step(log, state, batch(other).encode(), 3)
    assert step(log, state, None, 14)
    step(log, state, end_of(all_events, "b").encode(), 15)
    return state.entries


def told_of(entries):
    state = ListState(entries)
    log = new_log(state)
    before = dict(log.shard.counters)
    found = [*step(log, state, None, 22), *step(log, state, None, FOREVER)]
    told = [[d["type"], d["transaction"]["id"], d["transaction"]["end"], len(d["evidence"])] for d in found]
    return {"counters": before, "told": sorted(told)}


def test_a_log_of_version_1_is_still_read(monkeypatch):
    """``WRITE_FIXTURES=1`` writes it anew: only before a release in which the layout has a new version."""
    if os.environ.get("WRITE_FIXTURES"):
        entries = entries_of_each_kind(monkeypatch)
        about = "The log of a shard as version 1 wrote it, and what it told as time went on."
        record = [base64.b64encode(entry).decode() for entry in entries]
        FIXTURE.write_text(json.dumps({"about": about, "log": record, **told_of(entries)}, indent=1) + "\n")
    stored = json.loads(FIXTURE.read_text())
    entries = [base64.b64decode(entry) for entry in stored["log"]]
    assert [entry[:1] for entry in entries] == [b"S", b"B", b"W", b"B"]
    assert [EventBatch.decode(e.body).kind for e in map(Entry.decode, entries) if e.kind == BATCH] == ["events", "end"]
    assert told_of(entries) == {"counters": stored["counters"], "told": stored["told"]}
    assert told_of(entries_of_each_kind(monkeypatch)) == told_of(entries)
