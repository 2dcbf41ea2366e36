"""The Kafka client with which ``parse`` asks where partitions end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from jobs.kafka_properties import client_settings
from jobs.live_settings import KafkaConfig

_CONNECT_MS, _REQUEST_MS = 5_000, 8_000


@dataclass(frozen=True, slots=True)
class OffsetsClient:
    """A call makes a ``kafka.KafkaConsumer``; secrets are looked up then, in the worker.

    Attributes:
        kafka: how to reach the brokers.
    """

    kafka: KafkaConfig

    def __call__(self) -> Any:
        """A consumer; raises ``kafka.errors.KafkaError`` when no broker answers."""
        from kafka import KafkaConsumer

        # That no broker answers is what it is asked about, not news for a log.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        settings = {"request_timeout_ms": _REQUEST_MS, **client_settings(self.kafka)}
        return KafkaConsumer(**settings, bootstrap_timeout_ms=_CONNECT_MS, enable_auto_commit=False)
