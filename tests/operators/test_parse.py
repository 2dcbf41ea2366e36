"""``parse`` as Flink drives it, element by element, without Flink."""

import json

import pytest
from pyflink.datastream import OutputTag

from models.batches import EventBatch
from models.detection import FAR_FUTURE_MS, FAR_PAST_MS, shard_of
from models.document_text import pretty
from models.in_force import Entry
from models.log_batch import LogBatch
from models.source_reader import ReadLimits
from operators.parse import DEAD_LETTERS, STATISTICS, UNMATCHED, Parse
from tests.operators.shop import DAY, MODEL, TEMPLATES, line

SHARDS = 4


class ValueState:
    """Flink's value state, for the key at hand."""

    def __init__(self):
        self.values, self.key = {}, ""

    def value(self):
        return self.values.get(self.key)

    def update(self, value):
        self.values[self.key] = value

    def clear(self):
        self.values.pop(self.key, None)


class Broadcast(dict):
    """Flink's broadcast state."""

    def put(self, name, text):
        self[name] = text

    def remove(self, name):
        del self[name]

    def contains(self, name):
        return name in self

    def is_empty(self):
        return not self


class Context:
    """Runtime context and element context in one."""

    def __init__(self, state, models):
        self.state, self.models = state, models

    def get_state(self, descriptor):
        return self.state

    def get_broadcast_state(self, descriptor):
        return self.models


class Subtask:
    """One subtask of ``parse``."""

    def __init__(self, state=None, models=None, lateness=0):
        self.state = state or ValueState()
        self.ctx = Context(self.state, Broadcast() if models is None else models)
        entry = Entry("shop", 1, 1, (), pretty(MODEL))
        self.parse = Parse([entry], ReadLimits(lateness_ms=lateness), SHARDS)
        self.parse.open(self.ctx)
        self.events, self.words, self.epochs, self.side = [], [], [], {}

    def send(self, batch):
        """Let it take a batch; the timestamps of what came out of the main output."""
        self.state.key = batch.source
        clocks = []
        for out in self.parse.process_element((batch.source, batch.encode()), self.ctx):
            if isinstance(out[0], OutputTag):
                self.side.setdefault(out[0].tag_id, []).extend(map(json.loads, out[1].split("\n")))
                self.words.append(out[0].tag_id)
                continue
            (key, record), timestamp = out
            clocks.append(timestamp)
            if not record:
                assert key == ""
                continue
            found = EventBatch.decode(record)
            shard = found.shard
            self.epochs.append(found.epoch)
            assert key == f"shop/{shard}"
            self.events += [
                (found.source, name.decode(), position, order, event, shard, timestamp)
                for name, position, order, event in zip(
                    found.transaction,
                    found.position.tolist(),
                    found.order_ms.tolist(),
                    found.event_ms.tolist(),
                    strict=True,
                )
            ]
        return clocks

    def open(self, source, clock):
        assert self.send(LogBatch(source, kind=LogBatch.OPEN, clock_ms=clock)) == []

    def lane(self):
        return self.send(LogBatch("\0lane-0", kind=LogBatch.LANE))

    def lines(self, source, *texts, at_end=False):
        return self.send(LogBatch(source, "".join(f"{text}\n" for text in texts).encode(), at_end=at_end))


def test_a_subtask_without_a_source_does_not_hold_the_watermark_back():
    assert Subtask().lane() == [FAR_FUTURE_MS]


def works(*times):
    """Lines at these times, and one more soon after: the last line of a batch waits for those that may continue it."""
    return [line(ms, "work", 1) for ms in (*times, times[-1] + 10)]


def test_the_watermark_is_the_smallest_clock_of_the_sources():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.open("b", DAY + 5000)
    assert subtask.lane() == [DAY]
    assert subtask.lines("a", *works(1000, 2000, 9000))[-1] == DAY + 5000
    assert subtask.lines("b", *works(6000, 6500, 7000))[-1] == DAY + 7000
    assert subtask.lines("b", *works(8000), at_end=True)[-1] == DAY + 9000
    assert subtask.lines("a", *works(9500), at_end=True)[-1] == FAR_FUTURE_MS


def test_a_source_of_which_nothing_is_known_holds_the_watermark_until_it_tells():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.open("dark", None)
    assert subtask.lane() == [FAR_PAST_MS]
    assert set(subtask.lines("a", *works(0, 1, 2))) == {FAR_PAST_MS}
    assert subtask.lines("dark", at_end=True) == [DAY + 2]


def test_no_batch_leaves_before_the_clock_that_it_could_hold_back():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.lane()
    for at in range(0, 60_000, 6000):
        subtask.lines("a", *(line(at + k * 1000, "work", k) for k in range(6)))
    subtask.lines("a", at_end=True)
    assert len(subtask.events) == 60
    for _, _, _, order, _, _, timestamp in subtask.events:
        assert timestamp <= order


def test_an_event_belongs_to_the_shard_of_its_transaction():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.lane()
    subtask.lines("a", *(line(k, "work", k % 10) for k in range(50)), at_end=True)
    assert {shard for *_, shard, _ in subtask.events} == set(range(SHARDS))
    for _, name, _, _, _, shard, _ in subtask.events:
        assert shard == shard_of(name.encode(), SHARDS)


