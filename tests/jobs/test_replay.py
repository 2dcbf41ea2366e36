"""Replaying logs: how they are cut and paced, the settings of the client, and what a real broker receives."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition

from jobs.cli import main
from jobs.kafka_settings import kafka_settings
from jobs.replay import Clock, Log, Sent, replay
from models.errors import UserError
from models.pacing import LogPace, SteadyPace
from models.replay import MessageCutter, in_order_of_time
from models.timestamps import MISSING, TimestampSettings
from tests.services.ports import free_port

SETTINGS = TimestampSettings(("yyyy-MM-dd HH:mm:ss",), "UTC")
BEGIN = "2026-01-12 10:00:"
LOG = f"orphan\n{BEGIN}00 one\n  at a\n\n  at b\n{BEGIN}01 two\r\n{BEGIN}03 three é\n  end".encode()
TEXTS = [
    b"orphan",
    f"{BEGIN}00 one\n  at a\n\n  at b".encode(),
    f"{BEGIN}01 two".encode(),
    f"{BEGIN}03 three é\n  end".encode(),
]


def at(second: int) -> int:
    return 1_768_212_000_000 + 1000 * second


def cut(data, cuts=(), settings=SETTINGS, longest=1 << 20):
    cutter = MessageCutter("app.log", settings, longest)
    lines = data.splitlines(keepends=True)
    bounds = [0, *sorted(cuts), len(lines)]
    parts = [b"".join(lines[a:b]) for a, b in itertools.pairwise(bounds)]
    return [cutter.cut(part, k == len(parts) - 1) for k, part in enumerate(parts)]


def rows(batches):
    return [
        row
        for b in batches
        for row in zip(b.texts(), b.line.tolist(), b.lines.tolist(), b.event_ms.tolist(), strict=True)
    ]


@given(st.sets(st.integers(0, 8)))
def test_a_line_goes_with_those_that_continue_it_wherever_the_batches_are_cut(cuts):
    assert rows(cut(LOG, cuts)) == [
        (TEXTS[0], 1, 1, MISSING),
        (TEXTS[1], 2, 4, at(0)),
        (TEXTS[2], 6, 1, at(1)),
        (TEXTS[3], 7, 2, at(3)),
    ]


def test_without_timestamps_each_line_is_a_message():
    found = rows(cut(b"a\nb\nc", {1}, TimestampSettings(("NONE",), "UTC")))
    assert [(text, time_) for text, _, _, time_ in found] == [(b"a", MISSING), (b"b", MISSING), (b"c", MISSING)]


def test_an_endless_event_is_let_go():
    data = f"{BEGIN}00 one\n".encode() + b"more and more\n" * 20
    found = cut(data, {10, 15}, longest=100)
    assert [len(batch) for batch in found] == [1, 5, 6]
    assert sum(int(batch.lines.sum()) for batch in found) == 21


def test_an_envelope_has_source_time_and_message():
    (batch,) = cut(LOG.replace(b"two", b'"\xff\x01'))
    found = [json.loads(value) for value in batch.envelopes("a/ü.log")]
    assert found[0] == {"source": "a/ü.log", "message": "orphan"}
    assert found[1] == {"source": "a/ü.log", "timestamp": "2026-01-12T10:00:00.000Z", "message": TEXTS[1].decode()}
    assert found[2]["message"] == f'{BEGIN}01 "\ufffd\x01'


def test_a_timestamp_that_leaps_does_not_hold_up_the_rest():
    data = "".join(f"{BEGIN}{k:02} x\n" for k in range(6)).replace(f"{BEGIN}03", "2031-01-12 10:00:03").encode()
    (batch,) = cut(data)
    assert batch.pace_ms.tolist() == [at(0), at(1), at(2), at(2), at(4), at(5)]
    assert batch.event_ms[3] > at(1000)


def test_streams_are_merged_by_their_time_and_keep_their_own_order():
    def stream(*seconds):
        lines = [f"{BEGIN}{second:02} x\n" for second in seconds]
        return iter(cut("".join(lines).encode(), {2}))

    merged = in_order_of_time([stream(0, 1, 5, 4, 9), stream(1, 2, 6), stream()])
    found = [(number, int(time_ - at(0)) // 1000) for number, part in merged for time_ in part.event_ms]
    assert found == [(0, 0), (0, 1), (1, 1), (1, 2), (0, 5), (0, 4), (1, 6), (0, 9)]


def test_a_steady_pace_counts_lines_and_does_not_rush_after_a_delay():
    pace = SteadyPace(10)
    lines, none = np.array([1, 4, 1]), np.full(3, MISSING)
    assert pace.due(lines, none, 100.0).tolist() == pytest.approx([100.0, 100.1, 100.5])
    assert pace.due(lines, none, 100.2).tolist() == pytest.approx([100.6, 100.7, 101.1])
    assert pace.due(lines, none, 150.0).tolist() == pytest.approx([149.0, 149.1, 149.5])


def test_the_pace_of_the_log_is_that_of_its_times_times_the_speed():
    pace, ones = LogPace(2.0), np.ones(3, np.int64)
    assert pace.due(ones, np.array([MISSING, at(0), at(3)]), 50.0).tolist() == [-np.inf, 50.0, 51.5]
    assert pace.due(ones, np.array([at(4), at(4), at(60)]), 90.0).tolist() == [52.0, 52.0, 80.0]


class Box:
    """Takes all, and notes when."""

    longest = 1 << 20
    is_full = False

    def __init__(self, time_of):
        self.lines = 0
        self.seen: list[tuple] = []
        self._time_of = time_of

    def send(self, source, messages, values):
        self.lines += int(messages.lines.sum())
        self.seen += [(round(self._time_of(), 1), source, value) for value in values]

    def settle(self, wait_s=0.0):
        return True


class HandClock:
    """Time passes by sleeping only."""

    def __init__(self):
        self.time = 1000.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        assert 0 < seconds <= 0.1
        self.time += seconds


def run_by_hand(path, pace, stopped=lambda clock: False):
    hand, sent = HandClock(), Sent()
    box = Box(lambda: hand.time - 1000)
    logs = [Log("app.log", str(path), SETTINGS)]
    clock = Clock(hand.now, hand.sleep)
    replay([("app", logs)], box, pace, sent, stopped=lambda: stopped(hand), clock=clock)  # type: ignore[arg-type]
    return box.seen, sent


def test_messages_go_when_they_are_due(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(LOG)
    seen, sent = run_by_hand(path, LogPace(0.5))
    assert seen == [(due, "app", text) for due, text in zip([0.0, 0.0, 2.0, 6.0], TEXTS, strict=True)]
    assert (sent.lines, sent.messages, sent.complete, round(sent.seconds, 1)) == (8, 4, True, 6.0)
    assert [due for due, *_ in run_by_hand(path, SteadyPace(2))[0]] == [0.0, 0.5, 2.5, 3.0]


def test_a_replay_that_is_stopped_sends_no_more(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(LOG)
    seen, sent = run_by_hand(path, LogPace(), lambda clock: clock.time > 1002)
    assert [text for *_, text in seen] == TEXTS[:3]
    assert (sent.lines, sent.messages, sent.complete) == (6, 3, False)


def test_settings_come_from_a_file_before_the_environment(tmp_path):
    file = tmp_path / "client.properties"
    file.write_text(
        "# ours\nsecurity.protocol=SASL_SSL\nsasl.mechanism : SCRAM-SHA-512\nlinger.ms=7\n"
        'sasl.jaas.config=org.apache.kafka.ScramLoginModule required \\\n  username="me" password="se\\"cret";\n'
        "ssl.endpoint.identification.algorithm=\n"
    )
    environment = {"WEIRWATCH_KAFKA_LINGER_MS": "1", "WEIRWATCH_KAFKA_COMPRESSION_TYPE": "none"}
    assert kafka_settings(str(file), environment) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": 'se"cret',
        "ssl_check_hostname": False,
        "linger_ms": 7,
        "compression_type": None,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sasl.pasword=hunter2", "sasl.pasword is no setting known here"),
        ("hunter2", "setting 1 is not of the form name=value"),
        ("security.protocol=hunter2", "security.protocol is none of PLAINTEXT, SSL"),
        ("security.protocol=SASL_SSL\nsasl.username=hunter2", "needs sasl.password; set it in the file, or as WEIRW"),
        ("sasl.password=hunter2\nsasl.username=me", "there is a login, but security.protocol is PLAINTEXT"),
        ("linger.ms=hunter2", "linger.ms is no whole number"),
        ("sasl.jaas.config=hunter2", 'has no username="…" and password="…"'),
        ("ssl.ca.location=hunter2", "no such file"),
    ],
)
def test_settings_that_are_wrong_are_named_and_their_values_not_shown(text, message, tmp_path):
    file = tmp_path / "client.properties"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        kafka_settings(str(file), {})
    assert message in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with logs: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    Path("app.log").write_bytes(LOG)
    Path("web.log.gz").write_bytes(gzip.compress("".join(f"{BEGIN}{k:02} web\n" for k in range(5)).encode()))

    def call(*arguments):
        capsys.readouterr()
        return main(["replay", *arguments]), *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bootstrap", "localhost", "--topic", "t"], "--bootstrap 'localhost' is no HOST:PORT"),
        (["--bootstrap", "x:9", "--topic", "a b"], "--topic 'a b' is no name of a topic"),
        (["--bootstrap", "x:9", "--topic", "t", "--speed", "2"], "--speed goes with --rate realtime"),
        (["--bootstrap", "x:9", "--topic", "t", "--model", "m", "--year", "2020"], "--model tells how timestamps"),
        (
            ["--bootstrap", "x:9", "--topic", "t", "--rate", "realtime", "--timestamp-format", "NONE"],
            "--rate realtime needs timestamps",
        ),
    ],
)
def test_options_that_are_wrong_are_named(arguments, message, run):
    code, out, errors = run("app.log", *arguments)
    assert (code, out) == (2, "")
    assert message in errors


def test_a_broker_that_is_not_there_is_named(run, monkeypatch):
    monkeypatch.setattr("jobs.outbox._SETTINGS", {"bootstrap_timeout_ms": 500})
    address = f"127.0.0.1:{free_port()}"
    code, out, errors = run("app.log", "--bootstrap", address, "--topic", "t")
    assert (code, out) == (2, "")
    assert errors.startswith(f"error: no broker answers at {address} (")
    assert len(errors.splitlines()) == 1


@pytest.fixture
def topic(kafka) -> str:
    name = f"replay-{uuid4().hex[:8]}"
    kafka.create_topic(name, partitions=4)
    return name


def read(kafka, topic):
    """All of a topic: for each source (header) its partitions and its messages in order; the key is the header."""
    with KafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: dict[str, tuple[set, list]] = {}
        deadline = time.monotonic() + 60
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            assert time.monotonic() < deadline
            for records in consumer.poll(timeout_ms=200).values():
                for record in records:
                    assert record.headers == [("source", record.key)]
                    places, texts = found.setdefault(record.key.decode(), (set(), []))
                    places.add(record.partition)
                    texts.append(record.value)
        return found


@pytest.mark.services
def test_the_broker_receives_each_source_in_order_in_one_partition(kafka, topic, run):
    many = [f"2026-01-12 1{k // 3600 % 10}:{k // 60 % 60:02}:{k % 60:02} {k}" for k in range(20_000)]
    Path("many.log").write_text("\n".join(many))
    options = ["--bootstrap", kafka.bootstrap, "--topic", topic, "--quiet"]
    code, out, errors = run("app.log", "web.log.gz", "many.log", *options)
    assert (code, errors) == (0, "")
    assert out.startswith(f"20,013 lines in 20,009 messages acknowledged by topic {topic} in ")
    found = read(kafka, topic)
    assert {source: len(places) for source, (places, _) in found.items()} == dict.fromkeys(
        ("app.log", "web.log.gz", "many.log"), 1
    )
    assert found["app.log"][1] == TEXTS
    assert found["many.log"][1] == [text.encode() for text in many]


@pytest.mark.services
def test_logs_of_one_source_follow_each_other_as_envelopes(kafka, topic, run):
    options = ["--bootstrap", kafka.bootstrap, "--topic", topic, "--source", "shop", "--format", "envelope"]
    code, out, _ = run("web.log.gz", "app.log", *options, "--rate", "1000")
    assert code == 0
    assert out.startswith("13 lines in 9 messages")
    found = [json.loads(value) for value in read(kafka, topic)["shop"][1]]
    assert [document["message"] for document in found[5:]] == [text.decode() for text in TEXTS]
    assert found[4] == {"source": "shop", "timestamp": "2026-01-12T10:00:04.000Z", "message": f"{BEGIN}04 web"}


@pytest.mark.services
def test_a_message_that_is_too_large_is_told_with_its_line(kafka, run):
    topic = f"replay-{uuid4().hex[:8]}"
    kafka.create_topic(topic, settings={"max.message.bytes": "2000"})
    big = os.urandom(3000).hex()
    Path("big.log").write_text(f"{BEGIN}00 a\n{BEGIN}01 b\n  {big}\n{BEGIN}02 c\n")
    code, _, errors = run("big.log", "--bootstrap", kafka.bootstrap, "--topic", topic)
    assert code == 2
    assert "error: big.log line 2 is too large for a message (the broker says" in errors
    assert "with the lines that continue it 2 lines" in errors
    Path("client.properties").write_text("max.request.size=4000\n")
    config = ["--command-config", "client.properties"]
    code, _, errors = run("big.log", "--bootstrap", kafka.bootstrap, "--topic", topic, *config)
    assert code == 2
    assert "error: big.log line 2 is too large for a message (more than 3,7" in errors


@pytest.mark.services
def test_a_topic_that_is_missing_is_named(kafka, run):
    code, _, errors = run("app.log", "--bootstrap", kafka.bootstrap, "--topic", "misspelt")
    assert code == 2
    assert f"the broker at {kafka.bootstrap} shows no topic misspelt" in errors


@pytest.mark.services
def test_a_broker_that_falls_silent_is_given_up_with_the_line(kafka, topic, run):
    Path("client.properties").write_text("request.timeout.ms=1000\ndelivery.timeout.ms=1500\n")
    (broker,) = (psutil.Process(number) for number in kafka.processes())
    Path("long.log").write_text("".join(f"{BEGIN}{k:02} x\n" for k in range(60)))
    timer = threading.Timer(0.5, broker.suspend)
    options = ["--bootstrap", kafka.bootstrap, "--topic", topic, "--command-config", "client.properties", "--quiet"]
    try:
        timer.start()
        code, out, errors = run("long.log", *options, "--rate", "5")
    finally:
        timer.join()
        broker.resume()
    assert code == 2
    assert re.search(
        rf"error: \S*long\.log line \d+ was not acknowledged by {kafka.bootstrap}, topic {topic}: ", errors
    )
    assert f"acknowledged by topic {topic} in" in out


@pytest.mark.services
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_replay_says_how_far_it_came(kafka, topic, tmp_path, number, repo_root):
    path = tmp_path / "app.log"
    path.write_bytes(LOG + f"\n2026-01-12 19:00:00 far away\n{BEGIN}59 last\n".encode())
    arguments = [str(path), "--bootstrap", kafka.bootstrap, "--topic", topic, "--source", "s", "--rate", "realtime"]
    command = [sys.executable, "-m", "jobs.cli", "replay", *arguments, "--speed", "10"]
    process = subprocess.Popen(command, cwd=repo_root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while len(read(kafka, topic).get("s", ((), ()))[1]) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert out.startswith(f"8 lines in 4 messages acknowledged by topic {topic}")
    assert errors.endswith("error: interrupted\n")
