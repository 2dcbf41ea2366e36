"""Pairs in the job: both series meet, what is told depends on the lines alone, and outlasts a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.document import ModelDocument
from models.editing.anomaly_explanation import anomaly_rows
from models.errors import UserError
from models.schema_check import check
from models.series.correlation.pair import Correlation, SeriesRef, leaders
from models.series.correlation.watch import PairWatch
from models.slots.series import SERIES_SHARDS, SlotWatch, shard_of_series
from tests.models.slots.lines import SLOT_MS, Job, get, model, tick

PAIR = {
    "a": {"template": "t-tick", "kind": "lines"},
    "b": {"template": "t-get", "kind": "category", "field": "status", "value": "200"},
    "lag_slots": 1,
    "slope": 2,
}
SLOTS, BREAK = 260, (200, 225)


def paired(**changes: Any) -> ModelDocument:
    return model(series={"enabled": True, "correlations": [PAIR]}, **changes)


def lines(seed: int) -> dict[str, list[str]]:
    """Ticks in one source, a slot later twice as many requests in another; for some slots these go their own way."""
    rng = np.random.default_rng(seed)
    ticks = rng.integers(4, 12, SLOTS)
    gets = np.concatenate([[10], 2 * ticks[:-1]])
    gets[slice(*BREAK)] = 2 * rng.integers(4, 12, BREAK[1] - BREAK[0])
    return {
        name: [
            write(slot * SLOT_MS + SLOT_MS * n // int(count))
            for slot, count in enumerate(counts.tolist())
            for n in range(count)
        ]
        for name, counts, write in (("ticks.log", ticks, tick), ("web.log", gets, get))
    }


def test_a_broken_link_is_told_once():
    job = Job(paired(), lines(0)).finish()
    begin, end = [d for d in job.anomalies if d["type"] == "correlation"]
    for document in (begin, end):
        assert check("anomaly", document) == []
    assert begin["id"] == end["id"]
    assert [d["series"]["stage"] for d in (begin, end)] == ["begin", "end"]
    assert begin["series"]["id"] == "category t-get status=200"
    assert begin["other"]["id"] == "lines t-tick"
    assert begin["lag_slots"] == 1
    assert begin["slope"] == 2
    assert begin["template"] == "t-get"
    assert BREAK[0] <= _slot(begin["series"]["begin"]) <= BREAK[0] + 5
    assert BREAK[1] - 3 <= _slot(end["series"]["end"]) <= BREAK[1] + 2
    recent = {row[0]: row[1:] for row in begin["series"]["recent"]}
    ticks = dict(begin["other"]["recent"])
    assert len(recent) == 120
    counted = {s["@timestamp"]: s["lines"] for s in job.slots if s["template"] == "t-tick"}
    assert all(counted[at] == number for at, number in ticks.items())


def test_a_departure_is_explained():
    found = next(d for d in Job(paired(), lines(0)).finish().anomalies if d["type"] == "correlation")
    text = "\n".join(anomaly_rows(paired(), found))
    assert "category t-get status=200 follows lines t-tick, 1 slots later" in text
    assert "relation    0 + 2 · lines t-tick" in text
    assert "no such pair" in "\n".join(anomaly_rows(model(), found))


def _slot(iso: str) -> int:
    hour, minute = iso[11:16].split(":")
    return int(hour) * 60 + int(minute)


def test_what_is_told_does_not_depend_on_how_lines_come():
    told = Job(paired(), lines(1)).finish().told()
    assert len(told[2]) == 2
    rng = np.random.default_rng(2)
    for restore in (False, True):
        job = Job(paired(), lines(1))
        while job.clocks:
            job.take(rng.choice(list(job.clocks)), int(rng.integers(1, 700)), restore and rng.random() < 0.3)
        assert job.told() == told


def test_a_changed_model_goes_on_with_what_it_says_the_same_of():
    job = Job(paired(), lines(3))
    shard = job.shards[SlotWatch.of(paired()).shard_of("t-tick")]
    job.finish()
    before = shard._pairs.to_json()
    assert before["pairs"]
    shard._pairs.follow(paired(version=2))
    assert shard._pairs.to_json() == before
    shard._pairs.follow(model())
    assert not shard._pairs.to_json()["pairs"]


def test_templates_that_pairs_connect_meet():
    def pair(a: str, b: str) -> Correlation:
        return Correlation(SeriesRef(a), SeriesRef(b), 0, 1.0)

    rng = np.random.default_rng(0)
    for _ in range(50):
        names = [f"t-{n}" for n in range(20)]
        edges = [tuple(rng.choice(names, 2)) for _ in range(12)]
        found = leaders([pair(a, b) for a, b in edges])
        for name in names:
            reached, more = {name}, True
            while more:
                wider = reached | {y for e in edges for x, y in (e, e[::-1]) if x in reached}
                more, reached = wider != reached, wider
            assert found.get(name, name) == min(reached)
    watch = SlotWatch(leaders={"t-b": "t-a"})
    assert watch.shard_of("t-b") == shard_of_series("t-a") < SERIES_SHARDS
    assert watch.shard_of("t-c") == shard_of_series("t-c")


@pytest.mark.parametrize(
    ("change", "path", "mend"),
    [
        ({"a": {"template": "t-tock", "kind": "lines"}}, "correlations[0].a.template", "did you mean 't-tick'"),
        ({"a": {"template": "t-tick", "kind": "lines", "field": "x"}}, "correlations[0].a", "remove these"),
        ({"b": {"template": "t-get", "kind": "category", "field": "status"}}, "correlations[0].b", "add value"),
        ({"b": {"template": "t-get", "kind": "metric"}}, "correlations[0].b", "add field"),
        ({"b": {"template": "t-get", "kind": "metric", "field": "tok"}}, "correlations[0].b.field", "'took'"),
        ({"b": {"template": "t-tick", "kind": "lines"}}, "correlations[0]", "itself"),
        ({"slope": 0}, "correlations[0].slope", "is 0"),
        ({"lag_slots": 6}, "correlations[0].lag_slots", "5"),
        ({"spread": 0}, "correlations[0].spread", "0"),
    ],
)
def test_what_is_wrong_is_told_with_its_mend(change, path, mend):
    with pytest.raises(UserError) as error:
        model(series={"enabled": True, "correlations": [PAIR | change]})
    assert path in str(error.value)
    assert mend in str(error.value)


def test_the_same_pair_twice_is_refused():
    other = PAIR | {"a": PAIR["b"], "b": PAIR["a"]}
    with pytest.raises(UserError, match="the same series as"):
        model(series={"enabled": True, "correlations": [PAIR, other]})


def test_a_document_comes_back_as_it_was():
    document = paired()
    assert ModelDocument.from_json(document.to_json()).to_json() == document.to_json()
    assert document.to_json()["series"]["correlations"] == [PAIR | {"correlation": 0.0, "support": 0}]


def test_state_of_version_1_is_read():
    """Written by the first version that had pairs: 200 slots of :func:`lines` and a few."""
    record = json.loads((Path(__file__).parents[3] / "fixtures" / "pair_watch_v1.json").read_text())
    watch = PairWatch(paired(), record)
    assert [pair.lag_slots for pair in watch._rows] == [1]
    assert watch._pairs.fleet.led(0) > 0
    assert len(watch._pairs.fleet.recent(0, 120)) == 120
    assert watch._begun == set(paired().series.correlations[0].key)
