"""A real server as a child process: started, stopped, killed and started again on the same data and ports.

All that a service writes stays in one folder of its own. Its process carries the folder's name in its environment
(:data:`MARK`), which is how it is found again, by another process too. A service ends with the process that started
it, however that one ends, unless it is meant to stay.
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
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

import psutil

from models.errors import UserError
from tests.services.ports import free_port, is_free

MARK = "WEIRWATCH_SERVICE"

_NOTE = "service.json"
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_TAIL = 25
# Our end of the pipe closes when our process ends: then the service is killed. A line says that it has ended already.
_GUARD = 'read -r _ || kill -KILL "$1" 2>/dev/null'


class ServiceError(UserError):
    """A service does not start, stop or answer."""


class Service(ABC):
    """A server in a folder of its own, listening on this machine only.

    Attributes:
        folder: its folder, absolute.
        port: the port that clients speak to; the same one after every start.
        inner_port: a port that the server needs for itself.
        heap: most memory for Java objects, as in ``512m``.
        stays: whether the service outlives the process that started it.
    """

    name: ClassVar[str]
    standard_port: ClassVar[int]
    standard_heap: ClassVar[str]

    def __init__(self, folder: Path, port: int, inner_port: int, heap: str, stays: bool = True) -> None:
        self.folder, self.port, self.inner_port = folder.absolute(), port, inner_port
        self.heap, self.stays = heap, stays
        self._child: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, port: int | None = None, *, heap: str | None = None, stays: bool = False) -> Self:
        """Start the service of that folder and wait until it answers; one that is up already is left alone.

        Args:
            folder: made, and removed by :meth:`remove`; what an ended service left in it is cleared away.
            port: the port that clients speak to; a free one when None.
            heap: most memory for Java objects, as in ``512m``.
            stays: whether the service outlives this process.

        Raises:
            ServiceError: it did not come up; its log's last lines are in the message, nothing of it is left.
        """
        with _locked(folder.absolute()):
            found = cls.started(folder)
            service = found or cls(folder, port or free_port(), free_port(), heap or cls.standard_heap, stays)
            if not found:
                service._make(port)
        try:
            service._wait(time.monotonic() + _START_SECONDS)
        except BaseException:
            if not found:
                service.remove()
            raise
        return service

    @classmethod
    def started(cls, folder: Path) -> Self | None:
        """The service of that folder if its process is there, whether it answers yet or not."""
        try:
            note = json.loads((folder / _NOTE).read_text())
            name, heap = str(note["name"]), str(note["heap"])
            service = cls(folder, int(note["port"]), int(note["inner_port"]), heap)
        except (OSError, ValueError, KeyError):
            return None
        return service if name == cls.name and service.processes() else None

    @classmethod
    def at(cls, folder: Path) -> Self:
        """The service that may be in that folder, to be removed."""
        return cls.started(folder) or cls(folder, 0, 0, cls.standard_heap)

    @property
    @abstractmethod
    def address(self) -> str:
        """What clients are told to connect to."""

    @property
    def log(self) -> Path:
        """The file of what the server says; it grows over all starts."""
        return self.folder / f"{self.name}.log"

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self._check()
        except ServiceError:
            return False
        return True

    def start_again(self, seconds: float = _START_SECONDS) -> None:
        """Start the ended service on its data and its ports, and wait until it answers.

        Raises:
            ServiceError: it is up, or does not come up; its log's last lines are in the message.
        """
        if self.processes():
            raise ServiceError(f"{self.name} in {self.folder} is up already")
        self._dismiss()
        self._launch()
        self._wait(time.monotonic() + seconds)

    def stop(self) -> None:
        """End the service as its operator would; its data stays."""
        self._end(signal.SIGTERM, signal.SIGKILL)

    def kill(self) -> None:
        """End the service from one moment to the next; its data stays."""
        self._end(signal.SIGKILL)

    def remove(self) -> bool:
        """End the service and remove its folder; returns whether there was anything."""
        there = self.folder.exists()
        if there and any(self.folder.iterdir()) and not (self.folder / _NOTE).is_file():
            raise ServiceError(f"{self.folder} is not the folder of a service; name another, or empty it")
        there = there or bool(self.processes())
        self.kill()
        if self.folder.exists():
            shutil.rmtree(self.folder)
        return there

    def processes(self) -> list[int]:
        """Ids of the service's processes."""
        return [process.pid for process in self._found()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @abstractmethod
    def _prepare(self) -> None:
        """Write what the server needs into its new folder."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """What follows ``java`` and the common options."""

    @abstractmethod
    def _check(self) -> None:
        """Make a real request; raises ServiceError if this very service does not answer it as it should."""

    def _make(self, wanted: int | None) -> None:
        """Make the folder and start the process."""
        self.remove()
        if wanted is not None and not is_free(wanted):
            raise ServiceError(f"{self.name} cannot have port {wanted}: something else listens there; name another")
        try:
            (self.folder / "tmp").mkdir(parents=True)
            note = {"name": self.name, "port": self.port, "inner_port": self.inner_port, "heap": self.heap}
            (self.folder / _NOTE).write_text(json.dumps(note))
            self._prepare()
            self._launch()
        except BaseException:
            self.remove()
            raise

    def _java(self) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        options = [f"-Xmx{self.heap}", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData"]
        return [str(Path(home) / "bin" / "java") if home else "java", *options, f"-Djava.io.tmpdir={self.folder}/tmp"]

    def _run(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """A Java process of this service that writes into the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self._java(), *arguments],
                env=os.environ | {MARK: str(self.folder)},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is not meant for it.
                start_new_session=True,
            )

    def _launch(self) -> None:
        self._child = self._run(self._command())
        if not self.stays:
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "guard", str(self._child.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _wait(self, deadline: float) -> None:
        while True:
            try:
                return self._check()
            except ServiceError as error:
                problem = error
            if self._child is not None and self._child.poll() is not None:
                raise self._failure(f"ended as it started, with code {self._child.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"does not answer on port {self.port} in time ({problem})")
            time.sleep(0.1)

    def _found(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            # Processes end while we look, and others' are closed to us.
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == str(self.folder) and process.pid != os.getpid():
                    found.append(process)
        return found

    def _failure(self, what: str) -> ServiceError:
        """An error with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL:] if self.log.exists() else []
        return ServiceError("\n".join([f"{self.name} {what}", *([f"--- {self.log.name}", *lines] if lines else [])]))

    def _end(self, *signs: signal.Signals) -> None:
        # Of an ending process the environment goes first and the ports last: it is awaited by its id.
        left = self._found()
        for sign in signs:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(sign)
            _, left = psutil.wait_procs(left, timeout=_STOP_SECONDS)
        if left:
            numbers = [process.pid for process in left]
            raise ServiceError(f"processes {numbers} of {self.name} in {self.folder} do not end; end them by hand")
        self._dismiss()

    def _dismiss(self) -> None:
        """Take leave of the ended child and of its guard."""
        if self._child is not None:
            self._child.wait()
        if self._guard is not None:
            self._guard.communicate(b"done\n")
        self._child = self._guard = None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One start at a time among the services of the same parent folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
