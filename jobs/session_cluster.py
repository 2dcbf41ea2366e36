"""A Flink session cluster on this machine, started from the installed distribution.

Everything a cluster writes (configuration, logs, process ids, state, scratch files) stays in one folder of its own, and
every port is its own, so several clusters live side by side. Its processes carry the folder's name in their environment
(:mod:`jobs.cluster_processes`), Python workers included, which is how ``down`` finds all of them and nothing else.

Daemons that were killed can be started again (:func:`start_job_manager`, :func:`start_task_manager`). Jobs are not
highly available here: they end with their JobManager and are resumed from a checkpoint or savepoint.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.cluster_folder import ClusterError, daemon_environment, distribution, free_port, prepare
from jobs.cluster_processes import RESOURCE_ID, job_manager, processes, task_managers
from jobs.rest import get_json

__all__ = [
    "DEFAULT_DIRECTORY",
    "Cluster",
    "ClusterError",
    "processes",
    "running",
    "start",
    "start_job_manager",
    "start_task_manager",
    "stop",
]

DEFAULT_DIRECTORY = Path(".run/cluster")

_NOTE = "cluster.json"
_START_SECONDS, _STOP_SECONDS = 90.0, 15.0
_MISSED = 5


@dataclass(frozen=True)
class Cluster:
    """A cluster that was started.

    Attributes:
        directory: its folder, absolute.
        rest_port: where its REST API and web page listen, on this machine only.
        slots: how many parallel pipelines each of its TaskManagers can run.
        task_managers: with how many TaskManagers it was started.
    """

    directory: Path
    rest_port: int
    slots: int
    task_managers: int = 1

    @property
    def url(self) -> str:
        """Address of the web page and of the REST API."""
        return f"http://localhost:{self.rest_port}"

    @property
    def flink(self) -> Path:
        """Flink's command-line client, set up for this cluster."""
        return self.directory / "flink"

    def get(self, path: str) -> Any:
        """What the REST API answers to ``GET path``, decoded.

        Raises:
            OSError: nothing answers, or not with success.
        """
        return get_json(f"{self.url}{path}")


def start(
    directory: Path = DEFAULT_DIRECTORY,
    rest_port: int | None = None,
    slots: int = 2,
    seconds: float = _START_SECONDS,
    *,
    task_managers: int = 1,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Cluster, bool]:
    """Start a cluster and wait until it is ready for jobs; one that is up already is left alone.

    Args:
        directory: the cluster's folder; made, and removed by :func:`stop` with all that jobs keep in it.
        rest_port: port of the REST API; a free one when None.
        slots: how many parallel pipelines each TaskManager can run.
        seconds: how long to wait for it.
        task_managers: how many TaskManagers, one or more.
        settings: Flink's settings, nested or with dotted names; they count more than ``conf/flink/config.yaml``.

    Returns:
        The cluster, and whether this call started it.

    Raises:
        ClusterError: it did not come up; its logs' last lines are in the message, its processes are stopped.
    """
    directory = directory.absolute()
    if slots < 1 or task_managers < 1:
        raise ClusterError(f"a cluster needs TaskManagers with slots, not {task_managers} with {slots}")
    with _locked(directory):
        found = running(directory)
        if found is not None:
            return found, False
        _remove(directory)
        cluster = Cluster(directory, rest_port or free_port(), slots, task_managers)
        directory.mkdir(parents=True)
        note = {"rest_port": cluster.rest_port, "slots": slots, "task_managers": task_managers}
        (directory / _NOTE).write_text(json.dumps(note))
        try:
            prepare(directory, cluster.rest_port, slots, settings or {})
            _launch("jobmanager.sh", cluster)
            for number in range(1, task_managers + 1):
                _launch("taskmanager.sh", cluster, f"-D{RESOURCE_ID}=tm-{number}")
            _wait(cluster, task_managers, seconds)
        except BaseException:
            _remove(directory)
            raise
        return cluster, True


def start_task_manager(cluster: Cluster, seconds: float = _START_SECONDS) -> str:
    """Start one more TaskManager, or one in the place of a killed one, and wait until its slots are offered.

    Returns:
        Its name, which no TaskManager of this cluster has had before.

    Raises:
        ClusterError: it did not come up.
    """
    before = task_managers(cluster.directory)
    # Each start has left a log of its own.
    number = 1 + len(list((cluster.directory / "log").glob("*-taskexecutor-*.out")))
    _launch("taskmanager.sh", cluster, f"-D{RESOURCE_ID}=tm-{number}")
    _wait(cluster, len(before) + 1, seconds)
    return f"tm-{number}"


