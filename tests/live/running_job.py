"""A live job by ``weirwatch run`` that tests speak to: its topics, its control channel, what it puts out."""

from __future__ import annotations

import datetime
import itertools
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka import KafkaProducer

from models.schema_check import check
from tests.live.outputs import CommittedTopic, documents_in, wait_until
from tests.live.weirwatch_run import WeirwatchRun
from tests.operators.shop import MODEL

PARTITIONS = 3
IDLE_MS = 1_000
EXPIRES_MS = 2_000
SOON_S = 10.0
"""What takes effect at once is there within this; on a machine that is shared a second is not to be counted on."""

IN_FORCE_S = 1.5
_CHANGES = ("add", "update", "delete", "allow", "disallow", "pause", "resume")

_BEGIN = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
_numbers = itertools.count()


def quick(name: str = "quick", version: int = 1, words: str = "") -> dict[str, Any]:
    """A model whose transactions expire soon; ``words`` name one more template."""
    model = json.loads(json.dumps(MODEL)) | {"id": name, "version": version}
    duration = {"min_ms": 0, "max_ms": EXPIRES_MS // 2, "support": 100}
    model["automata"][0] |= {"expires_ms": EXPIRES_MS, "settle_ms": 100, "duration": duration}
    if words:
        model["templates"].append({"id": "t-more", "grok": words})
    return model


def at(ms: int, text: str) -> bytes:
    """A line of that model's log, some time after the sample's."""
    when = _BEGIN + datetime.timedelta(milliseconds=ms)
    return f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03} {text}".encode()


def iso(ms: int) -> str:
    return (_BEGIN + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


class Job:
    """A job with topics that no other job has, and what it has put out so far."""

    def __init__(self, kafka, folder: Path, settings: dict[str, Any], elasticsearch=None) -> None:
        self.name = f"live-{uuid4().hex[:8]}"
        self.kafka, self.folder, self.elasticsearch = kafka, folder, elasticsearch
        folder.mkdir()
        self.topic = f"{self.name}-logs"
        kafka.create_topic(self.topic, partitions=PARTITIONS)
        for part in ("control", "replies", "anomalies", "dead"):
            kafka.create_topic(f"{self.name}-{part}")
        self.settings: dict[str, Any] = {
            "kafka": {"bootstrap": kafka.bootstrap},
            "input": {"topics": [self.topic]},
            "control": {"topic": f"{self.name}-control", "replies": f"{self.name}-replies"},
            "output": {
                "kafka": {
                    "anomalies": f"{self.name}-anomalies",
                    "dead_letters": f"{self.name}-dead",
                    "transaction_prefix": self.name,
                }
            },
            "checkpoints": {"directory": str(folder / "checkpoints"), "interval_ms": 1000},
            "heartbeat": {"idle_ms": IDLE_MS},
            "multiline_wait_ms": 100,
            **settings,
        }
        if elasticsearch is not None:
            self.settings["output"]["elasticsearch"] = {"url": elasticsearch.url, "prefix": self.name}
        self.producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=5)
        self.anomalies = CommittedTopic(kafka.bootstrap, f"{self.name}-anomalies")
        self.dead_letters = CommittedTopic(kafka.bootstrap, f"{self.name}-dead")
        self.replies = CommittedTopic(kafka.bootstrap, f"{self.name}-replies")

    def start(self, *options: str) -> WeirwatchRun:
        self.run = WeirwatchRun(self.settings, self.folder / "run", *options)
        return self.run

    def close(self) -> None:
        self.run.close()
        self.producer.close(5)
        for topic in (self.anomalies, self.dead_letters, self.replies):
            topic.close()

    def say(self, source: str, *lines: bytes, partition: int = 0) -> None:
        """A source writes lines, a message each."""
        for line in lines:
            self.producer.send(self.topic, line, headers=[("source", source.encode())], partition=partition).get(30)

    def tell(self, **message: Any) -> dict[str, Any]:
        """Send a control message; the reply."""
        name = uuid4().hex
        return self.send(json.dumps({"id": name, **message}).encode(), name)

    def send(self, data: bytes, name: str | None = None) -> dict[str, Any]:
        """Send whatever it is to the control topic; the reply to it."""
        sent = self.producer.send(f"{self.name}-control", data).get(30)
        found: list[dict[str, Any]] = []

        def replied() -> bool:
            found[:] = [reply for reply in self.replies.read() if reply["offset"] == sent.offset]
            return bool(found)

        wait_until(replied, f"a reply to {data[:80]!r}", 60, every=0.05)
        assert check("control_reply", found[0]) == []
        assert name is None or found[0]["id"] == name
        return found[0]

    def accepted(self, **message: Any) -> dict[str, Any]:
        (reply,) = self.all_accepted(message)
        return reply

    def all_accepted(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        replies = [self.tell(**message) for message in messages]
        assert {reply["outcome"] for reply in replies} == {"accepted"}, replies
        if any(message["action"] in _CHANGES for message in messages):
            time.sleep(IN_FORCE_S)  # it is in force everywhere within a second, not with the reply
        return replies

    def told_of(self, source: str) -> list[dict[str, Any]]:
        """The anomalies whose first line is of a source."""
        return [a for a in self.anomalies.read() if a["source"] == source]

    def wait_for(self, source: str, count: int = 1, seconds: float = 90.0) -> list[dict[str, Any]]:
        """Wait until there are so many anomalies of a source; all of them."""
        wait_until(
            lambda: len(self.told_of(source)) >= count, f"{count} anomalies of {source}; {self.run.said}", seconds
        )
        return self.told_of(source)

    def wait_until_stored(self, anomalies: list[dict[str, Any]], seconds: float = 60.0) -> None:
        """Wait until Elasticsearch has these anomalies, as they are in Kafka."""
        pattern = f"{self.name}-anomalies-*"
        ids = {a["id"] for a in anomalies}
        wait_until(lambda: ids <= set(documents_in(self.elasticsearch, pattern)), "all in Elasticsearch", seconds)
        stored = documents_in(self.elasticsearch, pattern)
        for anomaly in anomalies:
            assert stored[anomaly["id"]] == anomaly

    def wait_until_read(self, partition: int = 0) -> None:
        """Wait until all that has been written to a partition has been looked at: what it told is committed then."""
        source = f"shop-barrier-{next(_numbers)}"
        self.say(source, b"2030-01-01 00:00:00,000 nothing that any model knows", partition=partition)
        self.wait_for(source)
        self.accepted(action="end_of_log", source=source)


# The job that most tests look at. It has read a sample, sent in every form there is.
