"""The Kafka client with which ``parse`` asks where partitions end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from jobs.kafka_properties import client_settings
from jobs.live_settings import KafkaConfig

_CONNECT_MS, _REQUEST_MS = 5_000, 8_000
_FETCH_BYTES = 4_096
"""It is to see whether there is a message at all."""


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
        committed = self.kafka.properties.get("isolation.level") == "read_committed"
        return KafkaConsumer(
            **settings,
            bootstrap_timeout_ms=_CONNECT_MS,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if committed else "read_uncommitted",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
