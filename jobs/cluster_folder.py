"""What a session cluster needs before it starts: its folder with Flink's configuration and a client for it."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from jobs.cluster_processes import MARK
from models.errors import UserError

SETTINGS = Path(__file__).resolve().parent.parent / "conf" / "flink" / "config.yaml"


class ClusterError(UserError):
    """The cluster cannot be started, reached or stopped."""


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


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def prepare(directory: Path, rest_port: int, slots: int, settings: Mapping[str, Any]) -> None:
    """Write Flink's configuration and the client into a cluster's folder.

    The configuration is what comes with Flink, over it ``conf/flink/config.yaml``, over it ``settings``, and over all
    what belongs to this folder: ports, slots, paths, the Python interpreter.

    Args:
        directory: the folder, absolute; made if it is not there.
        rest_port: port of the REST API.
        slots: parallel pipelines of each TaskManager.
        settings: more settings, nested or with dotted names.

    Raises:
        ClusterError: Flink's scripts cannot work in that folder, or there is no Flink.
    """
    home = distribution()
    for path in (home, directory, Path(sys.executable)):
        if any(map(str.isspace, str(path))):
            raise ClusterError(f"Flink's scripts cannot work in a folder with blanks in its name: {path}")
    for name in ("log", "pid", "tmp", "work"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    conf = directory / "conf"
    shutil.copytree(home / "conf", conf)
    state = (directory / "state").as_uri()
    written = {
        **_flatten(yaml.safe_load((conf / "config.yaml").read_text()) or {}),
        # Of jobs that name no place of their own.
        "execution.checkpointing.dir": f"{state}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{state}/savepoints",
        **_flatten(yaml.safe_load(SETTINGS.read_text()) or {}),
        **_flatten(settings),
        "rest.port": rest_port,
        "rest.bind-port": str(rest_port),
        # One that stays: TaskManagers find a JobManager that is started again by it.
        "jobmanager.rpc.port": free_port(),
        "taskmanager.numberOfTaskSlots": slots,
        "env.log.dir": str(directory / "log"),
        "env.pid.dir": str(directory / "pid"),
        "io.tmp.dirs": str(directory / "tmp"),
        "env.java.opts.client": f"-Djava.io.tmpdir={directory / 'tmp'}",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }
    (conf / "config.yaml").write_text(yaml.safe_dump(written, width=1_000_000))
    client = directory / "flink"
    lines = ["#!/bin/sh", "# Flink's client, set up for the cluster of this folder."]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in _variables(directory).items()]
    lines.append(f'exec {shlex.quote(str(home / "bin" / "flink"))} "$@"')
    client.write_text("\n".join(lines) + "\n")
    client.chmod(0o755)


def daemon_environment(directory: Path) -> dict[str, str]:
    """The environment of the daemons of a folder's cluster, and so of their Python workers: ours, and the mark."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FLINK_", "_FLINK_"))}
    return inherited | _variables(directory) | {MARK: str(directory)}


def _variables(directory: Path) -> dict[str, str]:
    return {
        "FLINK_CONF_DIR": str(directory / "conf"),
        "FLINK_LOG_DIR": str(directory / "log"),
        "FLINK_PID_DIR": str(directory / "pid"),
        "FLINK_IDENT_STRING": "weirwatch",
    }


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with the dotted names that Flink's documentation uses."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{name}."))
        elif value is not None:
            flat[f"{prefix}{name}"] = value
    return flat
