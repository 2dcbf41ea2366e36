"""``weirwatch run`` on a real broker and a real Elasticsearch: what it finds, and what it does when it is told to.

One job is shared by most tests; each speaks of sources of its own. Its clock waits for the slowest source, so whoever
lets a source speak also lets it end.
"""

from __future__ import annotations

import datetime
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.cli import main
from models.detection import shard_of
from models.sample.compare import compare
from models.sample.truth import TYPES
from models.schema_check import check
from tests.live.live_job import ROOT
from tests.live.outputs import wait_until
from tests.live.running_job import PARTITIONS, SOON_S, Job, at, quick
from tests.live.traffic import Message, Stream, make_stream
from tests.operators.shop import MODEL

pytestmark = pytest.mark.services


SHARDS = 8
CHECKERS: dict[str, dict[str, Any]] = {
    "payments:PaymentLimit": {"limit": 1000},
    "logins:FailedLogins": {"most": 2, "within_s": 30, "patience_s": 1e6},
    "retries:PaymentRetries": {"attempts": 2},
}

FORMS = ("header", "filebeat", "fluent-bit", "vector", "nameless", "header")


def in_form(number: int, message: Message) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The message as some agent would send it: value and headers."""
    form, text = FORMS[number], message.value.decode()
    path = f"/var/log/{message.source}"
    if form == "header":
        return message.value, [("source", message.source.encode())]
    if form == "nameless":
        return message.value, []
    documents: dict[str, dict[str, Any]] = {
        "filebeat": {
            "@timestamp": "2030-01-01T00:00:00.000Z",
            "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.0"},
            "host": {"name": "web-1"},
            "log": {"offset": 17, "file": {"path": path}, "flags": ["multiline"]},
            "message": text,
            "agent": {"type": "filebeat", "name": "web-1"},
        },
        "fluent-bit": {"date": 1700000000.5, "log": text + "\n", "filename": path},
        "vector": {
            "file": path,
            "host": "web-1",
            "message": text,
            "source_type": "file",
            "timestamp": "2030-01-01T00:00:00.000Z",
        },
    }
    return json.dumps(documents[form]).encode(), []


def source_of(number: int, job: Job) -> str:
    if FORMS[number] == "nameless":
        return f"{job.topic}/{number % PARTITIONS}"
    name = f"shop-{number}.log"
    return name if FORMS[number] == "header" else f"/var/log/{name}"


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> Stream:
    return make_stream(tmp_path_factory.mktemp("stream"), 3, 250, 3, PARTITIONS, len(FORMS))


@pytest.fixture(scope="module")
def job(kafka, elasticsearch, stream, tmp_path_factory) -> Iterator[Job]:
    """A running job with the sample's model, which is for the sample's sources; what those said is still to be read."""
    settings = {
        "models": {"initial": [{"path": str(stream.model), "sources": ["*shop-*", "live-*"]}]},
        "parallelism": 2,
        "shards": SHARDS,
        "checkers": [
            {"use": f"weirwatch_shop_checkers.{use}", "id": use.partition(":")[0], "settings": settings}
            for use, settings in CHECKERS.items()
        ],
    }
    made = Job(kafka, tmp_path_factory.mktemp("job") / "job", settings, elasticsearch)
    made.start()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def sample(job, stream) -> list[tuple[int, str, str]]:
    """The sample has been sent, read and ended: partition, source and event of each message, in order."""
    sent = []
    for message in stream.messages:
        number = int(message.source[5])
        value, headers = in_form(number, message)
        job.producer.send(job.topic, value, headers=headers, partition=message.partition)
        sent.append((message.partition, source_of(number, job), message.value.decode()))
    job.producer.flush()
    job.run.wait_for_work()
    last = max(message.value[:23] for message in stream.messages).decode()
    much_later = datetime.datetime.fromisoformat(last.replace(",", ".")) + datetime.timedelta(days=2)
    for partition in range(PARTITIONS):
        job.say(f"shop-fence-{partition}.log", at(0, "not any line of the sample"), partition=partition)
    for partition in range(PARTITIONS):
        job.wait_for(f"shop-fence-{partition}.log", seconds=180)
    sources = [source_of(number, job) for number in range(len(FORMS))]
    for source in sources:
        job.accepted(action="heartbeat", source=source, timestamp=much_later.isoformat() + "Z")
    for source in [*sources, *(f"shop-fence-{partition}.log" for partition in range(PARTITIONS))]:
        job.accepted(action="end_of_log", source=source)
    wait_until(lambda: len(sample_anomalies(job)) >= len(stream.truth), f"the sample's anomalies; {job.run.said}", 180)
    return sent


def sample_anomalies(job: Job) -> list[dict[str, Any]]:
    names = {source_of(number, job) for number in range(len(FORMS))}
    return [a for a in job.anomalies.read() if a["source"] in names]


class TestSample:
    """What was sent in before the job was told anything."""

    def test_all_injected_anomalies_are_found_as_a_scan_of_the_whole_log_finds_them(
        self, job, sample, stream, tmp_path
    ):
        log, out = tmp_path / "watched.log", tmp_path / "anomalies.jsonl"
        log.write_bytes(b"".join(message.value + b"\n" for message in stream.messages))
        scan = ["scan", str(log), "--model", str(stream.model), "--evidence", "20", "--out", str(out), "--quiet"]
        assert main(scan) == 0
        scanned = [json.loads(line) for line in out.read_text().splitlines()]
        assert compare(stream.truth, scanned).ok
        live = sample_anomalies(job)
        assert Counter(a["type"] for a in live) == dict.fromkeys(TYPES, 3)
        assert sorted(map(told, live)) == sorted(map(told, scanned))

    def test_evidence_stands_in_the_topic_where_it_says(self, job, sample):
        events: dict[tuple[int, int], tuple[str, str]] = {}
        offsets: Counter[int] = Counter()
        for partition, source, text in sample:
            events[partition, offsets[partition]] = (source, text)
            offsets[partition] += 1
        sources = set()
        for anomaly in sample_anomalies(job):
            assert check("anomaly", anomaly) == []
            for number, evidence in enumerate(anomaly["evidence"]):
                assert evidence["topic"] == job.topic
                source, text = events[evidence["partition"], evidence["offset"]]
                assert evidence["text"] == text
                sources.add(source)
                assert number or anomaly["source"] == source
        assert sources == {source_of(n, job) for n in range(len(FORMS))}, "lines of each form were read"

    def test_elasticsearch_has_the_same_documents(self, job, sample):
        job.wait_until_stored(sample_anomalies(job))


def told(anomaly: dict[str, Any]) -> tuple[str, ...]:
    """What an anomaly says, without where it stands."""
    transaction = anomaly["transaction"] or {}
    actual = "" if anomaly["type"] == "unmatched_log" else anomaly["actual"]
    texts = "|".join(evidence["text"] for evidence in anomaly["evidence"])
    return (anomaly["type"], transaction.get("id", ""), anomaly["@timestamp"], actual, anomaly["typical"], texts)


@pytest.fixture(scope="class")
def now(job, sample) -> Iterator[Callable[[], int]]:
    """Tells ms since models were added and their sources began to speak: the time at which a live log would go on.

    Nothing is told to the job's clock meanwhile: for half a minute after a source has ended, a subtask that reads none
    holds it back.
    """
    example = json.loads((ROOT / "docs/plugins/example/model.json").read_text())
    models = {
        "quick-*": quick("quick"),
        "pay-*": example | {"id": "payments", "timestamp": MODEL["timestamp"]},
        "lenient-*": quick("lenient"),
    }
    job.all_accepted(*({"action": "add", "model": model, "sources": [glob]} for glob, model in models.items()))
    begin = time.monotonic()

    def now() -> int:
        return int(1000 * (time.monotonic() - begin))

    wait_for_version(job, "lenient-1", 1, now)  # it was added last
    job.say("quick-1", at(now(), "open 1"), at(now(), "work 1"))
    first = now()
    job.say("pay-1", *(at(first + n, text) for n, text in enumerate(PAYMENTS)))
    job.say("lenient-1", *busy(1, now()))
    yield now
    for source in ("quick-1", "pay-1", "lenient-1"):
        job.accepted(action="end_of_log", source=source)


def wait_for_version(job: Job, source: str, version: int, now: Callable[[], int]) -> None:
    """Say lines that no template knows until one is told under this version of the model."""

    def told() -> bool:
        job.say(source, at(now(), PROBE))
        return any(a["model"]["version"] == version for a in job.told_of(source))

    wait_until(told, f"version {version} of the model of {source}; {job.run.said}", 60, every=1)


PROBE = "nothing that any template knows"

PAYMENTS = (
    "payment of 1000.00 EUR for order 900 accepted",
    "payment of 1000.01 EUR for order 901 accepted",
    *["login failed for user eve from 10.9.0.1"] * 3,
    *["payment of 5.00 EUR for order 902 declined"] * 2,
    "payment of 5.00 EUR for order 902 accepted",
)


def busy(number: int, ms: int) -> list[bytes]:
    """A transaction with more work than is normal, and a line that no template knows."""
    texts = (f"open {number}", *[f"work {number}"] * 4, f"close {number}", "strange 1")
    return [at(ms + n, text) for n, text in enumerate(texts)]


class TestClock:
    """What is found as time passes in silent sources."""

    def test_a_missing_end_in_a_silent_source_is_found(self, job, now):
        (found,) = job.wait_for("quick-1")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "1")

    def test_checkers_of_each_kind_look_at_a_model_that_was_added(self, job, now):
        found = job.wait_for("pay-1", 3)
        assert sorted((a["type"], a["checker"]["id"], a["checker"]["key"], a["reason"]) for a in found) == [
            ("custom", "logins", "eve", "User eve failed to log in 3 times within 30 s."),
            ("custom", "payments", None, "Order 901 paid 1,000.01, which is more than 1,000.00."),
            ("custom", "retries", None, "Order 902 had 2 declined payments in 2 ms."),
        ]
        for anomaly in found:
            assert check("anomaly", anomaly) == []
            assert anomaly["evidence"][0]["topic"] == job.topic
        job.wait_until_stored(found)

    def test_what_is_allowed_is_quiet_until_it_is_disallowed(self, job, now):
        def told(count: int) -> list[dict[str, Any]]:
            def heard() -> list[dict[str, Any]]:
                return [a for a in job.told_of("lenient-1") if PROBE not in a["evidence"][0]["text"]]

            wait_until(lambda: len(heard()) >= count, f"{count} anomalies; {job.run.said}")
            return heard()

        found = {a["type"]: a for a in told(2)}
        assert sorted(found) == ["too_many", "unmatched_log"]
        messages = [{"action": "allow", "anomaly": anomaly, "reason": "known"} for anomaly in found.values()]
        replies = job.all_accepted(*messages)
        assert [reply["model"]["version"] for reply in replies] == [2, 3]
        wait_for_version(job, "lenient-1", 3, now)

        # The same shard judges one more transaction after it: what is found of this shows that it was judged.
        after = next(n for n in range(100, 1000) if shard_of(b"%d" % n, SHARDS) == shard_of(b"2", SHARDS))
        begin = now()
        job.say("lenient-1", *busy(2, begin), at(begin + 20, f"open {after}"))
        (quiet,) = [a for a in told(3) if a["id"] not in {known["id"] for known in found.values()}]
        assert (quiet["type"], quiet["transaction"]["id"]) == ("missing_end", str(after))

        reference = {"id": "lenient"}
        job.all_accepted(*({"action": "disallow", "reference": reference, "entry": r["entry"]} for r in replies))
        wait_for_version(job, "lenient-1", 5, now)
        job.say("lenient-1", *busy(3, now()))
        heard = told(5)
        assert [a["transaction"]["id"] for a in heard if a["type"] == "too_many"] == ["1", "3"]
        assert [a["model"]["version"] for a in heard if a["type"] == "unmatched_log"] == [1, 5]
        job.wait_until_stored(heard)


class TestControl:
    """What the job is told while it runs, and what it makes of it."""

    def test_a_model_is_added_updated_and_deleted_for_the_very_next_lines(self, job, sample):
        source = "added-1"
        job.say(source, at(0, "nobody knows this"))
        job.wait_until_read()
        assert job.told_of(source) == [], "its source belongs to no model"

        reply = job.accepted(action="add", model=quick("added"), sources=["added-*"])
        assert reply["model"] == {"id": "added", "version": 1}
        begin = time.monotonic()
        job.say(source, at(1, "tally 1"))
        found = job.wait_for(source)
        assert time.monotonic() - begin < SOON_S
        assert [(a["type"], a["model"]["id"], a["model"]["version"]) for a in found] == [("unmatched_log", "added", 1)]

        reply = job.accepted(action="update", model=quick("added", 2, "tally %{INT:id}"))
        assert reply["model"] == {"id": "added", "version": 2}
        job.say(source, at(2, "tally 2"), at(3, "tell me"))
        found = job.wait_for(source, 2)
        assert sorted(e["text"][24:] for a in found for e in a["evidence"]) == ["tally 1", "tell me"]
        assert {a["model"]["version"] for a in found} == {1, 2}

        reply = job.accepted(action="delete", reference={"id": "added"})
        job.say(source, at(4, "tell me again"))
        job.wait_until_read()
        assert len(job.told_of(source)) == 2
        assert job.run.restarts == 0

    def test_lines_of_a_paused_source_are_passed_over_until_it_is_resumed(self, job, sample):
        source = "shop-paused.log"
        job.accepted(action="pause", source=source)
        job.say(source, at(0, "said during the pause"))
        job.wait_until_read()
        assert job.told_of(source) == []
        job.accepted(action="resume", source=source)
        job.say(source, at(1, "said after the pause"))
        (found,) = job.wait_for(source)
        assert found["evidence"][0]["text"][24:] == "said after the pause"
        job.accepted(action="end_of_log", source=source)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff\xfe",
            b"not json",
            b"[]",
            b'{"action": "explode"}',
            b'{"action": "add"}',
            b'{"action": "add", "model": {"kind": "weirwatch.model"}}',
            b'{"action": "update", "reference": {"id": "nobody"}}',
            b'{"action": "delete", "reference": {"id": "nobody"}}',
            b'{"action": "heartbeat", "source": "a", "timestamp": "yesterday"}',
            b'{"action": "pause"}',
            b'{"id": "x", "id": "y", "action": "pause", "source": "a"}',
        ],
    )
    def test_a_message_that_is_wrong_gets_a_reply_and_does_no_harm(self, job, sample, data):
        reply = job.send(data)
        assert reply["outcome"] == "rejected"
        assert reply["reason"]
        assert reply["text"] == data.decode("utf-8", "replace")[:200]
        assert job.run.restarts == 0

    def test_a_model_with_an_expression_that_may_take_for_ever_is_rejected(self, job, sample):
        reply = job.tell(action="add", model=quick("slow", 1, "(?=a)b"), sources=["slow-*"])
        assert reply["outcome"] == "rejected"
        assert job.run.restarts == 0

    def test_what_is_no_line_is_a_dead_letter(self, job, sample):
        job.say("shop-dead.log", b"\x00\x01\x02")
        wait_until(lambda: any(d["source"] == "shop-dead.log" for d in job.dead_letters.read()), "a dead letter", 60)
        (letter,) = [d for d in job.dead_letters.read() if d["source"] == "shop-dead.log"]
        assert check("dead_letter", letter) == []
        assert (letter["topic"], letter["partition"]) == (job.topic, 0)

    def test_after_all_that_the_job_has_never_been_started_again_and_nothing_was_told_twice(self, job, sample):
        assert job.run.restarts == 0
        ids = job.anomalies.ids()
        assert set(ids.values()) == {1}


# A job without heartbeats, told by files in a folder; it is stopped and begun again.
