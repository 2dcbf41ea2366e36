"""``resolve``: as Flink drives it, message by message, and in a real mini cluster."""

import copy
import json

import pytest

from models.in_force import EPOCH_KEY, Entry
from models.model_trial import try_model
from operators.resolve import CONTROL_TYPE, EVENTS_TYPE, REPLIES, Resolve
from tests.models.model_example import document


def model(version=3, name="hdfs"):
    return copy.deepcopy(document()) | {"id": name, "version": version}


def entry(version=3, name="hdfs"):
    return Entry(name, version, 1, (), json.dumps(model(version, name)))


class MapState:
    """Flink's map state, for the one key."""

    def __init__(self):
        self.values = {}

    def items(self):
        return self.values.items()

    def is_empty(self):
        return not self.values

    def put(self, key, text):
        self.values[key] = text

    def remove(self, key):
        del self.values[key]


class Subtask:
    """The subtask of ``resolve``, and the runtime context and metrics of it."""

    def __init__(self, *initial, state=None, fetch=None):
        self.state = state or MapState()
        self.counts, self.gauges = {}, {}
        self.operator = Resolve(initial, fetch, try_model)
        self.operator.open(self)
        self.offset = 0

    def get_map_state(self, descriptor):
        return self.state

    def get_metrics_group(self):
        return self

    def counter(self, name):
        subtask = self

        class Counter:
            def inc(self, number):
                if number:
                    subtask.counts[name] = subtask.counts.get(name, 0) + number

        return Counter()

    def gauge(self, name, value):
        self.gauges[name] = value

    def tell(self, data):
        """Events and replies to one message."""
        self.offset += 1
        data = json.dumps(data).encode() if isinstance(data, dict) else data
        out = list(self.operator.process_element((data, "control", 0, self.offset), None))
        events = [json.loads(e) for e in out if isinstance(e, str)]
        (reply,) = (json.loads(e[1]) for e in out if not isinstance(e, str) and e[0] is REPLIES)
        return events, reply


def test_each_message_has_its_reply_and_accepted_ones_their_event():
    subtask = Subtask()
    (event,), reply = subtask.tell({"action": "add", "model": model()})
    assert (event["op"], event["epoch"], reply["outcome"], reply["offset"]) == ("add", 1, "accepted", 1)
    assert subtask.tell(None)[0] == []
    assert subtask.tell(b"\xff")[1]["outcome"] == "rejected"
    assert subtask.tell({"action": "pause", "source": "x"})[0] == [{"kind": "pause", "source": "x"}]
    assert subtask.counts == {"control_accepted": 2, "control_rejected": 2}


def test_metrics_tell_how_many_models_are_in_force_and_the_last_change():
    subtask = Subtask(entry())
    assert {name: value() for name, value in subtask.gauges.items()} == {"models_in_force": 1, "models_epoch": 1}
    subtask.tell({"action": "add", "model": model(name="shop")})
    assert {name: value() for name, value in subtask.gauges.items()} == {"models_in_force": 2, "models_epoch": 2}


def test_what_is_restored_wins_over_the_models_that_the_job_comes_with():
    before = Subtask(entry(), entry(name="web"))
    before.tell({"action": "update", "model": model(4)})
    before.tell({"action": "delete", "reference": {"id": "web"}})
    after = Subtask(entry(9), entry(name="shop"), state=before.state)
    (event,), reply = after.tell({"action": "update", "model": model(5)})
    assert (event["epoch"], reply["model"]) == (4, {"id": "hdfs", "version": 5})
    assert after.tell({"action": "update", "model": model(name="shop")})[1]["outcome"] == "rejected"
    assert [key for key in after.state.values if key != EPOCH_KEY] == ["hdfs"]


def test_before_the_first_change_nothing_is_kept_so_that_other_models_can_come_with_the_job():
    before = Subtask(entry())
    before.tell({"action": "pause", "source": "x"})
    before.tell({"action": "add", "model": {}})
    assert before.state.values == {}


@pytest.mark.services
def test_in_a_real_job_messages_become_events_and_replies_in_order():
    from pyflink.common import Types

    from jobs.environment import make_environment

    messages = [
        {"id": "a", "action": "add", "model": model()},
        {"id": "b", "action": "add", "model": model()},
        {"id": "c", "action": "update", "model": model(4), "sources": ["hdfs*"]},
        {"id": "d", "action": "heartbeat", "source": "x", "timestamp": 7},
        {"id": "e", "action": "delete", "reference": {"id": "hdfs"}},
        {"id": "f", "action": "update", "reference": {"id": "hdfs"}},
    ]
    values = [*(json.dumps(message).encode() for message in messages), b"\xff\x00", b"[" * 10_000, b""]
    rows = [(value, "control", 0, offset) for offset, value in enumerate(values)]
    environment = make_environment(1, embedded=True)
    stream = environment.from_collection(rows, CONTROL_TYPE)
    resolved = stream.key_by(lambda _: 0, Types.INT()).process(Resolve([]), EVENTS_TYPE).set_parallelism(1)
    marked = resolved.map(lambda text: "event " + text, Types.STRING())
    replies = resolved.get_side_output(REPLIES).map(lambda text: "reply " + text, Types.STRING())
    with marked.union(replies).execute_and_collect() as results:
        found = list(results)
    events = [json.loads(text[6:]) for text in found if text.startswith("event ")]
    assert [(e["kind"], e.get("op"), e.get("epoch")) for e in events] == [
        ("model", "add", 1),
        ("model", "update", 2),
        ("heartbeat", None, None),
        ("model", "delete", 3),
    ]
    told = [json.loads(text[6:]) for text in found if text.startswith("reply ")]
    assert [r["offset"] for r in told] == list(range(9))
    assert [r["id"] for r in told if r["outcome"] == "accepted"] == ["a", "c", "d", "e"]
    assert all(r["reason"] for r in told if r["outcome"] == "rejected")
