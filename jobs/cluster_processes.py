"""The processes of a session cluster: found by a mark in their environment, told apart by what they run.

Looked up in ``/proc`` each time, so what is said here is true of processes that were killed or started by anyone.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MARK = "WEIRWATCH_CLUSTER"
"""The variable of the environment that holds the cluster's folder; Python workers inherit it."""

RESOURCE_ID = "taskmanager.resource-id"

_JOB_MANAGER = b"org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = b"org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_WORKER = b"pyflink.fn_execution.beam.beam_boot"
_PROC = Path("/proc")


def processes(directory: Path) -> list[int]:
    """Ids of all processes of the cluster of that folder: the daemons, the Python workers, and what starts these."""
    wanted = f"{MARK}={directory.absolute()}".encode()
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            # Processes end while we look, and others' are closed to us.
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return sorted(set(found) - {os.getpid()})


def job_manager(directory: Path) -> int | None:
    """Process id of the JobManager; None when there is none."""
    return next((process for process in processes(directory) if _JOB_MANAGER in _command(process)), None)


def task_managers(directory: Path) -> dict[str, int]:
    """Process ids of the TaskManagers by their names, which the REST API calls them by as well."""
    found = {}
    for process in processes(directory):
        command = _command(process)
        if _TASK_MANAGER in command:
            found[_resource_id(command)] = process
    return dict(sorted(found.items()))


def workers(directory: Path, task_manager: int | None = None) -> list[int]:
    """Process ids of the Python workers.

    Args:
        directory: the cluster's folder.
        task_manager: the process id of the TaskManager that started them; None: of any, ended ones included.
    """
    found = [process for process in processes(directory) if _WORKER in _command(process)]
    return [process for process in found if task_manager is None or task_manager in _ancestors(process)]


def _command(process: int) -> list[bytes]:
    """The command line of a process; empty for one that has ended."""
    try:
        return (_PROC / str(process) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _resource_id(command: list[bytes]) -> str:
    wanted = f"{RESOURCE_ID}=".encode()
    return next((word.partition(wanted)[2].decode() for word in command if wanted in word), "")


def _ancestors(process: int) -> set[int]:
    """Ids of the processes above one."""
    above: set[int] = set()
    with contextlib.suppress(OSError):
        while process > 1:
            # The name, in parentheses, may hold anything; the parent is the second word after it.
            stat = (_PROC / str(process) / "stat").read_text(errors="replace")
            process = int(stat.rpartition(")")[2].split()[1])
            above.add(process)
    return above
