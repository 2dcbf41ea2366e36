"""Threads that look at what a job puts out, and remember when each anomaly was there first."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import elasticsearch
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.live.background import Background
from tests.services.elasticsearch import Elasticsearch

Place = tuple[int, int]
"""Partition and offset of a line."""

_SEARCH_S = 0.1
_BEHIND = 10_000
_ALL_EVERY = 20
_PAGE = 10_000


class _Watcher(Background):
    """A thread that looks while it is entered.

    Attributes:
        seen: place of a line → when its anomaly was there, seconds since the epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[Place, float] = {}


class Searched(_Watcher):
    """Searches in Elasticsearch, ten times a second: what cannot be found yet does not count.

    Args:
        node: where to search.
        indices: the pattern of the indices.
        word: in the text of the lines.
    """

    def __init__(self, node: Elasticsearch, indices: str, word: str) -> None:
        super().__init__()
        self._node, self._indices, self._word = node, indices, word

    def _run(self) -> None:
        newest: dict[int, int] = {}
        turn = 0
        with self._node.client() as client:
            while not self._over.wait(_SEARCH_S):
                turn += 1
                if turn % _ALL_EVERY == 0:  # some may be far behind
                    newest.clear()
                ranges: list[dict[str, Any]] = [
                    {"bool": {"filter": [{"term": {"evidence.partition": partition}}, _from(offset - _BEHIND)]}}
                    for partition, offset in newest.items()
                ]
                ranges.append({"bool": {"must_not": {"terms": {"evidence.partition": list(newest)}}}})
                try:
                    found = self._search(client, ranges)
                except elasticsearch.ApiError:  # an index that has just been made
                    continue
                now = time.time()
                for hit in found["hits"]["hits"]:
                    fields = hit["fields"]
                    place = int(fields["evidence.partition"][0]), int(fields["evidence.offset"][0])
                    self.seen.setdefault(place, now)
                    newest[place[0]] = max(place[1], newest.get(place[0], 0))

    def _search(self, client: elasticsearch.Elasticsearch, ranges: list[dict[str, Any]]) -> Any:
        return client.search(
            index=self._indices,
            ignore_unavailable=True,
            size=_PAGE,
            track_total_hits=False,
            source=False,
            docvalue_fields=[{"field": "evidence.partition"}, {"field": "evidence.offset"}],
            query={
                "bool": {
                    "filter": [
                        {"match": {"evidence.text": self._word}},
                        {"bool": {"should": ranges, "minimum_should_match": 1}},
                    ]
                }
            },
        )


def _from(offset: int) -> dict[str, Any]:
    return {"range": {"evidence.offset": {"gte": offset}}}


class Seen(_Watcher):
    """Follows a topic of anomalies from its end.

    Args:
        bootstrap: the broker.
        topic: the topic.
        word: in the text of the lines.
        committed: wait until the transaction is committed.
    """

    def __init__(self, bootstrap: str, topic: str, word: str, committed: bool) -> None:
        super().__init__()
        self._word = word.encode()
        self._consumer = _at_end(bootstrap, topic, "read_committed" if committed else "read_uncommitted")

    def _run(self) -> None:
        while not self._over.is_set():
            for records in self._consumer.poll(timeout_ms=100).values():
                now = time.time()
                for record in records:
                    if self._word in record.value:
                        line = json.loads(record.value)["evidence"][0]
                        self.seen.setdefault((line["partition"], line["offset"]), now)
        self._consumer.close()


class Replies(Background):
    """Sends control messages, and remembers when each reply was there.

    Args:
        bootstrap: the broker.
        control, replies: the topics.

    Attributes:
        seen: id of a message → when it was answered, seconds since the epoch.
    """

    def __init__(self, bootstrap: str, control: str, replies: str) -> None:
        super().__init__()
        self.seen: dict[str, float] = {}
        self._control = control
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
        self._producer.partitions_for(control)
        self._consumer = _at_end(bootstrap, replies, "read_uncommitted")

    def tell(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message; returns it."""
        self._producer.send(self._control, json.dumps(message).encode(), partition=0)
        self._producer.flush(10)
        return dict(message)

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self._producer.close()
        self._consumer.close()

    def _run(self) -> None:
        while not self._over.is_set():
            for records in self._consumer.poll(timeout_ms=100).values():
                now = time.time()
                for record in records:
                    reply = json.loads(record.value)
                    if reply["outcome"] == "accepted":
                        self.seen.setdefault(reply["id"], now)


def _at_end(bootstrap: str, topic: str, isolation: str) -> Any:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation, enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    consumer.seek_to_end()
    for partition in partitions:
        consumer.position(partition)
    return consumer