@pytest.mark.parametrize(("lateness", "order", "late"), [(0, 5000, 1), (1000, 4000, 1), (3000, 2500, 0)])
def test_a_late_event_counts_as_of_the_clock_less_the_lateness(lateness, order, late):
    subtask = Subtask(lateness=lateness)
    subtask.open("a", DAY - lateness)
    subtask.lane()
    subtask.lines("a", line(0, "open", 1), line(5000, "work", 1), line(2500, "check", 1), line(5500, "close", 1))
    subtask.lines("a", at_end=True)
    assert [(o - DAY, e - DAY) for _, _, _, o, e, _, _ in subtask.events][2] == (order, 2500)
    assert sum(record["late"] for record in subtask.side[STATISTICS.tag_id]) == late


def test_lines_go_to_their_outputs_and_are_counted_whatever_the_batches():
    texts = ["\x00 binary", line(0, "open", 1), " goes on", line(1, "nobody knows this", 1), line(2, "close", 1)]
    sides = []
    for size in (1, 2, 5):
        subtask = Subtask()
        subtask.open("a", DAY)
        subtask.lane()
        for at in range(0, len(texts), size):
            subtask.lines("a", *texts[at : at + size], at_end=at + size >= len(texts))
        counts: dict[str, int] = {}
        for record in subtask.side[STATISTICS.tag_id]:
            for name in ("lines", "matched", "unmatched", "continued", "dead_letters"):
                counts[name] = counts.get(name, 0) + record[name]
        assert counts == {"lines": 5, "matched": 2, "unmatched": 1, "continued": 1, "dead_letters": 1}
        sides.append(
            (subtask.side[DEAD_LETTERS.tag_id], subtask.side[UNMATCHED.tag_id], [e[:5] for e in subtask.events])
        )
        assert subtask.state.values == {}
    assert sides[0] == sides[1] == sides[2]
    dead, unmatched, events = sides[0]
    assert [(letter["line"], letter["source"]) for letter in dead] == [(1, "a")]
    assert [document["evidence"][0]["line"] for document in unmatched] == [4]
    assert [event[2] for event in events] == [2, 5]


def test_a_source_goes_on_after_a_restore_where_it_stood():
    first = Subtask()
    first.open("a", DAY)
    first.lane()
    first.lines("a", line(0, "open", 1), line(1, "work", 1), " more of it")
    second = Subtask(first.state)
    second.lines("a", line(2, "close", 1), at_end=True)
    assert [event[2] for event in first.events + second.events] == [1, 2, 4]


def update(model, sources=()):
    """The control event that puts another version of the model in force."""
    head = {"kind": "model", "op": "update", "epoch": 2, "id": "shop", "version": model["version"]}
    return json.dumps({**head, "sources": list(sources), "document": pretty(model)})


NEWER = MODEL | {"version": 2, "templates": [*TEMPLATES, {"id": "t-new", "grok": "brand new %{INT:id}"}]}


def test_a_broadcast_model_parses_the_next_batch():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.lane()
    subtask.lines("a", line(0, "brand new", 1), *works(1, 2))
    assert len(subtask.side[UNMATCHED.tag_id]) == 1
    subtask.parse.process_broadcast_element(update(NEWER), subtask.ctx)
    subtask.lines("a", line(20, "brand new", 1), line(30, "open", 2), at_end=True)
    assert len(subtask.side[UNMATCHED.tag_id]) == 1
    again = Subtask(models=subtask.ctx.models)  # after a restore broadcast state wins
    again.lines("a", line(20, "brand new", 1), at_end=True)
    assert UNMATCHED.tag_id not in again.side


def test_events_tell_which_model_and_which_change_of_models_they_were_parsed_under():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.lane()
    subtask.lines("a", line(0, "open", 1), *works(1, 2))
    subtask.parse.process_broadcast_element(update(NEWER), subtask.ctx)
    subtask.lines("a", line(20, "work", 1), at_end=True)
    assert sorted(set(subtask.epochs)) == [1, 2]


def test_a_source_without_a_model_is_not_looked_at_and_not_waited_for():
    subtask = Subtask()
    for source in ("a", "b"):
        subtask.open(source, DAY)
    subtask.lane()
    subtask.parse.process_broadcast_element(update(MODEL, ["b"]), subtask.ctx)
    assert subtask.lines("a", line(0, "open", 1), at_end=True) == []
    assert subtask.lines("b", *works(0, 5000, 9000))[-1] == DAY + 9000
    assert {source for source, *_ in subtask.events} == {"b"}


def test_all_documents_of_a_batch_go_out_together():
    subtask = Subtask()
    subtask.open("a", DAY)
    subtask.lane()
    subtask.lines("a", *(line(k, f"unknown {k}", k) for k in range(5)), *["\x00"] * 3, at_end=True)
    assert (len(subtask.side[UNMATCHED.tag_id]), len(subtask.side[DEAD_LETTERS.tag_id])) == (5, 3)
    assert sorted(subtask.words) == sorted([UNMATCHED.tag_id, DEAD_LETTERS.tag_id, STATISTICS.tag_id])
