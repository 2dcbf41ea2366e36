"""A shard of series in keyed state: restored at any moment, and while models change."""

import base64
import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.automata.history import ModelHistory
from models.automata.shard import FOREVER
from models.in_force import Entry
from models.slots.cells import Cell
from models.slots.counts import SlotCounts
from models.slots.series import CATEGORY, LINES, SeriesKey
from operators import slot_log
from operators.slot_keeper import SlotKeeper, WatchedModels
from tests.models.slots.lines import model
from tests.operators.list_state import ListState

MINUTE = 60_000
STATUS = SeriesKey("t-get", CATEGORY, "status", MINUTE)
GETS = SeriesKey("t-get", LINES, "", MINUTE)


def document(version, share=0.9):
    found = copy.deepcopy(model().to_json()) | {"version": version}
    found["categories"][0]["shares"] = [
        {"value": "200", "share": share},
        {"value": "500", "share": round(1 - share, 6)},
    ]
    return json.dumps(found)


def change(epoch, op="add", share=0.9):
    return {
        "kind": "model",
        "op": op,
        "epoch": epoch,
        "id": "web",
        "version": epoch + 1,
        "sources": [],
        "document": None if op == "delete" else document(epoch + 1, share),
    }


def counts(slot, good, bad=0, epoch=0):
    values = {value: lines for value, lines in (("200", good), ("500", bad)) if lines}
    cells = {
        (STATUS, slot * MINUTE): Cell(good + bad, values),
        (GETS, slot * MINUTE): Cell(good + bad),
    }
    return SlotCounts("web", STATUS.shard, epoch, cells).encode()


class Subtask:
    """The shard in a subtask of ``slots``, and its state."""

    def __init__(self, log=(), held=(), records=None, text=None):
        self.log, self.held = ListState(log), ListState(held)
        self.history = ModelHistory([Entry("web", 1, 0, (), text or document(1))])
        if records is not None:
            self.history.load(records)
        self.keeper = SlotKeeper("web", WatchedModels(self.history), self.held)
        self.told = []

    def take(self, record, watermark):
        self._keep(self.keeper.take(self.log, self.held, record, watermark))

    def look(self, watermark):
        self._keep(self.keeper.look(self.log, self.held, watermark))

    def _keep(self, told):
        self.told += [*told.anomalies, *told.slots, *told.late]

    def restored(self):
        again = Subtask(self.log.entries, self.held.entries, self.history.to_records())
        again.told = self.told
        return again


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 120), st.integers(0, 120), st.booleans(), st.booleans()), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([1, 400, 1 << 16]))
def test_a_shard_restored_at_any_moment_tells_the_same(steps, least):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slot_log, "_LEAST_LOG_BYTES", least)
        whole, broken = Subtask(), Subtask()
        slot = 0
        for ahead, good, bad, passes, restore in steps:
            slot += ahead
            for subtask in (whole, broken):
                subtask.take(None if passes else counts(slot, good, bad), slot * MINUTE)
            if restore:
                broken = broken.restored()
        for subtask in (whole, broken):
            subtask.take(None, FOREVER)
        assert broken.told == whole.told


def test_counts_wait_for_the_model_that_they_were_made_under():
    subtask = Subtask()
    subtask.take(counts(0, 90, 10), 0)
    subtask.take(counts(1, 30, 70, epoch=1), MINUTE)
    subtask.take(None, 3 * MINUTE)
    assert subtask.keeper.holds
    assert subtask.told == []
    subtask = subtask.restored()
    subtask.history.apply(change(1, share=0.3))
    subtask.look(3 * MINUTE)
    assert not subtask.keeper.holds
    assert not subtask.held.entries
    assert [(d.get("type"), d.get("kind"), d.get("lines")) for d in subtask.told] == [
        (None, CATEGORY, 100),
        (None, LINES, 100),
        (None, CATEGORY, 100),
        (None, LINES, 100),
        (None, CATEGORY, 0),
        (None, LINES, 0),
    ], "by the new model's shares the second minute is normal"


def test_under_the_old_model_the_same_is_an_anomaly():
    subtask = Subtask()
    subtask.take(counts(0, 90, 10), 0)
    subtask.take(counts(1, 30, 70), MINUTE)
    subtask.take(None, 3 * MINUTE)
    assert [d["type"] for d in subtask.told if "type" in d] == ["category_drift"]


def test_nothing_is_kept_of_a_deleted_model():
    subtask = Subtask()
    subtask.take(counts(0, 90, 10), 0)
    subtask.history.apply(change(1, op="delete"))
    subtask.take(None, 2 * MINUTE)
    assert subtask.log.entries == []
    subtask.history.apply(change(2))
    subtask.take(counts(5, 1, epoch=2), 5 * MINUTE)
    subtask.take(None, 6 * MINUTE)
    assert [d["lines"] for d in subtask.told] == [1, 1]


def test_a_timer_is_wanted_at_the_end_of_the_next_slot():
    subtask = Subtask()
    assert subtask.keeper.due() is None
    subtask.take(counts(3, 1), 0)
    assert subtask.keeper.due() == 4 * MINUTE
    subtask.keeper.timers.add(4 * MINUTE)
    assert subtask.keeper.due() is None


def test_a_log_of_the_version_before_goes_on():
    """It holds a snapshot without detectors, and counts since."""
    found = json.loads((Path(__file__).parents[1] / "fixtures" / "slot_log_v1.json").read_text())
    subtask = Subtask([base64.b64decode(entry) for entry in found["log"]])
    subtask.take(counts(7, 93, 7), 7 * MINUTE)
    subtask.take(None, FOREVER)
    assert subtask.told == found["then"]


def watching():
    """One template's lines, in slots of ten minutes."""
    found = copy.deepcopy(model().to_json()) | {"series": {"enabled": True, "slot_ms": 10 * MINUTE}}
    del found["categories"]
    return json.dumps(found)


@settings(max_examples=5, deadline=None)
@given(st.sets(st.integers(0, 219), max_size=6), st.sampled_from([400, 4000, 1 << 16]))
def test_an_incident_is_told_the_same_through_restores(stops, least):
    key = SeriesKey("t-get", LINES, "", 10 * MINUTE)
    lines = [20 + slot * 7919 % 11 for slot in range(220)]
    lines[195] = 300
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slot_log, "_LEAST_LOG_BYTES", least)
        told = []
        none: set[int] = set()
        for restored in (none, stops):
            subtask = Subtask(text=watching())
            for slot, count in enumerate(lines):
                record = SlotCounts("web", key.shard, 0, {(key, slot * key.slot_ms): Cell(count)}).encode()
                subtask.take(record, slot * key.slot_ms)
                if slot in restored:
                    subtask = subtask.restored()
            subtask.take(None, FOREVER)
            told.append([document for document in subtask.told if "type" in document])
    assert told[0] == told[1]
    assert [(document["type"], document["series"]["stage"]) for document in told[0]] == [
        ("spike", "begin"),
        ("spike", "end"),
    ]
