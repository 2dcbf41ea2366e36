"""Sends lines to a Kafka topic, in order, and counts what the broker has acknowledged."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.codec import has_zstd
from kafka.errors import KafkaError, MessageSizeTooLargeError
from kafka.partitioner.default import murmur2

from models.errors import UserError
from models.replay import Messages

_CONNECT_MS, _TOPIC_MS = 10_000, 5_000
_GRACE_S = 1.0
_MOST_WAITING_BYTES = 1 << 25
_MOST_WAITING = 20_000
_RECORD_BYTES = 200
"""More than a record takes beside its key, its value and its header's value."""

_SETTINGS: dict[str, Any] = {
    # Few large batches: the client's checksum is slow, and is taken of what is compressed.
    "batch_size": 1 << 18,
    "compression_type": "zstd" if has_zstd() else "gzip",
    "linger_ms": 5,
    "bootstrap_timeout_ms": _CONNECT_MS,
    "max_block_ms": _TOPIC_MS,
    "metrics_enabled": False,
    "allow_auto_create_topics": False,
    "acks": "all",
    "enable_idempotence": True,
}


class OutboxError(UserError):
    """The broker cannot be reached, or does not take what it is sent."""


@dataclass(slots=True)
class _Chunk:
    messages: Messages
    futures: list[Any]
    size: int
    sent_at: float


class Outbox:
    """An idempotent producer for one topic; what it sends waits in memory, within bounds, until it is acknowledged.

    Args:
        bootstrap: addresses of brokers, ``host:port``, separated by commas.
        topic: an existing topic.
        settings: of kafka-python, as :func:`jobs.kafka_settings.kafka_settings` gives them.

    Raises:
        OutboxError: no broker answers, it refuses the login, or the topic is missing.
    """

    def __init__(self, bootstrap: str, topic: str, settings: Mapping[str, Any]) -> None:
        self.messages = self.lines = 0
        self._topic, self._bootstrap = topic, bootstrap
        self._waiting: deque[_Chunk] = deque()
        self._waiting_messages = self._waiting_bytes = 0
        try:
            self._producer = KafkaProducer(**{**_SETTINGS, **settings}, bootstrap_servers=bootstrap.split(","))
        except (KafkaError, OSError, ssl.SSLError, ValueError, RuntimeError) as error:
            raise OutboxError(
                f"no broker answers at {bootstrap} ({_said(error)}); is the address right, is it up, and do "
                "security.protocol and login fit?"
            ) from None
        try:
            self._partitions = sorted(self._producer.partitions_for(topic) or ())
        except (KafkaError, ValueError) as error:
            self.close(0)
            raise OutboxError(
                f"the broker at {bootstrap} shows no topic {topic} ({_said(error)}); make it first, with as many "
                "partitions as there shall be, or correct --topic"
            ) from None
        # The client's own timeout does not always fire while no broker can be reached.
        self._patience_s = self._producer.config["delivery_timeout_ms"] / 1000 + _GRACE_S
        self._heard_at = 0.0
        self.longest = int(self._producer.config["max_request_size"])

    def send(self, source: str, messages: Messages, values: list[bytes]) -> None:
        """Send messages of one source, all to the partition that the source's name, as key, leads to.

        Raises:
            OutboxError: a message is too large, or one sent before was refused.
        """
        key = source.encode()
        headers = [("source", key)]
        partition = self._partitions[(murmur2(key) & 0x7FFFFFFF) % len(self._partitions)]
        send, topic = self._producer.send, self._topic
        futures: list[Any] = []
        room = self.longest - _RECORD_BYTES - 2 * len(key)
        fits = next((k for k, value in enumerate(values) if len(value) > room), len(values))
        try:
            for value in values[:fits]:
                futures.append(send(topic, value, key, headers, partition))  # noqa: PERF401  (counted if one fails)
        except KafkaError as error:
            raise self._refused(messages, len(futures), error) from None
        finally:
            # What was handed over counts, whatever comes after it.
            size = sum(map(len, values[: len(futures)]))
            self._waiting.append(_Chunk(messages, futures, size, time.monotonic()))
            self._waiting_messages += len(futures)
            self._waiting_bytes += size
        if fits < len(values):
            raise self._too_large(messages, fits, f"more than {room:,} bytes; see max.request.size")

    @property
    def is_full(self) -> bool:
        """So much waits for acknowledgement that no more should be sent now."""
        return self._waiting_messages > _MOST_WAITING or self._waiting_bytes > _MOST_WAITING_BYTES

    def settle(self, wait_s: float = 0.0) -> bool:
        """Count what has been acknowledged, waiting so long for the oldest; returns whether nothing waits any more.

        Raises:
            OutboxError: the broker refused a message, or did not answer for the delivery timeout.
        """
        while self._waiting:
            chunk = self._waiting[0]
            last = chunk.futures[-1] if chunk.futures else None
            if last is not None and not last.is_done and wait_s:
                with contextlib.suppress(KafkaError):  # not yet, or refused: the same is seen below
                    last.get(wait_s)
                wait_s = 0.0
            if last is not None and not last.is_done:
                if time.monotonic() - max(chunk.sent_at, self._heard_at) > self._patience_s:
                    first = next(k for k, future in enumerate(chunk.futures) if not future.is_done)
                    silence = TimeoutError(f"no acknowledgement for {self._patience_s:,.0f} s; is the broker up?")
                    raise self._refused(chunk.messages, first, silence)
                return False
            for k, future in enumerate(chunk.futures):
                if future.exception is not None:
                    self._count(chunk, k)
                    raise self._refused(chunk.messages, k, future.exception)
            self._count(chunk, len(chunk.futures))
        return True

    def _count(self, chunk: _Chunk, acknowledged: int) -> None:
        self._waiting.popleft()
        self._heard_at = time.monotonic()
        self._waiting_messages -= len(chunk.futures)
        self._waiting_bytes -= chunk.size
        self.messages += acknowledged
        self.lines += int(chunk.messages.lines[:acknowledged].sum())

    def close(self, wait_s: float) -> None:
        """Let go of the connection, and of what still waits after so many seconds."""
        try:
            self._producer.close(wait_s)
        except KafkaError:
            # While messages wait the client only gives up half, and tries, and complains, again when it is forgotten.
            self._producer._sender.force_close()
            self._producer._closed = True

    def _refused(self, messages: Messages, index: int, error: BaseException) -> OutboxError:
        if isinstance(error, MessageSizeTooLargeError):
            return self._too_large(messages, index, "the broker says; see max.message.bytes of the topic")
        where = f"{messages.log} line {int(messages.line[index]):,}"
        return OutboxError(f"{where} was not acknowledged by {self._bootstrap}, topic {self._topic}: {_said(error)}")

    def _too_large(self, messages: Messages, index: int, detail: str) -> OutboxError:
        first, count = int(messages.line[index]), int(messages.lines[index])
        of = f", with the lines that continue it {count:,} lines" if count > 1 else ""
        return OutboxError(f"{messages.log} line {first:,} is too large for a message ({detail}){of}")


def _said(error: BaseException) -> str:
    return re.sub(r"^(\[Error [0-9]+\] )?(\w+Error: )+|\.$", "", str(error).strip()) or type(error).__name__
