"""A Flink session cluster on this machine, started from the installed distribution.

Everything a cluster writes (configuration, logs, process ids, scratch files) stays in one folder of its own, and every
port is its own, so several clusters live side by side. Its processes carry the folder's name in their environment
(:data:`MARK`), Python workers included, which is how ``down`` finds all of them and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from models.errors import UserError

MARK = "WEIRWATCH_CLUSTER"
DEFAULT_DIRECTORY = Path(".run/cluster")
SETTINGS = Path(__file__).resolve().parent.parent / "conf" / "flink" / "config.yaml"

_NOTE = "cluster.json"
_STOP_SECONDS = 15.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ClusterError(UserError):
    """The cluster cannot be started, reached or stopped."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        directory: its folder, absolute.
        rest_port: where its REST API and web page listen, on this machine only.
        slots: how many parallel pipelines it can run.
    """

    directory: Path
    rest_port: int
    slots: int

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
        with _DIRECT.open(f"{self.url}{path}", timeout=5) as answer:
            return json.loads(answer.read())


def distribution() -> Path:
    """The folder of the Flink distribution that comes with PyFlink.

    Raises:
        ClusterError: PyFlink is not installed, or without its distribution.
    """
    spec = find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError("PyFlink is not installed in this Python; run `make install`")
    home = Path(spec.submodule_search_locations[0])
    if not (home / "bin" / "jobmanager.sh").is_file():
        raise ClusterError(f"{home} holds no Flink distribution; reinstall apache-flink and apache-flink-libraries")
    return home


def start(
    directory: Path = DEFAULT_DIRECTORY, rest_port: int | None = None, slots: int = 2, seconds: float = 90.0
) -> tuple[Cluster, bool]:
    """Start a cluster and wait until it is ready for jobs; one that is up already is left alone.

    Args:
        directory: the cluster's folder; made, and removed by :func:`stop`.
        rest_port: port of the REST API; a free one when None.
        slots: how many parallel pipelines it can run.
        seconds: how long to wait for it.

    Returns:
        The cluster, and whether this call started it.

    Raises:
        ClusterError: it did not come up; its logs' last lines are in the message, its processes are stopped.
    """
    directory = directory.absolute()
    with _locked(directory):
        found = running(directory)
        if found is not None:
            return found, False
        _remove(directory)
        cluster = Cluster(directory, rest_port or _free_port(), slots)
        environment = _prepare(cluster)
        try:
            for script in ("jobmanager.sh", "taskmanager.sh"):
                _launch(script, cluster, environment)
            _wait(cluster, time.monotonic() + seconds)
        except BaseException:
            _remove(directory)
            raise
        return cluster, True


def stop(directory: Path = DEFAULT_DIRECTORY) -> bool:
    """Stop a cluster, its workers included, and remove its folder; returns whether there was one."""
    directory = directory.absolute()
    if not directory.exists() and not processes(directory):
        return False
    with _locked(directory):
        _remove(directory)
    return True


def running(directory: Path = DEFAULT_DIRECTORY) -> Cluster | None:
    """The cluster of that folder if it is up and answers."""
    directory = directory.absolute()
    try:
        note = json.loads((directory / _NOTE).read_text())
        cluster = Cluster(directory, int(note["rest_port"]), int(note["slots"]))
    except (OSError, ValueError, KeyError):
        return None
    return cluster if _ready(cluster) else None


def processes(directory: Path) -> list[int]:
    """Ids of all processes of the cluster of that folder: both daemons and the Python workers."""
    wanted = f"{MARK}={directory.absolute()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            # Processes end while we look, and others' are closed to us.
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return sorted(set(found) - {os.getpid()})


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with the dotted names that Flink's documentation uses."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{name}."))
        elif value is not None:
            flat[f"{prefix}{name}"] = value
    return flat


def _prepare(cluster: Cluster) -> dict[str, str]:
    """Make the folder with the configuration and the client in it; returns the environment of the daemons."""
    home, directory = distribution(), cluster.directory
    for path in (home, directory, Path(sys.executable)):
        if any(map(str.isspace, str(path))):
            raise ClusterError(f"Flink's scripts cannot work in a folder with blanks in its name: {path}")
    for name in ("log", "pid", "tmp", "work"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / _NOTE).write_text(json.dumps({"rest_port": cluster.rest_port, "slots": cluster.slots}))
    conf = directory / "conf"
    shutil.copytree(home / "conf", conf)
    settings = _flatten(yaml.safe_load((conf / "config.yaml").read_text()) or {})
    settings.update(_flatten(yaml.safe_load(SETTINGS.read_text()) or {}))
    settings.update(
        {
            "rest.port": cluster.rest_port,
            "rest.bind-port": str(cluster.rest_port),
            "jobmanager.rpc.port": _free_port(),
            "taskmanager.numberOfTaskSlots": cluster.slots,
            "env.log.dir": str(directory / "log"),
            "env.pid.dir": str(directory / "pid"),
            "io.tmp.dirs": str(directory / "tmp"),
            "env.java.opts.client": f"-Djava.io.tmpdir={directory / 'tmp'}",
            "python.executable": sys.executable,
            "python.client.executable": sys.executable,
        }
    )
    (conf / "config.yaml").write_text(yaml.safe_dump(settings, width=1_000_000))
    shared = {
        "FLINK_CONF_DIR": str(conf),
        "FLINK_LOG_DIR": str(directory / "log"),
        "FLINK_PID_DIR": str(directory / "pid"),
        "FLINK_IDENT_STRING": "weirwatch",
    }
    lines = ["#!/bin/sh", "# Flink's client, set up for the cluster of this folder."]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in shared.items()]
    lines.append(f'exec {shlex.quote(str(home / "bin" / "flink"))} "$@"')
    cluster.flink.write_text("\n".join(lines) + "\n")
    cluster.flink.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FLINK_", "_FLINK_"))}
    return inherited | shared | {MARK: str(directory)}


def _launch(script: str, cluster: Cluster, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [distribution() / "bin" / script, "start"],
        env=environment,
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


def _ready(cluster: Cluster) -> bool:
    """Whether our own cluster, not another on that port, answers with all its slots."""
    try:
        settings = {entry["key"]: entry["value"] for entry in cluster.get("/jobmanager/config")}
        if settings.get("env.log.dir") != str(cluster.directory / "log"):
            return False
        return bool(cluster.get("/overview")["slots-total"] >= cluster.slots)
    except (OSError, ValueError, KeyError):
        return False


def _wait(cluster: Cluster, deadline: float) -> None:
    while not _ready(cluster):
        if len(processes(cluster.directory)) < 2:
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
