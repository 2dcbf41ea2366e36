"""What the configuration of the live job says; see the example ``conf/live.yaml`` and ``conf/live.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.config import DAY_MS, EvidenceConfig
from jobs.secret import Secret
from models.checkers.spec import CheckerSpec
from models.envelopes import EnvelopePaths

LONGEST_TRANSACTION_MS = 900_000
"""What brokers allow unless told otherwise (``transaction.max.timeout.ms``)."""


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """TLS and login of Kafka.

    Attributes:
        protocol: ``PLAINTEXT``, ``SSL``, ``SASL_PLAINTEXT`` or ``SASL_SSL``.
        mechanism: ``PLAIN``, ``SCRAM-SHA-256`` or ``SCRAM-SHA-512``.
        username, password: who logs in.
        ca_file: certificates of the authorities to trust, PEM; those of the machine when None.
        certificate_file, key_file: the job's own certificate and its private key, PEM.
        key_password: of the private key.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: Secret | None = None


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """How to reach Kafka: brokers as ``host:port`` with commas, and further properties of Kafka's Java clients."""

    bootstrap: str
    security: SecurityConfig = field(default_factory=SecurityConfig)
    properties: Mapping[str, str | Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputConfig:
    """What to read.

    Attributes:
        topics: topics with logs.
        format: ``auto``, ``raw`` or ``envelope``.
        source_header: the message header that names the source.
        start: where to begin without a checkpoint: ``earliest``, ``latest`` or ``committed``.
        group: consumer group under which progress is shown in Kafka.
        encoding: of the lines, by its name in Python.
        envelope: where things stand in envelopes.
    """

    topics: tuple[str, ...]
    format: str = "auto"
    source_header: str = "source"
    start: str = "earliest"
    group: str = "weirwatch"
    encoding: str = "utf-8"
    envelope: EnvelopePaths = field(default_factory=EnvelopePaths)


@dataclass(frozen=True, slots=True)
class InitialModel:
    """A model to begin with: a file, or an id in the store, with a version or None for the newest.

    ``sources`` are globs of the names of the sources it is for; none: for those that no other model claims.
    """

    path: Path | None = None
    id: str | None = None
    version: int | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """Models to begin with, and the store of those that are referred to by id: a directory (absolute) or an address."""

    store: str | None = None
    initial: tuple[InitialModel, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Where control messages come from and replies go: topics, or directories (absolute). Either is None."""

    replies: str
    topic: str | None = None
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class ElasticsearchConfig:
    """The output into Elasticsearch.

    Attributes:
        url: ``http(s)://host[:port]``.
        prefix: what names of indices begin with.
        api_key: who we are, or else
        username, password: who logs in.
        ca_file: certificates of the authorities to trust, PEM.
        rollover: ``daily`` or ``ilm``.
        bulk_documents: documents sent at once, at most.
        flush_ms: how long fewer documents wait for more.
        max_waiting: documents that may wait in a subtask.
    """

    url: str
    prefix: str = "weirwatch"
    api_key: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    rollover: str = "daily"
    bulk_documents: int = 1000
    flush_ms: int = 100
    max_waiting: int = 50_000


@dataclass(frozen=True, slots=True)
class KafkaOutputConfig:
    """The output into Kafka: topics, written in transactions; that of the counts in time slots may be None."""

    anomalies: str
    dead_letters: str
    transaction_prefix: str = "weirwatch"
    transaction_timeout_ms: int = LONGEST_TRANSACTION_MS
    series: str | None = None


@dataclass(frozen=True, slots=True)
class LiveOutputConfig:
    """Where anomalies and dead letters go; one of the two may be None."""

    elasticsearch: ElasticsearchConfig | None = None
    kafka: KafkaOutputConfig | None = None


@dataclass(frozen=True, slots=True)
class DeadLettersConfig:
    """Beyond what the job fails: a share of lines (1: no limit) from so many lines on; so many in a row (0: none)."""

    max_ratio: float = 1.0
    min_lines: int = 100_000
    max_consecutive: int = 1_000_000


@dataclass(frozen=True, slots=True)
class HeartbeatConfig:
    """Whether clocks of silent sources go on by themselves, and after how long."""

    enabled: bool = True
    idle_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """A source silent for longer than this no longer holds back the others."""

    timeout_ms: int = 600_000


@dataclass(frozen=True, slots=True)
class CheckpointsConfig:
    """Checkpoints: a URI, or None for the cluster's own setting; how often; when one is given up."""

    directory: str | None = None
    interval_ms: int = 10_000
    timeout_ms: int = 600_000


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """The whole of it; every path is absolute, every duration milliseconds.

    Attributes:
        state: ``heap`` or ``rocksdb``.
        parallelism: subtasks of each operator.
        shards: virtual partitions of the transactions; fixed for the life of the job's state.
        batch_size: messages that travel together, at most.
        batch_ms: how long fewer messages wait for more.
        lateness_ms: how far a source's clock stays behind its newest line.
        max_leap_ms: a timestamp further than this from the clock is believed once three lines in a row agree.
        max_line_bytes: a longer line becomes a dead letter.
        multiline_wait_ms: how long the last line of a source waits for lines that continue it.
        evidence: how much of the log an anomaly quotes.
        latency_interval_ms: how often Flink measures its latency; 0: never.
        checkers: plug-ins that look for violations besides the models.
    """

    kafka: KafkaConfig
    input: InputConfig
    output: LiveOutputConfig
    models: ModelsConfig = field(default_factory=ModelsConfig)
    control: ControlConfig | None = None
    dead_letters: DeadLettersConfig = field(default_factory=DeadLettersConfig)
    heartbeat: HeartbeatConfig = field(default_factory=HeartbeatConfig)
    source: SourcePolicy = field(default_factory=SourcePolicy)
    checkpoints: CheckpointsConfig = field(default_factory=CheckpointsConfig)
    state: str = "heap"
    parallelism: int = 1
    shards: int = 16
    batch_size: int = 10_000
    batch_ms: int = 200
    lateness_ms: int = 0
    max_leap_ms: int = DAY_MS
    max_line_bytes: int = 1 << 20
    multiline_wait_ms: int = 500
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    latency_interval_ms: int = 0
    checkers: tuple[CheckerSpec, ...] = field(default_factory=tuple)

    def topics(self) -> dict[str, str]:
        """Every topic that the job uses but for its input, by the key that names it."""
        named: dict[str, str] = {}
        if self.control is not None and self.control.topic is not None:
            named |= {"control.topic": self.control.topic, "control.replies": self.control.replies}
        if self.output.kafka is not None:
            named |= {
                "output.kafka.anomalies": self.output.kafka.anomalies,
                "output.kafka.dead_letters": self.output.kafka.dead_letters,
            }
            if self.output.kafka.series is not None:
                named["output.kafka.series"] = self.output.kafka.series
        return named

    def secrets(self) -> dict[str, Secret]:
        """Every secret, by the key that names it."""
        security, elastic = self.kafka.security, self.output.elasticsearch
        named: dict[str, Secret | None] = {
            "kafka.security.password": security.password,
            "kafka.security.key_password": security.key_password,
        }
        for key, value in self.kafka.properties.items():
            named[f"kafka.properties.{key}"] = value if isinstance(value, Secret) else None
        if elastic is not None:
            named["output.elasticsearch.api_key"] = elastic.api_key
            named["output.elasticsearch.password"] = elastic.password
        return {key: secret for key, secret in named.items() if secret is not None}
