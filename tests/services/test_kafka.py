"""A real broker does what the jobs count on: order, transactions, and keeping what it has acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError

from tests.services.kafka import Kafka, start_kafka
from tests.services.ports import free_port, is_free
from tests.services.service import ServiceError

pytestmark = pytest.mark.services
LONGEST = 60.0


@pytest.fixture
def topic(kafka) -> str:
    name = f"lines-{uuid4().hex[:8]}"
    kafka.create_topic(name, partitions=2)
    return name


def read(kafka, topic, isolation="read_committed", group=None):
    """All that can be read of a topic now: (partition, offset, value, headers)."""
    with KafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        isolation_level=isolation,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as consumer:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: list[tuple] = []
        deadline = time.monotonic() + LONGEST
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            assert time.monotonic() < deadline, f"{found} and no more"
            for records in consumer.poll(timeout_ms=200).values():
                found += [(record.partition, record.offset, record.value, record.headers) for record in records]
        if group:
            consumer.commit()
    return sorted(found)


def test_what_is_produced_is_consumed_in_the_order_of_each_partition(kafka, topic):
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        sent = [
            producer.send(topic, f"line {number}".encode(), partition=number % 2, headers=[("source", b"app.log")])
            for number in range(200)
        ]
    acknowledged = [future.get(timeout=LONGEST) for future in sent]
    assert [(a.partition, a.offset) for a in acknowledged] == [(n % 2, n // 2) for n in range(200)]
    assert read(kafka, topic) == [
        (partition, offset, f"line {2 * offset + partition}".encode(), [("source", b"app.log")])
        for partition in (0, 1)
        for offset in range(100)
    ]


def test_committed_transactions_alone_are_read_committed(kafka, topic):
    def producer(name):
        made = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=f"{topic}-{name}")
        made.init_transactions()
        made.begin_transaction()
        for number in range(3):
            made.send(topic, f"{name} {number}".encode(), partition=0)
        made.flush()
        return made

    with producer("kept") as kept, producer("dropped") as dropped, producer("open") as still_open:
        kept.commit_transaction()
        dropped.abort_transaction()
        assert [value for *_, value, _ in read(kafka, topic)] == [b"kept 0", b"kept 1", b"kept 2"]
        everything = {value for *_, value, _ in read(kafka, topic, "read_uncommitted")}
        assert {b"kept 0", b"dropped 0", b"open 0"} <= everything
        still_open.abort_transaction()


def test_a_killed_broker_comes_back_with_its_messages_and_positions(kafka, topic):
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        for number in range(100):
            producer.send(topic, str(number).encode(), partition=1).get(timeout=LONGEST)
    group = f"group-{topic}"
    assert len(read(kafka, topic, group=group)) == 100
    address, process = kafka.bootstrap, kafka.processes()
    kafka.kill()
    assert kafka.processes() == []
    assert not kafka.is_ready
    kafka.start_again()
    assert kafka.bootstrap == address
    assert kafka.processes() != process
    assert [int(value) for *_, value, _ in read(kafka, topic)] == list(range(100))
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        producer.send(topic, b"100", partition=1).get(timeout=LONGEST)
    assert [value for *_, value, _ in read(kafka, topic, group=group)] == [b"100"]


def test_a_stopped_broker_comes_back_under_a_client_that_waits(kafka, topic):
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        producer.send(topic, b"before", partition=0).get(timeout=LONGEST)
        kafka.stop()
        waiting = producer.send(topic, b"meanwhile", partition=0)
        kafka.start_again()
        assert waiting.get(timeout=LONGEST).offset == 1


def test_a_topic_is_made_once_and_not_by_its_mere_use(kafka, topic):
    with pytest.raises(TopicAlreadyExistsError):
        kafka.create_topic(topic)
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, max_block_ms=500) as producer, pytest.raises(KafkaError):
        producer.send(f"{topic}-misspelt", b"x").get(timeout=LONGEST)


def test_a_broker_that_is_up_is_found_and_not_started_twice(kafka):
    again = start_kafka(kafka.folder)
    assert (again.bootstrap, again.processes()) == (kafka.bootstrap, kafka.processes())
    with pytest.raises(ServiceError, match="up already"):
        again.start_again()


def test_it_listens_on_this_machine_only(kafka):
    (process,) = kafka.processes()
    listening = {c.laddr.ip for c in psutil.Process(process).net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_taken_port_is_named(tmp_path, kafka):
    with pytest.raises(ServiceError, match=f"port {kafka.port}: something else listens there"):
        start_kafka(tmp_path / "second", kafka.port)
    assert not (tmp_path / "second").exists()


def test_an_error_shows_the_end_of_the_log_and_leaves_nothing(tmp_path):
    with pytest.raises(ServiceError, match=r"(?s)kafka cannot prepare its data.*kafka\.log.*[Tt]oo small"):
        start_kafka(tmp_path / "kafka", heap="1k")
    assert list(tmp_path.iterdir()) == []


def test_a_strange_folder_is_not_removed(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ServiceError, match="not the folder of a service"):
        start_kafka(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_broker_ends_with_the_process_that_started_it(tmp_path, repo_root):
    folder = tmp_path / "kafka"
    program = "import pathlib, sys, time; from tests.services.kafka import start_kafka; "
    program += "print(start_kafka(pathlib.Path(sys.argv[1])).port, flush=True); time.sleep(600)"
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, cwd=repo_root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        left = Kafka.at(folder)
        try:
            assert left.is_ready
            broker = [psutil.Process(number) for number in left.processes()]
            os.kill(parent.pid, signal.SIGKILL)
            parent.wait()
            _, alive = psutil.wait_procs(broker, timeout=LONGEST)
            assert not alive
            assert is_free(port)
        finally:
            left.remove()


def test_free_ports_are_not_those_of_outgoing_connections():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) > 1
    if lowest > 13_025:
        assert all(1024 < port < lowest for port in ports)
