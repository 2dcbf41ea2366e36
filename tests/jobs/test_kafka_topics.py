"""Topics as a real broker tells of them, and what is said of a wrong name or an absent broker."""

from __future__ import annotations

from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from jobs.kafka_topics import COMMITTED, EARLIEST, LATEST, Partition, find_partitions, start_options
from models.errors import UserError
from tests.services.ports import free_port

pytestmark = pytest.mark.services


@pytest.fixture
def settings(kafka):
    return {"bootstrap_servers": kafka.bootstrap.split(",")}


@pytest.fixture(scope="module")
def topic(kafka) -> str:
    """A topic of three partitions with 5, 0 and 2 messages, the first two of which are deleted."""
    name = f"logs-{uuid4().hex[:8]}"
    kafka.create_topic(name, partitions=3)
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        for number in (0, 0, 0, 0, 0, 2, 2):
            producer.send(name, b"x", partition=number).get(30)
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        admin.delete_records({TopicPartition(name, 0): 2})
    return name


def test_from_the_earliest_message(settings, topic):
    found = find_partitions(settings, [topic], EARLIEST)
    assert found == [Partition(topic, 0, 2, 5), Partition(topic, 1, 0, 0), Partition(topic, 2, 0, 2)]
    assert [p.name for p in found] == [f"{topic}/0", f"{topic}/1", f"{topic}/2"]


def test_from_the_end(settings, topic):
    assert [(p.start, p.end) for p in find_partitions(settings, [topic], LATEST)] == [(5, 5), (0, 0), (2, 2)]


def test_from_where_the_group_has_come_to_and_else_from_the_earliest(kafka, settings, topic):
    group = f"group-{uuid4().hex[:8]}"
    with KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=group, enable_auto_commit=False) as consumer:
        consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(4, "", -1)})
        found = find_partitions(settings, [topic], COMMITTED, group)
        assert [p.start for p in found] == [4, 0, 0]
        # What is committed may have been deleted since, or be of a topic of that name that was longer.
        offsets = {
            TopicPartition(topic, 0): OffsetAndMetadata(1, "", -1),
            TopicPartition(topic, 2): OffsetAndMetadata(9, "", -1),
        }
        consumer.commit(offsets)
    assert [p.start for p in find_partitions(settings, [topic], COMMITTED, group)] == [2, 0, 2]


def test_topics_come_in_the_order_in_which_they_are_named(kafka, settings, topic):
    other = f"a-{uuid4().hex[:8]}"
    kafka.create_topic(other)
    found = find_partitions(settings, [topic, other], EARLIEST)
    assert [p.topic for p in found] == [topic, topic, topic, other]


def test_a_topic_that_is_not_there(kafka, settings, topic):
    with pytest.raises(UserError, match=rf"^the broker at {kafka.bootstrap} has no topic nowhere; make it first"):
        find_partitions(settings, [topic, "nowhere"], EARLIEST)


def test_a_broker_that_is_not_there():
    where = f"localhost:{free_port()}"
    with pytest.raises(UserError, match=rf"^no broker answers at {where} .*kafka\.bootstrap"):
        find_partitions({"bootstrap_servers": [where]}, ["logs"], EARLIEST)


def test_what_the_sql_source_is_told():
    assert start_options([Partition("logs", 0, 2, 5), Partition("logs", 1, 0, 0)]) == {
        "scan.startup.mode": "specific-offsets",
        "scan.startup.specific-offsets": "partition:0,offset:2;partition:1,offset:0",
    }
