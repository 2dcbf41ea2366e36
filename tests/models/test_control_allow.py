"""``allow`` and ``disallow``: the next version of a model in force, kept where there is a store."""

from __future__ import annotations

import copy
import json

import pytest

from models.anomalies import unmatched_log
from models.control_resolver import ControlResolver
from models.document import ModelDocument
from models.errors import UserError
from models.in_force import Entry, ModelsInForce
from models.model_trial import try_model
from models.schema_check import check
from tests.models.model_example import document

TIME = "081109 205000 "
ODD = unmatched_log(ModelDocument.from_json(document()), "hdfs.log", 3, 0, f"{TIME}odd thing 17 at blk_5")


class Job:
    """A resolver, its store, and what it was told."""

    def __init__(self, keep=None):
        text = json.dumps(document())
        self.resolver = ControlResolver(
            ModelsInForce([Entry("hdfs", 3, 1, ("h*",), text)]), None, try_model, self.raised, keep
        )

    def raised(self, error):
        raise error

    def tell(self, action, **keys):
        message = {"id": "m", "action": action, **keys}
        assert check("control", message) == []
        event, reply = self.resolver.resolve(json.dumps(message).encode(), "control", 0, 1)
        assert check("control_reply", reply) == []
        return event, reply

    def rejects(self, action, **keys):
        data = json.dumps({"action": action, **keys}).encode()
        event, reply = self.resolver.resolve(data, "control", 0, 1)
        assert (event, reply["outcome"], reply["action"]) == (None, "rejected", action)
        assert check("control_reply", reply) == []
        return reply["reason"]

    def model(self):
        return ModelDocument.from_json(json.loads(self.resolver.models.entries["hdfs"].document))


def test_an_anomaly_is_allowed_and_taken_back():
    job = Job()
    event, reply = job.tell("allow", anomaly=ODD, reason="a new disk", by="ops", at="2026-01-01T00:00:00Z")
    assert (event["op"], event["epoch"], event["version"], event["sources"]) == ("update", 2, 4, ["h*"])
    assert (reply["outcome"], reply["model"], reply["epoch"]) == ("accepted", {"id": "hdfs", "version": 4}, 2)
    (entry,) = job.model().allow
    assert (entry.id, entry.reason, entry.by, entry.at) == (reply["entry"], "a new disk", "ops", "2026-01-01T00:00:00Z")
    assert entry.text_pattern == "^odd thing [0-9]+ at blk_[0-9]+$"
    event, reply = job.tell("disallow", reference={"id": "hdfs"}, entry=entry.id)
    assert (event["version"], event["epoch"], reply["entry"]) == (5, 3, entry.id)
    assert job.model().allow == []


def test_the_same_again_is_accepted_and_changes_nothing():
    job = Job()
    _, first = job.tell("allow", anomaly=ODD, reason="a")
    event, again = job.tell("allow", anomaly={**ODD, "id": "f" * 20}, reason="b")
    assert (event, again["outcome"], again["entry"], again["epoch"]) == (None, "accepted", first["entry"], 2)


def test_match_keys_do_in_place_of_an_anomaly():
    job = Job()
    match = {"type": "too_many", "automaton": "a-1", "states": ["begin"]}
    event, _ = job.tell("allow", reference={"id": "hdfs"}, match=match, reason="retries", source="dn*")
    entry = json.loads(event["document"])["allow"][0]
    assert {k: entry[k] for k in entry if k not in ("id", "reason")} == {**match, "source": "dn*"}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"reason": "x"}, 'allow has neither of "anomaly", a document, and "match"'),
        ({"anomaly": ODD, "match": {"type": "too_many"}, "reason": "x"}, "allow has both of"),
        ({"anomaly": ODD}, 'allow does not say why; add the key "reason"'),
        ({"match": {"type": "too_many"}, "reason": "x"}, "allow does not say of which model"),
        ({"anomaly": {}, "reason": "x"}, "the anomaly does not say of which model"),
        ({"anomaly": {"model": 1}, "reason": "x"}, "the anomaly does not say of which model"),
        ({"anomaly": {"model": {"id": "hdfs"}}, "reason": "x"}, "what is to be allowed is no anomaly"),
        ({"anomaly": {**ODD, "model": {"id": "web", "version": 1}}, "reason": "x"}, "model web is not in force"),
        ({"reference": {"id": "hdfs", "version": 2}, "anomaly": ODD, "reason": "x"}, "does not go with allow"),
        ({"anomaly": ODD, "reason": "x", "timestamp": 5}, "$.timestamp: does not go with allow"),
        ({"anomaly": ODD, "reason": 5}, "$.reason"),
        ({"reference": {"id": "hdfs"}, "match": {"type": "odd"}, "reason": "x"}, "there is no anomaly type 'odd'"),
        (
            {"reference": {"id": "hdfs"}, "match": {"type": "rule", "text_pattern": "("}, "reason": "x"},
            "no usable regular expression",
        ),
        ({"anomaly": ODD, "reason": "x", "by": "a\ud800"}, "half of a surrogate pair"),
    ],
)
def test_what_cannot_be_allowed_is_rejected_with_the_mend(keys, reason):
    job = Job()
    assert reason in job.rejects("allow", **keys)
    assert job.model().version == 3


def test_only_an_entry_that_is_there_is_taken_back():
    job = Job()
    assert "has no allowed finding 'n-1'; it allows nothing" in job.rejects(
        "disallow", reference={"id": "hdfs"}, entry="n-1"
    )
    assert 'add the key "entry"' in job.rejects("disallow", reference={"id": "hdfs"})
    assert "does not say of which model" in job.rejects("disallow", entry="n-1")
    assert "does not go with update" in job.rejects("update", reference={"id": "hdfs"}, entry="n-1")


def test_a_store_keeps_the_change_and_says_its_version():
    kept = []

    def keep(before, after, note):
        kept.append((before.version, len(after.allow), note))
        return 9

    job = Job(keep)
    event, reply = job.tell("allow", anomaly=ODD, reason="x")
    assert kept == [(3, 1, f"allow {reply['entry']}")]
    assert event["version"] == reply["model"]["version"] == job.model().version == 9


def test_a_change_that_the_store_refuses_does_not_take_effect():
    def keep(before, after, note):
        raise UserError("the store has a newer version")

    job = Job(keep)
    assert job.rejects("allow", anomaly=ODD, reason="x") == "the store has a newer version"
    assert job.model().allow == []


def test_the_document_of_the_anomaly_may_be_of_an_older_version_of_the_model():
    older = copy.deepcopy(ODD)
    older["model"]["version"] = 1
    assert Job().tell("allow", anomaly=older, reason="x")[1]["outcome"] == "accepted"
