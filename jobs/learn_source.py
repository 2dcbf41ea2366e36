"""What the learning job reads: the first lines, to find how times are written, and streams of batches of lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyflink.common import Types
from pyflink.datastream import KeyedStream, StreamExecutionEnvironment

from jobs.commands.learn import year_of
from jobs.kafka_properties import client_settings, sql_options
from jobs.kafka_topics import Partition, begin_at, find_partitions, said
from jobs.learn_config import LearnConfig
from jobs.live_source import line_batches
from jobs.naming import by_key
from models.errors import UserError
from models.log_batch import LogBatch
from models.messages import MessageSettings, pack_messages
from models.splits import Split, SplitReader, plan_splits
from operators import names
from operators.elements import first
from operators.pack import Pack

_WORDS_TYPE = Types.TUPLE([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
_HEAD_LINES = 5000
_PATIENCE_MS = 15_000


@dataclass(frozen=True, slots=True)
class FileInput:
    """Log files, in splits."""

    splits: tuple[tuple[Split, ...], ...]
    config: LearnConfig
    topic = False

    @classmethod
    def of(cls, config: LearnConfig) -> FileInput:
        """The files that a configuration names."""
        return cls(tuple(tuple(plan_splits(str(s.path), s.name, config.encoding)) for s in config.sources), config)

    def head(self) -> tuple[list[bytes], int | None]:
        """Some first lines of each file, and the year of the first one's date."""
        each = max(1, _HEAD_LINES // len(self.splits))
        lines: list[bytes] = []
        for splits in self.splits:
            reader = SplitReader(each, self.config.max_line_bytes)
            lines += next(reader.read(splits[0])).data.split(b"\n")[:each]
        return [line.rstrip(b"\r") for line in lines], year_of(self.splits[0][0].path)

    def batches(self, env: StreamExecutionEnvironment, _tables: Any) -> KeyedStream:
        """``(source, encoded LogBatch)``, keyed by source."""
        words = [(split.source, split.to_json().encode()) for splits in self.splits for split in splits]
        return (
            env.from_collection(words, _WORDS_TYPE)
            .uid(names.UID_SPLITS)
            .name("splits")
            .key_by(first, Types.STRING())
            .process(Pack(self.config.batch_size, self.config.max_line_bytes), _WORDS_TYPE)
            .uid(names.UID_PACK)
            .name("pack")
            .key_by(first, Types.STRING())
        )


@dataclass(frozen=True, slots=True)
class TopicInput:
    """Topics, from where they are to begin to where they ended when the job began: both passes read the same."""

    partitions: tuple[Partition, ...]
    config: LearnConfig
    topic = True

    @classmethod
    def of(cls, config: LearnConfig) -> TopicInput:
        """The topics that a configuration names.

        Raises:
            UserError: no broker answers, there is no such topic, or it holds nothing to read.
        """
        assert config.kafka is not None
        assert config.input is not None
        settings = client_settings(config.kafka)
        found = find_partitions(settings, config.input.topics, config.input.start, config.input.group)
        if config.since_ms is not None:
            found = begin_at(settings, found, config.since_ms)
        if all(partition.start >= partition.end for partition in found):
            raise UserError(f"there are no messages to learn from in {', '.join(config.input.topics)}")
        return cls(tuple(found), config)

    def head(self) -> tuple[list[bytes], int | None]:
        """Some first lines of each partition, and the year of the first message.

        Raises:
            UserError: the broker does not give them.
        """
        from kafka import KafkaConsumer, TopicPartition
        from kafka.errors import KafkaError

        assert self.config.kafka is not None
        lines: list[bytes] = []
        earliest: list[int] = []
        filled = [p for p in self.partitions if p.start < p.end]
        each = max(1, _HEAD_LINES // len(filled))
        try:
            consumer = KafkaConsumer(
                **client_settings(self.config.kafka), enable_auto_commit=False, consumer_timeout_ms=_PATIENCE_MS
            )
            try:
                for partition in filled:
                    at = TopicPartition(partition.topic, partition.number)
                    consumer.assign([at])
                    consumer.seek(at, partition.start)
                    records = []
                    for record in consumer:
                        records.append(record)
                        if len(records) >= each or record.offset + 1 >= partition.end:
                            break
                    earliest += [record.timestamp for record in records[:1]]
                    lines += self._lines(partition, records)[:each]
            finally:
                consumer.close()
        except (KafkaError, OSError) as error:
            raise UserError(f"the broker does not give the first messages ({said(error)}); try again") from None
        year = dt.datetime.fromtimestamp(min(earliest) / 1000, dt.UTC).year if earliest else None
        return lines, year

    def batches(self, env: StreamExecutionEnvironment, tables: Any) -> KeyedStream:
        """Encoded batches, keyed by partition."""
        assert self.config.kafka is not None
        assert self.config.input is not None
        options: Mapping[str, str] = {
            **sql_options(self.config.kafka),
            "properties.group.id": f"{self.config.input.group}-learn",
        }
        stream = line_batches(
            env, tables, self.partitions, self._settings(), options, self.config.input.source_header, bounded=True
        )
        return by_key(stream, Types.PRIMITIVE_ARRAY(Types.BYTE()))

    def _settings(self) -> MessageSettings:
        assert self.config.input is not None
        return MessageSettings(self.config.input.format, self.config.input.encoding, self.config.input.envelope)

    def _lines(self, partition: Partition, records: Sequence[Any]) -> list[bytes]:
        count = len(records)
        batches: list[LogBatch] = pack_messages(
            partition.topic,
            np.full(count, partition.number, np.int64),
            np.array([record.offset for record in records], np.int64),
            np.array([record.timestamp for record in records], np.int64),
            [record.value for record in records],
            None,
            self._settings(),
        )
        return [line.rstrip(b"\r") for batch in batches for line in batch.data.split(b"\n")]
