"""Every real sample log can be learnt, whatever it holds."""

from __future__ import annotations

from datetime import datetime

import pytest

from benchmarks.corpus import HDFS
from models.document import ModelDocument
from models.learner import LearnOptions, learn

LOGHUB = HDFS.parent / "loghub"
LOGS = sorted(LOGHUB.glob("*/*_2k.log"))


@pytest.mark.skipif(not LOGS, reason=f"needs the raw loghub samples in {LOGHUB}")
@pytest.mark.parametrize("name", [log.name for log in LOGS] or ["none"])
def test_a_real_log_gives_a_model_that_can_be_read_and_waits_no_longer_than_it_has_seen(name: str) -> None:
    path = next(log for log in LOGS if log.name == name)
    model, report = learn([(name, str(path))], LearnOptions(year=2020))
    assert report.lines == report.events + report.continued + report.dead_letters >= 1990
    assert ModelDocument.from_json(model.to_json(), name) == model
    times = [model.learned["from"], model.learned["to"]]
    assert times[0] < times[1]
    # Four times the longest that is normal, and of that a quarter more than the log spans; five seconds at least.
    span_ms = (datetime.fromisoformat(times[1]) - datetime.fromisoformat(times[0])).total_seconds() * 1000
    for automaton in model.automata:
        assert automaton.expires_ms <= max(5_000, 4 * (1.25 * span_ms + 2_000))
