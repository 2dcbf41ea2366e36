"""``weirwatch run`` on a real broker and a real Elasticsearch: what it finds, and what it does when it is told to.

One job is shared by most tests; each speaks of sources of its own. Its clock waits for the slowest source, so whoever
lets a source speak also lets it end.
"""

from __future__ import annotations

import datetime
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from jobs.cli import main
from models.sample.compare import compare
from models.sample.truth import TYPES
from models.schema_check import check
from tests.live.outputs import CommittedTopic, documents_in, wait_until
from tests.live.traffic import Message, Stream, make_stream
from tests.live.weirwatch_run import WeirwatchRun, run_once
from tests.operators.shop import MODEL

pytestmark = pytest.mark.services

PARTITIONS = 3
IDLE_MS = 1_000
EXPIRES_MS = 2_000
SOON_S = 10.0
"""What takes effect at once is there within this; on a machine that is shared a second is not to be counted on."""

_BEGIN = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
_numbers = itertools.count()


def quick(name: str = "quick", version: int = 1, words: str = "") -> dict[str, Any]:
    """A model whose transactions expire soon; ``words`` name one more template."""
    model = json.loads(json.dumps(MODEL)) | {"id": name, "version": version}
    duration = {"min_ms": 0, "max_ms": EXPIRES_MS // 2, "support": 100}
    model["automata"][0] |= {"expires_ms": EXPIRES_MS, "settle_ms": 100, "duration": duration}
    if words:
        model["templates"].append({"id": "t-more", "grok": words})
    return model


def at(ms: int, text: str) -> bytes:
    """A line of that model's log, some time after the sample's."""
    when = _BEGIN + datetime.timedelta(milliseconds=ms)
    return f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03} {text}".encode()


def iso(ms: int) -> str:
    return (_BEGIN + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


class Job:
    """A job with topics that no other job has, and what it has put out so far."""

    def __init__(self, kafka, folder: Path, settings: dict[str, Any], elasticsearch=None) -> None:
        self.name = f"live-{uuid4().hex[:8]}"
        self.kafka, self.folder, self.elasticsearch = kafka, folder, elasticsearch
        folder.mkdir()
        self.topic = f"{self.name}-logs"
        kafka.create_topic(self.topic, partitions=PARTITIONS)
        for part in ("control", "replies", "anomalies", "dead"):
            kafka.create_topic(f"{self.name}-{part}")
        self.settings: dict[str, Any] = {
            "kafka": {"bootstrap": kafka.bootstrap},
            "input": {"topics": [self.topic]},
            "control": {"topic": f"{self.name}-control", "replies": f"{self.name}-replies"},
            "output": {
                "kafka": {
                    "anomalies": f"{self.name}-anomalies",
                    "dead_letters": f"{self.name}-dead",
                    "transaction_prefix": self.name,
                }
            },
            "checkpoints": {"directory": str(folder / "checkpoints"), "interval_ms": 1000},
            "heartbeat": {"idle_ms": IDLE_MS},
            "multiline_wait_ms": 100,
            **settings,
        }
        if elasticsearch is not None:
            self.settings["output"]["elasticsearch"] = {"url": elasticsearch.url, "prefix": self.name}
        self.producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=5)
        self.anomalies = CommittedTopic(kafka.bootstrap, f"{self.name}-anomalies")
        self.dead_letters = CommittedTopic(kafka.bootstrap, f"{self.name}-dead")
        self.replies = CommittedTopic(kafka.bootstrap, f"{self.name}-replies")

    def start(self, *options: str) -> WeirwatchRun:
        self.run = WeirwatchRun(self.settings, self.folder / "run", *options)
        return self.run

    def close(self) -> None:
        self.run.close()
        self.producer.close(5)
        for topic in (self.anomalies, self.dead_letters, self.replies):
            topic.close()

    def say(self, source: str, *lines: bytes, partition: int = 0) -> None:
        """A source writes lines, a message each."""
        for line in lines:
            self.producer.send(self.topic, line, headers=[("source", source.encode())], partition=partition).get(30)

    def tell(self, **message: Any) -> dict[str, Any]:
        """Send a control message; the reply."""
        name = uuid4().hex
        return self.send(json.dumps({"id": name, **message}).encode(), name)

    def send(self, data: bytes, name: str | None = None) -> dict[str, Any]:
        """Send whatever it is to the control topic; the reply to it."""
        sent = self.producer.send(f"{self.name}-control", data).get(30)
        found: list[dict[str, Any]] = []

        def replied() -> bool:
            found[:] = [reply for reply in self.replies.read() if reply["offset"] == sent.offset]
            return bool(found)

        wait_until(replied, f"a reply to {data[:80]!r}", 60, every=0.05)
        assert check("control_reply", found[0]) == []
        assert name is None or found[0]["id"] == name
        return found[0]

    def accepted(self, **message: Any) -> dict[str, Any]:
        reply = self.tell(**message)
        assert reply["outcome"] == "accepted", reply
        return reply

    def told_of(self, source: str) -> list[dict[str, Any]]:
        """The anomalies whose first line is of a source."""
        return [a for a in self.anomalies.read() if a["source"] == source]

    def wait_for(self, source: str, count: int = 1, seconds: float = 90.0) -> list[dict[str, Any]]:
        """Wait until there are so many anomalies of a source; all of them."""
        wait_until(
            lambda: len(self.told_of(source)) >= count, f"{count} anomalies of {source}; {self.run.said}", seconds
        )
        return self.told_of(source)

    def wait_until_read(self, partition: int = 0) -> None:
        """Wait until all that has been written to a partition has been looked at: what it told is committed then."""
        source = f"shop-barrier-{next(_numbers)}"
        self.say(source, b"2030-01-01 00:00:00,000 nothing that any model knows", partition=partition)
        self.wait_for(source)
        self.accepted(action="end_of_log", source=source)


