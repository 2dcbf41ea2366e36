"""Where lines come from: a file, or a source within a partition of a topic.

Each origin is a stream with an order and a clock of its own. As text it orders events of the same time, and stands in
batches and state: the file as given, ``topic/partition``, or ``topic/partition/source`` where agents name their
sources. (Names of topics never hold a slash.)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Origin:
    """A source within a partition.

    Attributes:
        topic: the topic.
        partition: its partition.
        source: what results call the source; ``topic/partition`` where nobody named it.
    """

    topic: str
    partition: int
    source: str

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Undo :func:`topic_origin`.

        Raises:
            ValueError: the text is no origin in a topic.
        """
        topic, partition, *source = text.split("/", 2)
        return cls(topic, int(partition), source[0] if source else text)


def topic_origin(topic: str, partition: int, source: str) -> str:
    """The origin of a source within a partition, as text."""
    own = f"{topic}/{partition}"
    return own if source in ("", own) else f"{own}/{source}"
