"""``make services-up`` and its companions, on services of their own."""

from __future__ import annotations

import pytest

from tests.services.__main__ import main
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka
from tests.services.ports import free_port

pytestmark = pytest.mark.services


def test_services_go_up_stay_as_they_are_and_leave_nothing(tmp_path, capsys):
    folder = tmp_path / "services"
    where = ["--directory", str(folder)]
    kafka, elasticsearch = Kafka.at(folder / "kafka"), Elasticsearch.at(folder / "elasticsearch")
    port = free_port()
    try:
        assert main(["status", *where]) == 1
        assert main(["up", *where, "--kafka-port", str(port), "--elasticsearch-port", str(free_port())]) == 0
        assert f"127.0.0.1:{port}" in capsys.readouterr().out
        ids = kafka.processes(), elasticsearch.processes()
        assert list(map(len, ids)) == [1, 1]
        assert main(["up", *where]) == 0
        assert (kafka.processes(), elasticsearch.processes()) == ids
        assert main(["status", *where]) == 0
        out = capsys.readouterr().out
        assert out.count("already up") == 2
        assert out.count(f"127.0.0.1:{port}") == 2
    finally:
        assert main(["down", *where]) == 0
    assert (kafka.processes(), elasticsearch.processes()) == ([], [])
    assert not folder.exists()
    capsys.readouterr()
    assert main(["down", *where]) == 0
    assert capsys.readouterr().out == "No service is up.\n"


def test_a_taken_port_is_an_error_of_the_user(tmp_path, capsys, kafka):
    # Elasticsearch is not to be started for this: it is refused as well.
    arguments = ["--kafka-port", str(kafka.port), "--elasticsearch-port", str(kafka.port)]
    assert main(["up", "--directory", str(tmp_path / "services"), *arguments]) == 2
    assert f"kafka cannot have port {kafka.port}" in capsys.readouterr().err
