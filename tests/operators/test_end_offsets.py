"""Where partitions end, by the word of a real broker, and that there is none while it is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from jobs.live_settings import KafkaConfig
from jobs.offsets_client import OffsetsClient
from operators.end_offsets import EndOffsets
from tests.services.kafka import Kafka, start_kafka

pytestmark = pytest.mark.services

INTERVAL_S = 0.2


@pytest.fixture
def asking(kafka) -> Iterator[EndOffsets]:
    offsets = EndOffsets(OffsetsClient(KafkaConfig(kafka.bootstrap)), INTERVAL_S)
    yield offsets
    offsets.close()


@pytest.fixture
def topic(kafka) -> str:
    name = f"ends-{uuid4().hex[:8]}"
    kafka.create_topic(name, partitions=2)
    return name


def write(kafka, topic, count, partition=0, transaction=None, abort=False):
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", transactional_id=transaction) as producer:
        if transaction:
            producer.init_transactions()
            producer.begin_transaction()
        for _ in range(count):
            producer.send(topic, b"x" * 5000, partition=partition)
        producer.flush()
        if transaction:
            producer.abort_transaction() if abort else producer.commit_transaction()


def answer_after(offsets, question, seconds=30.0):
    """The next answer to a question that was asked after that one."""
    deadline = time.monotonic() + seconds
    while True:
        number, ends = offsets.answer
        if number > question:
            return ends
        assert time.monotonic() < deadline, f"no answer after question {question}"
        time.sleep(0.02)


def wait_for(offsets, wanted, seconds=30.0):
    deadline = time.monotonic() + seconds
    while offsets.answer[1] != wanted:
        assert time.monotonic() < deadline, f"{offsets.answer} and not {wanted}"
        time.sleep(0.02)


def stays(offsets, wanted, answers=4):
    for _ in range(answers):
        assert answer_after(offsets, offsets.answer[0]) == wanted


def test_it_tells_of_the_partitions_that_are_watched(kafka, topic, asking):
    write(kafka, topic, 3)
    asking.watch({f"{topic}/0": 0})
    assert answer_after(asking, 0) == {f"{topic}/0": 3}
    asking.watch({f"{topic}/0": 3, f"{topic}/1": 0})
    wait_for(asking, {f"{topic}/0": 3, f"{topic}/1": 0})
    write(kafka, topic, 2, partition=1)
    wait_for(asking, {f"{topic}/0": 3, f"{topic}/1": 2})


def test_nothing_is_asked_while_nothing_is_watched(asking):
    time.sleep(5 * INTERVAL_S)
    assert asking.answer == (0, None)


def test_what_is_answered_to_a_later_question_was_so_afterwards(kafka, topic, asking):
    asking.watch({f"{topic}/0": 10})
    for count in range(1, 6):
        write(kafka, topic, 1)
        assert answer_after(asking, asking.ask())[f"{topic}/0"] >= count


def test_the_marks_of_transactions_are_no_messages(kafka, topic, asking):
    """Two commits in a row leave two marks behind the last message."""
    write(kafka, topic, 2, transaction=f"{topic}-a")
    name = f"{topic}/0"
    asking.watch({name: 2})
    wait_for(asking, {name: 2})
    asking.watch({name: 1})
    wait_for(asking, {name: 3})
    stays(asking, {name: 3})
    write(kafka, topic, 1)
    asking.watch({name: 2})
    wait_for(asking, {name: 4})
    stays(asking, {name: 4})


def test_what_was_taken_back_is_a_message_to_those_who_read_it_all_the_same(kafka, topic, asking):
    write(kafka, topic, 2)
    write(kafka, topic, 3, transaction=f"{topic}-a", abort=True)
    name = f"{topic}/0"
    asking.watch({name: 2})
    wait_for(asking, {name: 6})
    stays(asking, {name: 6})
    committed = OffsetsClient(KafkaConfig(kafka.bootstrap, properties={"isolation.level": "read_committed"}))
    other = EndOffsets(committed, INTERVAL_S)
    other.watch({name: 2})
    wait_for(other, {name: 2})
    other.close()


def test_messages_that_were_deleted_are_not_waited_for(kafka, topic, asking):
    from kafka import KafkaAdminClient, TopicPartition

    write(kafka, topic, 4)
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        admin.delete_records({TopicPartition(topic, 0): 4})
    asking.watch({f"{topic}/0": 0})
    wait_for(asking, {f"{topic}/0": 0})
    write(kafka, topic, 1)
    wait_for(asking, {f"{topic}/0": 5})
    stays(asking, {f"{topic}/0": 5})


def test_there_is_no_answer_while_the_broker_is_away_and_one_when_it_is_back(tmp_path):
    broker: Kafka
    with start_kafka(tmp_path / "kafka") as broker:
        broker.create_topic("logs")
        write(broker, "logs", 3)
        offsets = EndOffsets(OffsetsClient(KafkaConfig(broker.bootstrap)), INTERVAL_S)
        offsets.watch({"logs/0": 3})
        wait_for(offsets, {"logs/0": 3})
        broker.kill()
        wait_for(offsets, None, 60)
        before = offsets.answer[0]
        assert answer_after(offsets, before, 60) is None, "it goes on asking"
        broker.start_again()
        wait_for(offsets, {"logs/0": 3}, 60)
        write(broker, "logs", 1)
        wait_for(offsets, {"logs/0": 4}, 60)
        offsets.close()
        stopped = time.monotonic() + 30
        while offsets._thread.is_alive():
            assert time.monotonic() < stopped
            time.sleep(0.05)