# The job that most tests look at. It has read a sample, sent in every form there is.

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
    much_later = datetime.datetime.fromisoformat(last.replace(",", ".")) + datetime.timedelta(hours=2)
    for partition in range(PARTITIONS):
        job.say(f"shop-fence-{partition}.log", at(0, "not any line of the sample"), partition=partition)
    for partition in range(PARTITIONS):
        job.wait_for(f"shop-fence-{partition}.log", seconds=180)
    sources = [source_of(number, job) for number in range(len(FORMS))]
    for source in sources:
        job.accepted(action="heartbeat", source=source, timestamp=much_later.isoformat() + "Z")
    wait_until(lambda: len(sample_anomalies(job)) >= len(stream.truth), f"the sample's anomalies; {job.run.said}", 180)
    for source in [*sources, *(f"shop-fence-{partition}.log" for partition in range(PARTITIONS))]:
        job.accepted(action="end_of_log", source=source)
    return sent


def sample_anomalies(job: Job) -> list[dict[str, Any]]:
    names = {source_of(number, job) for number in range(len(FORMS))}
    return [a for a in job.anomalies.read() if a["source"] in names]


class TestSample:
    """What was sent in before the job was told anything."""

    def test_all_injected_anomalies_are_found_and_no_others(self, job, sample, stream):
        found = sample_anomalies(job)
        comparison = compare(stream.truth, found)
        assert comparison.ok, comparison.format_table()
        assert Counter(a["type"] for a in found) == dict.fromkeys(TYPES, 3)

    def test_they_are_what_a_scan_of_the_whole_log_finds(self, job, sample, stream, tmp_path):
        log = tmp_path / "watched.log"
        log.write_bytes(b"".join(message.value + b"\n" for message in stream.messages))
        out = tmp_path / "anomalies.jsonl"
        assert main(["scan", str(log), "--model", str(stream.model), "--out", str(out), "--quiet"]) == 0
        scanned = [json.loads(line) for line in out.read_text().splitlines()]
        live = sample_anomalies(job)
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
        ids = {a["id"] for a in sample_anomalies(job)}
        wait_until(
            lambda: ids <= set(documents_in(job.elasticsearch, f"{job.name}-anomalies-*")), "all in Elasticsearch", 60
        )
        stored = documents_in(job.elasticsearch, f"{job.name}-anomalies-*")
        for anomaly in sample_anomalies(job):
            assert stored[anomaly["id"]] == anomaly


