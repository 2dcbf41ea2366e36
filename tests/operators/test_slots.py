"""``slots`` behind ``parse`` on a real mini cluster: the same at any parallelism, and what one counts by hand."""

import json
import random

import pytest

from jobs import detect
from jobs.config import DetectConfig, OutputConfig, SourceConfig
from models.anomalies import iso_ms
from models.document_text import pretty
from models.schema_check import check
from tests.models.slots.lines import SLOT_MS, T0, get, model, naive, tick

MINUTES = 20


def log(seed, first, wrong_from):
    """Lines (ms, template, status, number) of a source that begins after so many minutes; some are out of order."""
    rng = random.Random(seed)
    found = []
    for minute in range(first, first + MINUTES):
        if minute == first + 3:
            continue
        share = 0.1 if minute < wrong_from else 0.5
        for at in sorted(rng.sample(range(SLOT_MS), 60)):
            status = "500" if rng.random() < share else "200"
            found.append((minute * SLOT_MS + at, "t-get", status, rng.randint(1, 900) / 10))
        found.append((minute * SLOT_MS + SLOT_MS - 1, "t-tick", "", 0.0))
    return found


@pytest.fixture(scope="module")
def sources():
    return {"a.log": log(1, 0, 12), "b.log": log(2, 5, 12)}


@pytest.fixture(scope="module")
def runs(sources, tmp_path_factory):
    """The results at parallelism 1 and 2."""
    folder = tmp_path_factory.mktemp("slots")
    (folder / "model.json").write_text(pretty(model().to_json()))
    late = [get(0), tick(1)]  # minutes behind
    for name, lines in sources.items():
        texts = [get(ms, status, number) if kind == "t-get" else tick(ms) for ms, kind, status, number in lines]
        (folder / name).write_text("\n".join([*texts, *(late if name == "b.log" else ()), ""]))
    found = []
    for parallelism, batch_size in ((1, 10_000), (2, 97)):
        config = DetectConfig(
            sources=tuple(SourceConfig(folder / name, name) for name in sources),
            model=folder / "model.json",
            output=OutputConfig(folder),
            parallelism=parallelism,
            batch_size=batch_size,
            shards=4,
        )
        found.append(detect.run(config, folder / f"work-{parallelism}", embedded=True))
    return found


def test_all_is_the_same_at_any_parallelism_and_batch_size(runs):
    assert runs[0].series == runs[1].series
    assert runs[0].anomalies == runs[1].anomalies


def test_slots_are_those_counted_by_hand_over_all_sources(runs, sources):
    lines = [line for source in sources.values() for line in source]
    expected = naive(lines, max(line[0] for line in lines))
    begins = {iso_ms(T0 + at): at for _, _, at in expected}
    late = 0
    for slot in map(json.loads, runs[0].series):
        wanted = expected.pop((slot["template"], slot["kind"], begins[slot["@timestamp"]]))
        assert {key: slot[key] for key in wanted} == wanted
        late += slot.get("late", 0)
    assert not expected
    assert late == 4  # the line counts in three series, the tick in one


def test_the_drift_is_told_once(runs):
    (drift,) = map(json.loads, runs[0].anomalies)
    assert check("anomaly", drift) == []
    assert drift["type"] == "category_drift"
    assert drift["@timestamp"] == iso_ms(T0 + 12 * SLOT_MS)
    assert drift["category"]["moved"] == "500"
    assert runs[0].summary["anomalies"] == {"category_drift": 1}
    assert check("summary", runs[0].summary) == []


def test_the_files_that_a_run_writes(runs, tmp_path):
    runs[0].write(tmp_path)
    assert (tmp_path / "series.jsonl").read_text().splitlines() == runs[0].series
