"""The sink's state and timers against a real node; Flink's part is played by lists here."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from jobs.elastic_output import ElasticConnection, ensure_indices
from models.index_names import ANOMALY, DEAD_LETTER, IndexNames
from operators.elasticsearch_sink import END_OF_INPUT, REFUSED, ElasticsearchSink, SinkLimits
from tests.operators.elastic_documents import anomaly, clean, dead_letter, letters, numbers
from tests.services.ports import free_port

pytestmark = pytest.mark.services


class State(list):
    """Keyed list state of one key."""

    def get(self):
        return list(self)

    def add(self, value):
        self.append(value)

    def update(self, values):
        self[:] = values


class Metrics(dict):
    """Counters and gauges by name."""

    class Number:
        value = 0

        def inc(self, n):
            self.value += n

        def update(self, n):
            self.value = n

    def counter(self, name):
        return self.setdefault(name, self.Number())

    distribution = counter

    def gauge(self, name, function):
        self[name] = function


class Subtask:
    """A subtask with the state of its keys; another one may go on with that."""

    def __init__(self, connect, prefix, state=None, timers=(), **limits):
        self.state = {} if state is None else state
        self.timers, self.metrics, self.key = set(timers), Metrics(), 0
        self.sink = ElasticsearchSink(connect, IndexNames(prefix, 2026), SinkLimits(**limits))
        self.sink.open(self)

    # What the sink sees of Flink.
    def get_list_state(self, _):
        subtask = self

        class Current:
            def __getattr__(self, name):
                return getattr(subtask.state.setdefault(subtask.key, State()), name)

        return Current()

    def get_metrics_group(self):
        return self.metrics

    def get_current_key(self):
        return self.key

    def timer_service(self):
        return self

    def current_processing_time(self):
        return int(time.time() * 1000)

    def register_processing_time_timer(self, at):
        self.timers.add((self.key, at))

    register_event_time_timer = register_processing_time_timer

    # What Flink does.
    def element(self, kind, *documents, key=0):
        self.key = key
        return list(self.sink.process_element((kind, "\n".join(documents)), self))

    def fire(self, timer):
        self.key, at = timer
        self.timers.discard(timer)
        return list(self.sink.on_timer(at, self))

    def flush(self):
        """Fire the timers of the clock that are set."""
        return [out for timer in sorted(self.timers) if timer[1] != END_OF_INPUT for out in self.fire(timer)]


@pytest.fixture
def prefix(elasticsearch):
    name = f"sink-{uuid.uuid4().hex[:8]}"
    ensure_indices(ElasticConnection(elasticsearch.url), name)
    yield name
    with elasticsearch.client() as client:
        clean(client, name)


@pytest.fixture
def client(elasticsearch):
    with elasticsearch.client() as made:
        yield made


@pytest.fixture
def connect(elasticsearch):
    return ElasticConnection(elasticsearch.url)


@pytest.fixture
def nowhere():
    return ElasticConnection(f"http://127.0.0.1:{free_port()}")


def test_documents_wait_in_state_until_the_timer_sends_them(connect, prefix, client):
    subtask = Subtask(connect, prefix)
    subtask.element(ANOMALY, anomaly(1), anomaly(2))
    subtask.element(DEAD_LETTER, dead_letter(1))
    assert subtask.state[0] == [f"anomaly\n{anomaly(1)}\n{anomaly(2)}", f"dead_letter\n{dead_letter(1)}"]
    assert subtask.metrics["sink_backlog"]() == 3
    assert len(subtask.timers) == 2  # one of the clock, and one for the end of the input
    assert subtask.flush() == []
    assert numbers(client, prefix) == [1, 2]
    assert letters(client, prefix) == [json.loads(dead_letter(1))]
    assert not subtask.state[0]
    assert subtask.metrics["sink_backlog"]() == 0
    assert subtask.metrics["documents_indexed"].value == 3
    assert {at for _, at in subtask.timers} == {END_OF_INPUT}


def test_a_full_bulk_is_sent_at_once_and_the_rest_by_the_timer(connect, prefix, client):
    subtask = Subtask(connect, prefix, bulk_documents=10)
    subtask.element(ANOMALY, *map(anomaly, range(25)))
    assert numbers(client, prefix) == list(range(20))
    subtask.flush()
    assert numbers(client, prefix) == list(range(25))


def test_the_same_ids_overwrite_and_go_to_the_indices_of_their_days(connect, prefix, client):
    for _ in range(2):
        subtask = Subtask(connect, prefix)
        subtask.element(ANOMALY, *(anomaly(n * 600) for n in range(5)))
        subtask.flush()
    assert numbers(client, prefix) == [n * 600 for n in range(5)]
    assert sorted(client.indices.get(index=f"{prefix}-anomalies-*")) == [
        f"{prefix}-anomalies-2026.01.12",
        f"{prefix}-anomalies-2026.01.13",
    ]


def test_one_bad_document_among_good_ones_becomes_a_dead_letter_in_both_outputs(connect, prefix, client):
    subtask = Subtask(connect, prefix)
    subtask.element(ANOMALY, anomaly(1), anomaly(2, model="shop"), anomaly(3))
    ((tag, text),) = subtask.flush()
    letter = json.loads(text)
    assert tag is REFUSED
    assert numbers(client, prefix) == [1, 3]
    assert letters(client, prefix) == [letter]
    assert (letter["source"], letter["line"], letter["timestamp"]) == ("logs/0", 3, "2026-01-12T00:02:00.000Z")
    assert "object mapping for [model]" in letter["reason"]
    assert json.loads(letter["text"])["model"] == "shop"
    assert not subtask.state[0]
    assert subtask.metrics["documents_refused"].value == 1


def test_a_document_for_which_the_server_refuses_the_whole_bulk_does_not_take_the_others_with_it(
    connect, prefix, client
):
    subtask = Subtask(connect, prefix)
    subtask.element(ANOMALY, *map(anomaly, range(20)), anomaly(99, id="y" * 600), *map(anomaly, range(20, 40)))
    ((_, text),) = subtask.flush()
    assert "status 400: Validation Failed: 1: id [yyy" in json.loads(text)["reason"]
    assert numbers(client, prefix) == list(range(40))
    assert letters(client, prefix) == [json.loads(text)]


def test_documents_wait_while_there_is_no_room_for_their_index(connect, prefix, client):
    subtask = Subtask(connect, prefix)
    subtask.element(ANOMALY, anomaly(1))
    client.indices.create(index=f"{prefix}-dead-letters-undated")
    client.cluster.put_settings(persistent={"cluster.max_shards_per_node": 1})
    try:
        assert subtask.flush() == []
        assert subtask.metrics["sink_backlog"]() == 1
    finally:
        client.cluster.put_settings(persistent={"cluster.max_shards_per_node": None})
    time.sleep(0.3)
    subtask.flush()
    assert numbers(client, prefix) == [1]


def test_what_a_later_version_adds_or_writes_badly_is_kept(connect, prefix, client):
    subtask = Subtask(connect, prefix)
    subtask.element(ANOMALY, anomaly(1, forecast={"deep": [1, "two"]}), anomaly(2, score="very high"))
    assert subtask.flush() == []
    assert numbers(client, prefix) == [1, 2]


def test_another_subtask_sends_what_is_left_in_state_though_no_element_comes(connect, nowhere, prefix, client):
    before = Subtask(nowhere, prefix, bulk_documents=2, flush_ms=10)
    for key in (0, 1):
        before.element(ANOMALY, *(anomaly(10 * key + n) for n in range(5)), key=key)
    before.flush()
    assert before.metrics["bulk_retries"].value > 0
    timers = {timer for timer in before.timers if timer[1] != END_OF_INPUT}
    assert {key for key, _ in timers} == {0, 1}
    after = Subtask(connect, prefix, before.state, timers)
    after.flush()
    assert numbers(client, prefix) == [*range(5), *range(10, 15)]
    assert not any(after.state.values())
    assert {key for key, at in after.timers if at == END_OF_INPUT} == {0, 1}


def test_while_the_server_is_away_a_call_holds_back_for_two_seconds_and_then_takes_its_element(nowhere, prefix):
    subtask = Subtask(nowhere, prefix, max_waiting=10, flush_ms=10)
    took = []
    for number in (0, 10, 20):
        begin = time.monotonic()
        subtask.element(ANOMALY, *(anomaly(number + n) for n in range(10)))
        took.append(time.monotonic() - begin)
    assert took[0] < 1
    assert all(1.9 < seconds < 3 for seconds in took[1:])
    assert subtask.metrics["sink_backlog"]() == 30
    assert sum(entry.count("\n") for entry in subtask.state[0]) == 30
    assert [at for _, at in subtask.timers if at != END_OF_INPUT]


def test_the_end_of_the_input_sends_all_that_waits(connect, prefix, client):
    subtask = Subtask(connect, prefix, flush_ms=3_600_000)
    for key in (0, 1):
        subtask.element(ANOMALY, anomaly(key), key=key)
        assert subtask.fire((key, END_OF_INPUT)) == []
    assert numbers(client, prefix) == [0, 1]
    assert not any(subtask.state.values())


def test_a_refused_document_leaves_the_state_before_it_could_be_told_again(connect, prefix):
    subtask = Subtask(connect, prefix, bulk_documents=2)
    told = subtask.element(ANOMALY, anomaly(0, model="shop"), *(anomaly(n) for n in range(1, 4)), *[anomaly(9)] * 20)
    told += subtask.flush()
    assert len(told) == 1
    assert not any(anomaly(0, model="shop") in entry for entry in subtask.state[0])
