"""The main job on logs whose lines name several transactions, from learning to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from tests.end_to_end.runs import Run, how, scan
from tests.models.linked_model import anomalies
from tests.models.mining.linked_logs import cloud, shop
from tests.models.mining.test_linked_learning import faulty


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[int, dict[str, str]]]:
    """A model, a log of faults, and what the lost lines named."""
    folder = tmp_path_factory.mktemp("linked")
    training, watched, model = folder / "training.log", folder / "watched.log", folder / "model.json"
    training.write_text("\n".join(shop(1).lines()) + "\n")
    lines, lost = faulty(shop(2), {2: "", 3: "", 5: ""})
    watched.write_bytes(b"".join(lines))
    assert main(["learn", str(training), "--out", str(model), "--quiet"]) == 0
    return model, watched, lost


@pytest.fixture(scope="module")
def first(learnt: tuple[Path, Path, dict[int, dict[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scan(learnt[0], [learnt[1]], tmp_path_factory.mktemp("run") / "out", *how(1, 10_000))


@pytest.mark.parametrize(("parallelism", "batch_size"), [(2, 37), (2, 10_000)])
def test_parallelism_and_batches_change_nothing(parallelism, batch_size, learnt, first, tmp_path):
    assert scan(learnt[0], [learnt[1]], tmp_path / "out", *how(parallelism, batch_size)).text == first.text


def test_the_job_finds_what_the_pure_pieces_find_and_names_the_linked(learnt, first):
    model, watched, lost = learnt
    pure = anomalies(json.loads(model.read_text()), watched.read_bytes().splitlines(keepends=True))

    def said(found):
        return sorted((a["type"], json.dumps(a["transaction"]), a["@timestamp"], a["reason"]) for a in found)

    assert said(first.anomalies) == said(pure)
    told = {a["transaction"]["id"]: a["transaction"] for a in first.anomalies}
    assert {lost[2]["order"], lost[3]["order"], lost[5]["session"]} <= set(told)
    (session,) = told[lost[3]["order"]]["linked"]
    assert session["role"] == "parent"
    assert all(other["role"] == "child" for other in told[lost[5]["session"]]["linked"])


def test_an_explanation_names_the_linked(learnt, first, capsys):
    model, _, lost = learnt
    anomaly = next(a for a in first.anomalies if a["transaction"]["id"] == lost[3]["order"])
    parent = anomaly["transaction"]["linked"][0]["transaction"]
    told = first.folder / "anomalies.jsonl"
    assert main(["explain", anomaly["id"], "--anomalies", str(told), "--model", str(model)]) == 0
    assert f"linked      came of {parent} of automaton" in capsys.readouterr().out
    assert main(["model", "validate", str(model)]) == 0


def test_a_cloud_without_faults_is_silent(tmp_path):
    training, watched, model = tmp_path / "training.log", tmp_path / "watched.log", tmp_path / "model.json"
    training.write_text("\n".join(cloud(1).lines()) + "\n")
    watched.write_text("\n".join(cloud(2).lines()) + "\n")
    assert main(["learn", str(training), "--out", str(model), "--quiet"]) == 0
    run = scan(model, [watched], tmp_path / "out", *how(2, 10_000))
    assert run.anomalies == []
    assert run.summary["transactions"] == 963
