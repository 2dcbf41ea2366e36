"""``weirwatch model try`` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from models.document import save_model
from models.editing.removal import delete
from models.editing.split import split
from tests.models.editing.shop_model import TIME, model


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with two models and a log."""
    monkeypatch.delenv("WEIRWATCH_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    save_model(model(), "model.json")
    save_model(split(delete(model(), "t-idle"), "t-close", "code", ["404"]), "other.json")
    lines = [
        "close [order=7] code 200",
        "close [order=8] code 404",
        "DEBUG idle since 2 s ",
        "what",
        "DEBUG idle since 3 s",
    ]
    Path("app.log").write_text("".join(f"{TIME} {line}\n" for line in lines))


@pytest.fixture
def run(capsys):
    """Run a command: exit code, output, errors."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code: object = main(["model", "try", *arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_lines_are_counted_by_template(run):
    assert run("model.json", "app.log") == (
        0,
        "5 lines: 4 fit 2 templates, 1 fit none\n"
        r"  2  t-close  close \[order=%{INT:id}\] code %{INT:code:int}"
        "\n  2  t-idle   DEBUG idle since %{NUMBER:s:float} s%{SPACE}\n"
        "no line fits 4 templates: t-open, t-visa, t-paypal, t-cache\n"
        "1 line fit no template, such as\n"
        f"    app.log:4    {TIME} what\n",
        "",
    )


def test_between_two_models_the_lines_that_change_are_shown(run):
    code, out, _ = run("model.json", "app.log", "--against", "other.json", "--examples", "1")
    assert code == 0
    rows = out.splitlines()
    assert rows[:4] == [
        "before  5 lines: 4 fit 2 templates, 1 fit none",
        "after   5 lines: 2 fit 2 templates, 3 fit none",
        "3 lines change:",
        "  2 lines: template t-idle → no template",
    ]
    assert rows[4] == f"    app.log:3    {TIME} DEBUG idle since 2 s "
    assert rows[5:7] == ["      s=2.0 → nothing", rows[6]]
    assert rows[6].startswith("  1 line: template t-close → template t-")
    assert len(rows) == 9


def test_the_same_model_changes_nothing(run):
    assert run("model.json", "app.log", "--against", "model.json")[1].endswith("\nno line changes\n")


def test_only_some_lines_are_looked_at(run):
    assert run("model.json", "app.log", "--limit", "1")[1].startswith("1 line: 1 fit 1 template, 0 fit none\n")
    assert json.loads(run("model.json", "app.log", "--limit", "4", "--json")[1])["unmatched"] == 1


def test_json_is_for_scripts(run):
    data = json.loads(run("model.json", "app.log", "--json")[1])
    assert data["templates"] == {"t-close": 2, "t-idle": 2}
    data = json.loads(run("model.json", "app.log", "--against", "other.json", "--json")[1])
    assert (data["changed"], data["changes"][0]["old"], data["changes"][0]["new"]) == (3, "t-idle", None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("model.json", "none.log"), "none.log: no such file"),
        (("none.json", "app.log"), "none.json: no such file"),
        (("model.json", "app.log", "--against", "none.json"), "none.json: no such file"),
        (("model.json", "app.log", "--limit", "0"), "'0' is no whole number from 1 to"),
        (("model.json", "app.log", "--encoding", "klingon"), "Python knows no encoding"),
        (("model.json", "app.log", "app.log"), "is given twice"),
    ],
)
def test_what_is_wrong_is_told(run, words, message):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
