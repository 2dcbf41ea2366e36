"""What the job that scores series reads: streams of batches of lines, from files or from topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedStream, StreamExecutionEnvironment

from jobs.kafka_properties import client_settings, sql_options
from jobs.kafka_topics import Partition, find_partitions
from jobs.live_source import line_batches
from jobs.naming import by_key
from jobs.score_config import ScoreConfig
from models.errors import UserError
from models.messages import RAW, MessageSettings
from models.splits import plan_splits
from operators import names
from operators.elements import first
from operators.pack import Pack

_WORDS_TYPE = Types.TUPLE([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def file_batches(env: StreamExecutionEnvironment, config: ScoreConfig) -> KeyedStream:
    """``(source, encoded LogBatch)``, keyed by source."""
    plans = [plan_splits(str(source.path), source.name, config.encoding) for source in config.sources]
    words = [(split.source, split.to_json().encode()) for plan in plans for split in plan]
    return (
        env.from_collection(words, _WORDS_TYPE)
        .uid(names.UID_SPLITS)
        .name("splits")
        .key_by(first, Types.STRING())
        .process(Pack(config.batch_size, config.max_line_bytes), _WORDS_TYPE)
        .uid(names.UID_PACK)
        .name("pack")
        .key_by(first, Types.STRING())
    )


def partitions_of(config: ScoreConfig) -> list[Partition]:
    """The partitions of the topics that a configuration names, from where they are to begin to where they end now.

    Raises:
        UserError: no broker answers, there is no such topic, or it holds nothing to read.
    """
    assert config.kafka is not None
    assert config.input is not None
    found = find_partitions(client_settings(config.kafka), config.input.topics, config.input.start, config.input.group)
    if all(partition.start >= partition.end for partition in found):
        raise UserError(f"there are no points to score in {', '.join(config.input.topics)}")
    return found


def topic_batches(
    env: StreamExecutionEnvironment, tables: Any, config: ScoreConfig, partitions: list[Partition]
) -> KeyedStream:
    """Encoded batches, keyed by partition."""
    assert config.kafka is not None
    assert config.input is not None
    options: Mapping[str, str] = {
        **sql_options(config.kafka),
        "properties.group.id": f"{config.input.group}-score",
    }
    settings = MessageSettings(RAW, config.input.encoding)
    stream = line_batches(env, tables, partitions, settings, options, config.input.source_header, bounded=True)
    return by_key(stream, Types.PRIMITIVE_ARRAY(Types.BYTE()))
