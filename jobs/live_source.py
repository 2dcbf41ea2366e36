"""From the topics of lines to batches of lines: SQL source, ``pack``, and word of what is there to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyflink.common import Row
from pyflink.datastream import DataStream, StreamExecutionEnvironment

from jobs.environment import MAX_PARALLELISM
from jobs.kafka_topics import Partition, end_options, start_options
from jobs.naming import named_table
from jobs.sql_tables import create_table, header_of
from models.log_batch import LogBatch
from models.messages import MessageSettings
from models.partition_keys import partition_key
from operators import names
from operators.elements import KEYED_BYTES, WithPartitionKey
from operators.pack_topic import pack_function

_COLUMNS = (
    "`value` BYTES",
    "`partition` INT METADATA VIRTUAL",
    "`offset` BIGINT METADATA VIRTUAL",
    "`timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL",
    "`headers` MAP<STRING, BYTES> METADATA VIRTUAL",
)


def line_batches(
    env: StreamExecutionEnvironment,
    tables: Any,
    partitions: Sequence[Partition],
    settings: MessageSettings,
    kafka_options: Mapping[str, str],
    source_header: str,
    bounded: bool = False,
) -> DataStream:
    """Encoded batches of all topics, and word of each partition: from where it is read; each under its partition's key.

    Args:
        env: where the graph is built.
        tables: its table environment.
        partitions: of all topics, with the offsets to begin with.
        settings: how messages are read.
        kafka_options: of the SQL connector: servers, group, security.
        source_header: the header that names a message's source.
        bounded: read to where partitions ended when their offsets were looked up, and no further.
    """
    # For all of them, so that the graph is the same whatever they hold when the job goes on from a checkpoint.
    words = [Row(partition_key(p.name, MAX_PARALLELISM), _word(p)) for p in partitions]
    streams = [
        _topic(
            tables,
            number,
            topic,
            [p for p in partitions if p.topic == topic],
            settings,
            {**kafka_options, **(end_options(p for p in partitions if p.topic == topic) if bounded else {})},
            source_header,
        )
        for number, topic in enumerate(dict.fromkeys(p.topic for p in partitions))
    ]
    packed = streams[0].union(*streams[1:]) if len(streams) > 1 else streams[0]
    keyed = packed.map(WithPartitionKey(MAX_PARALLELISM), KEYED_BYTES).uid(names.UID_KEYS).name("partition keys")
    return keyed.union(env.from_collection(words, KEYED_BYTES).uid(names.UID_PARTITIONS).name("partitions"))


def _topic(
    tables: Any,
    number: int,
    topic: str,
    partitions: Sequence[Partition],
    settings: MessageSettings,
    kafka_options: Mapping[str, str],
    source_header: str,
) -> DataStream:
    table, function = f"lines_{number}", f"pack_{number}"
    options = {"connector": "kafka", "topic": topic, "format": "raw", **kafka_options, **start_options(partitions)}
    create_table(tables, table, _COLUMNS, options)
    tables.create_temporary_function(function, pack_function(topic, settings))
    columns = f"`value`, `partition`, `offset`, `timestamp`, {header_of(source_header)}"
    query = f"SELECT batch FROM (SELECT {function}({columns}) AS batch FROM `{table}`) WHERE batch IS NOT NULL"  # noqa: S608
    return named_table(
        tables.to_data_stream(tables.sql_query(query)), f"{names.UID_LINES}-{topic}", f"lines of {topic}"
    )


def _word(partition: Partition) -> bytes:
    return LogBatch(
        "",
        kind=LogBatch.OPEN,
        topic=partition.topic,
        partition=partition.number,
        next_offset=partition.start,
        messages=partition.end - partition.start,
    ).encode()
