"""Asks the broker, beside the stream, where partitions end: only so can silence be told from an outage or a backlog."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

_PATIENCE_MS = 5_000
_LOOK_MS = 1_000
_LOOK_AT_MOST_S = 5.0


class EndOffsets:
    """A thread that asks again and again.

    The last offsets of a partition may hold no messages: the markers of transactions take some too, and messages may
    be deleted. So where a partition has not been read to its end, and nothing changes, it is looked whether there is
    anything at all.

    Args:
        connect: makes a ``kafka.KafkaConsumer``; called in the thread, again after every failure. It begins at the
            earliest offset where the one that it is to read from is gone.
        interval_s: between two questions.
    """

    def __init__(self, connect: Callable[[], Any], interval_s: float) -> None:
        self._connect = connect
        self._interval_s = interval_s
        self._read_to: dict[str, int] = {}
        self._asked = 0
        self._answer: tuple[int, dict[str, int] | None] = (0, None)
        # (read to, end) of partitions as they were last told, and whether there was nothing between the two
        self._looked: dict[str, tuple[int, int, bool | None]] = {}
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="end-offsets", daemon=True)
        self._thread.start()

    def watch(self, read_to: Mapping[str, int]) -> None:
        """Ask for these partitions, each ``topic/partition`` → the offset to which it has been read, from now on."""
        more = read_to.keys() - self._read_to.keys()
        self._read_to = dict(read_to)
        if more:
            self._woken.set()

    def ask(self) -> int:
        """Do not wait for the next question.

        Returns:
            The number of the last question that may have been asked before this call; later ones were asked after it.
        """
        self._woken.set()
        return self._asked

    @property
    def answer(self) -> tuple[int, dict[str, int] | None]:
        """The number of the last question that was answered, and the answer.

        That is partition → offset before which it has lines; None: no broker answers.
        """
        return self._answer

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()
        self._woken.set()

    def _run(self) -> None:
        consumer: Any = None
        while not self._closed.is_set():
            self._woken.wait(self._interval_s)
            self._woken.clear()
            if self._closed.is_set() or not self._read_to:
                continue
            self._asked += 1
            wanted = self._read_to
            ends: dict[str, int] | None = None
            try:
                if consumer is None:
                    consumer = self._connect()
                ends = self._ends(consumer, wanted)
            except Exception:  # noqa: BLE001  (whatever it is, the broker has not answered; it is asked again)
                if consumer is not None:
                    with contextlib.suppress(Exception):
                        consumer.close()
                consumer = None
            self._answer = (self._asked, ends)
        if consumer is not None:
            with contextlib.suppress(Exception):
                consumer.close()

    def _ends(self, consumer: Any, wanted: Mapping[str, int]) -> dict[str, int]:
        from kafka import TopicPartition

        partitions = {}
        for name in wanted:
            topic, _, number = name.rpartition("/")
            partitions[name] = TopicPartition(topic, int(number))
        told = consumer.end_offsets(list(partitions.values()), timeout_ms=_PATIENCE_MS)
        ends = {name: int(told[partition]) for name, partition in partitions.items()}
        deadline = time.monotonic() + _LOOK_AT_MOST_S
        looked = {}
        for name, end in ends.items():
            read_to = wanted[name]
            if read_to >= end:
                continue
            before = self._looked.get(name)
            nothing = before[2] if before is not None and before[:2] == (read_to, end) else None
            if before is not None and before[:2] == (read_to, end) and nothing is None and time.monotonic() < deadline:
                nothing = _holds_nothing(consumer, partitions[name], read_to, end)
            looked[name] = (read_to, end, nothing)
            if nothing:
                ends[name] = read_to
        self._looked = looked
        return ends


def _holds_nothing(consumer: Any, partition: Any, begin: int, end: int) -> bool | None:
    """Whether no message stands at the offsets from ``begin`` to before ``end``; None: it is not known."""
    consumer.assign([partition])
    try:
        consumer.seek(partition, begin)
        deadline = time.monotonic() + _LOOK_MS / 1000
        while time.monotonic() < deadline:
            if consumer.poll(timeout_ms=100, max_records=1):
                return False
            if consumer.position(partition, timeout_ms=_LOOK_MS) >= end:
                return True
        return None
    finally:
        consumer.assign([])
