"""The live job as a service: submitted, watched while it runs, begun again from its newest checkpoint."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pyflink.table import StreamTableEnvironment

from jobs.cluster_folder import free_port
from jobs.connectors import pipeline_jars
from jobs.embedded import cause
from jobs.environment import configuration, make_environment
from jobs.live import build
from jobs.live_flink import flink_settings, stream_settings, table_settings
from jobs.live_settings import LiveConfig
from jobs.preparation import prepare
from jobs.rest import get_json
from models.dead_letter_limit import DeadLetterLimitError
from models.errors import UserError

JOB_NAME = "weirwatch live"
_POLL_S = 0.5
_LIMIT = DeadLetterLimitError.__name__
_ENDED = {"FINISHED", "CANCELED", "FAILED"}


@dataclass(frozen=True, slots=True)
class Service:
    """A running job: Flink's ``JobClient``, and the address of Flink's page where it is known."""

    client: Any
    page: str | None = None


def submit(config: LiveConfig, embedded: bool, resume: str | None = None) -> Service:
    """Build the graph and hand it to Flink.

    Args:
        config: what to read, write and how.
        embedded: on the mini cluster in this process.
        resume: the checkpoint or savepoint to begin from, as a path or URI; None: from the configured start.

    Raises:
        UserError: something that the configuration names is not there.
    """
    found = prepare(config)
    settings = {**flink_settings(config), "pipeline.jars": pipeline_jars(embedded)}
    if embedded:
        port = free_port()
        settings |= {"rest.address": "localhost", "rest.bind-port": str(port), "rest.bind-address": "localhost"}
        settings["taskmanager.memory.managed.size"] = "256 mb"
    if resume is not None:
        settings["execution.state-recovery.path"] = resume
    env = make_environment(config.parallelism, embedded, settings, stays=True, spares=1)
    tables = StreamTableEnvironment.create(env)
    for key, value in table_settings(config).items():
        tables.get_config().set(key, value)
    build(env, tables, config, found)
    env.configure(configuration(stream_settings(config)))
    client = env.execute_async(JOB_NAME)
    return Service(client, f"http://localhost:{port}" if embedded else None)


def newest_checkpoint(directory: str) -> str | None:
    """The checkpoint or savepoint below a directory that was completed last; None where there is none.

    Raises:
        UserError: the directory is not on this machine.
    """
    parts = urlsplit(directory)
    if parts.scheme not in ("", "file"):
        raise UserError(
            f"{directory} is not on this machine: name the checkpoint to begin from, as Flink's web page shows it"
        )
    folder = Path(url2pathname(parts.path))
    found = [(path.stat().st_mtime_ns, path.parent) for path in folder.glob("*/chk-*/_metadata")]
    found += [(path.stat().st_mtime_ns, path.parent) for path in folder.glob("savepoint-*/_metadata")]
    return max(found)[1].absolute().as_uri() if found else None


def watch(service: Service, asked: threading.Event, tell: Callable[[str], None]) -> str:
    """Wait until the job ends, or somebody asks for it: then the job is cancelled, and its checkpoints stay.

    Args:
        service: the job.
        asked: set when the job is to end.
        tell: told how the job is, whenever that changes.

    Returns:
        How it ended: ``FINISHED``, ``CANCELED`` or ``FAILED``.

    Raises:
        UserError: too much of a source cannot be read. The job, which would only begin again, was cancelled.
    """
    said = ""
    while True:
        status = _status(service)
        if status != said:
            said = status
            why = last_failure(service) if status == "RESTARTING" else ""
            tell(f"the job is {status}{': ' if why else ''}{why}")
            if _LIMIT in why:
                _cancel(service)
                raise UserError(f"the job was stopped: {why.partition(_LIMIT)[2].lstrip(': ')}")
        if status in _ENDED:
            return status
        if asked.wait(_POLL_S):
            _cancel(service)
            return "CANCELED"


def _cancel(service: Service) -> None:
    with contextlib.suppress(Exception):  # it may have ended by itself meanwhile
        service.client.cancel().result()


def last_failure(service: Service) -> str:
    """Why the job failed last, in a line; "" where that cannot be had."""
    if service.page is None:
        return ""
    try:
        url = f"{service.page}/jobs/{service.client.get_job_id()}/exceptions"
        entries = get_json(url)["exceptionHistory"]["entries"]
        return cause(entries[0]["stacktrace"]) if entries else ""
    except (OSError, ValueError, KeyError):
        return ""


def failure(service: Service) -> str:
    """Why a job failed, as Flink tells it."""
    try:
        service.client.get_job_execution_result().result()
    except Exception as error:  # noqa: BLE001  (the error is the answer)
        return str(error)
    return ""


def _status(service: Service) -> str:
    try:
        return str(service.client.get_job_status().result()).rpartition(".")[2]
    except Exception:  # the embedded cluster goes when its job has ended, and what was its status is no longer told
        if service.page is None:
            raise
        why = failure(service)
        return "CANCELED" if "JobCancellationException" in why else "FAILED" if why else "FINISHED"