def told(anomaly: dict[str, Any]) -> tuple[str, ...]:
    transaction = anomaly["transaction"] or {}
    return (anomaly["type"], transaction.get("id", ""), anomaly["@timestamp"], anomaly["actual"], anomaly["typical"])


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

    def test_a_model_that_would_take_for_ever_is_rejected(self, job, sample):
        reply = job.tell(action="add", model=quick("slow", 1, "(a+)+b"), sources=["slow-*"])
        assert reply["outcome"] == "rejected"
        assert job.run.restarts == 0

    def test_a_missing_end_in_a_silent_source_is_found_for_time_passes(self, job, sample):
        job.accepted(action="add", model=quick("quick"), sources=["quick-*"])
        job.say("quick-1", at(0, "open 1"), at(10, "work 1"))
        (found,) = job.wait_for("quick-1")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "1")
        job.accepted(action="end_of_log", source="quick-1")

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


class QuietJob(Job):
    """It reads control messages from a folder."""

    def tell(self, **message: Any) -> dict[str, Any]:
        name = uuid4().hex
        folder = self.folder / "control"
        hidden = folder / f".{name}"
        hidden.write_text(json.dumps({"id": name, **message}) + "\n")
        hidden.rename(folder / f"{time.time_ns()}-{name}.json")
        found: list[dict[str, Any]] = []

        def replied() -> bool:
            lines = [
                line
                for path in (self.folder / "replies").rglob("*part-*")
                if path.is_file()
                for line in path.read_text().splitlines()
            ]
            found[:] = [reply for reply in map(parsed, lines) if reply.get("id") == name]
            return bool(found)

        wait_until(replied, f"a reply to {message}; {self.run.said}", 60, every=0.1)
        return found[0]


def parsed(line: str) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError:  # it is still being written
        return {}


@pytest.fixture(scope="module")
def quiet(kafka, tmp_path_factory) -> Iterator[QuietJob]:
    folder = tmp_path_factory.mktemp("quiet") / "job"
    model = tmp_path_factory.mktemp("quick") / "model.json"
    model.write_text(json.dumps(quick()))
    settings = {
        "models": {"initial": [{"path": str(model)}]},
        "heartbeat": {"enabled": False, "idle_ms": IDLE_MS},
        "control": {"directory": str(folder / "control"), "replies": str(folder / "replies")},
    }
    made = QuietJob(kafka, folder, settings)
    (folder / "control").mkdir()
    made.start().wait_for_work()
    try:
        yield made
    finally:
        made.close()


