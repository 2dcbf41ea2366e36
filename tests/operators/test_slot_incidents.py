"""Incidents of series on a real mini cluster: two sources out of step, one of them silent in between."""

import json
import random

import pytest

from jobs import detect
from jobs.config import DetectConfig, OutputConfig, SourceConfig
from models.anomalies import iso_ms
from models.document_text import pretty
from models.schema_check import check
from tests.models.slots.lines import T0, get, model, tick

SLOT_MS = 600_000
SLOTS = 3 * 144
BEHIND_MS = 7 * 60_000
SPIKE = 2 * 144 + 75
SILENT = range(2 * 144, 2 * 144 + 6)


def log(seed, offset_ms, most, spike):
    """Lines of a source: requests and ticks, and in one slot many more requests; nothing while it is silent."""
    rng = random.Random(seed)
    found = []
    for slot in range(SLOTS):
        if offset_ms and slot in SILENT:
            continue
        requests, ticks = rng.randint(0, most) + most, rng.randint(0, most // 2) + most // 2
        requests += 150 if spike and slot == SPIKE else 0
        times = sorted(rng.sample(range(0, SLOT_MS, 100), requests + ticks))
        is_tick = set(rng.sample(times, ticks))
        for at in times:
            ms = offset_ms + slot * SLOT_MS + at
            found.append(tick(ms) if at in is_tick else get(ms, 200, rng.randint(1, 9)))
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The results at parallelism 1 and 2."""
    folder = tmp_path_factory.mktemp("incidents")
    watching = model(categories=[], series={"enabled": True, "slot_ms": SLOT_MS})
    (folder / "model.json").write_text(pretty(watching.to_json()))
    for name, lines in {"a.log": log(1, 0, 20, True), "b.log": log(2, BEHIND_MS, 2, False)}.items():
        (folder / name).write_text("\n".join([*lines, ""]))
    found = []
    for parallelism, batch_size in ((1, 10_000), (2, 211)):
        config = DetectConfig(
            sources=tuple(SourceConfig(folder / name, name) for name in ("a.log", "b.log")),
            model=folder / "model.json",
            output=OutputConfig(folder),
            parallelism=parallelism,
            batch_size=batch_size,
            shards=4,
        )
        found.append(detect.run(config, folder / f"work-{parallelism}", embedded=True))
    return found


def test_the_same_documents_at_any_parallelism_and_batch_size(runs):
    assert runs[0].anomalies == runs[1].anomalies
    assert runs[0].series == runs[1].series


def test_the_spike_is_the_one_anomaly_and_at_its_slot(runs):
    (spike,) = map(json.loads, runs[0].anomalies)
    assert check("anomaly", spike) == []
    assert check("summary", runs[0].summary) == []
    assert spike["type"] == "spike"
    assert spike["template"] == "t-get"
    assert spike["@timestamp"] == iso_ms(T0 + SPIKE * SLOT_MS)
    assert spike["series"]["id"] == "lines t-get"
    assert spike["series"]["stage"] == "end"
    assert spike["series"]["end"] == iso_ms(T0 + (SPIKE + 1) * SLOT_MS)
    assert spike["series"]["actual"] > 100 > spike["series"]["upper"]
    assert runs[0].summary["anomalies"] == {"spike": 1}
