"""``weirwatch learn``: where a model goes, and how one is brought up to date."""

from __future__ import annotations

import json

import pytest

from jobs.cli import main
from models.document import load_model
from models.sample.generator import generate


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WEIRWATCH_STORE", raising=False)
    sample = generate(seed=4, transactions=90, anomalies_per_type=1).training
    (tmp_path / "a.log").write_bytes(sample)
    new = b"".join(
        b"2026-02-01 00:00:%02d,000 INFO  [cron-1] ops.Sweeper - Swept %d boxes\n" % (k, k) for k in range(50)
    )
    (tmp_path / "b.log").write_bytes(new)
    return tmp_path


def test_a_model_is_brought_up_to_date_where_it_is(logs, capsys):
    assert main(["learn", "a.log", "--out", "m.json", "--quiet"]) == 0
    before = load_model("m.json")
    assert main(["learn", "b.log", "--update", "m.json", "--quiet"]) == 0
    after = load_model("m.json")
    assert (after.id, after.version) == ("m", 2)
    assert after.automata == before.automata
    assert after.templates[:-1] == before.templates
    shown = capsys.readouterr().out
    assert "version 1 → version 2" in shown
    assert f"+ {after.templates[-1].id}" in shown
    assert main(["learn", "b.log", "--update", "m.json", "--forget", "--out", "small.json", "--quiet"]) == 0
    assert [t.id for t in load_model("small.json").templates] == [after.templates[-1].id]
    assert load_model("m.json") == after


def test_a_model_goes_into_the_store_and_is_brought_up_to_date_there(logs, capsys):
    store = ["--store", "models", "--quiet"]
    assert main(["learn", "a.log", "--id", "shop", "--push", "--note", "first", *store]) == 0
    assert main(["learn", "b.log", "--update", "shop", *store]) == 0
    assert "shop version 2 in the store" in capsys.readouterr().out
    assert main(["model", "history", "shop", "--store", "models", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert [(v["version"], v["note"]) for v in history["versions"]] == [(1, "first"), (2, "")]
    assert main(["learn", "b.log", "--update", "shop@1", "--out", "c.json", *store]) == 0
    assert len(load_model("c.json").templates) == len(load_model("models/shop/v00002.json").templates)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--out"),
        (["--forget", "--out", "m.json"], "--update"),
        (["--update", "nothing.json"], "nothing.json"),
        (["--update", "nothing"], "--store"),
        (["--push"], "WEIRWATCH_STORE"),
    ],
)
def test_what_does_not_fit_is_told(logs, capsys, options, message):
    assert main(["learn", "a.log", *options]) == 2
    assert message in capsys.readouterr().err


def test_an_update_changes_neither_name_nor_timestamps(logs, capsys):
    assert main(["learn", "b.log", "--out", "m.json", "--quiet"]) == 0
    assert main(["learn", "b.log", "--update", "m.json", "--id", "other"]) == 2
    assert "--id cannot be changed" in capsys.readouterr().err


def test_series_are_switched_on_with_one_option(logs, capsys):
    assert main(["learn", "a.log", "--out", "m.json", "--series", "--slot", "600000", "--quiet"]) == 0
    found = load_model("m.json")
    assert (found.series.enabled, found.series.detect, found.series.slot_ms) == (True, True, 600_000)
    assert {(f.template, f.field) for f in found.series.fields} == {(c.template, c.field) for c in found.categories}
    assert "watched, in slots of 10 min" in capsys.readouterr().out
    assert main(["learn", "b.log", "--update", "m.json", "--quiet"]) == 0
    assert load_model("m.json").series == found.series, "an update leaves them as they are"
    assert main(["learn", "a.log", "--out", "n.json", "--slot", "600000", "--quiet"]) == 2
    assert "--series" in capsys.readouterr().err
