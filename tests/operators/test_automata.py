"""``automata`` behind ``parse`` on a real mini cluster: its timers fire while lines are still being read."""

import dataclasses
import itertools
import json
import time
from pathlib import Path

import pytest
from pyflink.common import Configuration

from jobs import detect
from jobs.config import DetectConfig, OutputConfig, SourceConfig
from jobs.environment import make_environment
from models.detection import shard_of
from models.document_text import pretty
from models.splits import Split
from operators.automata import Automata
from operators.pack import Pack
from tests.operators.shop import MODEL, line

SHARDS = 8


@pytest.fixture
def config(tmp_path):
    """Two pieces of a log; in the first a transaction begins that never ends, and its deadline passes.

    No other transaction is of its shard: nothing but a timer can tell of it before the end.
    """
    lonely = shard_of(b"7", SHARDS)
    names = (n for n in itertools.count(100) if shard_of(b"%d" % n, SHARDS) != lonely)
    lost = [line(0, "open", 7), line(10, "work", 7)]
    first = [
        line(at, what, n) for at, n in zip(range(100, 300_000, 1000), names, strict=False) for what in ("open", "close")
    ]
    second = [
        line(at, what, n)
        for at, n in zip(range(300_000, 310_000, 1000), names, strict=False)
        for what in ("open", "close")
    ]
    (tmp_path / "app.log.1").write_text("\n".join([*lost, *first, ""]))
    (tmp_path / "app.log").write_text("\n".join([*second, ""]))
    (tmp_path / "model.json").write_text(pretty(MODEL))
    return DetectConfig(
        sources=tuple(SourceConfig(tmp_path / name, name) for name in ("app.log", "app.log.1")),
        model=tmp_path / "model.json",
        output=OutputConfig(tmp_path),
        parallelism=2,
        batch_size=50,
        shards=SHARDS,
    )


def test_a_transaction_that_never_ends_is_told_while_later_lines_are_still_to_be_read(config, tmp_path, monkeypatch):
    """The second piece is held back until the anomaly has been told: were that told at the end, both would wait."""
    told, waited = tmp_path / "told", tmp_path / "waited"

    class PatientPack(Pack):
        def process_element(self, value, ctx):
            word = value[1]
            if word.startswith(b"{") and Split.from_json(word.decode()).source == "app.log":
                limit = time.monotonic() + 60
                while not told.exists() and time.monotonic() < limit:
                    time.sleep(0.05)
                waited.write_text("told before" if told.exists() else "in vain")
            yield from super().process_element(value, ctx)

    class TellingAutomata(Automata):
        def tell(self, key, keeper, found, timers):
            if any(document["type"] == "missing_end" for document in found):
                Path(told).write_text(str(timers.current_watermark()))
            yield from super().tell(key, keeper, found, timers)

    def impatient(parallelism, embedded):
        """Each element on its way at once, so that one that waits holds nothing else back."""
        env = make_environment(parallelism, embedded)
        settings = Configuration()
        settings.set_string("python.fn-execution.bundle.size", "1")
        env.configure(settings)
        return env

    monkeypatch.setattr(detect, "Pack", PatientPack)
    monkeypatch.setattr(detect, "Automata", TellingAutomata)
    monkeypatch.setattr(detect, "make_environment", impatient)
    work = tmp_path / "work"
    held = detect.run(config, work, embedded=True)
    assert waited.read_text() == "told before"
    monkeypatch.undo()
    plain = detect.run(dataclasses.replace(config, parallelism=1), tmp_path / "plain", embedded=True)
    assert held.anomalies == plain.anomalies
    documents = [json.loads(text) for text in held.anomalies]
    assert [(d["type"], d["transaction"]["id"]) for d in documents] == [("missing_end", "7")]
    assert documents[0]["@timestamp"] == "2026-01-12T00:01:00.000Z"
    assert held.summary["transactions"] == 1 + 300 + 10
