"""The Flink environment of a job: on the embedded mini cluster, or on the cluster that ``flink run`` names."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment

from jobs.scratch import scratch_folder

MAX_PARALLELISM = 128
"""Flink's key groups: the upper limit of any later parallelism."""

_SEGMENTS_PER_PAIR = 12

_WORKER_MODE = "_python_worker_execution_mode"
_JVM_ARGUMENTS = "-Xmx1536m -XX:+UseParallelGC -XX:TieredStopAtLevel=1"
"""For the embedded cluster, which mostly starts, moves bytes, and ends: on two cores the optimising compiler and a
concurrent collector would take a third of the run."""

_LONG_JVM_ARGUMENTS = "-Xmx2g -XX:+UseParallelGC -XX:+ExitOnOutOfMemoryError"
"""For an embedded cluster that stays: worth being compiled well, and to end rather than hang without memory."""


def make_environment(
    parallelism: int, embedded: bool, more: Mapping[str, str] | None = None, stays: bool = False, spares: int = 0
) -> StreamExecutionEnvironment:
    """An environment for batches of lines.

    Args:
        parallelism: subtasks of each operator.
        embedded: run on the mini cluster in this process. Its Python workers are processes here too: in threads, as
            PyFlink runs them locally by default, parallelism would gain nothing.
        more: further settings of Flink, which win over those made here.
        stays: the embedded cluster is to run for long.
        spares: TaskManagers of the embedded cluster beyond the one that is needed. Where a job is to begin again after
            a failure there should be one: while two operators of a slot close, PyFlink now and then counts the users
            of their worker wrongly ("Reference count must not be negative"), which ends the TaskManager.
    """
    scratch = str(scratch_folder())
    settings = {
        "parallelism.default": str(parallelism),
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        "pipeline.auto-watermark-interval": "100 ms",
        "pipeline.object-reuse": "true",
        # An element is a batch of lines, a bundle some of them: larger ones would only wait in memory.
        "python.fn-execution.bundle.size": "32",
        "python.fn-execution.bundle.time": "100",
        "python.execution-mode": "process",
    }
    if embedded:
        os.environ[_WORKER_MODE] = "process"
        arguments = os.environ.setdefault("JVM_ARGS", _LONG_JVM_ARGUMENTS if stays else _JVM_ARGUMENTS)
        if scratch not in arguments and scratch.split() == [scratch]:  # PyFlink splits the arguments at blanks
            os.environ["JVM_ARGS"] = f"-Djava.io.tmpdir={scratch} {arguments}"
        settings |= {
            "execution.target": "local",
            "minicluster.number-of-taskmanagers": str(1 + spares),
            "taskmanager.numberOfTaskSlots": str(parallelism),
            # All slots that there will ever be are there from the start: no reason to wait long for one.
            "slot.request.timeout": "1 min",
            "taskmanager.memory.managed.size": "64 mb",
            **_network_settings(parallelism),
            "python.executable": sys.executable,
            "python.client.executable": sys.executable,
            "restart-strategy.type": "none",
        }
    return StreamExecutionEnvironment.get_execution_environment(configuration({**settings, **(more or {})}))


def configuration(settings: Mapping[str, str]) -> Configuration:
    """Settings as Flink takes them."""
    made = Configuration()
    for key, value in settings.items():
        made.set_string(key, value)
    return made


def _network_settings(parallelism: int) -> dict[str, str]:
    """Network buffers of the embedded cluster: room for whole batches, so that operators do not take turns.

    Each of the job's exchanges has a channel for each pair of subtasks, which pins some segments: with many subtasks
    these are small ones.
    """
    segment_kb = 256 if parallelism <= 4 else 32
    network_mb = max(256, _SEGMENTS_PER_PAIR * parallelism**2 * segment_kb // 1024)
    return {
        "taskmanager.memory.network.min": f"{network_mb} mb",
        "taskmanager.memory.network.max": f"{network_mb} mb",
        "taskmanager.memory.segment-size": f"{segment_kb} kb",
        "taskmanager.network.memory.floating-buffers-per-gate": "128",
    }
