"""A hundred thousand messages that cannot be read and a thousand control messages that cannot be right."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from kafka import KafkaProducer

from models.schema_check import check
from tests.live.live_job import LiveJob
from tests.live.malformed import LONGEST, bad_controls, bad_line, envelope
from tests.live.outputs import Document, Found, wait_until
from tests.live.traffic import Stream, make_stream

pytestmark = [pytest.mark.cluster, pytest.mark.services, pytest.mark.faults]

BAD_LINES = 100_000
BAD_CONTROLS = 1_000

Place = tuple[int, int]


@dataclass
class Fed:
    """What was sent, and what the job made of it.

    Attributes:
        stream: the good lines.
        bad: (partition, offset) of all bad messages.
        bad_controls: offsets of all bad control messages.
        found: the anomalies.
        dead: the dead letters that are committed in Kafka.
        dead_indexed: how many are in Elasticsearch.
        replies: the replies to control messages.
        restarts: of the job.
    """

    stream: Stream
    bad: set[Place]
    bad_controls: set[int]
    found: Found = field(default_factory=Found)
    dead: list[Document] = field(default_factory=list)
    dead_indexed: int = 0
    replies: list[Document] = field(default_factory=list)
    restarts: int = -1


def _send_lines(kafka, topic: str, stream: Stream) -> set[Place]:
    """Send the good lines with bad ones spread among them; where the bad ones are."""
    each, more = divmod(BAD_LINES, len(stream.messages))
    offsets: Counter[int] = Counter()
    bad: set[Place] = set()
    futures = []
    with KafkaProducer(
        bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=20, batch_size=1 << 17, max_block_ms=120_000
    ) as producer:

        def send(partition: int, value: bytes | None) -> None:
            futures.append((producer.send(topic, value, b"key", partition=partition), partition, offsets[partition]))
            offsets[partition] += 1

        for number, message in enumerate(stream.messages):
            for _ in range(each + (number < more)):
                bad.add((message.partition, offsets[message.partition]))
                send(message.partition, bad_line(len(bad)))
            send(message.partition, envelope(message))
    for future, partition, offset in futures:
        sent = future.get(60)
        assert (sent.partition, sent.offset) == (partition, offset)
    assert len(bad) == BAD_LINES
    return bad


@pytest.fixture(scope="module")
def fed(kafka, elasticsearch, make_topic, make_job, tmp_path_factory) -> Fed:
    folder = tmp_path_factory.mktemp("stream") / "model"
    stream = make_stream(folder, 9, transactions=700, anomalies_per_type=10, partitions=2, sources=4, to_the_end=True)
    topic = make_topic(stream.partitions)
    live: LiveJob = make_job(
        "malformed",
        topic,
        stream.model,
        settings={
            "input": {"topics": [topic], "format": "envelope", "start": "earliest", "group": topic},
            "max_line_bytes": LONGEST,
        },
    )
    told = Fed(stream, _send_lines(kafka, topic, stream), set(range(BAD_CONTROLS)))
    live.submit()
    makers = bad_controls(json.loads(stream.model.read_text()))
    live.control(*(makers[number % len(makers)](number) for number in range(BAD_CONTROLS)))
    told.found = live.finish(stream.sources, stream.open_orders, 180)
    wait_until(lambda: len(live.dead_letters.read()) >= BAD_LINES, "all dead letters", 120)
    with elasticsearch.client() as client:

        def indexed() -> int:
            pattern = f"{live.name}-dead-letters-*"
            client.indices.refresh(index=pattern)
            return int(client.count(index=pattern)["count"])

        deadline = time.monotonic() + 120
        while (count := indexed()) < BAD_LINES and time.monotonic() < deadline:
            time.sleep(1)
    told.dead, told.dead_indexed, told.replies = live.dead_letters.read(), count, live.replies.read()
    told.restarts = live.job.restarts
    return told


def test_nothing_of_it_makes_the_job_fail(fed):
    assert fed.restarts == 0


def test_every_bad_message_and_no_other_is_a_dead_letter_with_a_reason(fed):
    found = Counter((letter["partition"], letter["offset"]) for letter in fed.dead)
    assert set(found) == fed.bad
    assert set(found.values()) == {1}
    assert all(letter["reason"] for letter in fed.dead)
    assert fed.dead_indexed == BAD_LINES


def test_dead_letters_have_their_form(fed):
    one_of_each = {letter["reason"][:20]: letter for letter in fed.dead}
    assert len(one_of_each) >= 8
    for letter in one_of_each.values():
        assert check("dead_letter", letter) == [], letter


def test_every_bad_control_message_is_answered_with_a_reason(fed):
    rejected = Counter(reply["offset"] for reply in fed.replies if reply["outcome"] == "rejected")
    assert set(rejected) == fed.bad_controls
    assert set(rejected.values()) == {1}
    for reply in fed.replies:
        assert check("control_reply", reply) == [], reply
        assert bool(reply["reason"]) == (reply["outcome"] == "rejected")


def test_what_is_good_is_watched_all_the_same(fed):
    fed.found.assert_is(fed.found)
    found = {(a["type"], a["transaction"]["id"]) for a in fed.found.committed if a["transaction"]}
    injected = {(t.type, t.transaction) for t in fed.stream.truth if t.type != "unmatched_log"}
    assert len(injected & found) >= 0.95 * len(injected)
