"""Checkers within ``parse`` and ``automata``: batches, restarts, failures and metrics, without Flink."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.automata.history import ModelHistory
from models.automata.shard import FOREVER
from models.batches import EventBatch
from models.checkers.running import RunningCheckers
from models.checkers.spec import CheckerSpec
from models.detection import LineDetector
from models.document import ModelDocument
from models.document_text import pretty
from models.in_force import Entry
from models.log_batch import LogBatch
from models.source_reader import ReadLimits, SourceState
from operators import metrics, shard_log
from operators.checker_metrics import CheckerMetrics
from operators.parse import DEAD_LETTERS, UNMATCHED, Parse
from operators.parse_topic import ParseTopic
from operators.shard_keeper import CompiledModels, ShardKeeper
from tests.models.checkers.some_checkers import HERE
from tests.operators import topic_subtask
from tests.operators.list_state import ListState
from tests.operators.shop import DAY, MODEL, TEMPLATES, line
from tests.operators.test_parse import Broadcast, Context, ValueState

NOTE = {"id": "t-note", "grok": "note %{INT:id} %{DATA:what}"}
SHOP = {**MODEL, "templates": [*TEMPLATES, NOTE]}
ENTRY = Entry("shop", 1, 1, (), pretty(SHOP))
SHOWN = CheckerSpec(f"{HERE}:Shown", "shown", json.dumps({"fields": ["what"], "fail_at": "bad"}), max_failures=2)
FIXTURE = Path(__file__).parents[1] / "fixtures" / "checker_shard_log_v1.json"
REC = CheckerSpec(f"{HERE}:Recorder", "rec", '{"forget_ms": 60000}')


def batch_for_checker(rows, epoch=1):
    """Events of the keyed checker as ``parse`` gives them: (ms, key, words)."""
    checkers = RunningCheckers([REC])
    detector = LineDetector(ModelDocument.from_json(SHOP), ReadLimits(), 1, epoch, checkers)
    text = "".join(line(ms, "note", f"{key} {what}") + "\n" for ms, key, what in rows).encode()
    outcome, _, _ = detector.process("a.log", SourceState(), text, True)
    (batch,) = outcome.batches
    return batch


class Groups:
    """Flink's metric groups: what is counted in each."""

    def __init__(self, name="", root=None):
        self.name, self.root = name, root or self
        if root is None:
            self.counts: Counter[str] = Counter()
            self.gauges: dict[str, Any] = {}

    def get_metrics_group(self):
        return self

    def add_group(self, kind, name):
        return Groups(f"{self.name}{kind}.{name}.", self.root)

    def counter(self, name):
        return SimpleNamespace(inc=lambda n: self.root.counts.update({self.name + name: n}))

    def gauge(self, name, look):
        self.root.gauges[self.name + name] = look


class ParseSubtask:
    """``parse`` of files with checkers."""

    def __init__(self, *specs):
        self.groups = Groups()
        state = ValueState()
        context: Any = Context(state, Broadcast())
        context.get_metrics_group = self.groups.get_metrics_group
        self.parse = Parse([ENTRY], ReadLimits(), 4, specs)
        self.parse.open(context)
        self.context, state.key = context, "a.log"

    def lines(self, *texts):
        data = "".join(f"{text}\n" for text in texts).encode()
        keys: list[str] = []
        side: dict[str, list[Any]] = {UNMATCHED.tag_id: [], DEAD_LETTERS.tag_id: []}
        element = "a.log", LogBatch("a.log", data, at_end=True).encode()
        for tag, out in self.parse.process_element(element, self.context):
            if hasattr(tag, "tag_id"):
                side.setdefault(tag.tag_id, []).extend(json.loads(text) for text in out.split("\n"))
            elif tag[1]:
                keys.append(tag[0])
        return keys, side[UNMATCHED.tag_id], side[DEAD_LETTERS.tag_id]


def test_parse_tells_violations_and_failures_and_sends_keyed_events_to_shards_of_their_own():
    subtask = ParseSubtask(SHOWN, REC)
    keys, anomalies, letters = subtask.lines(
        line(0, "open", 1), line(1, "note", "7 fine"), line(2, "note", "7 bad"), "nothing", line(3, "odd", 1)
    )
    assert sorted(key.rpartition("/")[0] for key in keys) == ["shop", "shop/rec"]
    assert sorted(a["type"] for a in anomalies) == ["custom", "unmatched_log"]
    (letter,) = letters
    assert (letter["line"], letter["checker"]) == (3, "shown")