def start_job_manager(cluster: Cluster, seconds: float = _START_SECONDS) -> None:
    """Start the JobManager of a cluster that has lost it, and wait until all living TaskManagers are with it.

    It knows nothing of earlier jobs: resume them with ``flink run -s``, from the state that they have kept.

    Raises:
        ClusterError: there is one already, or it did not come up.
    """
    if job_manager(cluster.directory) is not None:
        raise ClusterError(f"the cluster in {cluster.directory} has a JobManager")
    _launch("jobmanager.sh", cluster)
    _wait(cluster, len(task_managers(cluster.directory)), seconds)


def stop(directory: Path = DEFAULT_DIRECTORY) -> bool:
    """Stop a cluster, its workers included, and remove its folder; returns whether there was one."""
    directory = directory.absolute()
    if not directory.exists() and not processes(directory):
        return False
    with _locked(directory):
        _remove(directory)
    return True


def running(directory: Path = DEFAULT_DIRECTORY) -> Cluster | None:
    """The cluster of that folder if it is up and answers, with all the TaskManagers that it was started with."""
    directory = directory.absolute()
    try:
        note = json.loads((directory / _NOTE).read_text())
        cluster = Cluster(directory, int(note["rest_port"]), int(note["slots"]), int(note.get("task_managers", 1)))
    except (OSError, ValueError, KeyError):
        return None
    return cluster if _ready(cluster, cluster.task_managers) else None


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One start or stop at a time among the clusters of the same parent folder."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _launch(script: str, cluster: Cluster, *options: str) -> None:
    done = subprocess.run(
        [distribution() / "bin" / script, "start", *options],
        env=daemon_environment(cluster.directory),
        # Python workers import from their working folder first: it is an empty one.
        cwd=cluster.directory / "work",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # A Ctrl-C at the terminal that started the cluster is not meant for the daemons.
        start_new_session=True,
    )
    if done.returncode != 0:
        raise ClusterError(f"{script} failed:\n{done.stdout.strip()}\nFlink needs Java 17 or newer (JAVA_HOME)")


def _ready(cluster: Cluster, wanted: int) -> bool:
    """Whether our own cluster, not another on that port, answers with the slots of so many living TaskManagers."""
    try:
        settings = {entry["key"]: entry["value"] for entry in cluster.get("/jobmanager/config")}
        if settings.get("env.log.dir") != str(cluster.directory / "log"):
            return False
        # One that was killed is listed for a while, too.
        offered = {entry["id"]: entry["slotsNumber"] for entry in cluster.get("/taskmanagers")["taskmanagers"]}
        living = [name for name in task_managers(cluster.directory) if offered.get(name) == cluster.slots]
        return len(living) >= wanted
    except (OSError, ValueError, KeyError):
        return False


def _wait(cluster: Cluster, wanted: int, seconds: float) -> None:
    """Wait until so many TaskManagers are with the JobManager."""
    deadline = time.monotonic() + seconds
    # A process that has just been forked does not show yet what it is.
    missed = 0
    while not _ready(cluster, wanted):
        there = job_manager(cluster.directory) is not None and len(task_managers(cluster.directory)) >= wanted
        missed = 0 if there else missed + 1
        if missed >= _MISSED:
            raise ClusterError(
                f"the cluster ended as it started; port {cluster.rest_port} may be taken.{_tail(cluster)}"
            )
        if time.monotonic() > deadline:
            raise ClusterError(f"the cluster does not answer at {cluster.url} in time.{_tail(cluster)}")
        time.sleep(0.2)


def _tail(cluster: Cluster) -> str:
    """The last lines of what the daemons wrote, for an error message."""
    parts = [""]
    for file in sorted((cluster.directory / "log").glob("*.log")) + sorted((cluster.directory / "log").glob("*.out")):
        lines = file.read_text(errors="replace").splitlines()[-8:]
        if lines:
            parts += [f"--- {file.name}", *lines]
    return "\n".join(parts)


def _remove(directory: Path) -> None:
    """Stop every process of the cluster and remove its folder."""
    if directory.exists() and any(directory.iterdir()) and not (directory / _NOTE).is_file():
        raise ClusterError(f"{directory} is not the folder of a cluster; name another, or empty it")
    for sign in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _STOP_SECONDS
        for process in processes(directory):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, sign)
        while processes(directory) and time.monotonic() < deadline:
            time.sleep(0.1)
    left = processes(directory)
    if left:
        raise ClusterError(f"processes {left} of the cluster do not end; end them by hand")
    if directory.exists():
        shutil.rmtree(directory)
