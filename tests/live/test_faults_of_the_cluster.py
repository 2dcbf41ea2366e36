"""One job, and what a cluster does to it: workers and TaskManagers killed, the broker away, the JobManager killed.

All happens while the stream is fed, one after the other, in a stretch of the stream each. In the end a second job reads
the whole topic in peace. Of each stretch, both Kafka and Elasticsearch have to hold the anomalies that this one found,
and Kafka each of them once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from jobs.cluster_processes import job_manager, task_managers, workers
from jobs.session_cluster import Cluster, start_job_manager, start_task_manager
from tests.live.feed import Feed
from tests.live.live_job import LiveJob
from tests.live.outputs import Found, wait_until
from tests.live.traffic import Stream, make_stream
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.cluster, pytest.mark.services, pytest.mark.faults]

RATE = 2500
BROKER_AWAY_S = 20


@dataclass
class Faults:
    """What can be done to the job."""

    cluster: Cluster
    kafka: Kafka
    live: LiveJob

    def kill_a_worker(self) -> None:
        host = next(iter(self.live.job.task_managers.values()))
        self._kill(workers(self.cluster.directory, host)[0])

    def kill_a_task_manager(self) -> None:
        self._kill(next(iter(self.live.job.task_managers.values())))

    def _kill(self, process: int) -> None:
        """Kill a process, and see to TaskManagers as whoever runs a cluster does: for one that ends another is started.

        It is not always the one that was killed: some operators of PyFlink fail as they are closed without their
        worker, and Flink takes that for a reason to end the TaskManager.
        """
        before = self.live.job.restarts
        os.kill(process, signal.SIGKILL)

        def is_back() -> bool:
            if len(task_managers(self.cluster.directory)) < self.cluster.task_managers:
                start_task_manager(self.cluster)
            return self.live.job.restarts > before and self.live.job.is_at_work

        wait_until(is_back, f"the job at work again; {self.live.job.failures}", 120)

    def stop_the_broker(self) -> None:
        self.kafka.stop()
        try:
            time.sleep(BROKER_AWAY_S)
        finally:
            self.kafka.start_again()

    def kill_the_job_manager(self) -> None:
        process = job_manager(self.cluster.directory)
        assert process is not None
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: job_manager(self.cluster.directory) is None, "the JobManager gone", 10, 0.1)
        kept = self.live.retained_checkpoint
        start_job_manager(self.cluster)
        self.live.submit(state=kept)


ACTS: dict[str, Callable[[Faults], None]] = {
    "a killed worker": Faults.kill_a_worker,
    "a killed TaskManager": Faults.kill_a_task_manager,
    "another killed TaskManager": Faults.kill_a_task_manager,
    "a broker that was away": Faults.stop_the_broker,
    "a killed JobManager": Faults.kill_the_job_manager,
}


@dataclass
class Played:
    """What came of it.

    Attributes:
        stretches: act → the event times of its stretch of the stream, the end excluded.
        fed: act → whether the stream was being fed when the fault was over.
        restarts: act → restarts of the job before and after.
        restored: whether the job that was resumed last went on from a checkpoint.
        found: what the job put out.
        expected: what the job that was left in peace put out.
        stream: what was fed.
    """

    stream: Stream
    stretches: dict[str, tuple[str, str]] = field(default_factory=dict)
    fed: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, tuple[int, int]] = field(default_factory=dict)
    restored: bool = False
    found: Found = field(default_factory=Found)
    expected: Found = field(default_factory=Found)


@pytest.fixture(scope="module")
def played(live_cluster, kafka, make_topic, make_job, tmp_path_factory) -> Played:
    folder = tmp_path_factory.mktemp("stream") / "model"
    stream = make_stream(folder, 7, transactions=7000, anomalies_per_type=50, to_the_end=True)
    topic = make_topic(stream.partitions)
    live = make_job("faults", topic, stream.model)
    faults = Faults(live_cluster, kafka, live)
    told = Played(stream)
    count = len(stream.messages)
    with Feed(kafka.bootstrap, topic, stream.messages, RATE) as feed:
        feed.go_on(1000)
        feed.wait(1000)
        live.submit()
        for number, (act, fault) in enumerate(ACTS.items()):
            begin, end = count * number // len(ACTS), count * (number + 1) // len(ACTS)
            told.stretches[act] = (
                stream.messages[begin].time if number else "",
                stream.messages[end].time if end < count else "~",
            )
            feed.go_on(end)
            feed.wait((3 * begin + end) // 4)
            before = live.job.restarts
            told.fed[act] = end - feed.acknowledged
            started = time.monotonic()
            fault(faults)
            live.job.wait_for_work()
            live.job.wait_for_checkpoints(1)
            told.restarts[act] = before, live.job.restarts
            # Shown if something fails.
            print(f"{act}: {time.monotonic() - started:.0f} s until the next checkpoint; {live.job.failures}")
            feed.hurry()
    told.restored = live.job.restored
    peaceful = make_job("peace", topic, stream.model)
    peaceful.submit()
    told.found = live.finish(stream.sources, stream.open_orders)
    told.expected = peaceful.finish(stream.sources, stream.open_orders)
    assert peaceful.job.restarts == 0
    return told


@pytest.mark.parametrize("act", ACTS)
def test_no_anomaly_is_lost_or_told_twice_after(act, played):
    assert played.fed[act] > 0, "the stream was over before the fault came"
    begin, end = played.stretches[act]
    played.found.between(begin, end).assert_is(played.expected.between(begin, end))


def test_taken_together_nothing_is_lost_or_told_twice(played):
    played.found.assert_is(played.expected)


@pytest.mark.parametrize("act", ["a killed worker", "a killed TaskManager", "another killed TaskManager"])
def test_the_job_goes_on_by_itself_after(act, played):
    before, after = played.restarts[act]
    assert after > before


def test_the_job_goes_on_from_the_checkpoint_that_a_killed_job_manager_left(played):
    assert played.restored


def test_what_the_job_in_peace_finds_is_what_was_injected(played):
    found = {(a["type"], a["transaction"]["id"]) for a in played.expected.committed if a["transaction"]}
    injected = {(t.type, t.transaction) for t in played.stream.truth if t.type != "unmatched_log"}
    assert len(injected & found) >= 0.95 * len(injected)
    assert {("missing_end", order) for order in played.stream.open_orders} <= found
