"""Control messages to events and replies: in order, numbered, and never failing."""

import copy
import json
import random
import time

import pytest

from models.control_resolver import ControlResolver
from models.errors import UserError
from models.in_force import Entry, ModelsInForce
from models.model_trial import try_model
from models.schema_check import check
from tests.models.model_example import document

EVENT = {"kind", "op", "epoch", "id", "version", "sources", "document"}


def model(version=3, name="hdfs"):
    return copy.deepcopy(document()) | {"id": name, "version": version}


class Store:
    """Models by id and version."""

    def __init__(self, *models):
        self.models = {(m["id"], m["version"]): m for m in models}

    def __call__(self, name, version):
        found = max((v for n, v in self.models if n == name), default=None) if version is None else version
        if (name, found) not in self.models:
            raise UserError(f"there is no model {name} version {version}")
        return self.models[name, found]


class Job:
    """A resolver and what it was told."""

    def __init__(self, *initial, fetch=None):
        entries = [Entry(m["id"], m["version"], n, (), json.dumps(m)) for n, m in enumerate(initial, 1)]
        self.unexpected: list[Exception] = []
        self.resolver = ControlResolver(ModelsInForce(entries), fetch, try_model, self.unexpected.append)
        self.followers = ModelsInForce(entries)
        self.sent = 0

    def tell_raw(self, data):
        self.sent += 1
        event, reply = self.resolver.resolve(data, "control", 0, self.sent)
        assert check("control_reply", reply) == []
        assert reply["offset"] == self.sent
        json.dumps(event).encode()
        if event is not None:
            self.followers.apply(json.loads(json.dumps(event)))
        assert self.followers.entries == self.resolver.models.entries
        assert self.followers.epoch == self.resolver.models.epoch
        return event, reply

    def tell(self, action, **keys):
        return self.tell_raw(json.dumps({"action": action, **keys}).encode())

    def rejects(self, action, **keys):
        before = dict(self.resolver.models.entries)
        event, reply = self.tell(action, **keys)
        assert (event, reply["outcome"], reply["action"]) == (None, "rejected", action)
        assert self.resolver.models.entries == before
        return reply["reason"]


def test_a_model_is_added_updated_and_deleted():
    job = Job()
    event, reply = job.tell("add", id="1", model=model(), sources=["hdfs*"])
    assert set(event) == EVENT
    assert (event["op"], event["epoch"], event["version"], event["sources"]) == ("add", 1, 3, ["hdfs*"])
    assert json.loads(event["document"])["id"] == "hdfs"
    assert (reply["id"], reply["outcome"], reply["epoch"]) == ("1", "accepted", 1)
    assert reply["model"] == {"id": "hdfs", "version": 3}
    event, reply = job.tell("update", model=model(4))
    assert (event["op"], event["epoch"], event["version"], event["sources"]) == ("update", 2, 4, ["hdfs*"])
    event, reply = job.tell("delete", reference={"id": "hdfs"})
    assert (event["op"], event["epoch"], event["document"]) == ("delete", 3, None)
    assert reply["model"] == {"id": "hdfs", "version": 4}
    assert job.resolver.models.entries == {}


def test_changes_go_on_from_the_epochs_of_the_models_that_the_job_came_with():
    job = Job(model(name="a"), model(name="b"))
    assert job.tell("add", model=model())[1]["epoch"] == 3


def test_adding_what_is_there_and_updating_what_is_not_is_refused():
    job = Job(model())
    assert "is in force already, version 3; use update" in job.rejects("add", model=model(4))
    assert "is not in force; use add; in force is hdfs" in job.rejects("update", model=model(name="shop"))
    assert "is not in force" in job.rejects("delete", reference={"id": "shop"})


def test_the_same_again_changes_nothing():
    job = Job(model())
    event, reply = job.tell("update", model=model())
    assert (event, reply["outcome"], reply["epoch"]) == (None, "accepted", 1)
    event, _ = job.tell("update", model=model(), sources=["x"])
    assert (event["epoch"], event["sources"]) == (2, ["x"])
    other = model()
    other["automata"][0]["settle_ms"] = 21
    assert job.tell("update", model=other)[0]["epoch"] == 3


def test_models_come_from_the_store_by_reference():
    job = Job(fetch=Store(model(1), model(2), model(5)))
    assert job.tell("add", reference={"id": "hdfs", "version": 2})[1]["model"] == {"id": "hdfs", "version": 2}
    assert job.tell("update", reference={"id": "hdfs"})[1]["model"] == {"id": "hdfs", "version": 5}
    assert job.tell("update", reference={"id": "hdfs", "version": 1})[1]["model"] == {"id": "hdfs", "version": 1}
    assert "cannot be loaded: there is no model hdfs" in job.rejects("update", reference={"id": "hdfs", "version": 9})


def test_a_job_without_a_store_says_so():
    assert "the job has no store" in Job().rejects("add", reference={"id": "hdfs"})


@pytest.mark.parametrize("given", [None, [], "x", {}, {"kind": "weirwatch.model"}, model(name="shop")])
def test_whatever_the_store_gives_it_is_tried(given):
    assert Job(fetch=lambda name, version: given).rejects("add", reference={"id": "hdfs"})


