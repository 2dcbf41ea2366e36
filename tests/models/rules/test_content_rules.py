"""Content rules in batches find what a naive look at each line finds, whatever the batches."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.schema_check import check
from tests.models.rules.log import model, rule, scan, stamped

words = st.sampled_from(["GET", "PUT", "DEL", "root", "bob", "é7"])
statuses = st.sampled_from(["200", "404", "500", "5e2", "-3", "1.50", "x", "0x1f", "٣"])
requests = st.builds(
    lambda method, page, status, user: f"{method} /{page} status={status}" + (f" by {user}" if user else ""),
    st.sampled_from(["GET", "PUT", "DEL"]),
    st.sampled_from(["a", "b/c", "login", "é"]),
    statuses,
    st.sampled_from(["", "root", "bob"]),
)
contents = st.one_of(
    requests,
    requests,
    st.sampled_from(["job 7 done", "job 12 ERROR", "WARN odd", "unknown é", "fatal: it broke", "unknown"]),
)
logs = st.lists(contents, max_size=12).map(stamped)

scalars = st.one_of(words, statuses, st.sampled_from([200, 404, 500, -3, 1.5, 0]))
numbers = st.sampled_from([-3, 0, 1.5, 200, 404, 500])
pairs = st.tuples(numbers, numbers).map(lambda pair: sorted(pair))
tests = st.one_of(
    st.tuples(st.sampled_from(["equals", "not_equals"]), scalars),
    st.tuples(st.sampled_from(["in", "not_in"]), st.lists(scalars, min_size=1, max_size=3)),
    st.tuples(st.just("matches"), st.sampled_from(["^[A-Z]+$", "o", "[0-9]{3}", "é"])),
    st.tuples(st.just("contains"), st.sampled_from(["o", "GET", "é", "status=5", "/a"])),
)
compared = st.tuples(st.sampled_from(["less", "at_most", "more", "at_least"]), numbers)
ranges = st.tuples(st.sampled_from(["between", "outside"]), pairs)
on_field = st.builds(
    lambda name, test: {"field": name, test[0]: test[1]},
    st.sampled_from(["method", "page", "status", "user"]),
    st.one_of(tests, compared, ranges, st.tuples(st.just("exists"), st.booleans())),
)
on_line = st.one_of(
    st.builds(lambda name, test: {"line": name, test[0]: test[1]}, st.sampled_from(["text", "source"]), tests),
    st.builds(
        lambda level: {"line": "level", "equals": level}, st.sampled_from(["fatal", "error", "warning", "other"])
    ),
)


def nested(leaves):
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=5,
    )


conditions = nested(st.one_of(on_field, on_line))
line_conditions = nested(on_line)


def naive_number(text):
    try:
        return float(text) if re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+(e[0-9]+)?", text, re.ASCII) else None
    except ValueError:
        return None


def naive(condition, line, source):
    """Whether a condition holds, line by line and straight from the document."""
    if "all" in condition:
        return all(naive(part, line, source) for part in condition["all"])
    if "any" in condition:
        return any(naive(part, line, source) for part in condition["any"])
    if "not" in condition:
        return not naive(condition["not"], line, source)
    content = line[20:]
    if "field" in condition:
        found = re.fullmatch(
            r"(?P<method>\w+) (?P<page>\S+) status=(?P<status>\S+?)(?: by (?P<user>\w+))?", content, re.ASCII
        )
        assert found is not None
        value = found[condition["field"]]
    elif condition["line"] == "level":
        lower = line.lower()
        value = next(
            (n for w, n in (("fatal", "fatal"), ("error", "error"), ("warn", "warning")) if w in lower), "other"
        )
    else:
        value = {"text": line, "source": source}[condition["line"]]
    operator, operand = next((k, v) for k, v in condition.items() if k not in ("field", "line"))
    if operator == "exists":
        return (value is not None) == operand
    if value is None:
        return False
    read = naive_number(value)

    def same(one):
        return value == one if isinstance(one, str) else read == one

    if operator in ("equals", "not_equals"):
        return same(operand) == (operator == "equals")
    if operator in ("in", "not_in"):
        return any(map(same, operand)) == (operator == "in")
    if operator == "matches":
        return re.search(operand, value) is not None
    if operator == "contains":
        return operand in value
    if read is None:
        return False
    if operator in ("between", "outside"):
        inside = operand[0] <= read <= operand[1]
        return inside == (operator == "between")
    return {
        "less": read < operand,
        "at_most": read <= operand,
        "more": read > operand,
        "at_least": read >= operand,
    }[operator]


@settings(max_examples=150, deadline=None)
@given(
    logs,
    st.lists(conditions, max_size=3),
    st.lists(line_conditions, max_size=2),
    st.lists(st.integers(0, 12), max_size=3),
)
def test_rules_in_batches_find_what_a_look_at_each_line_finds(lines, of_requests, of_all, cuts):
    rules = [rule(f"r{n}", "t-req", when=when) for n, when in enumerate(of_requests)]
    rules += [rule(f"all{n}", None, when=when) for n, when in enumerate(of_all)]
    found, _, _ = scan(model(rules=rules), lines, [cut for cut in cuts if cut < len(lines)])
    expected = []
    for number, raw in enumerate(lines, 1):
        line = raw.decode().rstrip("\n")
        is_request = re.fullmatch(r"[A-Z]+ /\S+ status=\S+( by \w+)?", line[20:]) is not None
        asked = [one for one in rules if one["template"] is None or is_request]
        expected += [(number, one["id"]) for one in asked if naive(one["when"], line, "a/web.log")]
    assert sorted((a["evidence"][0]["line"], a["rule"]["id"]) for a in found) == sorted(expected)
    assert [a["evidence"][0]["line"] for a in found] == sorted(a["evidence"][0]["line"] for a in found)
    assert all(check("anomaly", a) == [] for a in found)
    assert len({a["id"] for a in found}) == len(found)


def test_the_document_says_what_rule_it_is_what_held_and_the_values():
    when = {"all": [{"field": "status", "at_least": 500}, {"not": {"field": "user", "in": ["mon", "bot"]}}]}
    watched = model(
        rules=[rule("r-5", when=when, severity="high", name="Server errors", message="{user} met {status}")]
    )
    (found,), _, _ = scan(watched, stamped(["GET /a status=200 by bob", "GET /a status=503 by bob"]))
    assert (found["type"], found["score"], found["template"], found["source"]) == ("rule", 75.0, "t-req", "a/web.log")
    assert found["rule"] == {
        "id": "r-5",
        "name": "Server errors",
        "severity": "high",
        "condition": "status is at least 500 and not (user is one of mon, bot)",
    }
    assert found["fields"] == [{"name": "status", "value": "503"}, {"name": "user", "value": "bob"}]
    assert found["actual"] == "status is 503, at least 500 and not (user is one of mon, bot)"
    assert found["reason"].startswith('Line 2 of web.log breaks the rule "Server errors" (r-5): bob met 503: status is')
    assert found["transaction"] is None


def test_a_line_of_a_transaction_is_told_with_its_identifier():
    watched = model(rules=[rule("r", "t-job", when={"field": "word", "equals": "bad"}, severity=12)])
    (found,), _, _ = scan(watched, stamped(["job 7 done", "job 8 bad"]))
    assert found["transaction"] == {"id": "8", "automaton": "a-job", "begin": None, "end": None, "states": []}
    assert found["score"] == 12.0


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"sources": ["*/web.*"]}, True),
        ({"sources": ["web.log"]}, True),
        ({"sources": ["db.log", "x"]}, False),
        ({"enabled": True, "sources": ["db*", "a/*"]}, True),
    ],
)
def test_a_rule_is_for_its_sources_and_only_when_it_is_enabled(keys, told):
    watched = model(rules=[rule(when={"field": "method", "equals": "PUT"}, **keys)])
    found, _, _ = scan(watched, stamped(["PUT /a status=200"]))
    assert bool(found) == told


def test_a_list_of_a_hundred_thousand_values_is_looked_up_not_walked():
    listed = [f"user{n}" for n in range(100_000)]
    watched = model(rules=[rule(when={"field": "user", "in": listed})])
    lines = stamped([f"GET /a status=200 by {'user99999' if n % 7 == 0 else 'alice'}" for n in range(3000)])
    found, _, _ = scan(watched, lines, [1000, 2000])
    assert len(found) == 429
    assert found[0]["actual"] == "user is user99999, one of the 100,000 listed values"
