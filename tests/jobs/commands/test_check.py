"""``weirwatch config check`` of a live configuration, with the real servers that it names."""

import json
import re
from uuid import uuid4

import pytest

from jobs.cli import main
from tests.models.model_example import document

EXAMPLE = "conf/live.yaml"


@pytest.fixture
def written(repo_root, tmp_path):
    """The example, with some of its text exchanged, beside a model."""
    (tmp_path / "model.json").write_text(json.dumps(document()))

    def write(exchanged: dict[str, str] | None = None) -> str:
        text = (repo_root / EXAMPLE).read_text().replace("../.run/demo/model.json", "model.json")
        text = text.replace("../.run/live/checkpoints", "checkpoints")
        for old, new in (exchanged or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "live.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def topics(kafka):
    """New topics for each that the example names."""
    end = uuid4().hex[:8]
    named = {
        name: f"{name}-{end}"
        for name in ("weirwatch-control", "weirwatch-replies", "weirwatch-anomalies", "weirwatch-dead-letters")
    }
    named["[logs]"] = f"[logs-{end}]"
    for topic in named.values():
        kafka.create_topic(topic.strip("[]"), 2 if topic.startswith("[") else 1)
    return named


def test_the_example_is_right_and_is_summed_up(written, capsys, tmp_path):
    assert main(["config", "check", written()]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"{tmp_path}/live.yaml: right",
        "  kafka       localhost:9092, PLAINTEXT",
        "  input       logs (auto), from earliest",
        f"  models      {tmp_path}/model.json",
        "  control     weirwatch-control, replies to weirwatch-replies",
        "  output      http://localhost:9200, indices weirwatch-…",
        "  output      topics weirwatch-anomalies and weirwatch-dead-letters",
        f"  checkpoints every 10 s, file://{tmp_path}/checkpoints",
        "  shape       parallelism 1, 16 shards, state on heap",
    ]
    assert said.err == ""


def test_a_variable_that_is_not_set_here_is_a_warning(written, capsys, monkeypatch):
    login = "localhost:9092\n  security: {protocol: SASL_SSL, username: me, password: '${NOT_SET_HERE}'}"
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    assert main(["config", "check", written({"localhost:9092": login})]) == 0
    said = capsys.readouterr()
    assert "localhost:9092, SASL_SSL, as me" in said.out
    assert said.err == (
        "warning: kafka.security.password: NOT_SET_HERE is not set in this environment; it has to be wherever the job "
        "runs\n"
    )


def test_what_is_wrong_is_named(written, capsys):
    assert main(["config", "check", written({"format: auto": "format: row"})]) == 2
    assert re.search(
        r"live\.yaml, line \d+: input\.format: 'row' is not known here; did you mean raw\?", capsys.readouterr().err
    )


def test_connections_are_for_live_configurations(tmp_path, capsys):
    (tmp_path / "a.log").touch()
    (tmp_path / "model.json").touch()
    path = tmp_path / "detect.yaml"
    path.write_text("sources: [{path: a.log}]\nmodel: model.json\noutput: {directory: out}\n")
    assert main(["config", "check", str(path), "--connect"]) == 2
    assert "--connect goes with a configuration that has kafka and input" in capsys.readouterr().err


@pytest.mark.services
def test_servers_and_topics_that_are_there_are_found(written, topics, kafka, elasticsearch, capsys):
    addresses = {"localhost:9092": kafka.bootstrap, "http://localhost:9200": elasticsearch.address}
    assert main(["config", "check", written(topics | addresses), "--connect"]) == 0
    said = capsys.readouterr()
    shown = said.out.partition("state on heap\n")[2].splitlines()
    assert shown[:2] == [
        f"kafka.bootstrap: {kafka.bootstrap} answers",
        f"input.topics[0]: topic {topics['[logs]'].strip('[]')}: 2 partitions",
    ]
    assert f"control.replies: topic {topics['weirwatch-replies']}: 1 partition" in shown
    assert shown[-1].startswith(f"output.elasticsearch.url: {elasticsearch.address} answers; cluster ")
    assert said.err == ""


@pytest.mark.services
def test_what_is_not_there_is_named_and_the_rest_still_tried(written, topics, kafka, capsys):
    kafka.create_topic(wide := f"wide-{uuid4().hex[:8]}", 3)
    exchanged = topics | {
        "localhost:9092": kafka.bootstrap,
        "http://localhost:9200": "http://localhost:1",
        "weirwatch-replies": "no-such-topic",
        "weirwatch-control": wide,
        "parallelism: 1": "parallelism: 5",
    }
    assert main(["config", "check", written(exchanged), "--connect"]) == 2
    said = capsys.readouterr().err
    assert "error: control.replies: there is no topic no-such-topic (or it may not be seen); make it" in said
    assert f"warning: control.topic: topic {wide}: 3 partitions; messages keep their order within one only" in said
    assert "warning: parallelism: 5 is more than the 2 partitions of the input" in said
    assert "error: output.elasticsearch.url: " in said


@pytest.mark.services
def test_a_transaction_longer_than_the_brokers_allow_is_found(written, topics, kafka, capsys):
    exchanged = topics | {"localhost:9092": kafka.bootstrap, ": 900000": ": 900001"}
    assert main(["config", "check", written(exchanged), "--connect"]) == 2
    said = capsys.readouterr().err
    assert (
        "output.kafka.transaction_timeout_ms: 900001 is more than the brokers allow: 900000; lower it, or raise" in said
    )


def test_a_broker_that_is_not_there_is_named(written, capsys, monkeypatch):
    monkeypatch.setattr("jobs.live_connections._PATIENCE_MS", 500)
    exchanged = {"localhost:9092": "localhost:1", "http://localhost:9200": "http://localhost:1"}
    assert main(["config", "check", written(exchanged), "--connect"]) == 2
    said = capsys.readouterr().err
    assert re.search(
        r"error: kafka\.bootstrap: no answer from localhost:1 \(.+\); is it up, is the address right", said
    )
