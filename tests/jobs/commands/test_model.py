"""``weirwatch model`` as people type it."""

from __future__ import annotations

import json

import pytest

from jobs.cli import main
from models.document import ModelDocument, save_model
from tests.jobs.stores.examples import model

VARIABLES = ("STORE", "ES_API_KEY", "ES_USERNAME", "ES_PASSWORD", "ES_CA_FILE")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder to be in, and no settings from outside."""
    for name in VARIABLES:
        monkeypatch.delenv(f"WEIRWATCH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command: exit code, output, errors."""

    def call(*arguments):
        capsys.readouterr()
        code = main(["model", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def store(run, place):
    """A store with three versions of hdfs and one of web."""
    for most in (5, 6, 7):
        save_model(model(most), "model.json")
        assert run("push", "model.json", "--store", "store", "--note", f"at most {most}")[0] == 0
    save_model(model(5, name="web"), "web.json")
    assert run("push", "web.json", "--store", "store")[0] == 0
    return ["--store", "store"]


def test_a_push_tells_the_version_that_it_made(run):
    save_model(model(5, version=12), "model.json")
    assert run("push", "model.json", "--store", "new") == (0, "model hdfs: version 1 made\n", "")
    unchanged = "model hdfs: unchanged; version 1 has this content already\n"
    assert run("push", "model.json", "--store", "new") == (0, unchanged, "")


def test_the_store_may_come_from_the_environment(run, store, monkeypatch):
    monkeypatch.setenv("WEIRWATCH_STORE", "store")
    assert json.loads(run("list", "--json")[1])[0]["id"] == "hdfs"


def test_a_list_is_a_table(run, store):
    run("delete", "web", *store)
    code, out, _ = run("list", *store, "--deleted")
    head, first, second = out.splitlines()
    assert code == 0
    assert head.split() == ["model", "version", "time", "(UTC)", "templates", "automata", "note"]
    assert first.split()[:2] == ["hdfs", "3"]
    assert first.endswith("2         1  at most 7")
    assert "deleted 20" in second
    assert "web" not in run("list", *store)[1]


def test_a_list_without_models_says_so(run, store):
    run("delete", "web", "--purge", *store)
    run("delete", "hdfs", "--purge", *store)
    assert run("list", *store)[1] == "no models\n"
    assert json.loads(run("list", "--json", *store)[1]) == []


def test_show_prints_the_model_for_people_or_as_a_document(run, store, place):
    code, out, _ = run("show", "hdfs", *store)
    assert code == 0
    assert "version     3 of 3" in out
    assert "begin %{BLOCK:block} é" in out
    assert any(line.split() == ["begin", "t-1", "block", "1", "to", "7", "begin", "9"] for line in out.splitlines())
    assert "order: begin before end" in out
    (place / "again.json").write_text(run("show", "hdfs", "--version", "2", "--json", *store)[1])
    assert run("validate", "again.json")[0] == 0
    assert ModelDocument.from_json(json.loads((place / "again.json").read_text())) == model(6, version=2)


def test_the_history_is_a_table_the_newest_first(run, store):
    run("rollback", "hdfs", "1", "--note", "too wide", *store)
    run("delete", "hdfs", *store)
    lines = run("history", "hdfs", *store)[1].splitlines()
    assert [line.split()[0] for line in lines] == ["version", "4", "3", "2", "1", "deleted"]
    assert "rollback to 1" in lines[1]
    assert lines[1].endswith("too wide")
    data = json.loads(run("history", "hdfs", "--json", *store)[1])
    assert [(v["version"], v["action"]) for v in data["versions"]][-1] == (4, "rollback")
    assert data["deleted"].startswith("20")


def test_deleting_keeps_and_purging_removes(run, store):
    assert run("delete", "hdfs", *store)[1].startswith("model hdfs: deleted; its 3 versions can be brought back")
    assert run("rollback", "hdfs", "3", *store)[1] == "model hdfs: version 4 made\n"
    assert run("delete", "hdfs", "--purge", *store)[1] == "model hdfs: removed with 4 versions\n"
    assert run("show", "hdfs", "--version", "1", *store)[0] == 2


@pytest.mark.parametrize(
    "command",
    [("push", "model.json"), ("rollback", "hdfs", "1"), ("delete", "hdfs"), ("delete", "hdfs", "--purge")],
)
def test_a_writer_with_an_old_view_is_refused(run, store, command):
    code, out, err = run(*command, "--expect-version", "2", *store)
    assert (code, out) == (2, "")
    assert err.startswith("error: model hdfs: its newest version is 3, but version 2 was expected: someone changed it")
    assert len(err.splitlines()) == 1


def test_a_difference_is_told_in_the_terms_of_the_model(run, store):
    expected = 'hdfs version 1 → hdfs version 3\nautomaton a-1 "begin"\n  ~ state begin: max 5 → 7\n'
    assert run("diff", "hdfs@1", "hdfs", *store) == (0, expected, "")
    assert run("diff", "hdfs", *store)[1].splitlines()[0] == "hdfs version 2 → hdfs version 3"
    assert run("diff", "hdfs@2", *store)[1].splitlines()[0] == "hdfs version 1 → hdfs version 2"


def test_files_and_the_store_can_be_compared(run, store):
    save_model(model(9), "mine.json")
    assert "max 7 → 9" in run("diff", "hdfs", "mine.json", *store)[1]
    assert "max 9 → 7" in run("diff", "mine.json", "model.json")[1]
    data = json.loads(run("diff", "mine.json", "model.json", "--json")[1])
    assert data["changes"][0]["values"] == [{"key": "max", "old": 9, "new": 7}]
    assert data["new"] == {"id": "hdfs", "version": 1}


def test_validate_looks_at_all_that_is_named_and_tells_all_that_is_wrong(run, place):
    save_model(model(5), "right.json")
    (place / "wrong.json").write_text('{"kind": "x"}')
    code, out, err = run("validate", "wrong.json", "right.json", "nowhere.json")
    assert code == 2
    assert out == "right.json: right; model hdfs version 1, 2 templates, 1 automata\n"
    assert [line.split(":")[1].strip() for line in err.splitlines()] == ["wrong.json", "nowhere.json"]


def test_validate_without_names_looks_at_the_whole_store(run, store, place):
    assert [line.split(":")[0] for line in run("validate", *store)[1].splitlines()] == [
        "hdfs version 3",
        "web version 1",
    ]
    path = place / "store/web/v00001.json"
    path.write_text(path.read_text().replace('"max": 5', '"max": 50'))
    code, out, err = run("validate", *store)
    assert (code, out.count("right")) == (2, 1)
    assert "v00001.json: was changed after it was pushed" in err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("list",), "no store is named; add --store DIRECTORY"),
        (("list", "--store", "nowhere"), "nowhere: no such directory"),
        (("show", "web2", "--store", "store"), "there is no model web2 in store"),
        (("show", "hdfs", "--version", "9", "--store", "store"), "model hdfs has no version 9"),
        (("push", "nowhere.json", "--store", "store"), "nowhere.json: no such file"),
        (("validate",), "name a model file, or a store"),
        (("validate", "hdfs"), "hdfs: no such file; for a model in a store, name the store with --store"),
        (("diff", "hdfs@x", "--store", "store"), "after the '@' stands the number of a version"),
        (("diff", "web", "--store", "store"), "version 1 has none before it"),
        (("diff", "model.json"), "model.json: name a second model"),
        (("list", "--store", "http://127.0.0.1:1"), "http://127.0.0.1:1: does not answer (Connection refused)"),
        (("list", "--store", "http://u:s3cret@host"), "the address of the store holds a user or password"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, store, command, message):
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert "s3cret" not in err


@pytest.mark.services
def test_all_of_it_works_on_elasticsearch(run, elasticsearch):
    there = ["--store", f"{elasticsearch.url}/cli-models"]
    for most in (5, 6):
        save_model(model(most), "model.json")
        assert run("push", "model.json", *there) == (0, f"model hdfs: version {most - 4} made\n", "")
    assert run("list", *there)[1].splitlines()[1].split()[:2] == ["hdfs", "2"]
    assert "max 5 → 6" in run("diff", "hdfs", *there)[1]
    assert run("rollback", "hdfs", "1", "--expect-version", "2", *there)[1] == "model hdfs: version 3 made\n"
    assert len(run("history", "hdfs", *there)[1].splitlines()) == 4
    assert json.loads(run("show", "hdfs", "--json", *there)[1]) == model(5, version=3).to_json()
    assert run("validate", *there)[1].startswith("hdfs version 3: right")
    assert run("delete", "hdfs", *there)[0] == 0
    code, out, err = run("show", "hdfs", *there)
    assert (code, out) == (2, "")
    assert err.startswith("error: model hdfs is deleted; name a version from 1 to 3")
    assert run("delete", "hdfs", "--purge", *there)[1] == "model hdfs: removed with 3 versions\n"
