"""Makes the topics that a configuration names and a broker lacks: for trials on one broker."""

from __future__ import annotations

from jobs.kafka_properties import client_settings
from jobs.kafka_topics import said
from jobs.live_settings import LiveConfig
from models.errors import UserError

_PATIENCE_MS = 10_000


def make_topics(config: LiveConfig, partitions: int) -> list[str]:
    """Make the missing topics, of one copy each; those for lines with so many partitions, the others with one.

    Returns:
        Names of the topics that were made.

    Raises:
        UserError: no broker answers, or it refuses.
    """
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic
    from kafka.errors import KafkaError

    try:
        with KafkaAdminClient(**client_settings(config.kafka), bootstrap_timeout_ms=_PATIENCE_MS) as admin:
            there = set(admin.list_topics())
            wanted = [(topic, partitions) for topic in config.input.topics]
            wanted += [(topic, 1) for topic in config.topics().values()]
            missing = [(topic, number) for topic, number in wanted if topic not in there]
            if missing:
                admin.create_topics([NewTopic(topic, number, 1) for topic, number in missing])
    except (KafkaError, OSError, ValueError) as error:
        raise UserError(f"the broker at {config.kafka.bootstrap} makes no topics ({said(error)}); is it up?") from None
    return [topic for topic, _ in missing]
