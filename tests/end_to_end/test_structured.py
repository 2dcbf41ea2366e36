"""The main job on the sample as JSON lines and as logfmt: the same is found as in plain lines."""

from __future__ import annotations

import json

import pytest

from models.sample.structured import FORMS
from tests.end_to_end.runs import how, make_sample, scan


@pytest.fixture(scope="module", params=FORMS)
def structured(request, tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp(request.param), 1, form=request.param)


def test_every_injected_anomaly_is_found_and_none_is_invented(structured, samples, full_run, tmp_path):
    run = scan(structured.model, [structured.watched], tmp_path / "out", *how(2, 10_000))
    comparison = run.compared(structured.truth)
    assert comparison.ok, comparison.format_table()
    assert run.summary["lines"] == structured.truth.watched.lines
    plain, learnt = (json.loads(s.model.read_text()) for s in (samples(1), structured))
    assert len(learnt["templates"]) == len(plain["templates"])
    assert [len(a["states"]) for a in learnt["automata"]] == [len(a["states"]) for a in plain["automata"]]
    assert {a["transaction"]["id"] for a in run.anomalies if a["transaction"]} >= {
        a["transaction"]["id"] for a in full_run(1, 2).anomalies if a["transaction"] and a["transaction"]["automaton"]
    }
    lines = structured.watched.read_text().splitlines()
    for anomaly in run.anomalies:
        assert all(lines[shown["line"] - 1].startswith(shown["text"]) for shown in anomaly["evidence"])


def test_batches_and_parallelism_change_nothing(structured, tmp_path):
    log = tmp_path / "short.log"
    log.write_text("".join(structured.watched.read_text().splitlines(keepends=True)[:3000]))
    one = scan(structured.model, [log], tmp_path / "one", *how(1, 100))
    assert one.text == scan(structured.model, [log], tmp_path / "two", *how(2, 10_000)).text
