"""Tells a running job something, and waits for what it replies: over topics of Kafka, or over folders."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError

from models.errors import UserError

_CONNECT_MS, _TOPIC_MS = 10_000, 5_000
_NAP_S = 0.1
_IS_IT_UP = (
    "is the job running, and does it read that control channel? The message stays there and may still be followed later"
)


class ControlClientError(UserError):
    """A message cannot be sent, or there is no reply to it."""


class ControlChannel(Protocol):
    """A way to a running job."""

    def tell(self, message: Mapping[str, Any], wait_s: float) -> dict[str, Any] | None:
        """Send a control message under an id of its own.

        Args:
            message: without ``id``.
            wait_s: how long to wait for the reply.

        Returns:
            The reply; None where there is no place to look for replies.

        Raises:
            ControlClientError: the message cannot be sent, or no reply comes in time.
        """


class KafkaChannel:
    """Messages on a topic, replies on another.

    Args:
        bootstrap: addresses of brokers, ``host:port``, separated by commas.
        topic: where the job reads control messages.
        replies: where it writes replies; None: do not wait for them.
        settings: of kafka-python, as :func:`jobs.kafka_settings.kafka_settings` gives them.
    """

    def __init__(self, bootstrap: str, topic: str, replies: str | None, settings: Mapping[str, Any]) -> None:
        # What the client would write of each attempt is said once, in our words.
        logging.getLogger("kafka").addHandler(logging.NullHandler())
        self._bootstrap, self._topic, self._replies = bootstrap, topic, replies
        self._settings = {**settings, "bootstrap_servers": bootstrap.split(",")}

    def tell(self, message: Mapping[str, Any], wait_s: float) -> dict[str, Any] | None:
        """See :class:`ControlChannel`."""
        name = uuid.uuid4().hex
        data = json.dumps({"id": name, **message}).encode()
        consumer = self._consumer() if self._replies else None
        try:
            if consumer is not None:
                self._go_to_end(consumer)
            self._send(data)
            if consumer is None:
                return None
            try:
                return self._wait(consumer, name, wait_s)
            except KafkaError as error:
                raise ControlClientError(
                    f"the message was sent, but replies cannot be read from topic {self._replies}: {_said(error)}"
                ) from None
        finally:
            if consumer is not None:
                consumer.close(autocommit=False)

    def _consumer(self) -> KafkaConsumer:
        known = {key: value for key, value in self._settings.items() if key in KafkaConsumer.DEFAULT_CONFIG}
        more = {"group_id": None, "enable_auto_commit": False, "allow_auto_create_topics": False}
        try:
            return KafkaConsumer(**known, **more, bootstrap_timeout_ms=_CONNECT_MS, metrics_enabled=False)
        except (KafkaError, OSError, ssl.SSLError, ValueError, RuntimeError) as error:
            raise self._no_broker(error) from None

    def _go_to_end(self, consumer: KafkaConsumer) -> None:
        """Look from the present end of the replies on."""
        try:
            partitions = sorted(consumer.partitions_for_topic(self._replies) or ())
            if not partitions:
                raise ControlClientError(
                    f"the broker at {self._bootstrap} shows no topic {self._replies}; correct --replies, or make it"
                )
            ends = [TopicPartition(self._replies, partition) for partition in partitions]
            consumer.assign(ends)
            for partition, offset in consumer.end_offsets(ends).items():
                consumer.seek(partition, offset)
        except KafkaError as error:
            raise ControlClientError(f"replies cannot be read from topic {self._replies}: {_said(error)}") from None

    def _send(self, data: bytes) -> None:
        known = {key: value for key, value in self._settings.items() if key in KafkaProducer.DEFAULT_CONFIG}
        more = {"acks": "all", "allow_auto_create_topics": False, "max_block_ms": _TOPIC_MS, "metrics_enabled": False}
        try:
            producer = KafkaProducer(**{**more, **known}, bootstrap_timeout_ms=_CONNECT_MS)
        except (KafkaError, OSError, ssl.SSLError, ValueError, RuntimeError) as error:
            raise self._no_broker(error) from None
        try:
            try:
                there = producer.partitions_for(self._topic)
            except (KafkaError, ValueError) as error:
                raise ControlClientError(
                    f"the broker at {self._bootstrap} shows no topic {self._topic} ({_said(error)}); correct --topic, "
                    "or make it first, with one partition"
                ) from None
            # Always the same one: the order of messages is their order within a partition.
            producer.send(self._topic, data, partition=min(there)).get(_CONNECT_MS / 1000)
        except MessageSizeTooLargeError:
            raise ControlClientError(
                f"the message of {len(data):,} bytes is too large for topic {self._topic}; keep the model in the job's "
                "store (weirwatch model push) and name it as ID or ID@VERSION, or raise max.message.bytes of the topic"
            ) from None
        except KafkaError as error:
            raise ControlClientError(f"topic {self._topic} did not take the message: {_said(error)}") from None
        finally:
            producer.close(1.0)

    def _wait(self, consumer: KafkaConsumer, name: str, wait_s: float) -> dict[str, Any]:
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0:
            for records in consumer.poll(timeout_ms=max(1, int(min(left, 1.0) * 1000))).values():
                for record in records:
                    reply = _reply_in(record.value, name)
                    if reply is not None:
                        return reply
        raise ControlClientError(f"no reply on topic {self._replies} within {wait_s:g} s; {_IS_IT_UP}")

    def _no_broker(self, error: BaseException) -> ControlClientError:
        return ControlClientError(
            f"no broker answers at {self._bootstrap} ({_said(error)}); is the address right, is it up, and do "
            "security.protocol and login fit?"
        )


class FolderChannel:
    """Messages as files in a folder, replies as lines of files in another.

    Args:
        folder: where the job looks for control messages.
        replies: where it writes replies, at any depth; None: do not wait for them.
    """

    def __init__(self, folder: str, replies: str | None) -> None:
        self._folder = Path(folder)
        self._replies = Path(replies) if replies is not None else None
        for path, option in ((self._folder, "--directory"), (self._replies, "--replies")):
            if path is not None and not path.is_dir():
                raise ControlClientError(f"{path}: there is no such folder; correct {option}, or make it first")

    def tell(self, message: Mapping[str, Any], wait_s: float) -> dict[str, Any] | None:
        """See :class:`ControlChannel`."""
        name = uuid.uuid4().hex
        seen: dict[Path, int] = {}
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                seen[path] = path.stat().st_size
        # The name sorts by time, and the job passes over names that begin with a dot.
        target = self._folder / f"{time.time_ns():020d}-{name}.jsonl"
        beside = target.with_name(f".{target.name}.tmp")
        try:
            with beside.open("wb") as file:
                file.write(json.dumps({"id": name, **message}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ControlClientError(f"{self._folder}: cannot be written to ({error.strerror})") from None
        if self._replies is None:
            return None
        until = time.monotonic() + wait_s
        while True:
            for path in self._files():
                reply = _look_into(path, seen, name)
                if reply is not None:
                    return reply
            if time.monotonic() >= until:
                raise ControlClientError(f"no reply in {self._replies} within {wait_s:g} s; {_IS_IT_UP}")
            time.sleep(_NAP_S)

    def _files(self) -> Iterator[Path]:
        """Files of replies, also those still being written: the job gives them their names only after a while."""
        if self._replies is not None:
            yield from (path for path in self._replies.rglob("*") if path.is_file())


def _look_into(path: Path, seen: dict[Path, int], name: str) -> dict[str, Any] | None:
    """The reply in what has been added to a file, up to its last whole line."""
    try:
        with path.open("rb") as file:
            file.seek(seen.get(path, 0))
            data = file.read()
    except FileNotFoundError:  # it has another name now, under which it is read from its begin
        return None
    whole = data[: data.rfind(b"\n") + 1]
    seen[path] = seen.get(path, 0) + len(whole)
    for line in whole.splitlines():
        reply = _reply_in(line, name)
        if reply is not None:
            return reply
    return None


def _reply_in(data: bytes | None, name: str) -> dict[str, Any] | None:
    """The reply in a message, if it is one to ours."""
    if data is None or name.encode() not in data:
        return None
    try:
        reply = json.loads(data)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) and reply.get("id") == name and "outcome" in reply else None


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
