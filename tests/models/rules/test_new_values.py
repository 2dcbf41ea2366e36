"""A value that its field never had is told once a source, with its first line, whatever the batches."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules import new_values
from models.schema_check import check
from models.source_reader import SourceState
from tests.models.rules.log import model, scan, stamped

KNOWN = [
    {
        "template": "t-req",
        "field": "method",
        "values": [{"value": "GET", "count": 90}, {"value": "PUT"}],
        "support": 99,
    },
    {"template": "t-req", "field": "user", "values": [{"value": "bob"}]},
]
logs = st.lists(
    st.builds(
        lambda method, user: f"{method} /a status=200{user}",
        st.sampled_from(["GET", "PUT", "DEL", "NEW"]),
        st.sampled_from(["", " by bob", " by eve", " by mallory"]),
    ),
    max_size=25,
)


def naive(contents, most):
    """What is told, line by line."""
    told: list[tuple[str, str]] = []
    found = []
    for number, content in enumerate(contents, 1):
        words = content.split()
        values = [("method", words[0], ("GET", "PUT"))] + ([("user", words[4], ("bob",))] if len(words) > 3 else [])
        for name, value, known in values:
            if value not in known and (name, value) not in told:
                found.append((number, name, value))
                told = [*told, (name, value)][-most:]
    return found


@settings(max_examples=200, deadline=None)
@given(logs, st.lists(st.integers(0, 25), max_size=4), st.booleans(), st.sampled_from([1, 2, 1000]))
def test_each_new_value_is_told_once_as_long_as_it_is_remembered(contents, cuts, restore, most):
    before, new_values.MOST_TOLD = new_values.MOST_TOLD, most
    try:
        lines = stamped(contents)
        found, _, state = scan(model(values=KNOWN), lines, [c for c in cuts if c < len(lines)], restore=restore)
    finally:
        new_values.MOST_TOLD = before
    told = [(a["evidence"][0]["line"], a["fields"][0]["name"], a["fields"][0]["value"]) for a in found]
    assert told == naive(contents, most)
    assert len(state.told) <= most
    assert all(check("anomaly", a) == [] for a in found)


def test_the_document_tells_the_known_values_and_scores_by_support():
    (first, second), _, _ = scan(model(values=KNOWN), stamped(["DEL /a status=200 by eve", "DEL /a status=200"]))
    assert first["type"] == second["type"] == "new_value"
    assert first["known"] == {"support": 99, "values": ["GET", "PUT"]}
    assert (first["score"], second["score"]) == (60.0, 40.0)
    assert first["reason"] == "Line 1 of web.log has method DEL; known in 99 lines: GET, PUT"
    assert first["template"] == "t-req"


def test_what_was_told_is_remembered_over_a_restore_and_not_in_another_source():
    watched = model(values=KNOWN)
    _, _, state = scan(watched, stamped(["DEL /a status=200"]))
    record = state.to_record()
    assert SourceState.from_record(record).told == state.told
    assert len(state.told) == 1
    found, _, _ = scan(watched, stamped(["DEL /a status=200"]), source="b.log")
    assert len(found) == 1


def test_the_state_of_a_source_that_an_older_version_wrote_remembers_nothing():
    record = SourceState().to_record()
    del record["told"]
    assert SourceState.from_record({**record, "version": 2}).told == ()
