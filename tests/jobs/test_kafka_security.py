"""Both clients log in to a real broker, and the job's graph and log do not hold the password."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from jobs.kafka_properties import client_settings
from jobs.live_config import load_live_config
from jobs.live_settings import KafkaConfig, SecurityConfig
from jobs.secret import Secret
from tests.services.ports import HOST
from tests.services.secure_kafka import PASSWORD, USER, SecureKafka, make_certificates

pytestmark = pytest.mark.services

REFUSED_MS = 1_000
"""So long a client tries where it is refused."""

LINES = [f"line {number}" for number in range(100)]
REST = """
input: {{topics: [{origin}]}}
output: {{kafka: {{anomalies: a, dead_letters: d}}}}
control: {{topic: c, replies: r}}
checkpoints: {{directory: points}}
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with SecureKafka.start(tmp_path_factory.mktemp("services") / "kafka") as running:
        yield running


@pytest.fixture(scope="module")
def logged_in(broker) -> KafkaConfig:
    return KafkaConfig(
        f"{HOST}:{broker.login_port}", SecurityConfig("SASL_PLAINTEXT", "PLAIN", USER, Secret("PASSWORD_OF_TEST"))
    )


@pytest.fixture(scope="module")
def certified(broker) -> KafkaConfig:
    folder = broker.certificates
    files = {
        "ca_file": folder / "ca.pem",
        "certificate_file": folder / "client.pem",
        "key_file": folder / "client.key",
    }
    return KafkaConfig(f"{HOST}:{broker.tls_port}", SecurityConfig("SSL", **files))


def topics_seen(kafka: KafkaConfig, environment=None, patience_ms: int = 4_000) -> set[str]:
    with KafkaAdminClient(**client_settings(kafka, environment or {}), bootstrap_timeout_ms=patience_ms) as admin:
        return set(admin.list_topics())


def lines_in(broker, topic: str) -> list[str]:
    with KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    ) as consumer:
        found = []
        for record in consumer:
            found.append(record.value.decode())
            if len(found) == len(LINES):
                break
        return found


def copy(broker, folder, kafka: str, environment: dict[str, str]):
    """Copy :data:`LINES` from one topic to another by a job; returns what it said, its graph, and the copy."""
    origin, target = f"from-{uuid4().hex[:8]}", f"to-{uuid4().hex[:8]}"
    for topic in (origin, target):
        broker.create_topic(topic)
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for line in LINES:
            producer.send(origin, line.encode())
    config, graph, log = folder / "live.yaml", folder / "graph", folder / "log"
    log.mkdir()
    config.write_text(kafka + REST.format(origin=origin))
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.copy_topic", str(config), origin, target, str(graph)],
        env=os.environ | environment | {"FLINK_LOG_DIR": str(log)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stdout + "".join(path.read_text() for path in log.iterdir())
    assert done.returncode == 0, said[-5000:]
    return said, graph.read_bytes(), lines_in(broker, target)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_the_python_client_logs_in_with_the_secret_of_the_environment_alone(broker, logged_in, mechanism):
    broker.create_topic(topic := f"seen-{uuid4().hex[:8]}")
    kafka = replace(logged_in, security=replace(logged_in.security, mechanism=mechanism))
    assert topic in topics_seen(kafka, {"PASSWORD_OF_TEST": PASSWORD})
    with pytest.raises(KafkaError):
        topics_seen(kafka, {"PASSWORD_OF_TEST": "wrong"}, REFUSED_MS)


def test_the_python_client_shows_its_certificate_and_trusts_only_the_authority_that_is_named(
    broker, certified, tmp_path
):
    broker.create_topic(topic := f"seen-{uuid4().hex[:8]}")
    assert topic in topics_seen(certified)
    make_certificates(tmp_path / "others")
    other = replace(certified, security=replace(certified.security, ca_file=tmp_path / "others" / "ca.pem"))
    with pytest.raises(KafkaError):
        topics_seen(other, patience_ms=REFUSED_MS)


def test_the_java_client_logs_in_and_neither_graph_nor_log_holds_the_password(broker, tmp_path):
    kafka = f"""
kafka:
  bootstrap: {HOST}:{broker.login_port}
  security:
    protocol: SASL_PLAINTEXT
    username: {USER}
    password: ${{PASSWORD_OF_TEST}}
"""
    said, graph, copied = copy(broker, tmp_path, kafka, {"PASSWORD_OF_TEST": PASSWORD})
    assert copied == LINES
    assert b"${env:PASSWORD_OF_TEST}" in graph
    assert PASSWORD.encode() not in graph
    assert "sasl.jaas.config = [hidden]" in said
    assert PASSWORD not in said


def test_the_java_client_shows_its_certificate_with_a_key_that_is_locked(broker, tmp_path, certified):
    folder = broker.certificates
    lock = ["openssl", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "client.key", "-passout", "pass:open-it"]
    subprocess.run([*lock, "-out", tmp_path / "locked.key"], cwd=folder, check=True)
    kafka = f"""
kafka:
  bootstrap: {HOST}:{broker.tls_port}
  security:
    protocol: SSL
    ca_file: {folder}/ca.pem
    certificate_file: {folder}/client.pem
    key_file: {tmp_path}/locked.key
    key_password: ${{KEY_PASSWORD_OF_TEST}}
"""
    said, graph, copied = copy(broker, tmp_path, kafka, {"KEY_PASSWORD_OF_TEST": "open-it"})
    assert copied == LINES
    assert b"PRIVATE KEY" not in graph
    assert "PRIVATE KEY" not in said
    assert b"open-it" not in graph
    assert "open-it" not in said
    loaded = load_live_config(tmp_path / "live.yaml")
    assert topics_seen(loaded.kafka, {"KEY_PASSWORD_OF_TEST": "open-it"})
