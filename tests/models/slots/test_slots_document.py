"""Categories and series in a model: written and read back, checked, edited, compared."""

import copy
import json

import pytest

from models.anomalies import CATEGORY_DRIFT
from models.document import ModelDocument, ModelError, load_model, save_model
from models.document_diff import diff
from models.document_diff_text import diff_text
from models.editing.anomaly_explanation import anomaly_rows
from models.editing.fields import rename_field
from models.editing.removal import delete
from models.slots.aligned import ClosedSlot
from models.slots.cells import Cell
from models.slots.drift import DriftJudge
from models.slots.drift_document import drift_document
from models.slots.series import CATEGORY, SeriesKey, SlotWatch
from models.slots.settings import MetricOf, SeriesSettings, Window
from tests.models.slots.lines import SLOT_MS, model


def test_a_model_keeps_its_categories_and_series(tmp_path):
    whole = model()
    save_model(whole, tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert again == whole
    assert again.series == SeriesSettings(True, 60_000, [], [MetricOf("t-get", "took")])
    assert again.categories[0].windows == (Window(1),)
    assert ModelDocument.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_a_model_without_them_is_written_as_before():
    quiet = model(categories=[], series={}).to_json()
    assert not {"categories", "series"} & set(quiet)


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"field": "statuss"}, "$.categories[0].field", "has no field 'statuss'; did you mean 'status'?"),
        ({"template": "t-gets"}, "$.categories[0].template", "there is no template 't-gets'; did you mean 't-get'?"),
        (
            {"shares": [{"value": "a", "share": 0.7}, {"value": "b", "share": 0.6}]},
            "$.categories[0].shares",
            "add up to 1.3",
        ),
        ({"shares": [{"value": "a", "share": 0.1}] * 2}, "$.categories[0].shares[1]", "the value 'a' stands twice"),
        ({"shares": []}, "$.categories[0].shares", ""),
        ({"slot_ms": 10}, "$.categories[0].slot_ms", ""),
        ({"windows": [{"slots": 2}, {"slots": 2}]}, "$.categories[0].windows", "name a number of slots twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_the_mend(change, path, says):
    document = copy.deepcopy(model().to_json())
    document["categories"][0] |= change
    with pytest.raises(ModelError) as raised:
        ModelDocument.from_json(document)
    (problem,) = raised.value.problems
    assert problem.path == path
    assert says in problem.message


def test_two_categories_of_the_same_slots_and_a_series_of_no_field_are_refused():
    document = model().to_json()
    document["categories"] *= 2
    document["series"]["metrics"] = [{"template": "t-tick", "field": "took"}]
    with pytest.raises(ModelError) as raised:
        ModelDocument.from_json(document)
    assert [problem.path for problem in raised.value.problems] == ["$.categories[1]", "$.series.metrics[0].field"]


def test_edits_keep_them_in_step_with_templates_and_fields():
    renamed = rename_field(model(), "t-get", "status", "code")
    assert [category.field for category in renamed.categories] == ["code"]
    renamed = rename_field(renamed, "t-get", "took", "ms")
    assert renamed.series.metrics == [MetricOf("t-get", "ms")]
    gone = delete(renamed, "t-get")
    assert gone.categories == []
    assert gone.series.metrics == []
    assert [key.template for key in SlotWatch.of(gone).series] == ["t-tick"]


def test_a_diff_tells_what_changed():
    old, new = model(), model()
    new.series.enabled = False
    new.categories = []
    text = diff_text(diff(old, new), "old", "new")
    assert "t-get status 60000 ms" in text
    assert "enabled" in text
    assert diff(old, model()).changes == ()


def test_an_anomaly_is_explained_with_the_shares():
    whole = model()
    category = whole.categories[0]
    key = SeriesKey("t-get", CATEGORY, "status", SLOT_MS)
    drift = DriftJudge(category).step(ClosedSlot(key, 0, Cell(200, {"200": 140, "500": 60}), True))
    assert drift is not None
    document = drift_document(whole, category, drift)
    assert document["type"] == CATEGORY_DRIFT
    rows = anomaly_rows(whole, document)
    assert "share       30 % of 500, usually 10 %" in rows
    assert "learnt      from 10,000 lines; judged over 1 min" in rows
