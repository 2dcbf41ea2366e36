"""Several jobs read the same stream at once; things happen to some of them, and one is left in peace.

One job is stopped with a savepoint and resumed with twice the parallelism, another loses Elasticsearch for a minute.
In the middle of the stream, with all of its first half read, each is given a changed model. In the end each has to have
put out the very anomalies of the job that nothing happened to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tests.live.feed import Feed
from tests.live.live_job import LiveJob
from tests.live.outputs import Document, Found
from tests.live.traffic import Stream, make_stream
from tests.services.elasticsearch import Elasticsearch, start_elasticsearch

pytestmark = [pytest.mark.cluster, pytest.mark.services, pytest.mark.faults]

RATE = 2000
ELASTICSEARCH_AWAY_S = 60
PEACE, RESCALED, CUT_OFF = "peace", "rescaled", "cut-off"


@dataclass
class Played:
    """What came of it.

    Attributes:
        stream: what was fed.
        update: the reply of each job to the changed model.
        found: what each job put out.
        restarts: of each job, since it was submitted last.
        rescaled: parallelism of the job that was resumed, before and after, and whether it went on from the savepoint.
        meanwhile: while Elasticsearch was away: checkpoints completed, and anomalies committed in Kafka.
        indexed_before: documents there were when it went away.
    """

    stream: Stream
    update: dict[str, dict] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    rescaled: tuple[int, int, bool] = (0, 0, False)
    meanwhile: tuple[int, int] = (0, 0)
    indexed_before: int = 0


@pytest.fixture(scope="module")
def other_elasticsearch(tmp_path_factory) -> Iterator[Elasticsearch]:
    """A node for one job alone."""
    with start_elasticsearch(tmp_path_factory.mktemp("services") / "elasticsearch") as service:
        yield service
    assert not service.processes()


def changed(stream: Stream) -> dict:
    """The model with one of its bounds drawn so tight that much of what was normal no longer is."""
    model = json.loads(stream.model.read_text())
    automaton = max(model["automata"], key=lambda a: a["duration"]["max_ms"] if a["duration"] else 0)
    automaton["duration"] |= {"max_ms": automaton["duration"]["max_ms"] // 2}
    return model | {"version": model["version"] + 1}


@pytest.fixture(scope="module")
def played(kafka, other_elasticsearch, make_topic, make_job, tmp_path_factory) -> Played:
    folder = tmp_path_factory.mktemp("stream") / "model"
    stream = make_stream(folder, 8, transactions=4000, anomalies_per_type=30, to_the_end=True)
    topic = make_topic(stream.partitions)
    jobs = {
        PEACE: make_job(PEACE, topic, stream.model),
        RESCALED: make_job(RESCALED, topic, stream.model, settings={"parallelism": 1}),
        CUT_OFF: make_job(CUT_OFF, topic, stream.model, elasticsearch=other_elasticsearch),
    }
    told = Played(stream)
    half = len(stream.messages) // 2
    with (
        ThreadPoolExecutor(len(jobs)) as pool,
        Feed(kafka.bootstrap, topic, stream.messages, RATE) as feed,
    ):
        feed.go_on(1000)
        feed.wait(1000)
        list(pool.map(LiveJob.submit, jobs.values()))
        feed.go_on(half)
        feed.wait(half // 4)
        cut_off = pool.submit(_cut_off, jobs[CUT_OFF], other_elasticsearch, told)
        feed.wait(half // 3)
        _rescale(jobs[RESCALED], told)
        feed.hurry()
        cut_off.result()
        list(pool.map(LiveJob.wait_until_read, jobs.values()))

        model = changed(stream)

        def update(live: LiveJob) -> dict:
            return live.ask({"id": "tighter", "action": "update", "model": model})

        told.update = dict(zip(jobs, pool.map(update, jobs.values()), strict=True))
        feed.go_on(len(stream.messages))
        feed.wait(len(stream.messages))

        def finish(live: LiveJob) -> Found:
            return live.finish(stream.sources, stream.open_orders)

        told.found = dict(zip(jobs, pool.map(finish, jobs.values()), strict=True))
    told.restarts = {name: live.job.restarts for name, live in jobs.items()}
    return told


def _cut_off(live: LiveJob, elasticsearch: Elasticsearch, told: Played) -> None:
    """Take its Elasticsearch away for a minute."""
    before = live.found()
    told.indexed_before = len(before.indexed)
    checkpoints = live.job.completed_checkpoints
    elasticsearch.stop()
    try:
        time.sleep(ELASTICSEARCH_AWAY_S)
        told.meanwhile = (
            live.job.completed_checkpoints - checkpoints,
            len(live.anomalies.read()) - len(before.committed),
        )
    finally:
        elasticsearch.start_again()


def _rescale(live: LiveJob, told: Played) -> None:
    """Stop it with a savepoint, and go on from there with twice the parallelism."""
    before = live.job.parallelism
    savepoint = live.job.stop(live.savepoints)
    live.submit(state=savepoint, parallelism=2)
    told.rescaled = before, live.job.parallelism, live.job.restored


@pytest.mark.parametrize("name", [RESCALED, CUT_OFF])
def test_no_anomaly_is_lost_or_told_twice(name, played):
    played.found[name].assert_is(played.found[PEACE])


def test_the_job_in_peace_tells_the_same_in_both_places(played):
    played.found[PEACE].assert_is(played.found[PEACE])


def test_nothing_that_happened_made_a_job_fail(played):
    assert played.restarts == {PEACE: 0, RESCALED: 0, CUT_OFF: 0}


def test_a_job_goes_on_from_its_savepoint_with_another_parallelism(played):
    assert played.rescaled == (1, 2, True)


def test_without_elasticsearch_checkpoints_and_anomalies_in_kafka_go_on(played):
    checkpoints, committed = played.meanwhile
    assert checkpoints > 2
    assert committed > 0


def test_the_changed_model_is_in_force_from_the_second_half_on(played):
    for reply in played.update.values():
        assert (reply["outcome"], reply["model"]["version"]) == ("accepted", 2), reply
    middle = played.stream.messages[len(played.stream.messages) // 2].time
    for found in played.found.values():
        before = [d for d in found.committed if d["@timestamp"] < middle]
        after = [d for d in found.committed if d["@timestamp"] >= middle]
        # What was open when the model changed is judged by the new one.
        assert {d["model"]["version"] for d in before} == {1, 2}
        assert {d["model"]["version"] for d in after} == {2}
        assert _too_long(after) > 2 * _too_long(before)


def _too_long(found: list[Document]) -> int:
    return sum(document["type"] == "too_long" for document in found)
