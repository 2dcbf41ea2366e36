"""What the benchmark of state backends feeds, counts and asks Flink for."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.backend_job import settings
from benchmarks.backend_operators import Feed, Told, counted
from benchmarks.open_transactions import BATCH, PATH, SHARDS
from models.batches import EventBatch

NOTHING: Any = SimpleNamespace()


def fed(folder, steps):
    feed = Feed(BATCH, str(folder))
    feed.open(NOTHING)
    return [out for number in range(steps * SHARDS) for out in feed.flat_map(number)]


def test_the_feed_keeps_as_many_transactions_open_and_gives_each_its_whole_path(tmp_path):
    paths: dict[bytes, list[str]] = {}
    clocks = []
    for row, clock in fed(tmp_path, 8):
        key, record = row
        batch = EventBatch.decode(record)
        assert key == batch.key
        clocks.append(clock)
        assert (batch.order_ms >= clock).all()
        for name, template in zip(batch.transaction, batch.template.tolist(), strict=True):
            paths.setdefault(name, []).append(batch.templates[template])
    whole = [f"t-{step}" for step in PATH]
    assert all(path == whole[: len(path)] for path in paths.values())
    done = sum(path == whole for path in paths.values())
    # As many as are done have begun, beside those that were open first; of the last ones nothing may have come yet.
    assert done > 0
    assert BATCH <= len(paths) <= BATCH + done
    assert all(a <= b for a, b in pairwise(clocks))
    assert len(set(clocks)) == 8


def test_how_far_workers_are_is_read_from_outside(tmp_path):
    assert counted(tmp_path, "feed") == {}
    told = Told(str(tmp_path), "feed")
    assert list(counted(tmp_path, "feed").values()) == [0]
    for _ in range(40):
        told.one_more()
    (number,) = counted(tmp_path, "feed").values()
    assert number in range(25, 41)
    assert counted(tmp_path, "automata") == {}


@pytest.mark.parametrize(("backend", "flink"), [("heap", "hashmap"), ("rocksdb", "rocksdb")])
def test_the_job_has_the_settings_of_the_live_job_with_its_state(backend, flink, tmp_path):
    made = settings(backend, tmp_path, 700, 3, 8081)
    assert made["state.backend.type"] == flink
    assert made.get("execution.checkpointing.incremental") == ("true" if backend == "rocksdb" else None)
    assert made["execution.checkpointing.interval"] == "700 ms"
    assert made["taskmanager.numberOfTaskSlots"] == "4"
