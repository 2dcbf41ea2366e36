"""What is told of incidents of series: documents that fit the schema, with an id that lives through them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jobs.results import collect_results
from models import anomalies
from models.allow import AllowList
from models.allow_change import changed_entries
from models.bulk_outbox import Outbox
from models.bulk_reply import ItemReply, Verdict, judge_item
from models.document import ModelError
from models.editing.anomaly_explanation import anomaly_rows
from models.index_names import ANOMALY, IndexNames
from models.report import digest
from models.schema_check import check, schema
from models.series import incidents
from models.series.incidents import AHEAD, SHAPE, SIGNALS, Incident
from models.slots.cells import Cell, Numbers
from models.slots.detected import Detected, detected_series
from models.slots.exact import exact_sums
from models.slots.incident_document import BEGIN, END, incident_document, is_nothing_new
from models.slots.series import CATEGORY, LINES, METRIC, SeriesKey
from models.slots.settings import SeriesLimit
from tests.models.slots.lines import SLOT_MS, T0, model

GETS = Detected(SeriesKey("t-get", LINES, "", SLOT_MS))
NAN = float("nan")


def incident(kind="spike", **changes):
    found = Incident(
        SHAPE, T0, T0 + 2 * SLOT_MS, kind, slots=5, peak_ms=T0 + SLOT_MS, peak=9.0, actual=300.0, typical=20.0,
        lower=8.0, upper=41.0, rarity=7.5, signals=[0.0] * len(SIGNALS), told=True,
    )  # fmt: skip
    return replace(found, **changes)


def recent(slots):
    return [(T0 + n * SLOT_MS, float(n), 20.0, NAN, 41.123456789012) for n in range(slots)]


def test_the_types_are_the_detectors_and_stand_in_the_same_order_everywhere():
    assert anomalies.SERIES_TYPES == incidents.TYPES
    known = schema("anomaly")["properties"]["type"]["enum"]
    assert known == list(anomalies.TYPES)
    assert list(schema("summary")["properties"]["anomalies"]["properties"]) == known
    assert set(digest.TYPES) == set(known)


@pytest.mark.parametrize("kind", [t for t in anomalies.SERIES_TYPES if t != "forecast_limit"])
@pytest.mark.parametrize("stage", [BEGIN, END])
def test_a_document_fits_the_schema(kind, stage):
    document = incident_document(model(), GETS, incident(kind), stage, 300, recent(5))
    assert check("anomaly", document) == []
    assert document["@timestamp"] == "2026-01-01T00:00:00.000Z"
    assert document["score"] == 75.0
    assert document["reason"].endswith("(learnt from 300 slots).")
    told = document["series"]
    assert told["id"] == "lines t-get"
    assert "field" not in told
    assert "value" not in told
    assert told["end"] == ("2026-01-01T00:03:00.000Z" if stage == END else None)
    assert told["peak"] == "2026-01-01T00:01:00.000Z"
    assert (told["actual"], told["typical"], told["lower"], told["upper"]) == (300.0, 20.0, 8.0, 41.0)
    assert told["recent"][4] == ["2026-01-01T00:04:00.000Z", 4.0, 20.0, None, 41.12346]


def test_the_id_stays_while_type_stage_and_version_change():
    begin = incident_document(model(), GETS, incident("spike"), BEGIN, 300, [])
    end = incident_document(model(version=2), GETS, incident("level_shift", slots=40), END, 300, [])
    other = incident_document(model(), GETS, incident("spike", begin_ms=T0 - SLOT_MS), BEGIN, 300, [])
    ahead = incident("forecast_limit", track=AHEAD, limit=500.0, eta_ms=T0 + 7_200_000.5)
    limit = incident_document(model(), GETS, ahead, BEGIN, 300, [])
    assert begin["id"] == end["id"]
    assert len({begin["id"], other["id"], limit["id"]}) == 3
    assert check("anomaly", limit) == []
    assert limit["series"]["limit"] == 500.0
    assert limit["series"]["eta"] == "2026-01-01T02:00:00.000Z"
    assert limit["typical"] == "below 500"


def test_a_score_is_capped_and_a_long_past_cut_off():
    document = incident_document(model(), GETS, incident(rarity=10.4), BEGIN, 300, recent(200))
    assert document["score"] == 100.0
    assert [document["series"]["recent"][at][1] for at in (0, -1)] == [80.0, 199.0]


def cell(*numbers):
    (total,) = exact_sums(np.array(numbers), np.zeros(len(numbers), np.int64), 1)
    return Cell(len(numbers), numbers=Numbers(total, total, min(numbers), max(numbers)))


def test_series_have_names_and_numbers():
    limits = [{"template": "t-get", "field": "took", "limit": 9}]
    metrics = [{"template": "t-get", "field": "took", "statistic": "max"}]
    found = detected_series(model(series={"enabled": True, "metrics": metrics, "limits": limits}))
    names = [series.id for some in found.values() for series in some]
    assert sorted(names) == [
        "category t-get status=200", "category t-get status=500", "lines t-get", "lines t-tick",
        "metric t-get took max",
    ]  # fmt: skip
    (took,) = found[SeriesKey("t-get", METRIC, "took", SLOT_MS)]
    assert took.limit == SeriesLimit("t-get", 9, "took")
    good, bad = found[SeriesKey("t-get", CATEGORY, "status", SLOT_MS)]
    some = Cell(7, {"200": 5, "404": 2})
    assert (good.number(some), bad.number(some), GETS.number(some)) == (5.0, 0.0, 7.0)
    numbers = {s: replace(took, statistic=s) for s in ("mean", "sum", "min", "max", "count")}
    assert {s: one.number(cell(1.0, 2.0, 6.0)) for s, one in numbers.items()} == {
        "mean": 3.0, "sum": 9.0, "min": 1.0, "max": 6.0, "count": 3.0,
    }  # fmt: skip
    assert {s: one.number(Cell()) for s, one in numbers.items()} == {
        "mean": None, "sum": 0.0, "min": None, "max": None, "count": 0.0,
    }  # fmt: skip


def test_nothing_is_detected_unless_asked_for():
    assert detected_series(model(series={})) == {}
    assert detected_series(model(series={"enabled": True, "detect": False})) == {}
    ten = detected_series(model(series={"enabled": True, "slot_ms": 600_000}))
    assert [series.id for some in ten.values() for series in some] == ["lines t-get", "lines t-tick"]


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ([{"template": "t-gte", "limit": 5}], "$.series.limits[0].template"),
        ([{"template": "t-get", "field": "tok", "limit": 5}], "$.series.limits[0].field"),
        ([{"template": "t-get", "field": "status", "limit": 5}], "$.series.limits[0].field"),
        ([{"template": "t-get", "limit": 5}, {"template": "t-get", "limit": 6}], "$.series.limits[1]"),
    ],
)
def test_limits_of_no_series_are_refused(limits, path):
    with pytest.raises(ModelError) as raised:
        model(series={"enabled": True, "metrics": [{"template": "t-get", "field": "took"}], "limits": limits})
    assert [problem.path for problem in raised.value.problems] == [path]


def test_settings_are_written_and_read_back():
    said = {
        "enabled": True, "slot_ms": 600_000, "detect": False, "preset": "sensitive", "fields": [],
        "metrics": [{"template": "t-get", "field": "took", "statistic": "sum"}],
        "limits": [{"template": "t-get", "limit": 5, "horizon_ms": 3_600_000}],
    }  # fmt: skip
    assert model(series=said).to_json()["series"] == said


def test_the_later_document_of_an_incident_holds():
    begin = incident_document(model(), GETS, incident("spike"), BEGIN, 300, recent(3))
    open_ = incident_document(model(), GETS, incident("spike"), BEGIN, 300, recent(9))
    end = incident_document(model(), GETS, incident("level_shift"), END, 300, recent(20))
    numbers = [anomalies.revision(document) or 0 for document in (begin, open_, end)]
    assert numbers[0] < numbers[1] < numbers[2]
    assert anomalies.revision({"id": "0", "type": "rule"}) is None
    for order in ([begin, open_, end], [end, open_, begin], [open_, end, begin]):
        found = digest.digest(order, 5)
        assert found.by_type == {"level_shift": 1}
        assert found.worst == [end]


def test_elasticsearch_keeps_the_later_document_whichever_comes_first():
    begin = incident_document(model(), GETS, incident("spike"), BEGIN, 300, recent(3))
    end = incident_document(model(), GETS, incident("spike"), END, 300, recent(20))
    outbox = Outbox(IndexNames("w", 2026))
    outbox.add(ANOMALY, "\n".join(map(json.dumps, (end, begin))))
    actions = [json.loads(waiting.action)["index"] for waiting in outbox.take(9, 1 << 20)]
    assert [action["_id"] for action in actions] == [begin["id"]] * 2
    assert {action["version_type"] for action in actions} == {"external_gte"}
    assert actions[0]["version"] > actions[1]["version"] > 0
    conflict = ItemReply(409, "version_conflict_engine_exception", "current version is higher")
    assert judge_item(conflict, 0) is Verdict.TAKEN


def test_results_keep_the_later_document_of_an_incident(tmp_path):
    begin = incident_document(model(), GETS, incident("spike"), BEGIN, 300, recent(3))
    end = incident_document(model(), GETS, incident("trend"), END, 300, recent(20))
    (tmp_path / "anomalies").mkdir()
    for number, document in enumerate((end, begin)):
        (tmp_path / "anomalies" / f"part-{number}.jsonl").write_text(json.dumps(document) + "\n")
    found = collect_results(tmp_path, 1.0)
    assert list(map(json.loads, found.anomalies)) == [end]
    assert found.summary["anomalies"] == {"trend": 1}


def test_an_incident_is_explained_by_its_series_and_bounds():
    document = incident_document(model(), GETS, incident("spike"), END, 300, recent(20))
    rows = anomaly_rows(model(), document)
    assert "learnt from 300 slots" in rows[1]
    assert "series      lines t-get, slots of 1 min" in rows
    assert "peak        300 at 2026-01-01T00:01:00.000Z, up" in rows
    assert "expected    20, usual is 8 to 41" in rows
    assert "time        2026-01-01T00:00:00.000Z to 2026-01-01T00:03:00.000Z" in rows
    assert "slot        2026-01-01T00:19:00.000Z  19, bounds are not known" in rows
    gone = anomaly_rows(model(series={}), document)
    assert "series      lines t-get, slots of 1 min; the model does not watch it any more" in gone


def test_an_incident_is_marked_as_normal_by_its_type_and_series():
    document = incident_document(model(), GETS, incident("spike"), END, 300, [])
    changed, name = changed_entries(model(), {"anomaly": document, "reason": "the nightly job"})
    assert changed is not None
    (entry,) = changed.allow
    assert (entry.id, entry.type, entry.template, entry.series) == (name, "spike", "t-get", "lines t-get")
    allow = AllowList(changed.allow, changed)
    assert allow.allows(document)
    assert not allow.allows(incident_document(model(), GETS, incident("drop"), END, 300, []))
    other = Detected(SeriesKey("t-get", CATEGORY, "status", SLOT_MS), "500")
    assert not allow.allows(incident_document(model(), other, incident("spike"), END, 300, []))


def test_counts_are_never_expected_to_be_below_nought():
    below = incident(typical=-0.2, lower=-3.0)
    told = incident_document(model(), GETS, below, END, 300, [(T0, 1.0, -0.1, -2.0, 5.0)])
    assert (told["series"]["typical"], told["series"]["lower"], told["series"]["recent"][0][2:4]) == (
        0.0,
        0.0,
        [0.0, 0.0],
    )
    assert "typical 0–41" in told["reason"]
    took = Detected(SeriesKey("t-get", METRIC, "took", SLOT_MS), statistic="mean")
    assert incident_document(model(), took, below, END, 300, [])["series"]["lower"] == -3.0


def test_that_a_rare_message_does_not_come_is_nothing_new():
    rare = incident("flat", actual=0.0, typical=0.1)
    assert is_nothing_new(GETS, rare)
    assert not is_nothing_new(GETS, replace(rare, typical=3.0)), "it comes often"
    assert not is_nothing_new(GETS, replace(rare, actual=1.0)), "it comes, and always once"
    assert not is_nothing_new(GETS, replace(rare, type="spike"))
    assert not is_nothing_new(Detected(SeriesKey("t-get", METRIC, "took", SLOT_MS), statistic="mean"), rare)
