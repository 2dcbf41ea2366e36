"""What scoring series takes in one process, as JSON: the calls of the job's operators, without Flink."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from benchmarks.series_points import slots_of
from models.memory import keep_freed_memory
from models.series.scoring.documents import incident_documents
from models.series.scoring.points import PointBatch
from models.series.scoring.settings import ScoreSettings
from models.series.scoring.source import shard_of
from operators.elements import joined
from operators.score_log import ScoreLog

_ORIGIN = "bench"


class _State:
    """A list state that only knows how large it is, as Flink's lies elsewhere too."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def get(self) -> list[bytes]:
        return self.records

    def add(self, record: bytes) -> None:
        self.records.append(record)

    def update(self, records: list[bytes]) -> None:
        self.records = list(records)


def measure(settings: ScoreSettings, series: int, slots: int, warm_up: int, shards: int, batch: int) -> dict[str, Any]:
    """Score points as the operator does: decode, score, log with snapshots, tell incidents.

    Args:
        settings: how to score.
        series: how many.
        slots: of each; so many are measured.
        warm_up: slots before, which are not.
        shards: virtual partitions.
        batch: slots that come in one batch of points.
    """
    names = [f"host-{number}.cpu" for number in range(series)]
    shard = np.array([shard_of(_ORIGIN, name, shards) for name in names])
    members = [np.flatnonzero(shard == number) for number in range(shards)]
    named = [[names[number] for number in rows] for rows in members]
    states = [_State() for _ in range(shards)]
    logs = [ScoreLog(state, settings) for state in states]
    seconds, incidents, pending = 0.0, 0, []
    for slot, (time_ms, values) in enumerate(slots_of(series, warm_up + slots)):
        pending.append((time_ms, values))
        if len(pending) < batch and slot + 1 < warm_up + slots and slot + 1 != warm_up:
            continue
        records = [_batch(number, rows, named[number], pending).encode() for number, rows in enumerate(members)]
        begin = time.process_time()
        for number, record in enumerate(records):
            points = PointBatch.decode(record)
            found = logs[number].take(states[number], record, points)
            documents = incident_documents(points, found, settings.detector)
            incidents += len(joined(documents)) > 0
        if slot >= warm_up:
            seconds += time.process_time() - begin
        pending = []
    snapshots = [log.shard.snapshot() for log in logs]
    return {
        "series": series,
        "points": series * slots,
        "seconds": seconds,
        "points_per_second": series * slots / max(seconds, 1e-9),
        "batches_with_incidents": incidents,
        "snapshot_bytes_a_series": sum(map(len, snapshots)) / series,
        "state_bytes_a_series": sum(len(record) for state in states for record in state.records) / series,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _batch(number: int, rows: Any, names: list[str], pending: list[tuple[int, Any]]) -> PointBatch:
    count = len(pending)
    return PointBatch(
        number,
        _ORIGIN,
        False,
        names,
        np.tile(np.arange(len(rows), dtype=np.int32), count),
        np.repeat(np.array([time_ms for time_ms, _ in pending], np.int64), len(rows)),
        np.concatenate([values[rows] for _, values in pending]),
        np.arange(count * len(rows), dtype=np.int64),
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", default="typed")
    for name, value in (("series", 10_000), ("slots", 100), ("warm-up", 20), ("shards", 16), ("batch", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    keep_freed_memory()
    settings = ScoreSettings(options.detector)
    found = measure(settings, options.series, options.slots, options.warm_up, options.shards, options.batch)
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
