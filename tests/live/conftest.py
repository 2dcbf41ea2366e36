"""What the tests of the live job share: a cluster of two TaskManagers, and jobs on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from jobs.session_cluster import Cluster, processes, start, stop
from tests.live.live_job import LiveJob
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka

_SETTINGS = {
    # Losses are noticed soon: a killed TaskManager as it does not answer, a killed JobManager by its silence.
    "heartbeat": {"interval": 1000, "timeout": 15_000},
    "metrics.fetcher.update-interval": 1000,
    # Every job brings its own copy of the classes of connectors and Python operators.
    "taskmanager.memory.jvm-metaspace.size": "512m",
    # A job runs on both TaskManagers, and the loss of one takes half of it.
    "taskmanager.load-balance.mode": "SLOTS",
}


class MakeJob(Protocol):
    """Makes a live job, not submitted yet; see :class:`LiveJob`."""

    def __call__(
        self,
        name: str,
        topic: str,
        model: Path,
        *,
        elasticsearch: Elasticsearch | None = None,
        settings: dict[str, Any] | None = None,
    ) -> LiveJob: ...


@pytest.fixture(scope="session")
def live_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A session cluster of two TaskManagers with four slots each; nothing is left of it afterwards."""
    folder = tmp_path_factory.mktemp("live") / "cluster"
    running, _ = start(folder, slots=4, task_managers=2, settings=_SETTINGS)
    try:
        yield running
    finally:
        stop(folder)
        assert not processes(folder)
        assert not os.path.lexists(folder)


@pytest.fixture(scope="session")
def make_topic(kafka: Kafka) -> Callable[[int], str]:
    """Makes a topic of so many partitions; returns its name."""

    def make(partitions: int) -> str:
        name = f"lines-{uuid4().hex[:6]}"
        kafka.create_topic(name, partitions)
        return name

    return make


@pytest.fixture(scope="module")
def make_job(
    live_cluster: Cluster, kafka: Kafka, elasticsearch: Elasticsearch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeJob]:
    """Makes live jobs on the shared services; those that still run when the file is done are cancelled."""
    made: list[LiveJob] = []

    def make(
        name: str,
        topic: str,
        model: Path,
        *,
        elasticsearch: Elasticsearch | None = None,
        settings: dict[str, Any] | None = None,
        usual: Elasticsearch = elasticsearch,
    ) -> LiveJob:
        called = f"{name}-{uuid4().hex[:6]}"
        folder = tmp_path_factory.mktemp("jobs") / called
        made.append(LiveJob(called, folder, live_cluster, kafka, elasticsearch or usual, topic, model, settings))
        return made[-1]

    try:
        yield make
    finally:
        for job in made:
            job.close()
