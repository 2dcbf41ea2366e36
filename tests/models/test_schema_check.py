from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from models.anomalies import TYPES, evidence_line
from models.schema_check import KINDS, Problem, check, json_path, schema

SUMMARY = {
    "lines": 10,
    "matched": 7,
    "unmatched": 1,
    "continued": 1,
    "dead_letters": 1,
    "templates": 3,
    "transactions": 2,
    "anomalies": {"unmatched_log": 1},
    "seconds": 0.5,
    "lines_per_second": 20.0,
}
DEAD_LETTER = {
    "id": "0123456789abcdef0123",
    "source": "x.log",
    "line": 3,
    "reason": "is not UTF-8",
    "timestamp": None,
    "text": "\ufffd",
    "bytes": 1,
}
ANOMALY = {
    "@timestamp": "2008-11-09T20:35:31.000Z",
    "id": "0123456789abcdef0123",
    "type": "too_many",
    "score": 87.5,
    "model": {"id": "hdfs", "version": 1},
    "source": "hdfs.log",
    "transaction": {
        "id": "blk_1",
        "automaton": "a-3f2c91aa",
        "begin": "2008-11-09T20:35:31.000Z",
        "end": "2008-11-09T20:35:32.000Z",
        "states": ["receiving_block"],
    },
    "template": None,
    "evidence": [evidence_line("hdfs.log", 17, 0, "x"), evidence_line("logs/3", 0, 0, "x", topic=True)],
    "actual": "5",
    "typical": "1 to 3",
    "violations": [{"state": "receiving_block", "other": None, "actual": 5, "min": 1, "max": 3, "unit": "occurrences"}],
    "reason": "Transaction blk_1 passed it 5 times.",
}
VALID = {"summary": SUMMARY, "dead_letter": DEAD_LETTER, "anomaly": ANOMALY}


def _properties(rules, defs, seen=()):
    """Every property of a schema: path and its rules."""
    for name, inner in rules.get("properties", {}).items():
        path = (*seen, name)
        yield ".".join(path), inner
        yield from _properties(inner, defs, path)
    for name, inner in defs.items():
        yield from _properties(inner, {}, (*seen, name))


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_valid_strict_and_described(kind):
    rules = schema(kind)
    Draft202012Validator.check_schema(rules)
    assert rules["additionalProperties"] is False
    assert rules["description"]
    for path, inner in _properties(rules, rules.get("$defs", {})):
        described = inner.get("description") or rules["$defs"][inner["$ref"].rpartition("/")[2]].get("description")
        assert described, path
        if inner.get("type") == "object":
            assert "additionalProperties" in inner, path


def test_there_is_no_schema_for_other_kinds():
    with pytest.raises(ValueError, match="no schema for 'models'"):
        schema("models")


@pytest.mark.parametrize("kind", VALID)
def test_a_valid_document_has_no_problems(kind):
    assert check(kind, VALID[kind]) == []


@pytest.mark.parametrize("kind", VALID)
def test_every_required_key_is_missed(kind):
    for key in schema(kind)["required"]:
        rest = {k: v for k, v in VALID[kind].items() if k != key}
        (problem,) = check(kind, rest)
        assert problem.path == json_path([key])
        assert problem.message.endswith(f'add the key "{key}"')


def test_types_of_the_anomaly_schema_and_of_the_summary_are_those_of_the_code():
    assert tuple(schema("anomaly")["properties"]["type"]["enum"]) == TYPES
    assert tuple(schema("summary")["properties"]["anomalies"]["properties"]) == TYPES


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"score": 101}, "$.score", "is 101, which is too large; write a number ≥ 0 and ≤ 100"),
        ({"type": "too_man"}, "$.type", 'is the text "too_man"; write one of "unmatched_log", '),
        ({"@timestamp": "yesterday"}, '$["@timestamp"]', "write a text that matches"),
        ({"id": "X"}, "$.id", "write a text that matches ^[0-9a-f]{20}$"),
        ({"transaction": 3}, "$.transaction", "is 3; write an object {…}, or null for none"),
        ({"evidence": [{"timestamp": ANOMALY["@timestamp"], "text": ""}]}, "$.evidence[0].file", "is missing"),
        ({"colour": 1}, "$.colour", "is an unknown key; known keys are @timestamp, "),
        ({"evidenc": 1}, "$.evidenc", 'did you mean "evidence"'),
    ],
)
def test_a_problem_tells_path_and_mend(change, path, says):
    found = {p.path: p.message for p in check("anomaly", ANOMALY | change)}
    assert path in found
    assert says in found[path]


def test_evidence_is_from_a_file_or_from_a_topic_never_both():
    both = evidence_line("a", 1, 0, "x") | evidence_line("t/0", 1, 0, "x", topic=True)
    assert check("anomaly", ANOMALY | {"evidence": [both]})


def test_a_dead_letter_is_of_a_file_or_of_a_topic_never_half_of_both():
    topic = {"topic": "logs", "partition": 0, "offset": 5}
    rest = {k: v for k, v in DEAD_LETTER.items() if k != "line"}
    assert check("dead_letter", rest | topic) == []
    assert check("dead_letter", DEAD_LETTER | topic) == []  # the line is one of the message
    for wrong in (rest, DEAD_LETTER | {"offset": 5}, rest | {"topic": "logs", "partition": 0}):
        assert check("dead_letter", wrong) != []


def test_problems_come_in_the_order_of_their_places():
    lines = [evidence_line("a", 0, 0, "x") for _ in range(12)]
    paths = [p.path for p in check("anomaly", ANOMALY | {"evidence": lines})]
    assert paths == [f"$.evidence[{i}].line" for i in range(12)]


def test_json_paths():
    assert json_path([]) == "$"
    assert json_path(["a", 0, "b_c", "d e", "@t"]) == '$.a[0].b_c["d e"]["@t"]'
    assert str(Problem("$.a", "is wrong")) == "$.a: is wrong"
