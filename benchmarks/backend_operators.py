"""The operators of :mod:`benchmarks.backend_job`: a feed, and ``automata`` that counts.

They tell what they do in files of one folder: ``feed-PID`` and ``automata-PID`` name the Python workers, and hold how
many batches of events a worker has let go or taken.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pyflink.common import Row
from pyflink.datastream import FlatMapFunction, KeyedBroadcastProcessFunction, RuntimeContext

from benchmarks.open_transactions import Traffic
from models.batches import EventBatch
from models.in_force import Entry
from operators.automata import Automata

ENDLESS = 1 << 40
_COUNT = struct.Struct("<q")
_EVERY = 16


class Told:
    """How many batches a worker has handled, for another process to read.

    Args:
        folder: where the file is made.
        kind: begins its name.
    """

    def __init__(self, folder: str, kind: str) -> None:
        self._file = os.open(f"{folder}/{kind}-{os.getpid()}", os.O_CREAT | os.O_WRONLY)
        self._count = 0

    def one_more(self) -> None:
        """Count a batch; told now and then."""
        self._count += 1
        if self._count % _EVERY == 0:
            os.pwrite(self._file, _COUNT.pack(self._count), 0)


def counted(folder: Path, kind: str) -> dict[int, int]:
    """What :class:`Told` has told: process → batches."""
    found = {}
    for path in folder.glob(f"{kind}-*"):
        data = path.read_bytes()
        found[int(path.name.rpartition("-")[2])] = _COUNT.unpack(data)[0] if data else 0
    return found


class Feed(FlatMapFunction):
    """Turns each number into the next batch of events, with its key and time, as ``parse`` gives them.

    Args:
        count: how many transactions are open.
        folder: for :class:`Told`.
    """

    def __init__(self, count: int, folder: str) -> None:
        self._count, self._folder = count, folder

    def open(self, runtime_context: RuntimeContext) -> None:  # noqa: ARG002  (Flink's method)
        """Begin the traffic."""
        traffic = Traffic(self._count)
        self._batches = _with_clock(chain(traffic.begin(), traffic.go_on(ENDLESS)))
        self._told = Told(self._folder, "feed")

    def flat_map(self, value: int) -> Iterator[Any]:  # noqa: ARG002  (Flink's method)
        """One batch: a checkpoint never waits for many."""
        batch, clock = next(self._batches)
        yield Row(batch.key, batch.encode()), clock
        self._told.one_more()


def _with_clock(steps: Iterable[list[EventBatch]]) -> Iterator[tuple[EventBatch, int]]:
    """Each batch of each step, and the time of the step's first event."""
    for batches in steps:
        clock = min(int(batch.order_ms[0]) for batch in batches if len(batch.order_ms))
        for batch in batches:
            yield batch, clock


class CountedAutomata(Automata):
    """The operator, and how many batches it has taken."""

    def __init__(self, initial: Sequence[Entry], folder: str) -> None:
        super().__init__(initial, max_evidence=20, topic=True, statistics=False)
        self._folder = folder

    def open(self, runtime_context: RuntimeContext) -> None:
        """Begin to count."""
        super().open(runtime_context)
        self._told = Told(self._folder, "automata")

    def process_element(self, value: bytes, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Any]:
        """Step a batch."""
        yield from super().process_element(value, ctx)
        self._told.one_more()