def test_what_checkers_find_fail_at_and_take_is_counted():
    subtask = ParseSubtask(SHOWN)
    subtask.lines(*(line(n, "note", f"7 {what}") for n, what in enumerate(["fine", "fine", "bad", "bad", "fine"])))
    counts, gauges = subtask.groups.counts, subtask.groups.gauges
    assert counts["checker.shown.checker_violations"] == 2
    assert counts["checker.shown.checker_failures"] == 2
    assert counts["checker.shown.checker_busy_us"] > 0
    assert gauges["checker.shown.checker_off"]() == 1
    assert {name.rpartition(".")[2] for name in (*counts, *gauges)} == set(metrics.CHECKER_METRICS)


def test_less_than_a_microsecond_is_counted_later():
    groups, checkers = Groups(), RunningCheckers([SHOWN])
    told = CheckerMetrics(groups, checkers)
    for _ in range(3):
        checkers.all[0].guard.busy_ns += 700
        told.look()
    assert groups.counts["checker.shown.checker_busy_us"] == 2


class Shard:
    """A keyed checker's shard in a subtask of ``automata``."""

    def __init__(self, log=(), specs=(REC,), records=None):
        self.log, self.held = ListState(log), ListState()
        self.history = ModelHistory([ENTRY])
        if records is not None:
            self.history.load(records)
        models = CompiledModels(self.history)
        models.checkers = self.checkers = RunningCheckers(specs)
        self.keeper = ShardKeeper("shop", models, self.held, 10, False, "rec")

    def take(self, rows, watermark):
        record = batch_for_checker(rows).encode() if rows else None
        return [d["reason"] for d in self.keeper.take(self.log, self.held, record, watermark)]


STEPS = [
    ([(0, 7, "first"), (10, 7, "set a 1000"), (20, 8, "fail")], DAY + 15),
    ([(30, 7, "second"), (40, 8, "third")], DAY + 35),
    (None, DAY + 500),
    (None, DAY + 5000),
    ([(6000, 7, "fourth"), (6001, 8, "clear")], DAY + 5500),
    (None, FOREVER),
]


@pytest.mark.parametrize("least_log", [0, 1 << 19])
def test_a_restart_after_any_step_changes_nothing(least_log, monkeypatch):
    monkeypatch.setattr(shard_log, "_LEAST_LOG_BYTES", least_log)

    def play(restart_at):
        shard, told, letters = Shard(), [], []
        for at, (rows, watermark) in enumerate(STEPS):
            told += shard.take(rows, watermark)
            letters += shard.checkers.take_letters()
            if at == restart_at:
                shard = Shard(shard.log.entries)
        return told, letters

    expected = play(None)
    assert f"7 time {DAY + 1010} a with ['first', 'second', 'a']" in expected[0]
    assert len(expected[1]) == 1
    for restart_at in range(len(STEPS)):
        assert play(restart_at) == expected


def test_the_log_of_a_checker_that_is_gone_is_given_up():
    shard = Shard()
    shard.take(*STEPS[0])
    assert shard.log.entries
    without = Shard(shard.log.entries, specs=())
    assert without.take(None, DAY + 5000) == []
    assert without.log.entries == []
    assert without.take([(30, 7, "second")], DAY + 6000) == []
    assert without.keeper.counts["dropped"] == 1


def entries_of_each_kind(monkeypatch):
    """A log with a snapshot, in which an event waits, then a batch and a deadline that has passed."""
    shard = Shard()
    with monkeypatch.context() as always:
        always.setattr(shard_log, "_LEAST_LOG_BYTES", 0)
        shard.take([(0, 7, "first"), (5, 8, "set b 50000"), (10, 7, "set a 1000"), (300, 7, "waiting")], DAY + 15)
    shard.take([(400, 7, "second"), (2000, 8, "third")], DAY + 350)
    assert shard.take(None, DAY + 1500) == [
        f"7 event {DAY + 400} second after ['first', 'waiting']",
        f"7 time {DAY + 1010} a with ['first', 'waiting', 'second', 'a']",
    ]
    return shard.log.entries


