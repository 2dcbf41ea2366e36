"""``weirwatch allow`` as people type it: in a model, in a store, and in a running job over folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.stores.address import open_store
from jobs.stores.credentials import Credentials
from models.anomalies import unmatched_log
from models.document import load_model, save_model
from tests.jobs.running_job import answering_folder
from tests.models.editing.shop_model import TIME, model

ODD = unmatched_log(model(), "app.log", 3, 0, f"{TIME} disk 7 is odd")
FOLDERS = ["--directory", "control", "--replies", "replies", "--timeout", "20"]
FOUND = [ODD["id"], "--from", "found.jsonl", "--reason", "a new disk"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a model, anomalies, and folders of a control channel."""
    monkeypatch.delenv("WEIRWATCH_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    save_model(model(), "model.json")
    Path("found.jsonl").write_text(json.dumps(ODD) + "\n")
    (tmp_path / "control").mkdir()
    (tmp_path / "replies").mkdir()


@pytest.fixture
def run(capsys):
    """Run the command: exit code, output, errors."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code: object = main(["allow", *arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_a_finding_is_allowed_in_a_model_file_listed_and_taken_back(run):
    code, out, err = run(*FOUND, "--by", "ops", "--model", "model.json")
    assert (code, err) == (0, "")
    (entry,) = load_model("model.json").allow
    version = model().version
    assert out == f"allowed: {entry.id}; model.json: version {version + 1} written\n"
    assert (entry.reason, entry.by, entry.text_pattern) == ("a new disk", "ops", "^disk [0-9]+ is odd$")
    assert "is there already" in run(*FOUND, "--model", "model.json")[1]
    code, out, _ = run("--list", "--model", "model.json")
    assert out.splitlines()[0] == f"{entry.id}  unmatched_log: text_pattern ^disk [0-9]+ is odd$"
    assert out.splitlines()[1].startswith("    a new disk (ops 20")
    assert json.loads(run("--list", "--json", "--model", "model.json")[1])[0]["id"] == entry.id
    assert run("--remove", entry.id, "--model", "model.json")[0] == 0
    assert load_model("model.json").allow == []
    assert "allows nothing" in run("--list", "--model", "model.json")[1]


def test_in_a_store_a_version_is_made(run):
    store = open_store("models", Credentials())
    store.push(model())
    name = model().id
    assert run(*FOUND, "--model", name, "--store", "models")[0] == 0
    found = store.get(name)
    assert (found.version, len(found.allow)) == (2, 1)
    assert store.history(name)[1][-1].note == "allowed: a new disk"


def test_a_running_job_follows_and_says_which_version_is_in_force(run):
    with answering_folder(Path("control"), Path("replies")) as models:
        assert main(["model", "apply", "model.json", "--add", *FOLDERS]) == 0
        version = model().version
        code, out, err = run(*FOUND, "--until", "2027-01-01T00:00:00Z", "--source", "app*", *FOLDERS)
        assert (code, err) == (0, "")
        (entry,) = json.loads(models.entries["shop"].document)["allow"]
        assert out == f"allowed: {entry['id']}; model shop version {version + 1} is in force\n"
        assert (entry["until"], entry["source"]) == ("2027-01-01T00:00:00Z", "app*")
        assert "T" in entry["at"]
        code, out, _ = run("--remove", entry["id"], "--model", "shop", *FOLDERS)
        assert (code, out) == (0, f"taken back: {entry['id']}; model shop version {version + 2} is in force\n")
        assert "allow" not in json.loads(models.entries["shop"].document)
        code, _, err = run("--remove", "n-9", "--model", "shop", *FOLDERS)
        assert (code, "the job rejected it: model shop has no allowed finding 'n-9'" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the id of an anomaly, or --list, or --remove ENTRY"),
        ([ODD["id"]], "say where the anomaly is: --from anomalies.jsonl"),
        ([ODD["id"], "--from", "found.jsonl"], "say why that is normal"),
        (["ffff", *FOUND[1:], "--model", "model.json"], "none of the 1 anomalies has the id ffff"),
        ([*FOUND[:2], "absent.jsonl", *FOUND[3:]], "absent.jsonl: cannot be read (No such file or directory)"),
        (FOUND, "say what is to change: a running job"),
        ([*FOUND, "--until", "tomorrow"], "--until 'tomorrow' is no time; write it in UTC as"),
        (["--remove", "n-1"], "say of which model"),
        (["--remove", "n-1", "--model", "model.json"], "has no allowed finding 'n-1'; it allows nothing"),
        (["--remove", "n-1", *FOUND, "--model", "model.json"], "takes an entry back by its id alone"),
        (["--list"], "say of which model"),
        (
            ["abc", "--from", "http://localhost:1", "--reason", "x"],
            "'abc' is no id of an anomaly: 20 hexadecimal digits",
        ),
        ([ODD["id"], "--from", "http://localhost:1", "--reason", "x"], "http://localhost:1: does not answer"),
    ],
)
def test_a_mistake_is_told_with_its_mend(run, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
