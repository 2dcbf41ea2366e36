"""Tries a model in a process of its own, so that a large one cannot hold up the job."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from models.document import ModelDocument
from models.errors import UserError


class ModelTrial:
    """Checks model documents as :func:`models.model_trial.try_model` does, but for so long and no longer.

    The process stays for the next document, with all loaded, unless it had to be given up; it ends when nobody holds
    its input any more.

    Args:
        seconds: how long one may take.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Let the process stand ready.

        Raises:
            OSError: it cannot be started.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "models.model_trial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def __call__(self, document: Any, name: str) -> ModelDocument:
        """The model in a document.

        Raises:
            UserError: it is not valid, or could not be tried in time.
        """
        try:
            self.prepare()
            wrong = self._answer(json.dumps(document).encode() + b"\n")["wrong"]
        except TimeoutError:
            self.close()
            raise UserError(
                f"{name} was given up after {self._seconds:g} s of checking; make it smaller, or try again when the "
                "machine has less to do"
            ) from None
        except OSError as error:
            self.close()
            raise UserError(f"{name} cannot be tried: {error.strerror or error}; try again later") from None
        if wrong is not None:
            raise UserError(wrong.replace("the model", name, 1))
        return ModelDocument.from_json(document, name)

    def _answer(self, line: bytes) -> dict[str, Any]:
        """What the process says to a document.

        Raises:
            TimeoutError: it takes too long.
            OSError: the process has ended.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + self._seconds
        output, waiting = self._process.stdout.fileno(), b""
        self._process.stdin.write(line)  # it reads a line before it says anything
        self._process.stdin.flush()
        while select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
            data = os.read(output, 1 << 16)
            if not data:
                raise OSError(f"the process that does it ended with {self._process.wait()}")
            waiting += data
            if waiting.endswith(b"\n"):
                answer: dict[str, Any] = json.loads(waiting)
                return answer
        raise TimeoutError
