"""Whether what the live job's configuration names can be reached from here, and is as the job needs it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.elastic_output import ElasticConnection
from jobs.kafka_properties import client_settings
from jobs.kafka_topics import said
from jobs.live_models import initial_models
from jobs.live_settings import ElasticsearchConfig, KafkaOutputConfig, LiveConfig
from jobs.model_loader import ModelLoader
from jobs.stores.address import open_store
from jobs.stores.credentials import find_credentials
from jobs.stores.elastic_client import telling
from models.errors import UserError

_PATIENCE_MS = 15_000
_TRANSACTION_LIMIT = "transaction.max.timeout.ms"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out.

    Attributes:
        key: the key of the configuration that it is about.
        text: what was found.
        severity: ``ok``, ``warning`` (the job would run) or ``error``.
    """

    key: str
    text: str
    severity: str = "ok"


def try_connections(config: LiveConfig, environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Connect to Kafka, Elasticsearch and the store of models in turn; nothing is changed there.

    Args:
        config: the configuration.
        environment: where secrets are looked up; the process's own when None.
    """
    yield from _kafka(config, environment)
    if config.output.elasticsearch is not None:
        yield _elasticsearch(config.output.elasticsearch, environment)
    if config.models.store is not None:
        yield _store(config)


def _kafka(config: LiveConfig, environment: Mapping[str, str] | None) -> Iterator[Finding]:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    # What the client would write of each attempt is said once, in our words.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    where = config.kafka.bootstrap
    try:
        settings = client_settings(config.kafka, environment)
        with KafkaAdminClient(**settings, bootstrap_timeout_ms=_PATIENCE_MS) as admin:
            named = list(dict.fromkeys([*config.input.topics, *config.topics().values()]))
            topics = {topic["name"]: topic for topic in admin.describe_topics(named)}
            yield Finding("kafka.bootstrap", f"{where} answers")
            yield from _topics(config, topics)
            if config.output.kafka is not None:
                yield from _transactions(admin, config.output.kafka)
    except UserError as error:
        yield Finding("kafka.security", str(error), "error")
    except (KafkaError, OSError, ValueError) as error:
        mend = "is it up, is the address right, and do protocol and login fit?"
        yield Finding("kafka.bootstrap", f"no answer from {where} ({said(error)}); {mend}", "error")


def _topics(config: LiveConfig, topics: Mapping[str, Any]) -> Iterator[Finding]:
    named = {f"input.topics[{index}]": topic for index, topic in enumerate(config.input.topics)} | config.topics()
    partitions = 0
    for key, name in named.items():
        found = topics.get(name)
        if found is None or not found["partitions"]:
            yield Finding(
                key, f"there is no topic {name} (or it may not be seen); make it, or correct its name", "error"
            )
            continue
        count = len(found["partitions"])
        partitions += count if key.startswith("input.") else 0
        text = f"topic {name}: {count} partition{'' if count == 1 else 's'}"
        if any(partition["leader_id"] < 0 for partition in found["partitions"]):
            yield Finding(key, f"{text}, of which some have no leader: their broker is down", "warning")
        elif key == "control.topic" and count > 1:
            yield Finding(key, f"{text}; messages keep their order within one only: have one", "warning")
        else:
            yield Finding(key, text)
    if 0 < partitions < config.parallelism:
        text = f"{config.parallelism} is more than the {partitions} partitions of the input: some subtasks read nothing"
        yield Finding("parallelism", text, "warning")


def _transactions(admin: Any, output: KafkaOutputConfig) -> Iterator[Finding]:
    """Whether the brokers allow transactions to stay open as long as the job wants; they may not tell."""
    from kafka.admin import ConfigResource
    from kafka.errors import KafkaError

    key = "output.kafka.transaction_timeout_ms"
    try:
        broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
        told = admin.describe_configs([ConfigResource("BROKER", broker, [_TRANSACTION_LIMIT])], config_filter="all")
        limit = int(told["broker"][broker][_TRANSACTION_LIMIT]["value"])
    except (KafkaError, LookupError, TypeError, ValueError):
        yield Finding(key, "the brokers do not tell how long transactions may stay open", "warning")
        return
    if output.transaction_timeout_ms > limit:
        mend = f"lower it, or raise the brokers' {_TRANSACTION_LIMIT}"
        yield Finding(key, f"{output.transaction_timeout_ms} is more than the brokers allow: {limit}; {mend}", "error")


def _elasticsearch(output: ElasticsearchConfig, environment: Mapping[str, str] | None) -> Finding:
    key = "output.elasticsearch.url"
    try:
        connection = ElasticConnection.of(output)
        credentials = connection.credentials(environment)
        with connection() as client, telling(output.url, credentials):
            health = client.cluster.health()
    except UserError as error:
        return Finding(key, str(error), "error")
    status = str(health["status"])
    text = f"{output.url} answers; cluster {health['cluster_name']} is {status}"
    return Finding(key, text, "warning" if status == "red" else "ok")


def _store(config: LiveConfig) -> Finding:
    key, address = "models.store", str(config.models.store)
    try:
        heads = open_store(address, find_credentials()).heads()
        initial_models(config.models.initial, ModelLoader(address))
    except UserError as error:
        return Finding(key, str(error), "error")
    return Finding(key, f"{address} answers; {len(heads)} model{'' if len(heads) == 1 else 's'}")
