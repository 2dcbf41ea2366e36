"""Lines and anomalies explained with a model."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomalies import unmatched_log
from models.automata.compiled import CompiledAutomata
from models.automata.shard import FOREVER, ShardState
from models.document import ModelDocument
from models.editing.anomaly_explanation import anomaly_rows, find_anomaly
from models.editing.line_explanation import LineExplainer, usual_times
from models.errors import UserError
from models.schema_check import check
from tests.models.automata.workload import batch, numbered
from tests.models.editing.shop_model import TEMPLATES, TIME, document, model, template_of

MODEL = model()
OPEN, VISA, PAYPAL, CLOSE = range(4)


def anomalies(*steps, found=MODEL):
    """The anomalies of order 7, which passes templates at some times in ms; lines as in a log."""
    compiled = CompiledAutomata(found)
    shard = ShardState(compiled)
    events = numbered([(at, "a.log", template, b"7", 0) for at, template in steps])
    made = batch(events, compiled.template_ids)
    examples = [f"{TIME} {content}" for _, content in TEMPLATES.values()]
    made.text[:] = [examples[template].encode() for _, template in steps]
    shard.add(made)
    documents = {d["type"]: d for d in shard.advance(FOREVER)}
    assert all(check("anomaly", d) == [] for d in documents.values())
    return documents


def rows(anomaly, found=MODEL):
    return anomaly_rows(found, anomaly)


def test_a_line_is_explained_with_all_that_was_learnt_of_its_state():
    found = LineExplainer(MODEL).explain(f"{TIME} INFO paid order 7 with visa in 12 ms")
    data = found.to_json()
    assert (data["template"], data["state"], data["automaton"], data["transaction"]) == (
        "t-visa",
        "visa",
        "a-order",
        "7",
    )
    assert dict(found.rows[:3]) == {
        "time": "2026-01-12T10:00:00.000Z, written as yyyy-MM-dd HH:mm:ss at the beginning of the line, time zone UTC",
        "template": "t-visa, seen in 11 lines when the model was learnt",
        "grok": "INFO paid order %{INT:id} with visa in %{INT:ms:int} ms",
    }
    assert found.rows[3:] == (
        ("field", "id = 7 (INT, a text)"),
        ("field", "ms = 12 (INT, a whole number)"),
        ("transaction", "7, in the field id"),
        ("state", 'visa of automaton a-order "Order", learnt from 100 transactions'),
        ("occurs", "at most 2 times in a complete transaction; seen in 90 transactions"),
        ("order", 'first occurs after open "open order <id> by <user>" (learnt from 60 transactions)'),
        ("order", 'first occurs before close "code <code>" (learnt from 60 transactions)'),
        ("requires", 'when it occurs, open "open order <id> by <user>" occurs too (learnt from 60 transactions)'),
        (
            "duration",
            "a transaction takes 10 ms to 5 s (learnt from 100 transactions); without an end it is given up after 9 s",
        ),
    )


def test_a_line_that_fits_nothing_is_explained_with_what_is_nearest():
    found = LineExplainer(MODEL).explain(f"{TIME} INFO paid order 7 with cash in 12 ms")
    assert (found.template, found.to_json()["nearest"], found.transaction) == (None, "t-visa", None)
    said = dict(found.rows)
    assert said["template"] == "none: the line fits none of the 6 templates, and is an anomaly"
    assert LineExplainer(MODEL).explain("order=5 xyz").transaction == "order=5"
    assert LineExplainer(MODEL).explain("order=5 xyz").nearest is None


def test_a_line_without_timestamp_or_state_says_so():
    said = dict(LineExplainer(MODEL).explain("DEBUG idle since 2 s").rows)
    assert said["time"].startswith("no timestamp as the model describes them")
    assert said["state"].startswith("none: the template belongs to no automaton")
    plain = ModelDocument.from_json({**document(), "timestamp": {"formats": ["NONE"]}})
    assert dict(LineExplainer(plain).explain("DEBUG idle since 2 s").rows)["time"].startswith("none: each line")


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=30) | st.sampled_from([content for _, content in TEMPLATES.values()]),
    st.sampled_from(["", f"{TIME} "]),
)
def test_any_line_can_be_explained(text, time):
    found = LineExplainer(MODEL).explain(time + text)
    json.dumps(found.to_json())
    if time and text == text.lstrip(" \t"):
        content = text.encode("utf-8", "replace").decode()
        assert (found.template.id if found.template else None) == template_of(MODEL, content)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, None, "any number of times"),
        (1, None, "at least once"),
        (2, None, "at least 2 times"),
        (0, 0, "never"),
        (1, 1, "exactly once"),
        (3, 3, "exactly 3 times"),
        (0, 1, "at most once"),
        (0, 11, "at most 11 times"),
        (1, 3, "1 to 3 times"),
    ],
)
def test_bounds_are_said_in_words(low, high, expected):
    assert usual_times(low, high) == expected


def test_an_anomaly_of_counts_names_state_bound_support_and_marks_its_lines():
    found = anomalies((0, OPEN), (1, VISA), (2, VISA), (3, VISA), (20, CLOSE))["too_many"]
    said = rows(found)
    assert said[0] == f"too_many {found['id']}, score {found['score']}"
    assert said[1] == found["reason"]
    assert 'automaton   a-order "Order", learnt from 100 transactions' in said
    assert (
        'bound       visa "paid order <id> with visa in <ms> ms" occurred 3 times; normal is at most 2 times '
        "(learnt from 90 transactions)"
    ) in said
    assert said[said.index("evidence") + 1 :] == [
        f"  a.log:1  [open]  {TIME} INFO open order 7 by ann",
        *[f"> a.log:{k}  [visa]  {TIME} INFO paid order 7 with visa in 12 ms" for k in (2, 3, 4)],
        f"  a.log:5  [close]  {TIME} close [order=7] code 200",
    ]


def text_of(found):
    return "\n".join(rows(found))


def test_every_type_is_told_with_its_bound():
    late = anomalies((0, OPEN), (1, VISA), (8000, CLOSE))["too_long"]
    assert (
        "the transaction took 8 s; normal is at least 10 ms and at most 5 s (learnt from 100 transactions)"
        in text_of(late)
    )
    assert [row[0] for row in rows(late)[-3:]] == [">", " ", ">"]
    order = anomalies((0, VISA), (1, OPEN), (20, CLOSE))["wrong_order"]
    assert '" normally comes before visa "' in text_of(order)
    assert "here it came after (learnt from 60 transactions)" in text_of(order)
    missing = anomalies((0, OPEN), (20, VISA))["missing_end"]
    assert 'close "code <code>" never occurred; normal is exactly once' in text_of(missing)


def test_relations_are_told_with_the_other_state():
    data = copy.deepcopy(document())
    data["automata"][0]["states"][0].update(min=0, begin=False)
    data["automata"][0].update(equal=[{"states": ["open", "visa"], "support": 9}])
    changed = ModelDocument.from_json(data)
    few = anomalies((0, OPEN), (1, VISA), (2, VISA), (20, CLOSE), found=changed)["too_few"]
    assert "occurred once, visa" in "\n".join(rows(few, changed))
    gone = anomalies((0, PAYPAL), (20, CLOSE), found=changed)["missing_state"]
    assert "never occurred, though paypal" in "\n".join(rows(gone, changed))


def test_an_unmatched_line_is_explained_as_a_line():
    found = unmatched_log(MODEL, "a.log", 3, 0, f"{TIME} INFO paid order 7 with cash in 12 ms\n  more")
    said = rows(found)
    assert "nearest     t-visa: INFO paid order %{INT:id} with visa in %{INT:ms:int} ms" in said
    assert said[-1] == f"> a.log:3  [no state]  {TIME} INFO paid order 7 with cash in 12 ms (and 1 more)"


def test_a_model_that_is_another_one_is_told():
    found = anomalies((0, OPEN), (1, VISA), (8000, CLOSE))["too_long"]
    newer = ModelDocument.from_json({**document(), "version": 9})
    assert "note: found with version 4 of the model; the bounds below are of 9" in rows(found, newer)
    other = ModelDocument.from_json({**document(), "id": "web", "automata": []})
    assert "note: found with the model shop, not with web; the bounds below are of another model" in rows(found, other)
    assert any("has no automaton a-order" in row for row in rows(found, other))


def test_lines_of_topics_have_their_place():
    found = copy.deepcopy(anomalies((0, OPEN), (1, VISA), (8000, CLOSE))["too_long"])
    for line in found["evidence"]:
        del line["file"]
        line.update(topic="logs", partition=2, offset=line["line"])
        del line["line"]
    assert rows(found)[-1].startswith("> logs/2, offset 3  [close]")


def test_an_anomaly_is_found_by_its_id_or_the_beginning_of_it():
    found = list(anomalies((0, OPEN), (1, VISA), (2, VISA), (3, VISA), (8000, CLOSE)).values())
    lines = [json.dumps(document) for document in found]
    for anomaly in found:
        assert find_anomaly(lines, anomaly["id"], "f") == anomaly
        assert find_anomaly([*lines, "\n"], anomaly["id"][:12], "f") == anomaly


@pytest.mark.parametrize(
    ("lines", "wanted", "message"),
    [
        ([], "abcdef", "a.jsonl: none of the 0 anomalies has the id abcdef"),
        ([], "abc", "is too short for the id of an anomaly"),
        (["{"], "abcdef", "a.jsonl, line 1: is no JSON"),
        (["[]"], "abcdef", "a.jsonl, line 1: is no anomaly"),
        (['{"id": "x"}'], "abcdef", "a.jsonl, line 1: is no anomaly: $"),
    ],
)
def test_what_is_no_file_of_anomalies_is_told(lines, wanted, message):
    with pytest.raises(UserError) as error:
        find_anomaly(lines, wanted, "a.jsonl")
    assert message in str(error.value)


def test_an_id_that_is_not_unique_is_refused():
    found = next(iter(anomalies((0, OPEN), (1, VISA), (8000, CLOSE)).values()))
    lines = [json.dumps({**found, "id": f"abcd{'0' * 15}{k}"}) for k in range(2)]
    with pytest.raises(UserError, match="2 ids begin with abcd, such as"):
        find_anomaly(lines, "abcd", "a.jsonl")
