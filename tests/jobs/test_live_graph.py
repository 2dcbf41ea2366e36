"""The graph of the live job: what Flink keeps state under, and what people find its operators by."""

import json
import re
import subprocess
import sys

import pytest

# Builds graphs as submissions do, without any server; prints each operator's graph, name, uid and parallelism, and
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

for number, arguments in enumerate(json.loads(sys.argv[1])):
    names, folder, *uses = arguments
    topics, checkers = names.split(","), tuple(CheckerSpec(use, use) for use in uses)
    heard = {"topic": "control"} if folder == "-" else {"directory": Path(folder)}
    control = ControlConfig("replies" if folder == "-" else folder, **heard)
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
        told = node.getOperatorName(), node.getTransformationUID(), node.getParallelism(), keyed
        print("NODE", json.dumps([number, *told]))
"""

# Where Flink looks for what the job remembers: a change here means that no savepoint of before fits any more.
KEYED = {"resolve", "parse", "automata", "slots", "elasticsearch"}
SOURCES = {"lines-shop-source", "lines-web-source", "control-messages-source", "control-wake-up", "partitions"}
SINKS = {"anomalies", "dead-letters", "replies", "series"}

AUTOMATIC = re.compile(r"^(Map|Flat Map|Filter|Process|KEYED PROCESS|_.*|Extract-Timestamp|Timestamps/Watermarks)$")


Graph = list[tuple[str, str, int, bool]]


@pytest.fixture(scope="module")
def graphs(repo_root, tmp_path_factory) -> list[Graph]:
    """Of a job, of one with other topics and control messages from a folder, and of the first with a checker."""
    folder = str(tmp_path_factory.mktemp("graph") / "control")
    wanted = [["shop,web", "-"], ["bank,web,shop", folder], ["shop,web", "-", "limits"]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(wanted)],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found: list[Graph] = [[] for _ in wanted]
    for line in done.stdout.splitlines():
        if line.startswith("NODE "):
            number, *node = json.loads(line[5:])
            found[number].append(tuple(node))
    return found


@pytest.fixture(scope="module")
def graph(graphs) -> Graph:
    return graphs[0]


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
def test_other_topics_and_another_control_channel_leave_the_place_in_a_topic_where_it_is(graphs):
    before, after, _ = graphs
    place = {uid for _, uid, _, _ in before if uid.startswith("lines-shop")}
    assert place
    assert {uid for _, uid, _, _ in after if uid.startswith("lines-shop")} == place
    assert "control-messages-source" in {uid for _, uid, _, _ in after}


@pytest.mark.cluster
def test_with_checkers_their_failures_have_a_way_of_their_own_and_all_else_stays(graphs):
    # SQL numbers its operators through in their names, from graph to graph.
    graph, _, after = ([(re.sub(r"\[\d+\]", "", name), *rest) for name, *rest in one] for one in graphs)
    assert set(after) - set(graph) == {("failures of checkers", "checker-failures", 2, False)}
    assert set(graph) <= set(after)
