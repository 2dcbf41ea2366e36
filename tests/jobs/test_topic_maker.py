"""Topics are made on a real broker: those that are missing, and no others."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient

from jobs.live_config import load_live_config
from jobs.topic_maker import make_topics
from models.errors import UserError
from tests.services.ports import free_port


def config(tmp_path: Path, bootstrap: str, prefix: str):
    path = tmp_path / "live.yaml"
    path.write_text(
        f"kafka: {{bootstrap: '{bootstrap}'}}\n"
        f"input: {{topics: [{prefix}-one, {prefix}-two]}}\n"
        "models: {initial: [{path: model.json}]}\n"
        f"control: {{topic: {prefix}-control, replies: {prefix}-replies}}\n"
        f"output: {{kafka: {{anomalies: {prefix}-found, dead_letters: {prefix}-dead}}}}\n"
    )
    return load_live_config(path, {})


def partitions(kafka, prefix):
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        names = [name for name in admin.list_topics() if name.startswith(prefix)]
        return {t["name"]: len(t["partitions"]) for t in admin.describe_topics(names)}


@pytest.mark.services
def test_missing_topics_are_made_and_those_that_are_there_are_left_alone(kafka, tmp_path):
    prefix = f"made-{uuid4().hex[:8]}"
    kafka.create_topic(f"{prefix}-two", partitions=2)
    parts = ("one", "control", "replies", "found", "dead")
    found = make_topics(config(tmp_path, kafka.bootstrap, prefix), 3)
    assert found == [f"{prefix}-{part}" for part in parts]
    numbers = {"one": 3, "two": 2, "control": 1, "replies": 1, "found": 1, "dead": 1}
    assert partitions(kafka, prefix) == {f"{prefix}-{part}": number for part, number in numbers.items()}
    assert make_topics(config(tmp_path, kafka.bootstrap, prefix), 3) == []


def test_without_a_broker_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("jobs.topic_maker._PATIENCE_MS", 500)
    where = f"localhost:{free_port()}"
    with pytest.raises(UserError, match=rf"^the broker at {where} makes no topics .*is it up"):
        make_topics(config(tmp_path, where, "made"), 3)


@pytest.mark.services
def test_a_number_of_partitions_that_the_broker_refuses(kafka, tmp_path):
    with pytest.raises(UserError, match="makes no topics"):
        make_topics(config(tmp_path, kafka.bootstrap, f"made-{uuid4().hex[:8]}"), 0)
