"""Counts in time slots in the live job: over sources out of step and silent ones, through a stop, under a new model."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from models.schema_check import check
from tests.live.outputs import CommittedTopic, wait_until
from tests.live.running_job import Job, at, iso, quick

pytestmark = pytest.mark.services

SLOT_MS = 10_000


def watching(version: int = 1, share: float = 0.9) -> dict[str, Any]:
    """The quick model, with a category and series."""
    shares = [{"value": "200", "share": share}, {"value": "500", "share": round(1 - share, 6)}]
    category = {"template": "t-more", "field": "status", "slot_ms": SLOT_MS, "support": 10_000, "shares": shares}
    return quick(version=version, words="web %{INT:status}") | {
        "categories": [category],
        "series": {"enabled": True, "slot_ms": SLOT_MS},
    }


def web(slot: int, good: int, bad: int) -> list[bytes]:
    """Lines of a slot."""
    return [at(slot * SLOT_MS + n, f"web {200 if n < good else 500}") for n in range(good + bad)]


class SlotsJob(Job):
    """It tells its slots, too."""

    def __init__(self, kafka, folder, settings) -> None:
        super().__init__(kafka, folder, settings)
        kafka.create_topic(f"{self.name}-series")
        self.settings["output"]["kafka"]["series"] = f"{self.name}-series"
        self.series = CommittedTopic(kafka.bootstrap, f"{self.name}-series")

    def close(self) -> None:
        super().close()
        self.series.close()

    def say_many(self, source: str, lines: list[bytes], partition: int) -> None:
        """A source writes lines, without waiting for each."""
        for line in lines:
            self.producer.send(self.topic, line, headers=[("source", source.encode())], partition=partition)
        self.producer.flush()

    def slots(self) -> dict[int, int]:
        """Second of the minute at which a slot begins → lines; each slot is told once."""
        found: dict[int, int] = {}
        for slot in self.series.read():
            if slot["kind"] == "category" and "late" not in slot:
                begin = int(slot["@timestamp"][17:19])
                assert begin not in found
                found[begin] = slot["lines"]
        return found

    def wait_for_slots(self, expected: dict[int, int]) -> None:
        wait_until(lambda: self.slots() == expected, f"{expected}; {self.slots()}; {self.run.said}", 90)


@pytest.fixture(scope="module")
def job(kafka, tmp_path_factory) -> Iterator[SlotsJob]:
    model = tmp_path_factory.mktemp("watching") / "model.json"
    model.write_text(json.dumps(watching()))
    settings = {"models": {"initial": [{"path": str(model)}]}, "heartbeat": {"enabled": False, "idle_ms": 1000}}
    made = SlotsJob(kafka, tmp_path_factory.mktemp("slots") / "job", settings)
    made.start().wait_for_work()
    try:
        yield made
    finally:
        made.close()


def test_slots_are_aligned_and_drifts_told_through_a_stop_and_a_change_of_models(job):
    job.say("b.log", *web(0, 27, 3), partition=1)
    job.wait_until_read(partition=1)  # a source that nobody has heard of is not waited for
    job.say("a.log", *web(0, 18, 2), *web(1, 10, 10), *web(2, 9, 1), partition=0)
    job.wait_until_read(partition=0)
    assert job.slots() == {}, "b.log may have more of the first slot"
    job.say("b.log", *web(1, 10, 10), at(2 * SLOT_MS + 50, "web 200"), partition=1)
    job.wait_for_slots({0: 50, 10: 40})

    def drifts() -> list[dict[str, Any]]:
        return [found for found in job.anomalies.read() if found["type"] == "category_drift"]

    wait_until(lambda: len(drifts()) == 1, f"a drift; {job.run.said}", 60)
    (drift,) = drifts()
    assert check("anomaly", drift) == []
    assert drift["@timestamp"] == "2026-06-01T00:00:10.000Z"
    assert drift["category"]["lines"] == 40
    assert drift["category"]["moved"] == "500"

    job.run.wait_for_checkpoint()
    assert job.run.interrupt() == 0, job.run.said
    job.start("--resume").wait_for_work()
    job.say("a.log", at(3 * SLOT_MS + 60, "web 200"), partition=0)
    job.accepted(action="heartbeat", source="b.log", timestamp="2026-06-01T00:00:31.000Z")
    job.wait_for_slots({0: 50, 10: 40, 20: 11})

    job.accepted(action="update", model=watching(2, share=0.5))
    job.say("a.log", *web(4, 15, 15), at(5 * SLOT_MS + 60, "web 200"), partition=0)
    job.accepted(action="end_of_log", source="b.log")
    job.wait_for_slots({0: 50, 10: 40, 20: 11, 30: 1, 40: 30})
    job.run.wait_for_checkpoint()
    assert len(drifts()) == 1
    assert job.run.restarts == 0


SPIKE = 200
SLOTS = 230


def steady(source: str, slots: range, least: int, spike: int = 0) -> list[bytes]:
    """Lines of a source, a few in each slot, and many in one."""
    rng = random.Random(source)
    found = []
    for slot in slots:
        lines = least + rng.randint(0, least) + (spike if slot == SPIKE else 0)
        found += [at(slot * SLOT_MS + n * 60, "web 200") for n in range(lines)]
    return found


@pytest.fixture
def steady_job(kafka, tmp_path_factory) -> Iterator[SlotsJob]:
    model = tmp_path_factory.mktemp("steady") / "model.json"
    model.write_text(json.dumps(watching() | {"categories": []}))
    settings = {"models": {"initial": [{"path": str(model)}]}, "heartbeat": {"enabled": False, "idle_ms": 1000}}
    made = SlotsJob(kafka, tmp_path_factory.mktemp("incidents") / "job", settings)
    made.start().wait_for_work()
    try:
        yield made
    finally:
        made.close()


def test_a_spike_is_told_though_sources_are_out_of_step_and_one_falls_silent(steady_job):
    job = steady_job
    job.say_many("b.log", steady("b", range(1), 2), partition=1)
    job.wait_until_read(partition=1)  # a source that nobody has heard of is not waited for
    job.say_many("a.log", steady("a", range(SPIKE + 6), 12, spike=100), partition=0)
    job.wait_until_read(partition=0)

    def incidents() -> list[dict[str, Any]]:
        return [found for found in job.anomalies.read() if "series" in found]

    assert job.series.read() == [], "b.log may have more of the first slot"
    job.say_many("b.log", steady("b", range(1, SPIKE - 20), 2), partition=1)
    job.wait_until_read(partition=1)
    assert incidents() == []
    job.accepted(action="heartbeat", source="b.log", timestamp=f"{iso((SPIKE + 5) * SLOT_MS)[:23]}Z")
    wait_until(lambda: len(incidents()) == 1, f"a begin; {job.run.said}", 60)
    job.say_many("a.log", steady("a", range(SPIKE + 6, SLOTS), 12), partition=0)
    job.accepted(action="heartbeat", source="b.log", timestamp=f"{iso(SLOTS * SLOT_MS)[:23]}Z")
    wait_until(lambda: len(incidents()) == 2, f"an end; {job.run.said}", 90)
    begin, end = incidents()
    assert [check("anomaly", found) for found in (begin, end)] == [[], []]
    assert begin["id"] == end["id"]
    assert [(found["type"], found["series"]["stage"]) for found in (begin, end)] == [
        ("spike", "begin"),
        ("spike", "end"),
    ]
    assert begin["@timestamp"] == end["@timestamp"] == f"{iso(SPIKE * SLOT_MS)[:23]}Z"
    assert begin["series"]["id"] == "lines t-more"
    assert job.run.restarts == 0
