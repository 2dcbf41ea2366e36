"""Runs a command and watches what it and all its descendants take: time, memory, processor."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("client", "JVM", "Python workers")
"""The command itself, Flink's JVM, and the processes that this starts."""

_SAMPLE_S = 0.2


@dataclass(slots=True)
class Usage:
    """What a command took.

    Attributes:
        seconds: from start to end, by the wall clock.
        output: what it printed.
        peak_bytes: the largest sum of resident memory seen at one time; pages that processes share count in each.
        peaks: kind → the largest such sum of that kind.
        cpu: kind → processor seconds.
    """

    seconds: float = 0.0
    output: str = ""
    peak_bytes: int = 0
    peaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of all processes."""
        return sum(self.cpu.values())


class CommandError(RuntimeError):
    """A command of the benchmark failed; the message holds what it printed."""


def run_python(module: str, arguments: Iterable[str | Path], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a module of this repository in a process of its own.

    Raises:
        CommandError: it failed.
    """
    return run_command([sys.executable, "-m", module, *map(str, arguments)], environment)


def run_command(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command in the repository's root folder; what it prints is kept.

    Args:
        command: the program and its arguments.
        environment: variables to set besides those that are.

    Raises:
        CommandError: it failed.
    """
    usage = Usage()
    cpu: dict[tuple[int, float], tuple[str, float]] = {}
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        root = psutil.Process(process.pid)
        try:
            while True:
                try:
                    process.wait(_SAMPLE_S)
                    break
                except subprocess.TimeoutExpired:
                    _sample(root, usage, cpu)
        finally:
            if process.poll() is None:  # interrupted: leave nothing running
                for one in [*root.children(recursive=True), root]:
                    one.kill()
        usage.seconds = time.perf_counter() - begin
        output.seek(0)
        usage.output = output.read()
    if process.returncode:
        raise CommandError(f"{' '.join(command)} ended with {process.returncode}:\n{usage.output[-4000:]}")
    for kind, seconds in cpu.values():
        usage.cpu[kind] += seconds
    return usage


def _sample(root: psutil.Process, usage: Usage, cpu: dict[tuple[int, float], tuple[str, float]]) -> None:
    """Look at all processes once; those that have ended since the last time keep the times seen then."""
    sums = dict.fromkeys(KINDS, 0)
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        try:
            kind = "client" if process == root else "JVM" if process.name() == "java" else "Python workers"
            times = process.cpu_times()
            sums[kind] += process.memory_info().rss
            cpu[process.pid, process.create_time()] = kind, times.user + times.system
        except psutil.Error:  # it has just ended
            continue
    usage.peak_bytes = max(usage.peak_bytes, sum(sums.values()))
    for kind, size in sums.items():
        usage.peaks[kind] = max(usage.peaks[kind], size)
