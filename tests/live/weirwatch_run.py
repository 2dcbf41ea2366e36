"""``weirwatch run`` as its user starts it: a process of its own, its configuration, its messages, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psutil
import yaml

from tests.live.outputs import wait_until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PAGE = re.compile(r"Flink's page: (\S+);")


def run_once(settings: Mapping[str, Any] | Path, folder: Path, *options: str, seconds: float = 120.0) -> Any:
    """Run it where it ends by itself: the completed process."""
    if isinstance(settings, Path):
        config = settings
    else:
        config = folder / "live.yaml"
        config.write_text(yaml.safe_dump(dict(settings)))
    command = [sys.executable, "-m", "jobs.cli", "run", "--config", str(config), *options]
    return subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False, timeout=seconds
    )


class WeirwatchRun:
    """A running ``weirwatch run``.

    Args:
        settings: its configuration.
        folder: where it is run; for its configuration and what it says.
        options: more of its options.
    """

    def __init__(self, settings: Mapping[str, Any], folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        config = folder / "live.yaml"
        config.write_text(yaml.safe_dump(dict(settings)))
        self._log = folder / f"said-{time.monotonic_ns()}.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jobs.cli", "run", "--config", str(config), *options],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._session = self._process.pid

    @property
    def said(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace")

    def wait_for_work(self, seconds: float = 240.0) -> Self:
        """Wait until every task runs, or has read a short list to its end."""

        def works() -> bool:
            assert self._process.poll() is None, self.said
            if not _PAGE.search(self.said):
                return False
            jobs = self._get("/jobs/overview")["jobs"]
            return bool(jobs) and all(
                job["state"] == "RUNNING"
                and job["tasks"]["running"] + job["tasks"]["finished"] == job["tasks"]["total"]
                for job in jobs
            )

        wait_until(works, "weirwatch run at work", seconds)
        return self

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def restarts(self) -> int:
        """How often the job was started again."""
        metrics = self._get(f"/jobs/{self._job}/metrics?get=numRestarts")
        return int(float(metrics[0]["value"])) if metrics else 0

    @property
    def checkpoints(self) -> int:
        """How many have been completed."""
        return int(self._get(f"/jobs/{self._job}/checkpoints")["counts"]["completed"])

    def wait_for_checkpoint(self, seconds: float = 120.0) -> None:
        """Wait until one that begins after this call is complete."""
        wanted = self.checkpoints + 2
        wait_until(lambda: self.checkpoints >= wanted, "two more checkpoints", seconds)

    def interrupt(self, seconds: float = 60.0) -> int:
        """Ctrl-C in its terminal, which reaches all its processes; the exit code."""
        os.killpg(self._session, signal.SIGINT)
        return self._process.wait(seconds)

    def processes(self) -> list[psutil.Process]:
        """The living processes that it started, itself included."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self._session and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        return found

    def close(self) -> None:
        """End it however it is."""
        if self._process.poll() is None:
            self.interrupt()
        for process in self.processes():
            process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _job(self) -> str:
        (job,) = self._get("/jobs/overview")["jobs"]
        return str(job["jid"])

    def _get(self, path: str) -> Any:
        found = _PAGE.search(self.said)
        assert found, self.said
        try:
            with _DIRECT.open(found.group(1) + path, timeout=30) as answer:
                return json.loads(answer.read())
        except OSError as error:
            raise AssertionError(f"{path}: {error}; {self.said}") from error


def _environment() -> dict[str, str]:
    """Ours, with the classes of the example of a package of checkers; their short names need an installation."""
    root = Path(__file__).resolve().parents[2]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (root, root / "docs" / "plugins" / "example")))}
