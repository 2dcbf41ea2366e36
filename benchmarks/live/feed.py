"""Fills topics by Kafka's own producer, in a process of its own: lines of files, one a message, file by partition.

The Python client takes most of a core for what this one does beside the way, so that it would be measured too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.processes import CommandError
from jobs.maven import jars
from tests.services.kafka import POM

COMPRESSION = "lz4"

_PROGRAM = Path(__file__).with_name("Feed.java")
_SECONDS = 900.0


def feed(bootstrap: str, topic: str, files: Sequence[Path], rate: float = 0.0, word: str = "") -> Feeding:
    """Begin to send.

    Args:
        bootstrap: the broker.
        topic: an existing topic with a partition for each file.
        files: of whole lines; the lines of the first go to partition 0, and so on, by turns.
        rate: lines a second, of all files together; 0: as fast as the broker takes them.
        word: of lines that hold it, the record's time is told in the end.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    classes = os.pathsep.join(map(str, jars(POM, "kafka")))
    options = ["-Xmx256m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classes]
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed with the feed)
    process = subprocess.Popen(
        [java, *options, str(_PROGRAM), bootstrap, topic, COMPRESSION, str(rate), word, *map(str, files)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    return Feeding(process, output)


@dataclass(frozen=True, slots=True)
class Fed:
    """What was fed.

    Attributes:
        lines: how many lines.
        told: (partition, offset) of a line with the word → time of its record, epoch ms.
    """

    lines: int
    told: dict[tuple[int, int], int] = field(default_factory=dict)


class Feeding:
    """A feed under way."""

    def __init__(self, process: subprocess.Popen[Any], output: IO[str]) -> None:
        self._process, self._output = process, output

    @property
    def is_done(self) -> bool:
        """Whether all has been sent, or it failed."""
        return self._process.poll() is not None

    def wait(self) -> Fed:
        """Wait until the broker has all lines.

        Raises:
            CommandError: it failed.
        """
        try:
            code = self._process.wait(_SECONDS)
        finally:
            self.stop()
        with self._output as output:
            output.seek(0)
            said = output.read()
        if code:
            raise CommandError(f"lines cannot be sent to Kafka:\n{said[-4000:]}")
        *told, last = said.splitlines()
        words = [[int(word) for word in line.split()] for line in told]
        return Fed(int(last), {(partition, offset): time for partition, offset, time in words})

    def stop(self) -> None:
        """End it wherever it is."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
