"""The job that scores series on a real Kafka broker, and as ``flink run`` starts it on a session cluster."""

from __future__ import annotations

import json
import subprocess
import zlib

import pytest
import yaml
from kafka import KafkaProducer

from jobs.score import run
from jobs.score_config import check_score_config
from models.errors import UserError
from models.series.scoring.documents import incident_documents
from models.series.scoring.settings import TYPED, ScoreSettings
from tests.models.series.scoring.made_up import batch_of, points

PARTITIONS = 2
POINTS = points(6, 330)


def expected():
    """Series, type and begin of each incident."""
    shard = ScoreSettings(TYPED).shard()
    batch = batch_of(POINTS)
    found = incident_documents(batch, shard.take(batch), TYPED)
    return sorted({(document["series"], document["@timestamp"]) for document in found})


def told(incidents):
    return sorted({(document["series"], document["@timestamp"]) for document in map(json.loads, incidents)})


@pytest.mark.services
def test_topics_are_scored_to_where_they_end(kafka, tmp_path):
    topic, empty = "score-metrics", "score-nothing"
    kafka.create_topic(topic, PARTITIONS)
    kafka.create_topic(empty, 1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for name, time_ms, value in POINTS:
        point = {"series": name, "timestamp": time_ms, "value": None if value != value else value}
        producer.send(topic, json.dumps(point).encode(), partition=zlib.crc32(name.encode()) % PARTITIONS)
    producer.send(topic, b"nothing", partition=1)
    producer.flush()
    producer.close()
    path = tmp_path / "score.yaml"
    given = {"kafka": {"bootstrap": kafka.bootstrap}, "output": {"directory": "out"}, "detector": "typed"}
    results = []
    for parallelism, batch_size in ((1, 50_000), (2, 200)):
        more = {"input": {"topics": [topic]}, "parallelism": parallelism, "batch_size": batch_size}
        path.write_text(yaml.safe_dump({**given, **more}))
        results.append(run(check_score_config(path), embedded=True))
    assert len(expected()) >= 3
    for found in results:
        assert told(found.incidents) == expected()
        assert found.summary["points"] == len(POINTS)
        (letter,) = map(json.loads, found.dead_letters)
        assert (letter["topic"], letter["partition"], letter["text"]) == (topic, 1, "nothing")
    assert results[0].incidents == results[1].incidents
    path.write_text(yaml.safe_dump({**given, "input": {"topics": [empty]}}))
    with pytest.raises(UserError, match="no points to score in score-nothing"):
        run(check_score_config(path), embedded=True)


@pytest.mark.cluster
def test_the_job_runs_on_a_session_cluster(real_cluster, tmp_path, repo_root):
    rows = [f"{time / 1000},{'' if value != value else value},{name}" for name, time, value in POINTS]
    (tmp_path / "a.csv").write_text("\n".join(["timestamp,value,series", *rows, ""]))
    path = tmp_path / "score.yaml"
    path.write_text("sources: [{path: a.csv}]\noutput: {directory: out}\ndetector: typed\nparallelism: 2\n")
    done = subprocess.run(
        [real_cluster.flink, "run", "-py", repo_root / "jobs/score.py", "--config", path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert told((tmp_path / "out" / "incidents.jsonl").read_text().splitlines()) == expected()
    assert f"{len(POINTS):,}" in done.stdout
