"""The graph of the live job: what Flink keeps state under, and what people find its operators by."""

import json
import re
import subprocess
import sys

import pytest

# Builds the graph as a submission does, without any server; prints each operator's name, uid and parallelism, and
# whether it has keyed state.
PROGRAM = """
import json, sys
from pathlib import Path
from pyflink.table import StreamTableEnvironment
from jobs.connectors import pipeline_jars
from jobs.environment import make_environment
from jobs.kafka_topics import Partition
from jobs.live import build
from jobs.live_flink import flink_settings, table_settings
from jobs.live_settings import (
    ControlConfig, ElasticsearchConfig, InputConfig, KafkaConfig, KafkaOutputConfig, LiveConfig, LiveOutputConfig,
)
from jobs.preparation import Preparation
from models.checkers.spec import CheckerSpec
from models.index_names import IndexNames

topics, folder = sys.argv[1].split(","), sys.argv[2]
checkers = tuple(CheckerSpec(use, use) for use in sys.argv[3:])
control = ControlConfig("replies", topic="control") if folder == "-" else ControlConfig(folder, directory=Path(folder))
output = LiveOutputConfig(ElasticsearchConfig("http://a:1"), KafkaOutputConfig("found", "dead", series="counts"))
config = LiveConfig(
    KafkaConfig("a:1"), InputConfig(tuple(topics)), output, control=control, parallelism=2, checkers=checkers
)
options = {"properties.bootstrap.servers": "a:1"}
found = Preparation(
    partitions=[Partition(topic, number, 0, 5) for topic in topics for number in range(2)],
    control=[Partition("control", 0, 0, 0)],
    models=[], fetch=None, offsets=dict, source_options=options, sink_properties={"bootstrap.servers": "a:1"},
    elastic=dict, index_names=IndexNames("weirwatch", 2026),
)
env = make_environment(2, True, {**flink_settings(config), "pipeline.jars": pipeline_jars()})
tables = StreamTableEnvironment.create(env)
for key, value in table_settings(config).items():
    tables.get_config().set(key, value)
build(env, tables, config, found)
nodes = env._generate_stream_graph(False, "live").getStreamNodes().iterator()
while nodes.hasNext():
    node = nodes.next()
    keyed = node.getStateKeySerializer() is not None
    print("NODE", json.dumps([node.getOperatorName(), node.getTransformationUID(), node.getParallelism(), keyed]))
"""

# Where Flink looks for what the job remembers: a change here means that no savepoint of before fits any more.
KEYED = {"resolve", "parse", "automata", "slots", "elasticsearch"}
SOURCES = {"lines-shop-source", "lines-web-source", "control-messages-source", "control-wake-up", "partitions"}
SINKS = {"anomalies", "dead-letters", "replies", "series"}

AUTOMATIC = re.compile(r"^(Map|Flat Map|Filter|Process|KEYED PROCESS|_.*|Extract-Timestamp|Timestamps/Watermarks)$")


def graph_of(repo_root, topics: str, folder: str = "-", *checkers: str) -> list[tuple[str, str, int, bool]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, topics, folder, *checkers],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line[5:])) for line in done.stdout.splitlines() if line.startswith("NODE ")]


@pytest.fixture(scope="module")
def graph(repo_root):
    return graph_of(repo_root, "shop,web")


@pytest.mark.cluster
def test_what_has_state_keeps_its_uid(graph):
    assert {uid for _, uid, _, keyed in graph if keyed} == KEYED
    assert {uid for name, uid, _, _ in graph if name.startswith("Source: ")} == SOURCES
    assert {uid for name, uid, _, _ in graph if name.endswith(": Writer")} == SINKS
    assert {uid for name, uid, _, _ in graph if name.endswith(": Committer")} == {f"Sink Committer: {s}" for s in SINKS}


@pytest.mark.cluster
def test_every_operator_has_a_uid_and_a_name_that_tells_what_it_is(graph):
    assert not [name for name, uid, _, _ in graph if not uid]
    assert len({uid for _, uid, _, _ in graph}) == len(graph)
    assert not [name for name, _, _, _ in graph for part in name.split(", ") if AUTOMATIC.match(part)]


@pytest.mark.cluster
def test_control_messages_take_one_way_so_that_none_overtakes_another(graph):
    way = {uid: parallelism for _, uid, parallelism, _ in graph if uid.startswith("control") or uid == "resolve"}
    assert len(way) > 3
    assert set(way.values()) == {1}
    assert {parallelism for _, uid, parallelism, _ in graph if uid in ("parse", "automata", "elasticsearch")} == {2}


@pytest.mark.cluster
def test_other_topics_and_another_control_channel_leave_the_place_in_a_topic_where_it_is(graph, repo_root, tmp_path):
    before = {uid for _, uid, _, _ in graph if uid.startswith("lines-shop")}
    after = graph_of(repo_root, "bank,web,shop", str(tmp_path / "control"))
    assert {uid for _, uid, _, _ in after if uid.startswith("lines-shop")} == before
    assert "control-messages-source" in {uid for _, uid, _, _ in after}


@pytest.mark.cluster
def test_with_checkers_their_failures_have_a_way_of_their_own_and_all_else_stays(graph, repo_root):
    after = graph_of(repo_root, "shop,web", "-", "limits")
    assert set(after) - set(graph) == {("failures of checkers", "checker-failures", 2, False)}
    assert set(graph) <= set(after)
