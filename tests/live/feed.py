"""Feeds a stream into Kafka at a steady pace, in a thread of its own, whatever happens to the broker.

Each partition holds every message once and in order in the end: the producer is idempotent and patient, and each
acknowledgement is checked to name the very offset that the message has in its partition.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from kafka import KafkaProducer

from tests.live.traffic import Message

_SLICE_S = 0.05
_MOST_WAITING = 20_000


class Feed:
    """A feed into one topic that nothing else writes into.

    Args:
        bootstrap: the broker.
        topic: an existing, empty topic.
        messages: what to feed, in this order.
        rate: messages a second.
    """

    def __init__(self, bootstrap: str, topic: str, messages: Sequence[Message], rate: float) -> None:
        self._topic, self._messages, self._rate = topic, messages, rate
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=600_000,
            max_block_ms=600_000,
            reconnect_backoff_max_ms=500,
            linger_ms=20,
            batch_size=1 << 17,
        )
        self._waiting: deque[tuple[Any, int]] = deque()
        self._next_offset: dict[int, int] = {}
        self._limit = self._sent = self._acknowledged = 0
        self._hurried = self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"feed of {topic}", daemon=True)
        self._thread.start()

    @property
    def acknowledged(self) -> int:
        """How many messages the broker has; the next ones are not among them."""
        return self._acknowledged

    def go_on(self, to: int) -> None:
        """Feed on, until the first ``to`` messages of the stream are fed; at once if they are already."""
        with self._changed:
            assert self._limit <= to <= len(self._messages)
            self._limit, self._hurried = to, False
            self._changed.notify_all()

    def wait(self, until: int, seconds: float = 120.0) -> None:
        """Wait until the broker has the first ``until`` messages.

        Raises:
            AssertionError: it has not in time, or the feed broke off.
        """
        with self._changed:
            there = self._changed.wait_for(lambda: self._error or self._acknowledged >= until, seconds)
            assert self._error is None, f"the feed of {self._topic} broke off: {self._error!r}"
            assert there, f"{self._acknowledged} of {until} messages of {self._topic} are acknowledged"

    def hurry(self) -> None:
        """Feed what remains up to the limit as fast as the broker takes it, and wait for it."""
        with self._changed:
            self._hurried = True
            limit = self._limit
            self._changed.notify_all()
        self.wait(limit)

    def close(self) -> None:
        """Feed no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(30)
        self._producer.close(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            due = 0.0
            while True:
                with self._changed:
                    if not self._waiting:
                        self._changed.wait_for(lambda: self._stopped or self._sent < self._limit)
                    if self._stopped:
                        return
                    limit, hurried = self._limit, self._hurried
                # What could not be fed while the broker was away is not made up for in one rush.
                due = min(due + self._rate * _SLICE_S, 2 * self._rate * _SLICE_S)
                end = min(limit, self._sent + (2000 if hurried else int(due)), self._acknowledged + _MOST_WAITING)
                due -= end - self._sent
                self._send(end)
                self._settle()
                if not hurried or self._sent >= limit:
                    time.sleep(_SLICE_S)
        except BaseException as error:  # noqa: BLE001  (told to who waits)
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _send(self, end: int) -> None:
        for message in self._messages[self._sent : end]:
            offset = self._next_offset.get(message.partition, 0)
            headers = [("source", message.source.encode())]
            future = self._producer.send(
                self._topic, message.value, message.source.encode(), headers, message.partition
            )
            self._waiting.append((future, offset))
            self._next_offset[message.partition] = offset + 1
            self._sent += 1

    def _settle(self) -> None:
        """Count the acknowledgements, in the order of the messages."""
        before = self._acknowledged
        while self._waiting and self._waiting[0][0].is_done:
            future, offset = self._waiting.popleft()
            told = future.get(0).offset
            assert told == offset, f"message {self._acknowledged} has offset {told}, not {offset}"
            self._acknowledged += 1
        if self._acknowledged != before:
            with self._changed:
                self._changed.notify_all()
