"""``weirwatch source``, ``weirwatch model apply`` and ``withdraw`` as people type them, over real channels."""

import json
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from jobs.cli import main
from models.document import save_model
from models.errors import UserError
from tests.jobs.running_job import answering_folder, answering_topic
from tests.jobs.stores.examples import model

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder to be in, with a model and folders of a control channel."""
    monkeypatch.chdir(tmp_path)
    save_model(model(), "model.json")
    (tmp_path / "control").mkdir()
    (tmp_path / "replies").mkdir()
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command: exit code, output, errors."""

    def call(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def topics(kafka):
    """A control topic and one for replies."""
    names = f"control-{uuid4().hex}", f"replies-{uuid4().hex}"
    for name in names:
        kafka.create_topic(name, partitions=1 if name.startswith("control") else 3)
    return names


@pytest.fixture
def channel(kafka, topics):
    """The options for these topics."""
    return ["--bootstrap", kafka.bootstrap, "--topic", topics[0], "--replies", topics[1], "--timeout", "20"]


FOLDERS = ["--directory", "control", "--replies", "replies", "--timeout", "20"]


def messages(kafka, topic):
    with KafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        found: list[dict] = []
        while len(found) < end:
            found += [json.loads(r.value) for rs in consumer.poll(timeout_ms=1000).values() for r in rs]
    for message in found:
        assert len(message.pop("id")) == 32
    return found


def test_word_of_a_source_reaches_the_topic_and_is_replied_to(kafka, topics, channel, run):
    with answering_topic(kafka.bootstrap, *topics):
        assert run("source", "heartbeat", "app.log", "2026-01-31T12:00:00Z", *channel)[0] == 0
        assert run("source", "heartbeat", "app.log", "1227213331000", *channel)[0] == 0
        for action in ("pause", "resume"):
            assert run("source", action, "app.log", *channel)[0] == 0
        code, output, errors = run("source", "end", "logs/0/app.log", *channel)
    assert (code, output, errors) == (0, "source logs/0/app.log: what it left open is judged\n", "")
    assert messages(kafka, topics[0]) == [
        {"action": "heartbeat", "source": "app.log", "timestamp": "2026-01-31T12:00:00Z"},
        {"action": "heartbeat", "source": "app.log", "timestamp": 1227213331000},
        {"action": "pause", "source": "app.log"},
        {"action": "resume", "source": "app.log"},
        {"action": "end_of_log", "source": "logs/0/app.log"},
    ]


def test_a_model_is_added_and_then_updated_and_withdrawn(kafka, topics, channel, run):
    with answering_topic(kafka.bootstrap, *topics) as models:
        assert run("model", "apply", "model.json", "--source", "a*", "--source", "b", *channel)[:2] == (
            0,
            "model hdfs: version 1 is in force, change 1\n",
        )
        assert models.entries["hdfs"].sources == ("a*", "b")
        save_model(model(9, version=2), "model.json")
        code, output, _ = run("model", "apply", "model.json", "--all-sources", "--json", *channel)
        assert (code, json.loads(output)["model"]) == (0, {"id": "hdfs", "version": 2})
        assert not models.entries["hdfs"].sources
        assert models.epoch == 2
        code, _, errors = run("model", "apply", "model.json", "--add", *channel)
        assert (code, "the job rejected it: model hdfs is in force already" in errors) == (2, True)
        assert run("model", "withdraw", "hdfs", *channel)[:2] == (0, "model hdfs: is no longer in force\n")
        assert models.entries == {}
        code, _, errors = run("model", "apply", "model.json", "--update", *channel)
        assert (code, "is not in force" in errors) == (2, True)
        code, _, errors = run("model", "withdraw", "hdfs", *channel)
        assert (code, "is not in force" in errors) == (2, True)


def test_a_model_of_the_store_is_named_and_loaded_by_the_job(kafka, topics, channel, run):
    def fetch(name, version):
        if name != "hdfs":
            raise UserError(f"there is no model {name}")
        return model(3, version=version or 7).to_json()

    control, replies = topics
    with answering_topic(kafka.bootstrap, control, replies, fetch) as models:
        assert run("model", "apply", "hdfs@4", *channel)[0] == 0
        assert models.entries["hdfs"].version == 4
        assert run("model", "apply", "hdfs", *channel)[0] == 0
        assert models.entries["hdfs"].version == 7
        code, _, errors = run("model", "apply", "shop", "--add", *channel)
        assert (code, "model shop cannot be loaded: there is no model shop" in errors) == (2, True)


def test_without_replies_the_message_is_sent_and_not_waited_for(kafka, topics, channel, run):
    code, output, _ = run("source", "end", "app.log", *channel[:4])
    assert (code, output.startswith("sent;")) == (0, True)
    assert messages(kafka, topics[0]) == [{"action": "end_of_log", "source": "app.log"}]
    code, _, errors = run("model", "apply", "model.json", *channel[:4])
    assert (code, "add --add, --update or --replies" in errors) == (2, True)
    assert run("model", "apply", "model.json", "--add", *channel[:4])[0] == 0


def test_a_job_that_does_not_reply_is_given_up(channel, run):
    code, _, errors = run("source", "end", "app.log", *channel[:-1], "1")
    assert code == 2
    assert "within 1 s; is the job running" in errors


def test_topics_and_brokers_that_are_not_there_are_named(kafka, topics, channel, run):
    broken = [*channel]
    broken[3] = "no-such-topic"
    assert "shows no topic no-such-topic" in run("source", "end", "app.log", *broken)[2]
    broken = [*channel]
    broken[5] = "no-such-replies"
    assert "shows no topic no-such-replies" in run("source", "end", "app.log", *broken)[2]
    assert messages(kafka, topics[0]) == []


def test_a_model_too_large_for_the_topic_is_told(kafka, run):
    topic = f"control-{uuid4().hex}"
    kafka.create_topic(topic, settings={"max.message.bytes": "1000"})
    code, _, errors = run("model", "apply", "model.json", "--add", "--bootstrap", kafka.bootstrap, "--topic", topic)
    assert (code, "is too large for topic" in errors, "weirwatch model push" in errors) == (2, True, True)


def test_over_folders_all_goes_the_same_way(place, run):
    with answering_folder(place / "control", place / "replies") as models:
        assert run("model", "apply", "model.json", *FOLDERS)[0] == 0
        assert models.entries["hdfs"].version == 1
        assert run("source", "heartbeat", "app.log", "0", *FOLDERS)[0] == 0
        code, output, _ = run("source", "pause", "app.log", "--json", *FOLDERS)
        assert (code, json.loads(output)["topic"]) == (0, None)
        assert run("model", "withdraw", "other", *FOLDERS)[0] == 2
    names = [path.name for path in sorted((place / "control").iterdir())]
    assert len(names) == 5
    assert all(name.endswith(".jsonl") and name[0].isdigit() for name in names)


def test_in_folders_too_a_missing_reply_is_told(run):
    code, _, errors = run(
        "source", "end", "app.log", "--directory", "control", "--replies", "replies", "--timeout", "0.3"
    )
    assert (code, "no reply in replies within 0.3 s" in errors) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["source", "end", "x"], "say how to reach the job"),
        (["source", "end", "x", "--bootstrap", "localhost", "--topic", "a"], "is no HOST:PORT"),
        (["source", "end", "x", "--bootstrap", "localhost:9", "--topic", "a/b"], "is no name of a topic"),
        (["source", "end", "x", "--bootstrap", "localhost:9", "--topic", "a", "--replies", "a"], "are the same topic"),
        (["source", "end", "x", "--directory", "control", "--topic", "a"], "exclude each other"),
        (["source", "end", "x", "--directory", "nowhere"], "nowhere: there is no such folder"),
        (["source", "end", "", "--directory", "control"], "1 to 1000 characters"),
        (["source", "heartbeat", "x", "soon", "--directory", "control"], 'TIME: "soon" is no time'),
        (["source", "heartbeat", "x", "1227213331000000000", "--directory", "control"], "years 1 to 9999"),
        (["model", "withdraw", "../x", "--directory", "control"], "is no name of a model"),
        (["model", "apply", "../x", "--directory", "control", "--add"], "no such file"),
        (["model", "apply", "shop@x", "--directory", "control", "--add"], "number of a version"),
        (["model", "apply", "shop", "--directory", "control", "--add", "--all-sources", "--source", "a"], "exclude"),
    ],
)
def test_what_is_given_wrong_is_told_before_anything_is_sent(arguments, message, place, run):
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert message in errors
    assert list((place / "control").iterdir()) == []
