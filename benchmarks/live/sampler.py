"""What the processes of a running system take, by kind: processor time and resident memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import psutil

from benchmarks.live.background import Background

JVM, WORKERS = "Flink", "Python workers"
_SAMPLE_S = 0.5

Find = Callable[[], Iterable[int]]
"""Ids of some processes that are there now."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Processor seconds by kind, from the start of a sampler to some moment."""

    cpu: Mapping[str, float]

    def since(self, before: Taken) -> dict[str, float]:
        """Processor seconds by kind since an earlier moment."""
        return {kind: seconds - before.cpu.get(kind, 0.0) for kind, seconds in self.cpu.items()}


class Sampler(Background):
    """Looks at processes twice a second, in a thread of its own, while it is entered.

    Args:
        groups: kind → finds its processes; those of Python in it count as :data:`WORKERS`.

    Attributes:
        peaks: kind → the largest sum of resident bytes; pages that processes share count in each.
        peak: the largest sum of all.
    """

    def __init__(self, groups: Mapping[str, Find]) -> None:
        super().__init__()
        self._groups = groups
        self._cpu: dict[tuple[int, float], tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.peaks: dict[str, int] = {}
        self.peak = 0

    def taken(self) -> Taken:
        """Look now; processes that have ended since the last look keep the times seen then."""
        with self._lock:
            self._look()
            sums: dict[str, float] = {}
            for kind, seconds in self._cpu.values():
                sums[kind] = sums.get(kind, 0.0) + seconds
            return Taken(sums)

    def _run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            with self._lock:
                self._look()

    def _look(self) -> None:
        sums: dict[str, int] = {}
        for group, find in self._groups.items():
            for number in find():
                with contextlib.suppress(psutil.Error):  # it has just ended
                    process = psutil.Process(number)
                    kind = WORKERS if process.name().startswith("python") else group
                    times = process.cpu_times()
                    sums[kind] = sums.get(kind, 0) + process.memory_info().rss
                    self._cpu[number, process.create_time()] = kind, times.user + times.system
        for kind, size in sums.items():
            self.peaks[kind] = max(self.peaks.get(kind, 0), size)
        self.peak = max(self.peak, sum(sums.values()))
