"""The same job written the usual way, on the same topic: one record a line, keyed state for each transaction.

``KafkaSource`` → parse → key by transaction → step the transaction in ``ValueState`` → ``KafkaSink``, exactly once. The
functions are those of :mod:`benchmarks.record_at_a_time`. It writes to Kafka only, and does less: no source has a clock
of its own, so it waits some time for lines that come out of order between partitions.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pyflink.common import Configuration, Duration, SimpleStringSchema, Types, WatermarkStrategy
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from benchmarks.live.job import CHECKPOINT_MS
from benchmarks.record_at_a_time import EVENT_TYPE, JVM_ARGUMENTS, SETTINGS, UNMATCHED, EventTime, Parse, Watch
from jobs.connectors import pipeline_jars
from jobs.environment import make_environment
from models.document import load_model
from models.document_text import pretty

_OUT_OF_ORDER = Duration.of_minutes(10)


def run(bootstrap: str, topic: str, group: str, out: str, model: Path, checkpoints: Path, parallelism: int) -> None:
    """Run the job on the embedded mini cluster until the process is ended."""
    os.environ.setdefault("JVM_ARGS", JVM_ARGUMENTS)
    settings = {
        "pipeline.jars": pipeline_jars(),
        "execution.checkpointing.interval": f"{CHECKPOINT_MS} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.dir": checkpoints.absolute().as_uri(),
        "taskmanager.memory.managed.size": "256 mb",
    }
    env = make_environment(parallelism, True, settings)
    configuration = Configuration()
    for key, value in SETTINGS.items():
        configuration.set_string(key, value)
    env.configure(configuration)
    text = pretty(load_model(model).to_json())
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(bootstrap)
        .set_topics(topic)
        .set_group_id(group)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )
    lines = env.from_source(source, WatermarkStrategy.no_watermarks(), "lines")
    events = lines.process(Parse(text), EVENT_TYPE)
    found = (
        events.assign_timestamps_and_watermarks(
            WatermarkStrategy.for_bounded_out_of_orderness(_OUT_OF_ORDER).with_timestamp_assigner(EventTime())
        )
        .key_by(lambda event: event[0], Types.STRING())
        .process(Watch(text), Types.STRING())
    )
    schema = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(out)
        .set_value_serialization_schema(SimpleStringSchema())
        .build()
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(bootstrap)
        .set_record_serializer(schema)
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(group)
        .set_property("transaction.timeout.ms", "600000")
        .build()
    )
    found.union(events.get_side_output(UNMATCHED)).sink_to(sink)
    env.execute("record at a time")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="The live job, one record a line.")
    for name in ("bootstrap", "topic", "group", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--parallelism", type=int, required=True)
    run(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
