"""The sink in real jobs on a mini cluster: the end of the input, a server that goes away, a failure."""

from __future__ import annotations

import json
import threading
import time
import uuid
from pathlib import Path

import pytest
from pyflink.common import Configuration, Row, Types, WatermarkStrategy
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from jobs.elastic_output import ElasticConnection, ensure_indices
from jobs.environment import make_environment
from jobs.naming import by_key
from models.index_names import IndexNames
from operators.elasticsearch_sink import ELEMENT_TYPE, KEYED_ELEMENT_TYPE, REFUSED, ElasticsearchSink, SinkLimits
from tests.operators.elastic_documents import clean, letters, numbers
from tests.services.elasticsearch import start_elasticsearch

pytestmark = pytest.mark.services

PER_ELEMENT = 20


@pytest.fixture(scope="module")
def own_node(tmp_path_factory):
    with start_elasticsearch(tmp_path_factory.mktemp("own") / "node") as service:
        yield service


@pytest.fixture
def node(own_node):
    """A node that may be stopped; it is up at first."""
    if not own_node.is_ready:
        own_node.start_again()
    return own_node


def build(url, prefix, elements, produce, limits, settings, parallelism=1, spares=0):
    """A job: numbers, what ``produce`` makes of each, the sink; returns its environment and the refusals."""
    env = make_environment(parallelism, embedded=True, spares=spares)
    configuration = Configuration()
    for key, value in {"python.fn-execution.bundle.size": "1", **settings}.items():
        configuration.set_string(key, value)
    env.configure(configuration)
    source = env.from_source(NumberSequenceSource(0, elements - 1), WatermarkStrategy.no_watermarks(), "numbers")
    sink = by_key(source.flat_map(produce, KEYED_ELEMENT_TYPE), ELEMENT_TYPE).process(
        ElasticsearchSink(ElasticConnection(url), IndexNames(prefix, 2026), limits), Types.STRING()
    )
    return env, sink.get_side_output(REFUSED)


def test_a_bounded_job_ends_when_all_is_in_elasticsearch(elasticsearch):
    """Neither full bulks nor timers of the clock can be what sends all: there is neither for the last documents."""
    prefix = f"flink-{uuid.uuid4().hex[:8]}"
    ensure_indices(ElasticConnection(elasticsearch.url), prefix)
    bad = 777

    def produce(number):
        from tests.operators.elastic_documents import anomaly

        ids = range(number * PER_ELEMENT, (number + 1) * PER_ELEMENT)
        documents = [anomaly(n, **({"model": "x"} if n == bad else {})) for n in ids]
        yield Row(number % 3, ("anomaly", "\n".join(documents)))

    limits = SinkLimits(bulk_documents=300, flush_ms=3_600_000)
    _, refused = build(elasticsearch.url, prefix, 100, produce, limits, {}, parallelism=2)
    with refused.execute_and_collect() as results:
        (told,) = [json.loads(text) for text in results]
    with elasticsearch.client() as client:
        assert numbers(client, prefix) == [n for n in range(100 * PER_ELEMENT) if n != bad]
        assert letters(client, prefix) == [told]
        clean(client, prefix)


def test_nothing_is_lost_while_the_node_is_stopped_for_some_seconds(node):
    prefix, elements = "away", 80
    ensure_indices(ElasticConnection(node.url), prefix)

    def produce(number):
        import time

        from tests.operators.elastic_documents import anomaly

        time.sleep(0.1)
        ids = range(number * PER_ELEMENT, (number + 1) * PER_ELEMENT)
        yield Row(number % 2, ("anomaly", "\n".join(map(anomaly, ids))))

    env, _ = build(
        node.url, prefix, elements, produce, SinkLimits(bulk_documents=100, flush_ms=100, max_waiting=300), {}
    )
    job = threading.Thread(target=env.execute, args=("away",))
    job.start()
    with node.client() as client:
        while not client.indices.exists(index=f"{prefix}-anomalies-2026.01.12"):
            time.sleep(0.1)
    node.stop()
    stopped = time.monotonic()
    time.sleep(5)
    assert job.is_alive()
    node.start_again()
    assert time.monotonic() - stopped > 5
    job.join(60)
    assert not job.is_alive()
    with node.client() as client:
        assert numbers(client, prefix) == list(range(elements * PER_ELEMENT))


def test_after_a_failure_what_waited_in_state_is_sent_though_it_does_not_come_again(node, tmp_path):
    """The node is away until the job has failed; the second attempt sends no documents but those in its state."""
    prefix, elements = "restored", 10
    ensure_indices(ElasticConnection(node.url), prefix)
    node.stop()
    checkpoints, failed = tmp_path / "checkpoints", tmp_path / "failed"

    def produce(number, most=elements):
        import time

        from tests.operators.elastic_documents import anomaly

        if failed.exists():
            return
        if number < most:
            ids = range(number * PER_ELEMENT, (number + 1) * PER_ELEMENT)
            yield Row(number % 2, ("anomaly", "\n".join(map(anomaly, ids))))
            return
        time.sleep(0.2)
        done = [int(path.parent.name.partition("-")[2]) for path in Path(checkpoints).rglob("_metadata")]
        first = checkpoints.parent / "first"
        if not first.exists():
            first.write_text(str(max(done, default=0)))
        elif max(done, default=0) > int(first.read_text()) + 1:  # one that began after the last document
            failed.touch()
            raise RuntimeError("the failure of this trial")

    settings = {
        "execution.checkpointing.interval": "500 ms",
        "execution.checkpointing.dir": checkpoints.as_uri(),
        "execution.checkpointing.storage": "filesystem",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "100 ms",
    }
    env, _ = build(node.url, prefix, 1000, produce, SinkLimits(flush_ms=100), settings, spares=1)
    job = threading.Thread(target=env.execute, args=("restored",))
    job.start()
    limit = time.monotonic() + 60
    while not failed.exists() and time.monotonic() < limit:
        time.sleep(0.1)
    assert failed.exists()
    node.start_again()
    job.join(60)
    assert not job.is_alive()
    with node.client() as client:
        assert numbers(client, prefix) == list(range(elements * PER_ELEMENT))
