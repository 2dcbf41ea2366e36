"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from jobs.session_cluster import Cluster, processes, start, stop
from tests.services.elasticsearch import Elasticsearch, start_elasticsearch
from tests.services.kafka import Kafka, start_kafka

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run, on a slow machine too.
settings.register_profile("weirwatch", derandomize=True, deadline=None)
settings.load_profile("weirwatch")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The folder that holds README.md."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the repository; a test that needs it is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="session")
def hdfs_data(shared_data: Path) -> Path:
    """The folder with the HDFS log and its labels."""
    folder = shared_data / "hdfs"
    if not (folder / "hdfs.log.gz").is_file():
        pytest.skip(f"there is no HDFS log in {folder}")
    return folder


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Flink session cluster with two slots, on ports of its own; nothing is left of it afterwards."""
    folder = tmp_path_factory.mktemp("flink") / "cluster"
    running, _ = start(folder)
    try:
        yield running
    finally:
        stop(folder)
        assert not processes(folder)
        assert not os.path.lexists(folder)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A real Kafka broker on a port of its own; nothing is left of it afterwards."""
    with start_kafka(tmp_path_factory.mktemp("services") / "kafka") as service:
        yield service
    assert not service.processes()
    assert not os.path.lexists(service.folder)


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    """A real Elasticsearch node on a port of its own; nothing is left of it afterwards."""
    with start_elasticsearch(tmp_path_factory.mktemp("services") / "elasticsearch") as service:
        yield service
    assert not service.processes()
    assert not os.path.lexists(service.folder)
