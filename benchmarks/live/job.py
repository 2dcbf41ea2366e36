"""The live job under measurement: ``weirwatch run`` in a process of its own, and its topics."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from benchmarks.live.figures import Moment
from benchmarks.processes import ROOT, CommandError
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka

CHECKPOINT_MS = 1000
PARTITIONS = 4
SHARDS = 4
"""For each subtask."""

_LOOK_S = 0.2
_STILL_S = 120.0
_STOP_S = 60.0


class Live:
    """Topics, indices and a configuration of their own.

    Args:
        name: begins the names of topics and indices.
        folder: for the configuration and checkpoints; made.
        kafka, elasticsearch: the servers.
        model: what the job begins with.
        parallelism: of the job.
    """

    def __init__(
        self, name: str, folder: Path, kafka: Kafka, elasticsearch: Elasticsearch, model: Path, parallelism: int
    ) -> None:
        folder.mkdir()
        self.name, self.folder, self.kafka, self.elasticsearch = name, folder, kafka, elasticsearch
        self.lines, self.anomalies = f"{name}-lines", f"{name}-found"
        self.control, self.replies = f"{name}-control", f"{name}-replies"
        self._dead = f"{name}-dead"
        # The record's time is the broker's, as it takes the record.
        kafka.create_topic(self.lines, PARTITIONS, {"message.timestamp.type": "LogAppendTime"})
        for topic in (self.anomalies, self.control, self.replies, self._dead):
            kafka.create_topic(topic)
        self.config = folder / "live.yaml"
        self.config.write_text(yaml.safe_dump(self._configuration(model, parallelism), sort_keys=False))
        self._partitions = [TopicPartition(self.lines, number) for number in range(PARTITIONS)]

    @property
    def indices(self) -> str:
        """The pattern of the indices of anomalies."""
        return f"{self.name}-anomalies-*"

    def sources(self) -> list[str]:
        """What the job calls the sources of lines that name none."""
        return [f"{self.lines}/{number}" for number in range(PARTITIONS)]

    def _configuration(self, model: Path, parallelism: int) -> dict[str, Any]:
        return {
            "kafka": {"bootstrap": self.kafka.bootstrap},
            "input": {"topics": [self.lines], "format": "auto", "start": "earliest", "group": self.name},
            "models": {"initial": [{"path": str(model)}]},
            "control": {"topic": self.control, "replies": self.replies},
            "output": {
                "elasticsearch": {"url": self.elasticsearch.url, "prefix": self.name},
                "kafka": {
                    "anomalies": self.anomalies,
                    "dead_letters": self._dead,
                    "transaction_prefix": self.name,
                },
            },
            "checkpoints": {"directory": (self.folder / "checkpoints").as_uri(), "interval_ms": CHECKPOINT_MS},
            "parallelism": parallelism,
            "shards": SHARDS * parallelism,
        }

    def progress(self, group: str, wanted: int, job: Running) -> Iterator[Moment]:
        """How far a job is: the messages behind its last complete checkpoint, with which offsets are committed.

        Args:
            group: of the job's consumer.
            wanted: after so many messages it is enough.
            job: has to be alive.

        Yields:
            Each change, with the time of the monotonic clock.

        Raises:
            CommandError: the job has ended, or stands still.
        """
        changed, before = time.monotonic(), -1
        with KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap) as admin:
            while before < wanted:
                with contextlib.suppress(KafkaError):  # there is no group before the first checkpoint
                    groups = admin.list_group_offsets({group: self._partitions})
                    now = sum(max(0, found.offset) for found in next(iter(groups.values())).values())
                    if now > max(0, before):
                        changed, before = time.monotonic(), now
                        yield changed, now
                job.check()
                if time.monotonic() - changed > _STILL_S:
                    raise CommandError(f"the job stands still after {before:,} of {wanted:,} messages")
                time.sleep(_LOOK_S)


class Running:
    """A job in a process of its own, with the mini cluster in it.

    Attributes:
        submitted: when the process was started, by the monotonic clock.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.submitted = time.monotonic()
        self._process, self._log = process, log

    def processes(self) -> list[int]:
        """Ids of its processes: the client, Flink, the Python workers."""
        try:
            root = psutil.Process(self._process.pid)
            return [root.pid, *(child.pid for child in root.children(recursive=True))]
        except psutil.Error:
            return []

    def check(self) -> None:
        """See that it is still there.

        Raises:
            CommandError: the job has ended.
        """
        if self._process.poll() is not None:
            raise CommandError(f"the job has ended:\n{self._log.read_text(errors='replace')[-4000:]}")


def watching(live: Live) -> AbstractContextManager[Running]:
    """``weirwatch run`` while the context lasts."""
    return running("jobs.cli", ["run", "--config", str(live.config)], live.folder / "run.log")


@contextmanager
def running(module: str, arguments: Sequence[str], log: Path) -> Iterator[Running]:
    """A module of this repository while the context lasts; nothing is left of it afterwards.

    Args:
        module: runs until it is asked to end.
        arguments: its command line.
        log: takes what it says.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    job = Running(process, log)
    try:
        yield job
    finally:
        left = [psutil.Process(number) for number in job.processes()]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(left, timeout=_STOP_S)
        for one in left:
            one.kill()
        process.wait()
