"""A shard of series under the row-by-row detector: each as if it were alone."""

from __future__ import annotations

import pytest

from models.batches import BatchError
from models.series.detector import SeriesDetector
from models.series.scoring.points import NO_TIME
from models.series.scoring.rows import RowShard
from models.series.settings import SENSITIVE
from tests.models.series.scoring.made_up import batch_of, points, said

ALL = points(3, 400)


def test_each_series_is_scored_as_if_it_were_alone():
    alone = {f"s{number}": SeriesDetector() for number in range(3)}
    rows = said(RowShard(SENSITIVE), batch_of([*ALL, ("s0", NO_TIME, 51.0)]))
    for (name, time_ms, value), row in zip([*ALL, ("s0", NO_TIME, 51.0)], rows, strict=True):
        result = alone[name].score_one(None if time_ms == NO_TIME else time_ms / 1000, value)
        assert (row[2], row[3]) == (result.anomaly_score, result.alarm)
    assert any(row[3] for row in rows)


@pytest.mark.parametrize("cut", [0, 1, 700])
def test_it_goes_on_from_its_record(cut):
    first = RowShard(SENSITIVE)
    found = said(first, batch_of(ALL[:cut]))
    second = RowShard.restore(first.snapshot(), SENSITIVE)
    assert second.series == first.series
    assert found + said(second, batch_of(ALL[cut:])) == said(RowShard(SENSITIVE), batch_of(ALL))


def test_names_in_two_files_are_two_series_and_in_a_topic_one():
    shard = RowShard(SENSITIVE)
    for origin in ("a.csv", "b.csv"):
        shard.take(batch_of(ALL[:3], origin=origin))
    assert shard.series == 6
    for origin in ("metrics/0", "metrics/1"):
        shard.take(batch_of(ALL[:3], origin=origin, topic=True))
    assert shard.series == 9


def test_records_of_something_else_are_refused():
    with pytest.raises(BatchError):
        RowShard.restore(SeriesDetector().to_record(), SENSITIVE)
