"""Rules, new values and allowed findings in a real job, whatever its parallelism and batches."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.runs import how, scan
from tests.models.rules.log import document, rule, stamped

RULES = [
    rule("r-errors", when={"field": "status", "at_least": 500}, severity="high"),
    rule("r-root", when={"all": [{"field": "user", "equals": "root"}, {"line": "source", "contains": "one"}]}),
    rule("r-text", None, when={"line": "text", "contains": "forbidden"}, severity="critical"),
]
VALUES = [{"template": "t-req", "field": "method", "values": [{"value": "GET", "count": 9}], "support": 9}]
ALLOW = [
    {"id": "n-1", "type": "rule", "rule": "r-errors", "fields": {"status": "503"}, "reason": "deployment"},
    {"id": "n-2", "type": "unmatched_log", "text_pattern": "^noise [0-9]+$", "reason": "known"},
    {"id": "n-3", "type": "too_few", "automaton": "a-job", "states": ["job"], "reason": "jobs are short"},
]
LINES = [
    "GET /a status=200 by bob",
    "GET /a status=500 by bob",
    "GET /a status=503 by root",
    "PUT /a status=200",
    "job 7 done",
    "PUT /b status=200",
    "noise 17",
    "forbidden thing",
    "DEL /forbidden status=501 by root",
] * 40


@pytest.mark.parametrize(("parallelism", "batch_size"), [(1, 7), (2, 1000)])
def test_a_scan_tells_rules_and_new_values_and_not_what_is_allowed(tmp_path, parallelism, batch_size):
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    for log in logs:
        log.write_bytes(b"".join(stamped(LINES)))
    sections = {"rules": RULES, "values": VALUES, "allow": ALLOW}
    model = tmp_path / "model.json"
    data = document(**sections)
    data["automata"][0]["states"][0]["min"] = 5
    model.write_text(json.dumps(data))
    run = scan(model, logs, tmp_path / "out", *how(parallelism, batch_size))
    told: dict[tuple[str, str], int] = {}
    for anomaly in run.anomalies:
        key = (anomaly["rule"]["id"] if "rule" in anomaly else anomaly["type"], anomaly["source"].rpartition("/")[2])
        told[key] = told.get(key, 0) + 1
    assert told == {
        ("r-errors", "one.log"): 80,
        ("r-errors", "two.log"): 80,
        ("r-root", "one.log"): 80,
        ("r-text", "one.log"): 80,
        ("r-text", "two.log"): 80,
        ("new_value", "one.log"): 2,
        ("new_value", "two.log"): 2,
        ("unmatched_log", "one.log"): 40,
        ("unmatched_log", "two.log"): 40,
    }
    assert run.summary["anomalies"] == {"rule": 400, "new_value": 4, "unmatched_log": 80}
    # 40 transactions have a line of each log, and 80 lines of each log are allowed.
    assert run.summary["allowed"] == 40 + 2 * 80