def test_a_store_that_fails_in_its_own_way_rejects_and_is_told():
    def fetch(name, version):
        raise RuntimeError("the disk is gone")

    job = Job(fetch=fetch)
    assert "RuntimeError: the disk is gone" in job.rejects("add", reference={"id": "hdfs"})
    assert [str(error) for error in job.unexpected] == ["the disk is gone"]


def test_an_invalid_model_is_refused_with_its_problems():
    broken = model()
    broken["templates"][0]["grok"] = "(["
    assert "$.templates[0].grok" in Job().rejects("add", model=broken)


@pytest.mark.parametrize("action", ["end_of_log", "pause", "resume"])
def test_word_of_a_source_is_passed_on(action):
    event, reply = Job().tell(action, source="app.log")
    assert event == {"kind": action, "source": "app.log"}
    assert (reply["outcome"], reply["model"], reply["epoch"]) == ("accepted", None, None)


def test_a_heartbeat_is_passed_on_in_milliseconds():
    event, _ = Job().tell("heartbeat", source="app.log", timestamp="2008-11-20T20:35:31Z")
    assert event == {"kind": "heartbeat", "source": "app.log", "timestamp_ms": 1227213331000}


def test_a_rejected_message_is_shown_and_one_from_a_file_has_no_place():
    _, reply = Job().resolver.resolve(b"no json", "folder", -1, -1)
    assert (reply["text"], reply["topic"], reply["partition"], reply["offset"]) == ("no json", None, None, None)


def damaged(random_):
    """A message that is right but for something: bytes, types, keys, values."""
    keys = ["action", "model", "reference", "sources", "source", "timestamp", "id", "Action", "", "\ud800", "x" * 300]
    values: list = [
        *(None, True, 0, -1, 1.5, 10**30, 1e308, "", "x", "\ud800", "a\x00b", "x" * 5000, [], {}, [[]], {"": {}}),
        *({"id": "shop"}, {"id": 1}, {"id": "a\n"}, {"id": "hdfs", "version": -1}, ["*"], [None], "add", "delete"),
    ]
    kind = random_.randrange(4)
    if kind == 0:
        return random_.randbytes(random_.randrange(60))
    if kind == 1:
        spoilt = bytearray(json.dumps({"action": "add", "model": model(name="shop")}).encode())
        for _ in range(random_.randrange(1, 4)):
            spoilt[random_.randrange(len(spoilt))] = random_.randrange(128, 256)
        return bytes(spoilt)
    if kind == 2:
        data = json.dumps({"action": "pause", "source": "app.log"}).encode()
        return data[: random_.randrange(len(data))]
    action = random_.choice(["add", "update", "delete", "heartbeat", "end_of_log", "explode", 7, None])
    found = {"action": action}
    found |= {random_.choice(keys): random_.choice(values) for _ in range(random_.randrange(5))}
    return json.dumps(found | {"sorces": 1}).encode()


def test_a_thousand_malformed_messages_are_each_rejected_with_a_reason():
    job, random_ = Job(model()), random.Random(7)
    for _ in range(1000):
        data = damaged(random_)
        event, reply = job.tell_raw(data)
        assert event is None, data
        assert reply["outcome"] == "rejected", data
        assert reply["reason"], data
    assert job.unexpected == []
    assert job.tell("pause", source="app.log")[1]["outcome"] == "accepted"


def test_a_model_damaged_anywhere_is_followed_or_rejected_and_never_fails():
    job, random_ = Job(), random.Random(8)
    values: list = [None, True, -1, 2**60, 1e300, "", "\ud800", "(", [], {}, [[]], "%{NOPE}", "x y"]
    for _ in range(300):
        found = model(name="shop")
        place = found
        while True:
            key = random_.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key] or random_.random() < 0.3:
                break
            place = place[key]
        place[key] = random_.choice(values)
        event, reply = job.tell("add", model=found)
        assert reply["reason"] or event
        if event is not None:
            assert job.tell("delete", reference={"id": event["id"]})[0] is not None
    assert job.unexpected == []


@pytest.mark.parametrize(
    "data",
    [
        b'{"action":"add","model":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"action":"add","model":' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"action":"add","model":{"id":"' + b"x" * 10_000_000 + b'"}}',
        b'{"action":"add","model":{' + b",".join(b'"%d":1' % i for i in range(400_000)) + b',"1":1}}',
        b'{"action":"add","model":{"templates":[' + b",".join([b"{}"] * 1_000_000) + b"]}}",
        b'{"action":"add","reference":{"id":"a",' + b",".join(b'"%d":1' % i for i in range(400_000)) + b"}}",
        b'{"action":"add","model":{},"sources":[' + b",".join([b"1"] * 1_000_000) + b"]}",
        b'{"action":"add","reference":{"id":"' + b"a" * 5_000_000 + b'"}}',
        b'{"action":"' + b"a" * 5_000_000 + b'"}',
    ],
    ids=lambda data: data[:40].decode() + "…",
)
def test_huge_and_deep_messages_are_rejected_soon(data):
    begin = time.monotonic()
    _, reply = Job().tell_raw(data)
    assert reply["outcome"] == "rejected"
    assert time.monotonic() - begin < 10
