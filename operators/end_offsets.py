"""Asks the broker, beside the stream, where partitions end: only so can silence be told from an outage or a backlog."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

_PATIENCE_MS = 5_000


class EndOffsets:
    """A thread that asks again and again.

    Args:
        connect: makes a ``kafka.KafkaConsumer``; called in the thread, again after every failure.
        interval_s: between two questions.
    """

    def __init__(self, connect: Callable[[], Any], interval_s: float) -> None:
        self._connect = connect
        self._interval_s = interval_s
        self._partitions: frozenset[str] = frozenset()
        self._answer: tuple[int, dict[str, int] | None] = (0, None)
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="end-offsets", daemon=True)
        self._thread.start()

    def watch(self, partitions: frozenset[str]) -> None:
        """Ask for these partitions, each ``topic/partition``, from now on."""
        if partitions != self._partitions:
            self._partitions = partitions
            self._woken.set()

    def ask(self) -> None:
        """Do not wait for the next question."""
        self._woken.set()

    @property
    def answer(self) -> tuple[int, dict[str, int] | None]:
        """The number of the last answer, and partition → offset after its last message; None: no broker answers."""
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
            wanted = self._partitions
            if not wanted or self._closed.is_set():
                continue
            ends: dict[str, int] | None = None
            try:
                if consumer is None:
                    consumer = self._connect()
                ends = _ends(consumer, wanted)
            except Exception:  # noqa: BLE001  (whatever it is, the broker has not answered; it is asked again)
                if consumer is not None:
                    with contextlib.suppress(Exception):
                        consumer.close()
                consumer = None
            self._answer = (self._answer[0] + 1, ends)
        if consumer is not None:
            with contextlib.suppress(Exception):
                consumer.close()


def _ends(consumer: Any, wanted: frozenset[str]) -> dict[str, int]:
    from kafka import TopicPartition

    partitions = []
    for name in wanted:
        topic, _, number = name.rpartition("/")
        partitions.append(TopicPartition(topic, int(number)))
    found = consumer.end_offsets(partitions, timeout_ms=_PATIENCE_MS)
    return {f"{partition.topic}/{partition.partition}": int(end) for partition, end in found.items()}
