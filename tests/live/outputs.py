"""What a job has put out so far: the committed messages of a topic, and the documents in Elasticsearch."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tests.services.elasticsearch import Elasticsearch

Document = dict[str, Any]

_PAGE = 5000
_LONGEST_READ = 60.0


class CommittedTopic:
    """Follows the committed messages of a topic from its beginning.

    Args:
        bootstrap: the broker.
        topic: an existing topic.

    Attributes:
        values: all that has been read so far, JSON.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self.values: list[Document] = []
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            reconnect_backoff_max_ms=500,
        )
        self._partitions = [TopicPartition(topic, n) for n in sorted(self._consumer.partitions_for_topic(topic))]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning()

    def read(self) -> list[Document]:
        """Read on to the end that the topic has now; returns all values there are."""
        ends = self._consumer.end_offsets(self._partitions)
        deadline = time.monotonic() + _LONGEST_READ
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            assert time.monotonic() < deadline, f"{self.topic} cannot be read to {ends}"
            for records in self._consumer.poll(timeout_ms=200).values():
                self.values += [json.loads(record.value) for record in records]
        return self.values

    def ids(self) -> Counter[str]:
        """The ids of all documents there are, and how often each is there."""
        return Counter(document["id"] for document in self.read())

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def documents_in(elasticsearch: Elasticsearch, pattern: str) -> dict[str, Document]:
    """All documents of the indices of that pattern, by ``_id``."""
    return dict(_hits(elasticsearch, pattern))


def _hits(elasticsearch: Elasticsearch, pattern: str) -> Iterator[tuple[str, Document]]:
    with elasticsearch.client() as client:
        client.indices.refresh(index=pattern, ignore_unavailable=True, allow_no_indices=True)
        after = None
        while True:
            found = client.search(
                index=pattern,
                size=_PAGE,
                sort=[{"@timestamp": "asc"}, {"id": "asc"}],
                search_after=after,
                ignore_unavailable=True,
                allow_no_indices=True,
            )["hits"]["hits"]
            for hit in found:
                yield hit["_id"], hit["_source"]
            if len(found) < _PAGE:
                return
            after = found[-1]["sort"]


def wait_until(met: Callable[[], bool], what: str, seconds: float = 90.0, every: float = 0.5) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: it was not met in time; the message says ``what`` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(every)


@dataclass(frozen=True)
class Found:
    """The anomalies that a job put out, in both places.

    Attributes:
        committed: the committed messages, in Kafka.
        indexed: the documents in Elasticsearch, by ``_id``.
    """

    committed: list[Document] = field(default_factory=list)
    indexed: dict[str, Document] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """The ids of the committed messages."""
        return {document["id"] for document in self.committed}

    @property
    def twice(self) -> list[str]:
        """Ids that were committed more than once."""
        return [identity for identity, n in Counter(d["id"] for d in self.committed).items() if n > 1]

    @property
    def transactions(self) -> set[str]:
        """The transactions that the committed messages are about."""
        return {d["transaction"]["id"] for d in self.committed if d["transaction"]}

    def between(self, begin: str, end: str) -> Found:
        """Those of event times from ``begin`` to before ``end``, written as in anomalies."""
        return Found(
            [d for d in self.committed if begin <= d["@timestamp"] < end],
            {i: d for i, d in self.indexed.items() if begin <= d["@timestamp"] < end},
        )

    def assert_is(self, expected: Found) -> None:
        """Fail unless both places hold exactly what an undisturbed job has committed, once."""
        assert expected.committed, "nothing to be found"
        assert not self.twice
        for place, ids in (("Kafka", self.ids), ("Elasticsearch", set(self.indexed))):
            lost, more = expected.ids - ids, ids - expected.ids
            assert not lost, f"{len(lost)} of {len(expected.ids)} anomalies are not in {place}: {_some(lost, expected)}"
            assert not more, f"{len(more)} anomalies in {place} that were not to be found: {_some(more, self)}"


def _some(ids: set[str], found: Found) -> list[str]:
    documents = {**found.indexed, **{d["id"]: d for d in found.committed}}
    return [f"{documents[i]['@timestamp']} {documents[i]['reason']}" for i in sorted(ids)[:3]]