def test_a_log_of_version_1_is_still_read(monkeypatch):
    """``WRITE_FIXTURES=1`` writes it anew: only before a release in which the layout has a new version."""
    if os.environ.get("WRITE_FIXTURES"):
        about = "The log of a keyed checker's shard as version 1 wrote it, and what is told as time goes on."
        entries = entries_of_each_kind(monkeypatch)
        stored = {"about": about, "log": [base64.b64encode(entry).decode() for entry in entries]}
        FIXTURE.write_text(json.dumps({**stored, "told": Shard(entries).take(None, FOREVER)}, indent=1) + "\n")
    stored = json.loads(FIXTURE.read_text())
    entries = [base64.b64decode(entry) for entry in stored["log"]]
    assert [entry[:1] for entry in entries] == [b"S", b"B", b"W"]
    assert (
        Shard(entries).take(None, FOREVER)
        == stored["told"]
        == [
            f"8 event {DAY + 2000} third after None",
            f"8 time {DAY + 50_005} b with ['third', 'b']",
        ]
    )
    assert Shard(entries_of_each_kind(monkeypatch)).take(None, FOREVER) == stored["told"]


def test_what_a_keyed_checker_remembers_survives_another_model():
    change = {"kind": "model", "op": "update", "epoch": 2, "id": "shop", "version": 2, "sources": []}
    shard = Shard()
    shard.take([(0, 7, "first")], DAY + 5)
    shard.history.apply({**change, "document": pretty({**SHOP, "version": 2, "automata": []})})
    assert shard.take([(10, 7, "second")], DAY + 15) == [f"7 event {DAY + 10} second after ['first']"]
    later = Shard(shard.log.entries, records=shard.history.to_records())
    assert later.take([(20, 7, "third")], FOREVER) == [f"7 event {DAY + 20} third after ['first', 'second']"]


def test_with_a_deleted_model_goes_what_was_remembered_under_it():
    shard = Shard()
    shard.take([(0, 7, "first"), (10, 7, "second")], DAY + 5)
    shard.history.apply({"kind": "model", "op": "delete", "epoch": 2, "id": "shop", "version": None, "sources": []})
    assert shard.take(None, FOREVER) == []
    assert (shard.log.entries, shard.keeper.counts["dropped"]) == ([], 1)


def test_a_due_deadline_is_a_timer():
    shard = Shard()
    shard.take([(0, 7, "set a 1000")], DAY + 5)
    due = shard.keeper.due()
    assert due is not None
    assert DAY + 1000 < due < DAY + 1600
    assert shard.take(None, due) == [f"7 time {DAY + 1000} a with ['a']"]


def test_in_topics_violations_and_letters_go_where_others_go(monkeypatch):
    class Checked(ParseTopic):
        def __init__(self, initial, settings, connect, partitions, probe_s):
            super().__init__([ENTRY], settings, connect, partitions, probe_s, [SHOWN, REC])

    class Clock:
        wall_ms = 1_000_000

        def set(self, ms):
            self.wall_ms = ms

    monkeypatch.setattr(topic_subtask, "ParseTopic", Checked)
    subtask = topic_subtask.Subtask(Clock())
    whats = [("note", "7 fine"), ("note", "7 bad"), ("open", "1"), ("odd", "1"), ("note", "7 more")]
    try:
        subtask.send(*((0, n, "app", line(n, *what)) for n, what in enumerate(whats)))
    finally:
        subtask.operator.close()
    assert sorted(a["type"] for a in subtask.unmatched) == ["custom", "unmatched_log"]
    (found,) = [a for a in subtask.unmatched if a["type"] == "custom"]
    assert (found["source"], found["evidence"][0]["topic"], found["evidence"][0]["offset"]) == ("app", "logs", 0)
    (letter,) = subtask.dead
    assert (letter["topic"], letter["partition"], letter["offset"], letter["checker"]) == ("logs", 0, 1, "shown")
    assert subtask.counts["lines_dead"] == 0, "the line itself could be read"
    assert {batch.key.rpartition("/")[0] for batch in subtask.events} == {"shop", "shop/rec"}
    assert subtask.counts["checker_violations"] == 1


def test_batches_of_checkers_are_read_as_they_were_written():
    batch = batch_for_checker([(0, 7, "first")])
    again = EventBatch.decode(batch.encode())
    assert (again.checker, again.key, again.text) == ("rec", "shop/rec/0", batch.text)
