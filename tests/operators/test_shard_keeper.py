"""A shard while models change: restores and late word of changes alter nothing."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.shard import FOREVER
from models.batches import EventBatch
from operators.shard_log import Entry as LogEntry
from tests.operators.shard_subtask import Subtask, batch_of, change

NAMES = ("t-open", "t-work", "t-check", "t-close")


def script(seed, deletes):
    """What reaches a subtask: ("batch", record, watermark), ("time", watermark), ("change", event)."""
    chance = random.Random(seed)
    now, epoch, position, alive = 0, 0, 0, True
    found: list[tuple[Any, ...]] = []
    for _ in range(chance.randrange(2, 14)):
        action = chance.choice(["batch", "batch", "time", "change", "end"])
        if action == "time":
            found.append(("time", now))
        if action == "change" and chance.random() < 0.8:
            op = chance.choice(["update", "delete"] if deletes else ["update"]) if alive else "add"
            epoch += 1
            alive = op != "delete"
            found.append(("change", change(op, epoch)))
            if not alive and chance.random() < 0.5:
                continue
        if not alive:
            if chance.random() < 0.7:
                continue
            epoch, alive = epoch + 1, True
            found.append(("change", change("add", epoch)))
        if action == "end":
            found.append(("batch", EventBatch.end("a.log", 0, "shop", epoch, now).encode(), now))
            continue
        begin = now
        rows = []
        for _ in range(chance.randrange(1, 6)):
            now += chance.choice([0, 100, 1500, 40_000])
            position += 1
            rows.append((now, chance.choice(NAMES), b"%d" % chance.randrange(3), position))
        found.append(("batch", batch_of(rows, epoch), begin))
        now += chance.choice([0, 0, 1, 90_000])
    return [*found, ("time", FOREVER)]


def play(steps, restore_after=frozenset()):
    """What a subtask tells, step by step, and what it has counted."""
    subtask = Subtask()
    told: list[list[dict[str, Any]]] = []
    for number, step in enumerate(steps):
        if step[0] == "change":
            subtask.hear(step[1])
            told.append([])
        else:
            told.append(subtask.take(step[1] if step[0] == "batch" else None, step[-1]))
        if number in restore_after:
            subtask = subtask.restored()
    return told, subtask


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 20)))
def test_restores_at_any_points_change_nothing(seed, restore_after):
    steps = script(seed, deletes=True)
    told, subtask = play(steps)
    again, restored = play(steps, restore_after)
    assert again == told
    assert restored.keeper.counts == subtask.keeper.counts
    assert subtask.log.entries == restored.log.entries == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.sets(st.integers(0, 30)))
def test_word_of_a_change_that_comes_late_changes_nothing(seed, lateness, restore_after):
    """The changes come in order, each some steps later than the first batch that was parsed under it."""
    steps = script(seed, deletes=False)
    told, timely = play(steps)
    chance = random.Random(lateness)
    late, waiting = Subtask(), []
    found = []
    for number, step in enumerate(steps):
        if step[0] == "change":
            waiting.append(step[1])
        while waiting and (step[-1] == FOREVER or chance.random() < 0.3):
            late.hear(waiting.pop(0))
        if step[0] != "change":
            # A change that nothing was parsed under yet is no reason to wait: it has to come in time itself.
            if step[0] == "time" and not late.keeper.holds:
                while waiting:
                    late.hear(waiting.pop(0))
            found += late.take(step[1] if step[0] == "batch" else None, step[-1])
        if number in restore_after:
            late = late.restored()
        if chance.random() < 0.5:
            met = max((s[-1] for s in steps[: number + 1] if s[0] != "change"), default=0)
            found += late.retry(met)
    assert sorted(d["id"] for d in found) == sorted(d["id"] for part in told for d in part)
    assert sorted(map(json.dumps, found)) == sorted(json.dumps(d) for part in told for d in part)
    assert late.keeper.counts == timely.keeper.counts
    assert (late.held.entries, late.log.entries) == ([], [])


OPEN = [(0, "t-open", b"7", 1)]


def test_what_was_parsed_under_a_change_not_heard_of_is_held_in_state_with_all_that_follows():
    subtask = Subtask()
    subtask.take(batch_of(OPEN, 0), 0)
    logged = list(subtask.log.entries)
    assert subtask.take(batch_of([(1, "t-work", b"7", 2)], 2), 1) == []
    assert subtask.take(batch_of([(2, "t-close", b"7", 3)], 0), 2) == []
    assert subtask.take(None, 3) == []
    assert subtask.retry(3) == []
    assert subtask.log.entries == logged
    assert [entry[:1] for entry in subtask.held.entries] == [b"B", b"B", b"W"]
    assert subtask.keeper.due() == FOREVER
    subtask.hear(change("update", 1))
    assert subtask.retry(3) == []
    assert subtask.keeper.holds
    subtask = subtask.restored()
    assert subtask.keeper.holds
    subtask.hear(change("update", 2))
    subtask.retry(5)
    assert not subtask.keeper.holds
    assert subtask.held.entries == []
    assert subtask.keeper.open_transactions == 1
    assert subtask.take(None, FOREVER) == []
    assert subtask.keeper.counts == {"judged": 1}


def test_a_timer_that_did_not_fire_is_seen_to():
    subtask = Subtask()
    assert subtask.take(batch_of([(0, "t-open", b"1", 1)], 0), 0) == []
    assert subtask.take(None, 1) == []
    timer = subtask.keeper.due()
    assert timer is not None
    subtask.keeper.timers.add(timer)
    assert subtask.look(timer - 1) == []
    assert "missing_end" in [document["type"] for document in subtask.look(timer)]
    assert subtask.look(timer) == []


def test_what_needs_a_change_that_never_comes_is_stepped_at_the_end_of_all_input():
    subtask = Subtask()
    assert subtask.take(batch_of(OPEN, 9), 0) == []
    assert [d["type"] for d in subtask.take(None, FOREVER)] == ["missing_end"]
    assert subtask.held.entries == []


def test_a_shard_is_carried_over_with_what_reaches_it_next_and_its_log_replaced():
    subtask = Subtask()
    subtask.take(batch_of([*OPEN, (1, "t-check", b"7", 2)], 0), 0)
    subtask.hear(change("update", 3))
    subtask.take(None, 0)
    (entry,) = map(LogEntry.decode, subtask.log.entries)
    assert (entry.kind, entry.epoch) == (b"S", 3)
    # The third version knows no "check".
    assert subtask.keeper.counts == {"dropped": 1}
    found = subtask.take(None, FOREVER)
    assert {d["model"]["version"] for d in found} == {4}


def test_a_log_of_an_earlier_epoch_is_replayed_with_the_model_of_then():
    subtask = Subtask()
    worked = [(n, "t-work", b"7", n + 1) for n in (1, 2)]
    assert subtask.take(batch_of([*OPEN, *worked, (3, "t-close", b"7", 9)], 0), 0) == []
    assert subtask.take(None, 5000) == []
    # Epoch 1 allows one "work" only; that transaction has been judged by the model of its time.
    subtask.take(batch_of([(9000, "t-open", b"8", 10)], 0), 5000)
    subtask.hear(change("update", 1))
    subtask = subtask.restored()
    found = subtask.take(None, FOREVER)
    assert [(d["type"], d["transaction"]["id"], d["model"]["version"]) for d in found] == [("missing_end", "8", 2)]


def test_with_a_deleted_model_its_shard_goes_and_is_counted():
    for restored in (False, True):
        subtask = Subtask()
        subtask.take(batch_of([*OPEN, (0, "t-open", b"8", 2), (9, "t-work", b"8", 3)], 0), 5)
        assert (subtask.keeper.open_transactions, subtask.keeper.waiting_events) == (2, 1)
        subtask.hear(change("delete", 1))
        if restored:
            subtask = subtask.restored()
        assert subtask.take(batch_of([(10, "t-close", b"8", 4)], 0), 6) == []
        assert subtask.keeper.counts == {"dropped": 4}
        assert subtask.log.entries == []
        assert (subtask.keeper.open_transactions, subtask.keeper.waiting_events) == (0, 0)
        assert subtask.keeper.due() is None


def test_a_model_that_is_added_again_starts_afresh():
    for restored in (False, True):
        subtask = Subtask()
        subtask.take(batch_of(OPEN, 0), 5)
        subtask.hear(change("delete", 1))
        subtask.hear(change("add", 2))
        if restored:
            subtask = subtask.restored()
        subtask.take(batch_of([(9, "t-open", b"8", 2)], 2), 6)
        found = subtask.take(None, FOREVER)
        assert {d["transaction"]["id"] for d in found} == {"8"}
        assert subtask.keeper.counts["dropped"] == 1


def test_a_timer_is_due_for_the_earliest_that_waits_and_set_only_once():
    subtask = Subtask()
    keeper = subtask.keeper
    assert keeper.due() is None
    subtask.take(batch_of([(100_000, "t-open", b"7", 1)], 0), 0)
    due = keeper.due()
    assert due is not None
    assert 100_000 < due <= 100_000 + 256
    keeper.timers.add(due)
    assert keeper.due() is None
    keeper.timers.discard(due)
    assert subtask.take(None, due) == []
    later = keeper.due()
    assert later is not None
    assert 220_000 < later <= 220_000 + 256
    assert [d["type"] for d in subtask.take(None, later)] == ["missing_end"]
