"""Counters keep what they are given until a bundle ends."""

import pytest
from apache_beam.runners.worker import statesampler
from apache_beam.utils.counters import CounterFactory

from operators.counting import CountingGroup


class Group(dict):
    """Flink's metric group: what each metric was given, and its gauges."""

    def counter(self, name):
        given = self.setdefault(name, [])
        return type("Counter", (), {"inc": staticmethod(given.append), "update": staticmethod(given.append)})

    distribution = counter

    def gauge(self, name, look):
        self[name] = look


@pytest.fixture
def in_a_worker():
    """A thread that works on bundles, as a worker's does."""
    sampler = statesampler.StateSampler("worker", CounterFactory(), 200)
    sampler.start()
    yield
    sampler.stop()
    statesampler.set_current_tracker(None)


def test_all_is_told_when_the_gauges_are_looked_at_noughts_too(in_a_worker):
    group = Group()
    counting = CountingGroup(group)
    lines, dead, took = counting.counter("lines"), counting.counter("dead"), counting.distribution("took_ms")
    counting.gauge("open", lambda: 7)
    lines.inc(3)
    lines.inc()
    took.update(20)
    assert group["lines"] == [], "it would be lost"
    assert group["open"]() == 7
    assert (group["lines"], group["dead"], group["took_ms"]) == ([0, 3, 1], [0], [20])
    dead.inc(2)
    assert group["open"]() == 7
    assert (group["lines"], group["dead"], group["took_ms"]) == ([0, 3, 1], [0, 2], [20])


def test_without_a_worker_it_is_told_at_once():
    group = Group()
    counting = CountingGroup(group)
    counting.counter("lines").inc(3)
    assert sum(group["lines"]) == 3
