"""``make services-up`` and its companions, on services of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka
from tests.services.ports import free_port

pytestmark = pytest.mark.services


@pytest.fixture
def command(tmp_path, repo_root):
    """Runs the command in a process of its own: its exit code and what it printed."""

    def run(word, *arguments):
        line = [sys.executable, "-m", "tests.services", word, "--directory", str(tmp_path / "services"), *arguments]
        done = subprocess.run(line, cwd=repo_root, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    yield run
    run("down")


def test_services_go_up_stay_as_they_are_and_leave_nothing(tmp_path, command):
    folder = tmp_path / "services"
    kafka, elasticsearch = Kafka.at(folder / "kafka"), Elasticsearch.at(folder / "elasticsearch")
    assert command("status")[0] == 1
    port = free_port()
    code, said = command("up", "--kafka-port", str(port), "--elasticsearch-port", str(free_port()))
    assert (code, said.count(f"127.0.0.1:{port}")) == (0, 1)
    # Both have outlived the command that started them.
    ids = kafka.processes(), elasticsearch.processes()
    assert list(map(len, ids)) == [1, 1]
    code, said = command("up")
    assert (code, said.count("already up"), said.count(f"127.0.0.1:{port}")) == (0, 2, 1)
    assert (kafka.processes(), elasticsearch.processes()) == ids
    code, said = command("status")
    assert (code, said.count(f"127.0.0.1:{port}"), said.count("does not answer")) == (0, 1, 0)
    assert command("down") == (0, "Down: kafka, elasticsearch.\n")
    assert (kafka.processes(), elasticsearch.processes()) == ([], [])
    assert not folder.exists()
    assert command("down") == (0, "No service is up.\n")


def test_a_taken_port_is_an_error_of_the_user(command, kafka):
    # Elasticsearch is not to be started for this: it is refused as well.
    code, said = command("up", "--kafka-port", str(kafka.port), "--elasticsearch-port", str(kafka.port))
    assert code == 2
    assert said.startswith(f"error: kafka cannot have port {kafka.port}")
    assert "Traceback" not in said
