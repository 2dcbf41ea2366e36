"""Tries a model in a process of its own, so that one that takes for ever cannot hold up the job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from models.document import ModelDocument
from models.errors import UserError
from models.model_trial import CONTENT


class ModelTrial:
    """Checks model documents as :func:`models.model_trial.try_model` does, but for so long and no longer.

    Args:
        seconds: how long one may take.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def __call__(self, document: Any, name: str) -> ModelDocument:
        """The model in a document.

        Raises:
            UserError: it is not valid, or could not be tried in time.
        """
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "models.model_trial"],
                input=json.dumps(document).encode(),
                capture_output=True,
                timeout=self._seconds,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            last = _last_line(expired.stderr)
            if last != CONTENT:
                raise UserError(_for_ever(name, last)) from None
            raise UserError(
                f"{name} was given up after {self._seconds:g} s of checking; make it smaller, or try again when the "
                "machine has less to do"
            ) from None
        except OSError as error:
            raise UserError(f"{name} cannot be tried: {error.strerror or error}; try again later") from None
        if done.returncode == -signal.SIGVTALRM:
            raise UserError(_for_ever(name, _last_line(done.stderr)))
        if done.returncode == 0:
            return ModelDocument.from_json(document, name)
        said = done.stdout.decode("utf-8", "replace").strip()
        if not said:
            raise UserError(f"{name} cannot be tried: the process that does it ended with {done.returncode}")
        raise UserError(said.replace("the model", name, 1))


def _last_line(progress: bytes | None) -> str:
    lines = (progress or b"").decode("utf-8", "replace").splitlines()
    return lines[-1][:200] if lines else CONTENT


def _for_ever(name: str, place: str) -> str:
    return (
        f"{name}: {place}: its regular expression takes for ever on lines that nearly match; write no repetition of a "
        "repetition, such as (a+)+"
    )
