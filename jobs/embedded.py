"""Runs the main job in this process, on the embedded mini cluster, with progress and errors that a user can read."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from jobs.config import DetectConfig
from jobs.progress import Progress
from jobs.results import STATISTICS, Results
from models.errors import UserError

_POLL_S = 0.5
_LINES = re.compile(rb'"lines": ?([0-9]+)')


class JobError(UserError):
    """The job failed for a reason that lies neither in what was given nor in the logs."""


def run_embedded(config: DetectConfig, work: Path, progress: Progress) -> Results:
    """Run the job to its end.

    Args:
        config: what to read and how.
        work: an empty folder for the job's part files.
        progress: told how far the job is.

    Raises:
        UserError: there is no Java.
        JobError: the job failed; the message names a file with the details.
    """
    check_java()
    from jobs.detect import run  # starts the Java gateway on import of Flink: only when all is checked

    logging.getLogger().addFilter(worth_telling)
    try:
        with watched(work, progress, "scanning"):
            return run(config, work, embedded=True)
    except (UserError, OSError):
        raise
    except Exception as error:
        details = Path.cwd() / "weirwatch-error.log"
        details.write_text(traceback.format_exc(), encoding="utf-8")
        raise JobError(f"the job failed: {cause(str(error))}; details: {details}") from error


@contextlib.contextmanager
def watched(work: Path, progress: Progress, doing: str) -> Iterator[None]:
    """While this lasts, progress tells how many lines the job has read, by the statistics that it writes.

    Args:
        work: the folder of the job's part files.
        progress: told how far the job is.
        doing: what the job does, in a word.
    """
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(work, progress, done, doing), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def check_java() -> None:
    """Check that Flink will find Java.

    Raises:
        UserError: it will not.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    if shutil.which(java) is None:
        raise UserError(f"Flink needs Java 17 or newer and {java!r} was not found; install it or set JAVA_HOME")


def worth_telling(record: logging.LogRecord) -> bool:
    """All that is logged, but for the stack trace with which py4j greets Ctrl-C."""
    return not str(record.msg).startswith("KeyboardInterrupt while sending")


def _watch(work: Path, progress: Progress, done: threading.Event, doing: str) -> None:
    """Follow the statistics that the job writes."""
    lines = 0
    read: dict[Path, int] = {}
    while not done.wait(_POLL_S):
        for path in (work / STATISTICS).glob(".part-*"):
            try:
                with path.open("rb") as stream:
                    stream.seek(read.get(path, 0))
                    data = stream.read()
            except OSError:
                continue  # finished and renamed meanwhile
            whole = data.rfind(b"\n") + 1
            read[path] = read.get(path, 0) + whole
            lines += sum(int(count) for count in _LINES.findall(data[:whole]))
        progress.text(f"{doing}: {lines:,} lines" if lines else "starting the mini cluster")


def cause(text: str) -> str:
    """The innermost reason in a Java stack trace that PyFlink passes on."""
    causes = re.findall(r"^Caused by: (?:[\w.$]+: )?(.+)$", text, re.MULTILINE)
    python = re.findall(r"^(\w+(?:\.\w+)*(?:Error|Exception): .+)$", text, re.MULTILINE)
    for found in (*reversed(python), *reversed(causes)):
        return str(found).strip()
    return text.strip().splitlines()[0] if text.strip() else "no reason was given"
