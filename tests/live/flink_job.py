"""A job on a session cluster, by the REST API: what state it is in, its restarts and checkpoints, its end."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from jobs.cluster_processes import task_managers
from jobs.session_cluster import Cluster
from tests.live.outputs import wait_until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ENDED = {"CANCELED", "FAILED", "FINISHED"}


class FlinkJob:
    """A submitted job.

    Args:
        cluster: where it runs.
        job_id: what Flink calls it.
    """

    def __init__(self, cluster: Cluster, job_id: str) -> None:
        self.cluster, self.job_id = cluster, job_id

    @property
    def state(self) -> str:
        """What Flink says of the whole job, as RUNNING or RESTARTING."""
        return str(self._get("")["state"])

    @property
    def runs(self) -> bool:
        """Whether it has not ended; of one that its JobManager has taken with it, or that is unknown, it has."""
        try:
            return self.state not in _ENDED
        except OSError:
            return False

    @property
    def restarts(self) -> int:
        """How often it was started again since it was submitted, by the attempts of its tasks."""
        attempts = [0]
        for vertex in self._get("")["vertices"]:
            attempts += [task["attempt"] for task in self._get(f"/vertices/{vertex['id']}")["subtasks"]]
        return max(attempts)

    @property
    def failures(self) -> list[str]:
        """First lines of the exceptions that it failed with, the newest first."""
        entries = self._get("/exceptions")["exceptionHistory"]["entries"]
        return [entry["stacktrace"].partition("\n")[0] for entry in entries]

    @property
    def completed_checkpoints(self) -> int:
        """How many checkpoints have been completed since it was submitted."""
        return int(self._get("/checkpoints")["counts"]["completed"])

    @property
    def restored(self) -> bool:
        """Whether it has gone on from a checkpoint or savepoint."""
        return bool(self._get("/checkpoints")["counts"]["restored"])

    @property
    def newest_checkpoint(self) -> str | None:
        """Where the newest completed checkpoint is kept."""
        found = self._get("/checkpoints")["latest"]["completed"]
        return None if found is None else str(found["external_path"])

    @property
    def parallelism(self) -> int:
        """The most parallel of its operators."""
        return max(int(vertex["parallelism"]) for vertex in self._get("")["vertices"])

    @property
    def is_at_work(self) -> bool:
        """Whether every task of it runs, but for those of short lists that have been read to their end."""
        job = self._get("")
        return job["state"] == "RUNNING" and all(v["status"] in ("RUNNING", "FINISHED") for v in job["vertices"])

    @property
    def task_managers(self) -> dict[str, int]:
        """Process ids, by name, of the living TaskManagers that have tasks of this job."""
        used = set()
        for vertex in self._get("")["vertices"]:
            for entry in self._get(f"/vertices/{vertex['id']}/taskmanagers")["taskmanagers"]:
                used.add(entry["taskmanager-id"])
        return {name: process for name, process in task_managers(self.cluster.directory).items() if name in used}

    def wait_for_work(self, seconds: float = 120.0) -> None:
        """Wait until every task runs.

        Raises:
            AssertionError: the job has ended, or does not run in time.
        """

        def runs() -> bool:
            state = self.state
            assert state not in _ENDED, f"the job is {state}: {self.failures}"
            return self.is_at_work

        wait_until(runs, f"job {self.job_id} at work ({self.failures})", seconds)

    def wait_for_checkpoints(self, count: int, seconds: float = 120.0) -> None:
        """Wait until so many more checkpoints are complete."""
        wanted = self.completed_checkpoints + count
        wait_until(lambda: self.completed_checkpoints >= wanted, f"{count} more checkpoints; {self.failures}", seconds)

    def cancel(self) -> None:
        """End it without a savepoint; its checkpoints are kept if it is set so."""
        self._send("PATCH", "?mode=cancel")
        wait_until(lambda: self.state in _ENDED, f"job {self.job_id} cancelled", 60)

    def stop(self, directory: str, seconds: float = 120.0) -> str:
        """End it with a savepoint below that folder; returns where the savepoint is.

        Raises:
            AssertionError: the savepoint failed.
        """
        order = {"targetDirectory": directory, "drain": False}
        trigger = self._send("POST", "/stop", order)["request-id"]

        def answer() -> Any:
            return self._get(f"/savepoints/{trigger}")

        wait_until(lambda: answer()["status"]["id"] == "COMPLETED", f"savepoint of {self.job_id}", seconds)
        operation = answer()["operation"]
        assert "location" in operation, operation
        wait_until(lambda: self.state in _ENDED, f"job {self.job_id} stopped", 60)
        return str(operation["location"])

    def _get(self, path: str) -> Any:
        return self.cluster.get(f"/jobs/{self.job_id}{path}")

    def _send(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.cluster.url}/jobs/{self.job_id}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=30) as answered:
            return json.loads(answered.read() or b"null")