class TestQuiet:
    """Where time does not pass by itself."""

    def test_a_missing_end_in_a_silent_source_waits_for_its_agents_word(self, quiet):
        quiet.say("agent.log", at(0, "open 1"), b"no time here")
        time.sleep((IDLE_MS + EXPIRES_MS) / 1000 + 5)
        quiet.run.wait_for_checkpoint()
        assert quiet.told_of("agent.log") == []
        quiet.accepted(action="heartbeat", source="agent.log", timestamp=iso(EXPIRES_MS + 100))
        (found,) = quiet.wait_for("agent.log")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "1")
        quiet.accepted(action="end_of_log", source="agent.log")

    def test_a_source_that_ends_is_judged_and_goes_on_when_it_writes_again(self, quiet):
        quiet.say("ended.log", at(100_000, "open 2"), at(100_010, "work 2"))
        quiet.accepted(action="end_of_log", source="ended.log")
        (found,) = quiet.wait_for("ended.log")
        assert (found["type"], found["transaction"]["id"]) == ("missing_end", "2")
        quiet.say("ended.log", at(101_000, "open 3"), at(101_010, "close 3"), at(102_000, "open 4"))
        quiet.accepted(action="end_of_log", source="ended.log")
        assert {a["transaction"]["id"] for a in quiet.wait_for("ended.log", 2)} == {"2", "4"}

    def test_ctrl_c_ends_it_in_order_and_resume_goes_on_without_loss_or_doubles(self, quiet):
        quiet.say("resumed.log", at(200_000, "open 5"), at(200_010, "strange before"), at(200_020, "open 6"))
        quiet.wait_for("resumed.log")
        quiet.run.wait_for_checkpoint()
        begin = time.monotonic()
        assert quiet.run.interrupt() == 0, quiet.run.said
        assert time.monotonic() - begin < 30
        assert "Traceback" not in quiet.run.said
        assert quiet.run.said.rstrip().endswith("stopped; go on with --resume")
        wait_until(lambda: quiet.run.processes() == [], f"no process is left: {quiet.run.processes()}", 10)

        quiet.say("resumed.log", at(200_030, "close 6"), at(200_040, "strange meanwhile"))
        quiet.start("--resume").wait_for_work()
        assert "resuming from file:" in quiet.run.said
        quiet.say("resumed.log", at(200_050, "strange after"))
        quiet.accepted(action="end_of_log", source="resumed.log")
        quiet.wait_for("resumed.log", 4)
        quiet.run.wait_for_checkpoint()
        found = quiet.told_of("resumed.log")
        assert Counter(a["type"] for a in found) == {"unmatched_log": 3, "missing_end": 1}
        assert {a["transaction"]["id"] for a in found if a["transaction"]} == {"5"}
        assert set(quiet.anomalies.ids().values()) == {1}
        assert quiet.run.restarts == 0


class TestMistakes:
    """What a user may get wrong is said in one line, before anything starts."""

    def settings(self, kafka, folder: Path) -> dict[str, Any]:
        model = folder / "model.json"
        model.write_text(json.dumps(quick()))
        topics = {part: f"known-{part}-{uuid4().hex[:8]}" for part in ("logs", "found", "dead")}
        for topic in topics.values():
            kafka.create_topic(topic)
        return {
            "kafka": {"bootstrap": kafka.bootstrap},
            "input": {"topics": [topics["logs"]]},
            "models": {"initial": [{"path": str(model)}]},
            "output": {"kafka": {"anomalies": topics["found"], "dead_letters": topics["dead"]}},
        }

    def fails(self, settings, folder, *parts: str, options=()) -> None:
        done = run_once(settings, folder, *options)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert done.stderr.rstrip().splitlines()[-1:] == lines[-1:], done.stderr
        for part in parts:
            assert part in lines[-1]

    def test_no_broker(self, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"kafka": {"bootstrap": "localhost:1"}}
        self.fails(settings, tmp_path, "no broker answers at localhost:1", "kafka.bootstrap")

    def test_no_such_topic(self, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"input": {"topics": ["unknown"]}}
        self.fails(settings, tmp_path, "has no topic unknown")

    def test_no_such_model(self, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path) | {"models": {"initial": [{"path": "/nowhere/model.json"}]}}
        self.fails(settings, tmp_path, "/nowhere/model.json")

    def test_no_elasticsearch(self, kafka, tmp_path):
        settings = self.settings(kafka, tmp_path)
        settings["output"]["elasticsearch"] = {"url": "http://localhost:1"}
        self.fails(settings, tmp_path, "http://localhost:1")

    def test_no_configuration(self, tmp_path):
        self.fails(tmp_path / "absent.yaml", tmp_path, "absent.yaml")

    def test_nowhere_to_resume_from(self, kafka, tmp_path):
        self.fails(self.settings(kafka, tmp_path), tmp_path, "checkpoints.directory", options=["--resume"])
