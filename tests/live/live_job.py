"""The live job as its user drives it: a configuration of its own topics and indices, `flink run`, control messages."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from jobs.session_cluster import Cluster
from tests.live.flink_job import FlinkJob
from tests.live.outputs import CommittedTopic, Document, Found, documents_in, wait_until
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka

ROOT = Path(__file__).resolve().parents[2]

JOB = ROOT / "jobs" / "detect.py"

_SUBMITTED = re.compile(r"Job has been submitted with JobID ([0-9a-f]{32})")
_SUBMIT_SECONDS = 180.0


class LiveJob:
    """A job with topics, a consumer group, transactions and indices that no other job has.

    Args:
        name: tells it from all other jobs of these services; of small letters, digits and dashes.
        folder: for its configuration and its checkpoints; made.
        cluster: where it is to run.
        kafka, elasticsearch: its services; the topics are made there.
        topic: what it reads.
        model: the model it begins with.
        settings: more of its configuration, in place of what would be written.

    Attributes:
        job: the job of the last submission.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        cluster: Cluster,
        kafka: Kafka,
        elasticsearch: Elasticsearch,
        topic: str,
        model: Path,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.topic, self.folder = name, topic, folder
        self._cluster, self._kafka, self._elasticsearch = cluster, kafka, elasticsearch
        self._config = folder / "live.yaml"
        self._submitted: FlinkJob | None = None
        self.topics = {part: f"{name}-{part}" for part in ("control", "replies", "anomalies", "dead-letters")}
        for made in self.topics.values():
            kafka.create_topic(made, partitions=1 if made == self.topics["control"] else 2)
        self._settings = self._configuration(model) | dict(settings or {})
        self.anomalies = CommittedTopic(kafka.bootstrap, self.topics["anomalies"])
        self.dead_letters = CommittedTopic(kafka.bootstrap, self.topics["dead-letters"])
        self.replies = CommittedTopic(kafka.bootstrap, self.topics["replies"])

    @property
    def job(self) -> FlinkJob:
        assert self._submitted is not None, f"{self.name} has not been submitted"
        return self._submitted

    @property
    def savepoints(self) -> str:
        """Where :meth:`FlinkJob.stop` may put savepoints."""
        return (self.folder / "savepoints").as_uri()

    def submit(self, state: str | None = None, parallelism: int | None = None) -> FlinkJob:
        """Start it and wait until all its tasks run.

        Args:
            state: the savepoint or retained checkpoint to go on from.
            parallelism: another one than the last time.

        Raises:
            AssertionError: Flink refused it, or it does not come to work.
        """
        if parallelism is not None:
            self._settings["parallelism"] = parallelism
        self._config.write_text(yaml.safe_dump(self._settings, sort_keys=False))
        resumed = ["-s", state] if state else []
        done = subprocess.run(
            [
                str(self._cluster.flink),
                *("run", "-d", *resumed, "-py", str(JOB), "--config", str(self._config)),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SUBMIT_SECONDS,
        )
        found = _SUBMITTED.search(done.stdout)
        assert found, done.stdout + done.stderr
        self._submitted = FlinkJob(self._cluster, found[1])
        self._submitted.wait_for_work()
        return self._submitted

    def control(self, *messages: Mapping[str, Any] | bytes | None) -> None:
        """Send control messages, in this order."""
        with KafkaProducer(bootstrap_servers=self._kafka.bootstrap, acks="all", linger_ms=20) as producer:
            for message in messages:
                value = json.dumps(message).encode() if isinstance(message, Mapping) else message
                producer.send(self.topics["control"], value, b"key", partition=0)
            producer.flush(60)

    def ask(self, message: Mapping[str, Any], seconds: float = 60.0) -> Document:
        """Send one control message with an ``id``; returns the reply to it."""
        self.control(message)
        deadline = time.monotonic() + seconds
        while True:
            found = [reply for reply in self.replies.read() if reply["id"] == message["id"]]
            if found:
                return found[0]
            assert time.monotonic() < deadline, f"no reply to {message['id']} in {self.replies.values}"
            time.sleep(0.2)

    def end_sources(self, sources: Sequence[str]) -> None:
        """Tell that these sources have ended, so that all that is open is judged."""
        self.control(*({"action": "end_of_log", "source": source} for source in sources))

    def backlog(self) -> int:
        """How many messages of the input no completed checkpoint has yet."""
        consumer = KafkaConsumer(bootstrap_servers=self._kafka.bootstrap, enable_auto_commit=False)
        try:
            partitions = [TopicPartition(self.topic, n) for n in sorted(consumer.partitions_for_topic(self.topic))]
            ends = consumer.end_offsets(partitions)
        finally:
            consumer.close()
        with KafkaAdminClient(bootstrap_servers=self._kafka.bootstrap) as admin:
            groups = admin.list_group_offsets({self._settings["input"]["group"]: partitions})
        read = {partition: found.offset for partition, found in next(iter(groups.values())).items()}
        return sum(end - max(read.get(partition, 0), 0) for partition, end in ends.items())

    def wait_until_read(self, seconds: float = 120.0) -> None:
        """Wait until all of the input is behind a completed checkpoint, and what came of it is committed.

        The offsets are committed with the first such checkpoint. What the last lines led to may leave with the
        watermark after them, so it is behind the next checkpoint but one.
        """

        def has_read() -> bool:
            try:
                return self.backlog() == 0
            except KafkaError:  # the broker has just come up
                return False

        wait_until(has_read, f"{self.name} has read all of {self.topic}", seconds)
        self.job.wait_for_checkpoints(2, seconds)

    def wait_until_told(self, seconds: float = 90.0) -> Found:
        """Wait until Elasticsearch has what is committed in Kafka; returns what there is, alike or not."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.found()
            if found.ids == set(found.indexed) or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def finish(self, sources: Sequence[str], open_transactions: Sequence[str], seconds: float = 120.0) -> Found:
        """Read to the end of the input, tell that it is the end, and wait for the last that is to be found.

        Args:
            sources: all sources.
            open_transactions: those that nothing but the end of their source can judge.
            seconds: how long each step may take.
        """
        self.wait_until_read(seconds)
        self.end_sources(sources)
        wanted = set(open_transactions)
        wait_until(lambda: wanted <= self.found().transactions, f"{wanted} judged at the end of {self.name}", seconds)
        self.job.wait_for_checkpoints(2, seconds)
        return self.wait_until_told(seconds)

    def found(self) -> Found:
        """The anomalies put out so far."""
        # Elasticsearch first: a document gets there before its transaction in Kafka is committed.
        indexed = documents_in(self._elasticsearch, f"{self.name}-anomalies-*")
        return Found(list(self.anomalies.read()), indexed)

    @property
    def retained_checkpoint(self) -> str:
        """The newest completed checkpoint that rests in the folder, whether anything runs or not."""
        kept = self.folder.glob("checkpoints/*/chk-*/_metadata")
        return max(kept, key=lambda path: path.stat().st_mtime_ns).parent.as_uri()

    def close(self) -> None:
        """Cancel what still runs, and let go of the connections."""
        if self._submitted is not None and self._submitted.runs:
            self._submitted.cancel()
        for topic in (self.anomalies, self.dead_letters, self.replies):
            topic.close()

    def _configuration(self, model: Path) -> dict[str, Any]:
        return {
            "kafka": {"bootstrap": self._kafka.bootstrap},
            "input": {"topics": [self.topic], "format": "raw", "start": "earliest", "group": self.name},
            "models": {"initial": [{"path": str(model)}]},
            "control": {"topic": self.topics["control"], "replies": self.topics["replies"]},
            "output": {
                "elasticsearch": {"url": self._elasticsearch.url, "prefix": self.name},
                "kafka": {
                    "anomalies": self.topics["anomalies"],
                    "dead_letters": self.topics["dead-letters"],
                    "transaction_prefix": self.name,
                },
            },
            # The feed pauses at times: heartbeats would make events after it late, more or less of them by chance.
            "heartbeat": {"idle_ms": 300_000},
            "checkpoints": {"directory": (self.folder / "checkpoints").as_uri(), "interval_ms": 2000},
            "parallelism": 2,
        }
