"""Typed detectors behind time slots: one incident is one anomaly, however lines came, through restores and changes."""

import numpy as np
import pytest

from models.detection import FAR_FUTURE_MS
from models.schema_check import check
from models.series.fleet import Fleet
from models.series.incidents import PRESETS
from models.slots.aligned import MOST_EMPTY
from models.slots.cells import Cell
from models.slots.counts import SlotCounts
from models.slots.detection import SlotDetectors
from models.slots.series import CATEGORY, SeriesKey
from models.slots.shard import SlotShard, WatchedModel
from tests.models.slots.incidents import DAY, GET, SLOT_MS, TICK, poisson, run, watching
from tests.models.slots.lines import model

DAYS = 4
SPIKE = 3 * DAY
CHANGES = {SPIKE: 150, SPIKE + 1: 400}


@pytest.fixture(scope="module")
def counts():
    return {GET: poisson(1, DAYS * DAY, CHANGES), TICK: poisson(2, DAYS * DAY)}


@pytest.fixture(scope="module")
def told(counts):
    return run(counts, watching())


def test_a_spike_is_told_when_it_begins_and_when_it_is_over(told):
    begin, end = told
    assert [check("anomaly", document) for document in told] == [[], []]
    assert {document["type"] for document in told} == {"spike"}
    assert begin["id"] == end["id"]
    assert [document["series"]["stage"] for document in told] == ["begin", "end"]
    assert begin["@timestamp"] == end["@timestamp"] == begin["series"]["begin"] == "1970-01-04T00:00:00.000Z"
    assert begin["series"]["end"] is None
    assert end["series"]["end"] == "1970-01-04T00:20:00.000Z"
    assert begin["series"]["actual"] == 150
    assert end["series"]["actual"] == 400
    assert end["series"]["lower"] < 20 < end["series"]["upper"] < 150
    assert f"learnt from {SPIKE - 1:,} slots" in begin["reason"], "the first slot is not complete"


