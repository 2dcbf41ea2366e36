"""``weirwatch explain`` as people type it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from jobs.cli import main
from models.anomalies import unmatched_log
from models.document import save_model
from tests.models.editing.shop_model import TIME, model

LINE = f"{TIME} INFO paid order 7 with visa in 12 ms"
ANOMALY = unmatched_log(model(), "app.log", 3, 0, f"{TIME} what\x1b[31m is this")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a model and anomalies."""
    monkeypatch.delenv("WEIRWATCH_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    save_model(model(), "model.json")
    Path("found.jsonl").write_text(json.dumps(ANOMALY) + "\n")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command with some standard input: exit code, output, errors."""

    def call(*arguments, given=""):
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        try:
            code: object = main(["explain", *arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_a_line_is_explained_however_it_is_given(run):
    code, out, err = run("--model", "model.json", LINE)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"line        {LINE}"
    assert 'state       visa of automaton a-order "Order", learnt from 100 transactions' in out
    assert run("--model", "model.json", "--line", LINE)[1] == out
    assert run("--model", "model.json", given=f"\n{LINE}\r\n")[1] == out
    assert run("--model", "model.json", given=f"{LINE}\n{LINE}\n")[1] == f"{out}\n{out}"


def test_an_anomaly_is_explained_with_its_evidence(run):
    code, out, err = run(ANOMALY["id"], "--anomalies", "found.jsonl", "--model", "model.json")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"unmatched_log {ANOMALY['id']}, score 50.0"
    assert out.splitlines()[-1] == f"> app.log:3  [no state]  {TIME} what�[31m is this"
    assert run(ANOMALY["id"][:6], "--anomalies", "found.jsonl", "--model", "model.json")[1] == out


def test_json_is_for_scripts(run):
    data = json.loads(run("--model", "model.json", LINE, "--json")[1])
    assert data[0]["fields"] == {"id": "7", "ms": 12}
    assert (data[0]["state"], data[0]["automaton"], data[0]["transaction"]) == ("visa", "a-order", "7")
    data = json.loads(run(ANOMALY["id"], "--anomalies", "found.jsonl", "--model", "model.json", "--json")[1])
    assert data["anomaly"] == ANOMALY
    assert data["sentences"][1] == ANOMALY["reason"]


def test_a_model_may_come_from_a_store(run, capsys):
    assert main(["model", "push", "model.json", "--store", "store"]) == 0
    assert "t-visa" in run("--model", "shop@1", "--store", "store", LINE)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "model.json"), "no line to explain; give one as argument"),
        (("--model", "none.json", "x"), "none.json: no such file"),
        (("--model", "model.json", "x", "--line", "y"), "a line is given twice"),
        (("--model", "model.json", "--line", "y", "--anomalies", "found.jsonl"), "exclude each other"),
        (("--model", "model.json", "--anomalies", "found.jsonl"), "name the id of one of the anomalies in found.jsonl"),
        (
            ("--model", "model.json", "0000", "--anomalies", "found.jsonl"),
            "found.jsonl: none of the 1 anomalies has the id",
        ),
        (("--model", "model.json", "0000", "--anomalies", "none.jsonl"), "none.jsonl: no such file"),
        (("--model", "model.json", "0000", "--anomalies", "model.json"), "model.json, line 1: is no JSON"),
        (("x",), "required: --model"),
    ],
)
def test_what_is_wrong_is_told(run, words, message):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_whole_log_is_not_explained_line_by_line(run):
    assert (
        "weirwatch model try counts those of a whole log" in run("--model", "model.json", given=f"{LINE}\n" * 1001)[2]
    )
