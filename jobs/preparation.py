"""What is looked up once, when the live job is submitted: partitions, models, and how workers reach the servers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.checkers import check_checkers
from jobs.elastic_output import ElasticConnection, ensure_indices
from jobs.kafka_properties import client_settings, java_properties, sql_options
from jobs.kafka_topics import LATEST, Partition, find_partitions
from jobs.live_models import initial_models
from jobs.live_settings import LiveConfig
from jobs.model_loader import ModelLoader
from jobs.offsets_client import OffsetsClient
from models.in_force import Entry
from models.index_names import IndexNames


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the graph is built from besides the configuration; nothing in it holds a secret.

    Attributes:
        partitions: of the topics of lines, with the offsets to begin with.
        control: those of the control topic; empty where there is a control directory.
        models: the models that the job starts with.
        fetch: loads a model from the store, in a worker; None where there is no store.
        offsets: makes a Kafka consumer, in a worker.
        source_options, sink_properties: for Flink's Kafka sources and sinks.
        elastic: makes a client, in a worker; None where there is no such output.
        index_names: where documents go there.
    """

    partitions: Sequence[Partition]
    control: Sequence[Partition]
    models: Sequence[Entry]
    fetch: ModelLoader | None
    offsets: Callable[[], Any]
    source_options: Mapping[str, str]
    sink_properties: Mapping[str, str]
    elastic: ElasticConnection | None = None
    index_names: IndexNames | None = None


def prepare(config: LiveConfig) -> Preparation:
    """Look at what the configuration names, and make the index templates where they are absent.

    Raises:
        UserError: something is not there or cannot be reached; the message says what and how to mend it.
    """
    check_checkers(config.checkers)
    settings = client_settings(config.kafka)
    partitions = find_partitions(settings, config.input.topics, config.input.start, config.input.group)
    topics = config.topics()
    others = find_partitions(settings, list(topics.values()), LATEST)
    control = [partition for partition in others if partition.topic == topics.get("control.topic")]
    loader = ModelLoader(config.models.store) if config.models.store else None
    elastic, index_names = None, None
    output = config.output.elasticsearch
    if output is not None:
        elastic = ElasticConnection.of(output)
        ensure_indices(elastic, output.prefix, output.rollover)
        index_names = IndexNames(output.prefix, datetime.datetime.now(datetime.UTC).year, output.rollover)
    return Preparation(
        partitions=partitions,
        control=control,
        models=initial_models(config.models.initial, loader),
        fetch=loader,
        offsets=OffsetsClient(config.kafka),
        source_options={**sql_options(config.kafka), "properties.group.id": config.input.group},
        sink_properties=java_properties(config.kafka),
        elastic=elastic,
        index_names=index_names,
    )
