"""Which findings an entry makes quiet, and the entry that is made of a finding."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.allow import AllowList
from models.allow_change import changed_entries
from models.allow_entry import entry_for, like
from models.detection import LineDetector
from models.document import ModelDocument
from models.document_content import AllowEntry
from models.errors import UserError
from models.folding import fold_one
from models.source_reader import ReadLimits, SourceState
from tests.models.rules.log import model, rule, scan, stamped

READING = {"timestamp": {"formats": ["yyyy-MM-dd HH:mm:ss"]}}
ROOT = rule("r-root", when={"field": "user", "in": ["root", "admin"]}, message="{page}")
VALUES = [{"template": "t-req", "field": "method", "values": [{"value": "GET"}]}]


def anomaly(kind="too_many", states=("work",), **keys):
    """A finding of a transaction."""
    violations = [{"state": s, "other": None, "actual": 5, "min": 1, "max": 3, "unit": "occurrences"} for s in states]
    return {
        "@timestamp": "2026-01-12T10:00:00.000Z",
        "id": "0" * 20,
        "type": kind,
        "score": 50.0,
        "model": {"id": "web", "version": 1},
        "source": "logs/app.log",
        "transaction": {"id": "7", "automaton": "a-job", "begin": None, "end": None, "states": []},
        "template": None,
        "evidence": [{"file": "logs/app.log", "line": 1, "timestamp": "2026-01-12T10:00:00.000Z", "text": "x"}],
        "actual": "5",
        "typical": "1 to 3",
        "violations": violations,
        "reason": "so",
    } | keys


def quiet(document, *entries):
    return AllowList([AllowEntry("n", **{"type": "too_many", **entry}) for entry in entries], READING).allows(document)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, True),
        ({"type": "too_few"}, False),
        ({"automaton": "a-job"}, True),
        ({"automaton": "a-other"}, False),
        ({"template": "t-req"}, False),
        ({"states": ["work"]}, True),
        ({"states": ["work", "rest"]}, True),
        ({"states": ["rest"]}, False),
        ({"source": "logs/*"}, True),
        ({"source": "app.*"}, True),
        ({"source": "db*"}, False),
        ({"until": "2026-01-12T10:00:00.001Z"}, True),
        ({"until": "2026-01-12T10:00:00Z"}, False),
        ({"until": "2026-01-12T10:00:01Z"}, True),
        ({"rule": "r-root"}, False),
        ({"fields": {"user": "root"}}, False),
        ({"text_pattern": "^x$"}, True),
        ({"text_pattern": "y"}, False),
    ],
)
def test_an_entry_takes_what_fits_all_that_it_gives(entry, expected):
    assert quiet(anomaly(), entry) == expected


def test_a_finding_of_several_states_is_quiet_once_all_of_them_are_taken():
    both = anomaly(states=("work", "rest"))
    assert not quiet(both, {"states": ["work"]})
    assert quiet(both, {"states": ["work"]}, {"states": ["rest"]})
    assert quiet(both, {"states": ["work"]}, {"automaton": "a-job"})
    assert not quiet(both, {"states": ["work"]}, {"states": ["rest"], "until": "2020-01-01T00:00:00Z"})
    assert not quiet(anomaly(states=()), {"states": ["work"]})


def allowed(watched, document, **keys):
    after, entry = changed_entries(watched, {"anomaly": document, "reason": "normal here", **keys})
    assert after is not None
    assert after.version == watched.version + 1
    assert after.allow[-1].id == entry
    return after


def test_an_allowed_rule_is_quiet_for_that_value_only():
    watched = model(rules=[ROOT])
    lines = stamped(["GET /a status=200 by root", "GET /b status=200 by root", "GET /b status=200 by admin"])
    found, _, _ = scan(watched, lines)
    after = allowed(watched, found[0])
    assert (after.allow[0].rule, after.allow[0].fields) == ("r-root", {"user": "root"})
    rest, count, _ = scan(after, lines)
    assert [a["fields"][0]["value"] for a in rest] == ["admin"]
    assert count == 2
    again, entry = changed_entries(after, {"anomaly": found[1], "reason": "other words"})
    assert (again, entry) == (None, after.allow[0].id)
    back, _ = changed_entries(after, {"entry": entry})
    assert back is not None
    assert (back.allow, back.version) == ([], 3)
    assert len(scan(back, lines)[0]) == 3


def test_an_allowed_new_value_is_quiet_and_others_are_not():
    watched = model(values=VALUES)
    lines = stamped(["PUT /a status=1", "DEL /a status=1"])
    found, _, _ = scan(watched, lines)
    rest, count, _ = scan(allowed(watched, found[0]), lines)
    assert ([a["fields"][0]["value"] for a in rest], count) == (["DEL"], 1)


def test_an_allowed_line_is_quiet_with_those_that_differ_in_numbers():
    watched = model()
    lines = stamped(
        ["disk sda1 at 97 % (0x1f)", "disk sda22 at 3 % (0xabc)", "disk sda1 gone", "disk sdb1 at 97 % (0x1f)"]
    )

    def unmatched(with_model):
        outcome, _, _ = LineDetector(with_model, ReadLimits(), 4).process("a.log", SourceState(), b"".join(lines), True)
        return outcome.unmatched, outcome.counts

    found, _ = unmatched(watched)
    after = allowed(watched, found[0], by="ops", until="2027-01-01T00:00:00Z", source="a.log")
    assert after.allow[0].by == "ops"
    rest, counts = unmatched(after)
    assert [a["evidence"][0]["line"] for a in rest] == [3, 4]
    assert (counts["allowed"], counts["unmatched"]) == (2, 4)


def test_a_finding_of_a_transaction_gives_its_type_automaton_and_states():
    watched = model()
    assert replace(entry_for(watched, anomaly(states=("b", "a"))), id="") == AllowEntry(
        "", "too_many", automaton="a-job", states=["a", "b"]
    )
    whole = anomaly("too_long", states=(None,))
    assert replace(entry_for(watched, whole), id="") == AllowEntry("", "too_long", automaton="a-job")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"anomaly": {"id": 1}}, "what is to be allowed is no anomaly: "),
        ({"anomaly": anomaly(model={"id": "other", "version": 1})}, "is one of the model other, not of web"),
        ({"anomaly": anomaly("unmatched_log", evidence=[])}, "shows no line; give text_pattern"),
        ({"match": {"typ": "rule"}}, '$.match.typ: is an unknown key; did you mean "type"?'),
        ({"match": {"type": "too_manny"}}, "there is no anomaly type 'too_manny'; did you mean 'too_many'?"),
        ({"match": {"type": "too_many"}, "until": "tomorrow"}, "$.match.until"),
        ({"entry": "n-1"}, "model web has no allowed finding 'n-1'; it allows nothing"),
    ],
)
def test_what_cannot_be_allowed(said, message):
    with pytest.raises(UserError) as caught:
        changed_entries(model(), {"reason": "so", **said})
    assert message in str(caught.value)


def test_match_keys_make_an_entry_and_a_wrong_id_is_told_with_those_there_are():
    after, entry = changed_entries(model(), {"match": {"type": "rule", "rule": "r"}, "reason": "so", "source": "x*"})
    assert after is not None
    assert ModelDocument.from_json(after.to_json()).allow == after.allow
    assert (after.allow[0].rule, after.allow[0].source) == ("r", "x*")
    with pytest.raises(UserError, match=f"did you mean '{entry}'"):
        changed_entries(after, {"entry": entry[:-1]})


texts = st.text(st.sampled_from("aAfFgGxX01 9.é-_"), max_size=7)


@settings(max_examples=600)
@given(texts, texts)
def test_the_pattern_of_a_line_fits_the_lines_that_fold_alike(one, two):
    fits = re.search(f"^{like(one)}$", two) is not None
    assert fits == (fold_one(one) == fold_one(two))
    assert re.search(f"^{like(one)}$", one)


@given(texts.map(lambda t: t.replace("9", "0")), st.text(st.sampled_from("0123456789"), min_size=1, max_size=3))
def test_other_numbers_in_the_same_line_fit(text, digits):
    other = re.sub("0+", digits, text)
    assert (re.search(f"^{like(text)}$", other) is not None) == (fold_one(text) == fold_one(other))
