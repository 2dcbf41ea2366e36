"""A real Kafka broker: one node that is broker and controller (KRaft)."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from jobs.maven import jars
from tests.services.ports import HOST, answers
from tests.services.service import Service, ServiceError

POM = Path(__file__).with_name("pom.xml")

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{inner_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{inner_port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data

# One broker holds every copy there is.
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A killed broker may come back once its old session is over; the usual 9 s make tests slow.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500

# A topic that nobody has made is a mistake.
auto.create.topics.enable=false
# Consumers start at once instead of waiting for more of them.
group.initial.rebalance.delay.ms=0
# Old logs are replayed with their own times, and must not vanish for being old.
log.retention.ms=-1

num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
"""


class Kafka(Service):
    """A running broker."""

    name = "kafka"
    standard_port = 9092
    standard_heap = "512m"

    @property
    def bootstrap(self) -> str:
        """What clients call the bootstrap servers."""
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> str:
        return self.bootstrap

    def create_topic(self, topic: str, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Make a topic; there are none but those made so.

        Raises:
            kafka.errors.KafkaError: there is one of that name, or a setting is wrong.
        """
        with KafkaAdminClient(bootstrap_servers=self.bootstrap) as admin:
            admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=dict(settings or {}))])

    @property
    def _cluster_id(self) -> str:
        # Twenty-two characters of base64; the first must not be a dash, which tools take for an option.
        return base64.urlsafe_b64encode(b"w" + hashlib.sha256(str(self.folder).encode()).digest()[:15])[:22].decode()

    def _settings(self) -> str:
        """The content of ``server.properties``."""
        return _SETTINGS.format(host=HOST, port=self.port, inner_port=self.inner_port, folder=self.folder)

    def _format_options(self) -> list[str]:
        """What the tool that prepares the data is told besides."""
        return []

    def _prepare(self) -> None:
        (self.folder / "server.properties").write_text(self._settings())
        tool = ["kafka.tools.StorageTool", "format", "--config", "server.properties", "--cluster-id", self._cluster_id]
        if self._run([*self._class_path(), *tool, *self._format_options()]).wait(60) != 0:
            raise self._failure("cannot prepare its data")

    def _command(self) -> Sequence[str]:
        return [*self._class_path(), "kafka.Kafka", "server.properties"]

    def _class_path(self) -> list[str]:
        quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
        return [*quiet, "-cp", os.pathsep.join(map(str, jars(POM, self.name)))]

    def _check(self) -> None:
        # The client is told only of a port that is open: it would write of every attempt into the log of the tests.
        if not answers(self.port):
            raise ServiceError("nothing listens there")
        try:
            with KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5_000) as admin:
                found = admin.describe_cluster()
        except KafkaError as error:
            raise ServiceError(f"no answer to a request: {error}") from error
        if found["cluster_id"] != self._cluster_id:
            raise ServiceError("another broker answers there")
        if not found["brokers"]:
            raise ServiceError("the controller has not let the broker in yet")


def start_kafka(folder: Path, port: int | None = None, *, heap: str | None = None, stays: bool = False) -> Kafka:
    """Start a broker in a folder and wait until it answers; see :meth:`Service.start`."""
    return Kafka.start(folder, port, heap=heap, stays=stays)
