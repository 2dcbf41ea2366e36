"""The learning job on a real Kafka broker, and as ``flink run`` starts it on a session cluster."""

from __future__ import annotations

import datetime
import subprocess
import zlib
from dataclasses import replace

import pytest
import yaml
from kafka import KafkaProducer

from jobs.learn import learn as learn_as_job
from jobs.learn_config import check_learn_config
from models.document import load_model
from models.errors import UserError
from models.learner import LearnOptions, learn

PARTITIONS = 3


def job_log(count):
    """Lines of transactions that run side by side, each with a time of its own, and the job of each."""
    lines = []
    for k in range(count):
        for step, text in enumerate(("accepted", "queued", "run on node-3", "finished with 0 warnings")):
            at = k * 900 + step * 1500 + (k * 37 + step * 11) % 400
            stamp = datetime.datetime.fromtimestamp(1_767_225_600 + at / 1000, datetime.UTC)
            lines.append((at, k, f"{stamp:%Y-%m-%d %H:%M:%S}.{at % 1000:03d} job j-{k:05d} {text}"))
    lines.sort()
    return lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    (folder / "jobs.log").write_text("".join(f"{line}\n" for _, _, line in job_log(400)))
    return folder


@pytest.fixture(scope="module")
def local(folder):
    return learn([("jobs.log", str(folder / "jobs.log"))], LearnOptions(model_id="jobs"))[0]


def configured(folder, name, **more):
    path = folder / name
    path.write_text(yaml.safe_dump({"id": "jobs", "output": {"model": "jobs.json"}, **more}))
    return path


@pytest.mark.services
def test_topics_are_learnt_to_where_they_end(kafka, folder, local):
    topic, empty = "learn-jobs", "learn-nothing"
    kafka.create_topic(topic, PARTITIONS)
    kafka.create_topic(empty, 1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    later = 0
    for at, number, line in job_log(400):
        partition = zlib.crc32(b"%d" % number) % PARTITIONS
        producer.send(topic, line.encode(), partition=partition, timestamp_ms=1_000_000 + at)
        later = max(later, 1_000_000 + at)
    producer.flush()
    source = {"kafka": {"bootstrap": kafka.bootstrap}, "batch_size": 300}
    for parallelism in (1, 2):
        config = check_learn_config(
            configured(folder, "topic.yaml", input={"topics": [topic]}, parallelism=parallelism, **source)
        )
        model, report = learn_as_job(config, embedded=True)
        assert model.learned["files"] == [topic]
        assert replace(model, learned={}) == replace(local, learned={})
        assert {**model.learned, "files": 0} == {**local.learned, "files": 0}
        assert report.lines == 1600
    half = datetime.datetime.fromtimestamp(1000 + 200 * 0.9, datetime.UTC).isoformat()
    since = configured(folder, "since.yaml", input={"topics": [topic]}, since=half, **source)
    _, report = learn_as_job(check_learn_config(since), embedded=True)
    assert report.lines == sum(at >= 200 * 900 for at, _, _ in job_log(400))
    producer.close()
    nothing = configured(folder, "empty.yaml", input={"topics": [empty]}, **source)
    with pytest.raises(UserError, match="no messages to learn from in learn-nothing"):
        learn_as_job(check_learn_config(nothing), embedded=True)


@pytest.mark.cluster
def test_the_job_runs_on_a_session_cluster(real_cluster, folder, local, repo_root):
    config = configured(
        folder, "files.yaml", sources=[{"path": "jobs.log"}], parallelism=2, output={"model": "c.json", "store": "st"}
    )
    done = subprocess.run(
        [real_cluster.flink, "run", "-py", repo_root / "jobs/learn.py", "--config", config],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert load_model(folder / "c.json") == local
    assert load_model(folder / "st/jobs/v00001.json").templates == local.templates
    assert ": 400 transactions, 4 states, told apart by job" in done.stdout
