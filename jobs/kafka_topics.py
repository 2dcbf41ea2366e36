"""Topics as they are when a job is submitted: their partitions, and from where each is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.errors import UserError

EARLIEST, LATEST, COMMITTED = "earliest", "latest", "committed"
_PATIENCE_MS = 15_000


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a topic.

    Attributes:
        topic, number: which one.
        start: the offset to begin with.
        end: the offset after its last message.
    """

    topic: str
    number: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """``topic/partition``."""
        return f"{self.topic}/{self.number}"


def find_partitions(
    settings: Mapping[str, Any], topics: Sequence[str], start: str, group: str | None = None
) -> list[Partition]:
    """The partitions of topics, by name and number.

    The start is settled here, once: what is written after this moment is read, however long the job takes to begin.

    Args:
        settings: of a client, under kafka-python's names.
        topics: their names.
        start: ``EARLIEST``, ``LATEST``, or ``COMMITTED``: where the group has come to, else the earliest.
        group: the consumer group.

    Raises:
        UserError: no broker answers, or there is no such topic.
    """
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    where = settings["bootstrap_servers"]
    where = where if isinstance(where, str) else ",".join(where)
    try:
        consumer = KafkaConsumer(
            **settings, group_id=group, enable_auto_commit=False, bootstrap_timeout_ms=_PATIENCE_MS
        )
    except (KafkaError, OSError, ValueError) as error:
        raise UserError(
            f"no broker answers at {where} ({said(error)}); is kafka.bootstrap right, is it up, and do "
            "kafka.security and login fit?"
        ) from None
    try:
        partitions = []
        for topic in topics:
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise UserError(f"the broker at {where} has no topic {topic}; make it first, or correct its name")
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        ends = consumer.end_offsets(partitions, timeout_ms=_PATIENCE_MS)
        begins = consumer.beginning_offsets(partitions, timeout_ms=_PATIENCE_MS)
        starts = dict(ends if start == LATEST else begins)
        if start == COMMITTED:
            for partition in partitions:
                committed = consumer.committed(partition, timeout_ms=_PATIENCE_MS)
                if committed is not None:
                    starts[partition] = max(begins[partition], min(committed, ends[partition]))
    except (KafkaError, OSError) as error:
        raise UserError(f"the broker at {where} does not tell of its topics ({said(error)}); try again") from None
    finally:
        consumer.close()
    return [Partition(p.topic, p.partition, int(starts[p]), int(ends[p])) for p in partitions]


def start_options(partitions: Iterable[Partition]) -> dict[str, str]:
    """Options of an SQL source that reads one topic from where its partitions' start was settled."""
    offsets = ";".join(f"partition:{p.number},offset:{p.start}" for p in partitions)
    return {"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": offsets}


def end_options(partitions: Iterable[Partition]) -> dict[str, str]:
    """Options of an SQL source that reads one topic to where its partitions ended, and then ends itself."""
    offsets = ";".join(f"partition:{p.number},offset:{p.end}" for p in partitions)
    return {"scan.bounded.mode": "specific-offsets", "scan.bounded.specific-offsets": offsets}


def begin_at(settings: Mapping[str, Any], partitions: Sequence[Partition], time_ms: int) -> list[Partition]:
    """The partitions, begun no earlier than with the first message of a time, epoch ms; with their end if none is.

    Raises:
        UserError: the broker does not answer.
    """
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    try:
        consumer = KafkaConsumer(**settings, enable_auto_commit=False, bootstrap_timeout_ms=_PATIENCE_MS)
        try:
            found = consumer.offsets_for_times({TopicPartition(p.topic, p.number): time_ms for p in partitions})
        finally:
            consumer.close()
    except (KafkaError, OSError) as error:
        raise UserError(f"the broker does not tell where messages of a time begin ({said(error)}); try again") from None
    begun = []
    for partition in partitions:
        at = found.get(TopicPartition(partition.topic, partition.number))
        start = partition.end if at is None else min(max(partition.start, int(at.offset)), partition.end)
        begun.append(replace(partition, start=start))
    return begun


def said(error: BaseException) -> str:
    """What an error of a client says, in a line."""
    return " ".join(str(error).split()) or type(error).__name__
