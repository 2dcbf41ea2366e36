"""Models whose messages name two transactions: what is checked, how they differ, how they are edited and explained."""

from __future__ import annotations

import copy

import pytest

from models.document import ModelDocument, ModelError, load_model, save_model
from models.document_diff import diff
from models.document_diff_text import diff_text
from models.editing.anomaly_explanation import anomaly_rows
from models.editing.checked import EditError
from models.editing.fields import rename_field
from models.editing.line_explanation import LineExplainer
from models.editing.merge import merge
from models.editing.removal import delete
from models.editing.split import split
from models.report.entries import Entries
from tests.models.linked_model import anomalies, document, line, state

MODEL = ModelDocument.from_json(document())
PLACE = "2026-03-02T08:00:02.000Z session s1 places order o7"


def changed(change):
    data = document()
    change(data)
    return data


def test_a_model_with_links_is_written_and_read_again(tmp_path):
    save_model(MODEL, tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text()
    assert load_model(tmp_path / "model.json") == MODEL
    # A link is a record: one line.
    assert [row for row in text.splitlines() if "parent_field" in row and row.count("child") == 2]
    assert "links" not in ModelDocument.from_json(document("order")).to_json()


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        (
            lambda d: d["automata"][1]["states"][0].update(field="session"),
            "$.automata[1].states[0].template",
            r"already belongs to \$\.automata\[0\]\.states\[1\] through the field 'session'",
        ),
        (lambda d: d["links"][0].update(parent="a-sesion"), "$.links[0].parent", "did you mean 'a-session'"),
        (lambda d: d["links"][0].update(child="x"), "$.links[0].child", "no automaton 'x'; remove the link"),
        (lambda d: d["links"][0].update(template="t-pay"), "$.links[0].parent_field", "has no state with the template"),
        (lambda d: d["links"][0].update(child_field="session"), "$.links[0].child_field", "or remove the link"),
        (
            lambda d: d["links"][0].update(child="a-session", child_field="session"),
            "$.links[0]",
            "from a transaction to itself",
        ),
        (lambda d: d["links"][0].pop("child_field"), "$.links[0].child_field", "is missing"),
        (lambda d: d["automata"].pop(), "$.links[0].child", "no automaton 'a-order'"),
    ],
)
def test_what_is_wrong_with_a_link_is_told_with_its_path_and_the_mend(change, path, says):
    with pytest.raises(ModelError, match=says) as caught:
        ModelDocument.from_json(changed(change))
    assert path in [problem.path for problem in caught.value.problems]


def test_a_link_more_or_less_is_a_difference():
    without = ModelDocument.from_json(changed(lambda d: d.pop("links")))
    counted = ModelDocument.from_json(changed(lambda d: d["links"][0].update(support=99)))
    assert [(c.part, c.what) for c in diff(MODEL, without).changes] == [("link", "removed")]
    assert [(c.part, c.what) for c in diff(without, MODEL).changes] == [("link", "added")]
    assert "- t-place: a-session session to a-order order" in diff_text(diff(MODEL, without), "a", "b")
    assert (diff(MODEL, counted).changes, diff(MODEL, counted).counts) == ((), 1)


def test_a_renamed_field_is_renamed_in_its_states_and_links():
    after = rename_field(MODEL, "t-place", "order", "number")
    assert after.automata[1].states[0].field == after.links[0].child_field == "number"
    assert after.automata[0].states[1].field == after.links[0].parent_field == "session"


def test_a_deleted_template_takes_its_states_and_links_along():
    after = delete(MODEL, "t-place")
    assert [[s.id for s in a.states] for a in after.automata] == [["login", "logout"], ["pay", "ship"]]
    assert after.links == []


def test_templates_with_the_same_identifiers_are_merged_in_all_automata():
    def add(data):
        grok = "session %{NOTSPACE:session} repeats order %{NOTSPACE:order}"
        data["templates"].append({"id": "t-again", "grok": grok})
        data["automata"][0]["states"].append(state("again", "t-again", "session", 0, 2))
        data["automata"][1]["states"].append(state("again", "t-again", "order", 0, 2, begin=True))
        data["links"].append(data["links"][0] | {"template": "t-again"})

    after = merge(ModelDocument.from_json(changed(add)), ["t-place", "t-again"])
    assert [[(s.id, s.min, s.max) for s in a.states if s.template == "t-place"] for a in after.automata] == [
        [("place", 1, 5)],
        [("place", 1, 3)],
    ]
    assert [link.template for link in after.links] == ["t-place"]


def test_templates_that_visit_other_automata_are_not_merged():
    with pytest.raises(EditError, match="states of different automata"):
        merge(MODEL, ["t-place", "t-pay"])


def test_a_split_template_visits_and_links_what_it_did():
    def by(data):
        data["templates"][1]["grok"] += " by %{WORD:way}"

    after = split(ModelDocument.from_json(changed(by)), "t-place", "way", ["phone"])
    new = after.templates[2].id
    assert [[s.field for s in a.states if s.template == new] for a in after.automata] == [["session"], ["order"]]
    assert {(link.template, link.parent_field, link.child_field) for link in after.links} == {
        ("t-place", "session", "order"),
        (new, "session", "order"),
    }


def test_an_identifier_is_not_split_by_whichever_automaton_has_it():
    for field in ("session", "order"):
        with pytest.raises(EditError, match="its values are the transactions"):
            split(MODEL, "t-place", field, ["s1"])


def test_a_line_is_explained_with_both_of_its_transactions():
    found = LineExplainer(MODEL).explain(PLACE)
    assert found.to_json()["visits"] == [
        {"automaton": "a-session", "state": "place", "transaction": "s1"},
        {"automaton": "a-order", "state": "place", "transaction": "o7"},
    ]
    assert (found.to_json()["automaton"], found.transaction) == ("a-session", "s1")
    said = [text for head, text in found.rows if head in ("transaction", "link")]
    assert said == [
        "s1, in the field session",
        "o7, in the field order",
        "the transaction in session (a-session) leads to the one in order (a-order) (seen of 40 pairs)",
    ]


def lost_order():
    found = anomalies(document(), [line(1, "session s1 places order o7"), line(2, "order o7 paid")])
    return next(a for a in found if a["transaction"]["id"] == "o7" and a["type"] == "missing_end")


def test_an_anomaly_is_explained_with_the_transactions_linked():
    anomaly = lost_order()
    rows = anomaly_rows(MODEL, anomaly)
    assert 'linked      came of s1 of automaton a-session "session"' in rows
    assert any(row.endswith("[place]  " + anomaly["evidence"][0]["text"]) for row in rows)
    # A model that knows no such automaton any more tells what the document says.
    other = ModelDocument.from_json(document("order"))
    assert "linked      came of s1 of automaton a-session" in anomaly_rows(other, anomaly)


def test_the_report_names_the_linked_transactions():
    anomaly = copy.deepcopy(lost_order())
    anomaly["transaction"]["linked"].append({"automaton": "a-x", "transaction": "<b>", "role": "child"})
    page = Entries(document(), {}).render(anomaly)
    assert "<dt>Came of</dt><dd" in page
    assert ">s1</dd>" in page
    assert "<dt>Led to</dt>" in page
    assert "&lt;b&gt;</dd>" in page