def test_what_is_told_besides_is_what_the_fleet_said_of_the_last_slots(told, counts):
    fleet = Fleet(SLOT_MS, 1, PRESETS["quiet"])
    rows = np.zeros(1, np.int64)
    said = []
    for slot in range(1, SPIKE + 1):
        found = fleet.update(rows, rows + slot * SLOT_MS, np.array([float(counts[GET][slot])]))
        said.append([counts[GET][slot], found.expected[0], max(found.lower[0], 0.0), found.upper[0]])
    recent = told[0]["series"]["recent"]
    assert len(recent) == 120
    assert recent[-1][0] == told[0]["@timestamp"]
    assert recent[0][0] == "1970-01-03T04:10:00.000Z"
    np.testing.assert_allclose([slot[1:] for slot in recent], said[-120:], rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_told_however_counts_come_and_shards_are_restored(told, counts, seed):
    assert run(counts, watching(), seed) == told


def test_an_incident_that_is_open_at_the_end_is_told_as_it_stands(counts):
    cut = {key: values[: SPIKE + 6] for key, values in counts.items()}
    first, last = run(cut, watching())
    assert first["id"] == last["id"]
    assert (last["series"]["stage"], last["series"]["end"]) == ("begin", None)
    assert (first["series"]["actual"], last["series"]["actual"]) == (150, 400)
    assert last["series"]["recent"][-1][0] == "1970-01-04T00:50:00.000Z"


def test_neither_the_slot_within_which_a_log_begins_nor_that_within_which_it_ends_is_judged():
    values = poisson(1, 3 * DAY, {0: 2000})
    document = watching()
    shard = SlotShard(WatchedModel(document))
    told = run({GET: values}, document, shard=shard, ends=False)
    last = SlotCounts("web", GET.shard, 0, {(GET, 3 * DAY * SLOT_MS): Cell(1)}, until_ms=3 * DAY * SLOT_MS + 60_000)
    told += shard.step(last, 3 * DAY * SLOT_MS).anomalies
    told += shard.step(None, FAR_FUTURE_MS - 1).anomalies
    assert told == []


def test_what_the_model_allows_is_quiet_and_counted(counts):
    document = watching()
    entry = {"id": "n-1", "type": "spike", "series": "lines t-get", "reason": "the nightly job"}
    allowing = type(document).from_json(document.to_json() | {"allow": [entry]})
    other = type(document).from_json(document.to_json() | {"allow": [entry | {"series": "lines t-tick"}]})
    assert run(counts, allowing) == []
    assert len(run(counts, other)) == 2
    shard = SlotShard(WatchedModel(allowing))
    at = {(GET, slot * SLOT_MS): Cell(n) for slot, n in enumerate(counts[GET])}
    found = shard.step(SlotCounts("web", GET.shard, 0, at), 0)
    found = shard.step(None, DAYS * DAY * SLOT_MS)
    assert (found.counts["allowed"], found.counts["anomalies"]) == (1, 0)


def test_series_go_on_under_another_model_that_has_them(told, counts):
    """One that it does not have is forgotten, and its row is another's."""
    document = watching()
    newer = type(document).from_json(document.to_json() | {"version": 2})
    templates = [*newer.to_json()["templates"][:1], {"id": "t-new", "grok": "new"}]
    newer = type(document).from_json(newer.to_json() | {"templates": templates})
    before = {key: values[: 2 * DAY] for key, values in counts.items()}
    shard = SlotShard(WatchedModel(document))
    assert run(before, document, shard=shard, ends=False) == []
    shard.follow(WatchedModel(newer))
    found = run({GET: counts[GET][2 * DAY :]}, newer, shard=shard, first=2 * DAY)
    changed = [one | {"model": {"id": "web", "version": 2}} for one in told]
    assert found == changed


def test_a_series_gives_its_row_back_when_it_sleeps():
    document = watching()
    shard = SlotShard(WatchedModel(document))
    run({GET: [20] * 10, TICK: [5] * 10}, document, shard=shard, ends=False)
    detectors = shard._detectors
    assert detectors.watched == 2
    shard.step(None, (10 + 7 * DAY + MOST_EMPTY) * SLOT_MS)
    assert detectors.watched == 0
    before = len(shard.snapshot())
    run({TICK: [5] * 10, GET: [20] * 10}, document, shard=shard, ends=False, first=5000)
    assert detectors.watched == 2
    assert len(shard.snapshot()) > before
    head, columns = detectors.snapshot()
    assert head["rows"] == 2
    assert [seen for _, _, seen, _, _ in head["series"]] == [9, 9]
    assert len(columns) == 4


def test_a_series_that_stops_for_good_is_told_once_and_its_incident_ends():
    document = watching(preset="sensitive")
    told = run({GET: poisson(1, 6 * DAY) + [0] * 9 * DAY}, document)
    assert len({one["id"] for one in told}) == 1
    assert told[0]["series"]["direction"] == "down"
    assert told[-1]["series"]["stage"] == "end"
    assert told[-1]["series"]["lasting"]


def test_a_metric_without_numbers_has_no_value_and_a_limit_is_warned_of():
    document = watching(limits=[{"template": "t-get", "limit": 500, "horizon_ms": 7_200_000 * 12}])
    climbing = [20 + slot // 2 + n for slot, n in enumerate(poisson(3, 6 * DAY, mean=4))]
    told = run({GET: climbing}, document)
    limits = [one for one in told if one["type"] == "forecast_limit"]
    assert limits
    assert limits[0]["series"]["limit"] == 500
    assert limits[0]["series"]["direction"] == "up"
    assert limits[0]["series"]["begin"] < limits[0]["series"]["eta"]


def test_the_state_of_a_series_is_small():
    document = watching()
    shard = SlotShard(WatchedModel(document))
    run({GET: poisson(1, 2 * DAY), TICK: poisson(2, 2 * DAY)}, document, shard=shard, ends=False)
    _, columns = shard._detectors.snapshot()
    assert sum(map(len, columns)) / 2 < 10_000


def test_a_record_from_before_there_were_detectors_is_read_as_one_of_new_series():
    document = watching()
    made = SlotDetectors.restore(None, [], document, WatchedModel(document).detected)
    assert made.watched == 0


def test_values_of_a_message_that_stops_are_told_of_its_lines_alone():
    shares = [{"value": value, "share": 0.5} for value in ("200", "500")]
    document = model(
        categories=[{"template": "t-get", "field": "status", "slot_ms": SLOT_MS, "support": 100, "shares": shares}],
        series={"enabled": True, "slot_ms": SLOT_MS},
    )
    status = SeriesKey("t-get", CATEGORY, "status", SLOT_MS)
    shard = SlotShard(WatchedModel(document))
    cells = {}
    for slot, (good, bad) in enumerate(zip(poisson(1, 5 * DAY), poisson(2, 5 * DAY), strict=True)):
        cells[GET, slot * SLOT_MS] = Cell(good + bad)
        cells[status, slot * SLOT_MS] = Cell(good + bad, {"200": good, "500": bad})
    shard.step(SlotCounts("web", GET.shard, 0, cells), 0)
    told = [one for one in shard.step(None, 6 * DAY * SLOT_MS).anomalies if "series" in one]
    assert {(one["type"], one["series"]["id"]) for one in told} == {("flat", "lines t-get")}
    more = {(GET, 6 * DAY * SLOT_MS): Cell(540), (status, 6 * DAY * SLOT_MS): Cell(540, {"200": 20, "500": 520})}
    found = shard.step(SlotCounts("web", GET.shard, 0, more), (6 * DAY + 1) * SLOT_MS).anomalies
    (spike,) = [one for one in found if one.get("series", {}).get("id") == "category t-get status=500"]
    assert spike["type"] == "spike"
    assert "learnt from 719 slots" in spike["reason"], "the first slot and those without lines do not count"
    assert spike["series"]["recent"][-2][1:] == [None] * 4
