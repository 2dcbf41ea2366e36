"""``weirwatch model edit`` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from models.document import load_model, save_model
from tests.models.editing.shop_model import TIME, content, grok_of, model

VARIABLES = ("STORE", "ES_API_KEY", "ES_USERNAME", "ES_PASSWORD", "ES_CA_FILE")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a model, and no settings from outside."""
    for name in VARIABLES:
        monkeypatch.delenv(f"WEIRWATCH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    save_model(model(), "model.json")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command: exit code, output, errors."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code: object = main(["model", *arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_an_edit_in_place_tells_what_became_different(run):
    expected = (
        "model.json → version 5\n"
        "templates: 1 changed\n"
        "  ~ t-close:\n"
        "      grok\n"
        "        close \\[order=%{INT:id}\\] code %{INT:code:int}\n"
        "      → close \\[order=%{INT:nr}\\] code %{INT:code:int}\n"
        'automaton a-order "Order"\n'
        "  ~ state close: field id → nr\n"
        "model.json: version 5 written\n"
    )
    assert run("edit", "model.json", "rename-field", "t-close", "id", "nr") == (0, expected, "")
    assert load_model("model.json").version == 5
    assert run("edit", "model.json", "rename-field", "t-close", "nr", "id")[0] == 0
    assert load_model("model.json").version == 6
    assert content(load_model("model.json")) == content(model())
    assert [path.name for path in Path().iterdir()] == ["model.json"]


@pytest.mark.parametrize(
    ("words", "template", "grok"),
    [
        (("retype-field", "t-open", "user", "NOTSPACE"), "t-open", "INFO open order %{INT:id} by %{NOTSPACE:user}"),
        (("specialise", "t-open", "user", "ann"), "t-open", "INFO open order %{INT:id} by ann"),
        (
            ("generalise", "t-open", "INFO", "LOGLEVEL", "level"),
            "t-open",
            "%{LOGLEVEL:level} open order %{INT:id} by %{WORD:user}",
        ),
        (
            ("generalise", "t-open", "o", "WORD", "x", "2"),
            "t-open",
            "INFO open %{WORD:x}rder %{INT:id} by %{WORD:user}",
        ),
        (
            ("merge", "t-visa", "t-paypal"),
            "t-visa",
            "INFO paid order %{INT:id} with %{NOTSPACE:value} in %{INT:ms:int} ms",
        ),
        (("split", "t-close", "code", "200", "-1"), "t-close", r"close \[order=%{INT:id}\] code %{INT:code:int}"),
        (("add", "--grok", "WARN %{IPV4:ip} gone", "--id", "t-gone"), "t-gone", "WARN %{IPV4:ip} gone"),
    ],
)
def test_every_operation_can_be_typed(run, words, template, grok):
    code, out, err = run("edit", "--out", "new.json", "model.json", *words)
    assert (code, err) == (0, "")
    assert grok_of(load_model("new.json"), template) == grok
    assert out.endswith("new.json: version 5 written\n")
    assert load_model("model.json") == model()


def test_deleting_is_told_with_all_that_goes_along(run):
    out = run("edit", "model.json", "delete", "t-paypal")[1]
    assert "  - state paypal: template t-paypal, 0 to 1 times\n" in out
    assert "  - order paypal before close\n" in out


def test_options_may_stand_before_and_behind_the_operation(run):
    for words in (
        ("--dry-run", "model.json", "delete", "t-idle"),
        ("model.json", "--dry-run", "delete", "t-idle"),
        ("model.json", "delete", "t-idle", "--dry-run"),
    ):
        code, out, _ = run("edit", *words)
        assert code == 0
        assert out.endswith("nothing written (--dry-run)\n")
        assert load_model("model.json") == model()


def test_several_operations_from_a_file_are_one_version(run):
    Path("edits.yaml").write_text(
        "- {operation: specialise, template: t-close, field: code, value: 200}\n"
        "- {operation: delete, template: t-idle}\n"
    )
    code, out, _ = run("edit", "model.json", "--operations", "edits.yaml")
    assert code == 0
    assert "templates: 1 removed, 1 changed" in out
    assert load_model("model.json").version == 5
    code, _, err = run("edit", "model.json", "--operations", "edits.yaml")
    assert (code, err.splitlines()[0]) == (
        2,
        "error: edits.yaml, line 1: specialise: the template t-close has no field 'code'; its fields are id",
    )
    assert load_model("model.json").version == 5


def test_a_log_shows_which_lines_change(run):
    Path("app.log").write_text(f"{TIME} close [order=7] code 200\n{TIME} close [order=7] code 404\n" * 3)
    out = run("edit", "model.json", "specialise", "t-close", "code", "200", "--try", "app.log", "--examples", "1")[1]
    assert "before  6 lines: 6 fit 1 template, 0 fit none" in out
    assert "after   6 lines: 3 fit 1 template, 3 fit none" in out
    assert "  3 lines: template t-close → no template\n    app.log:2 " in out
    out = run("edit", "model.json", "delete", "t-idle", "--try", "app.log", "--limit", "4", "--dry-run")[1]
    assert "before  4 lines" in out
    assert "no line changes" in out


def test_the_example_of_another_template_that_moves_is_told(run):
    out = run("edit", "model.json", "add", "--grok", "INFO open order %{INT:id} by ann")[1]
    assert "note: the example of template t-open goes to template t-" in out


def test_json_is_for_scripts(run):
    Path("app.log").write_text(f"{TIME} close [order=7] code 200\n")
    code, out, _ = run("edit", "model.json", "delete", "t-close", "--json", "--try", "app.log")
    data = json.loads(out)
    assert (code, data["id"], data["version"], data["written"]) == (0, "shop", 5, "model.json: version 5 written")
    assert [c["name"] for c in data["changes"] if c["part"] == "template"] == ["t-close"]
    assert data["try"]["changes"][0]["new"] is None


def test_in_a_store_an_edit_is_the_next_version(run):
    there = ["--store", "store"]
    assert run("push", "model.json", *there)[0] == 0
    code, out, _ = run("edit", "shop", "delete", "t-idle", *there, "--note", "no idling")
    assert code == 0
    assert out.startswith("shop version 1 → version 2\n")
    assert out.endswith("model shop: version 2 made\n")
    assert "no idling" in run("history", "shop", *there)[1]
    assert "- t-idle" in run("diff", "shop", *there)[1]
    assert run("edit", "shop", "delete", "t-cache", "--out", "out.json", *there)[0] == 0
    assert run("show", "shop", *there)[1].splitlines()[1] == "version     2 of 2"


def test_in_a_store_an_edit_of_what_is_not_the_newest_is_refused(run):
    there = ["--store", "store"]
    run("push", "model.json", *there)
    run("edit", "shop", "delete", "t-idle", *there)
    for words in (("shop@1", "delete", "t-cache"), ("shop", "delete", "t-cache", "--expect-version", "1")):
        code, out, err = run("edit", *words, *there)
        assert (code, out) == (2, "")
        assert "its newest version is 2, but version 1 was expected" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("model.json",), "no operation is named; there are rename-field, retype-field, "),
        (("model.json", "--operations", "e.yaml", "delete", "t-idle"), "exclude each other"),
        (("nowhere.json", "delete", "t-idle"), "nowhere.json: no such file"),
        (("model.json", "delete", "t-idel"), "delete: there is no template 't-idel'; did you mean 't-idle'?"),
        (("model.json", "--operations", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("model.json", "delete", "t-idle", "--out", "none/m.json"), "there is no folder"),
        (("model.json", "delete", "t-idle", "--try", "none.log"), "none.log: no such file"),
        (("model.json", "add", "--grok", "%{NOWT:x}"), "unknown pattern NOWT"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(run, words, message):
    before = Path("model.json").read_bytes()
    code, out, err = run("edit", *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert Path("model.json").read_bytes() == before


@pytest.mark.parametrize("words", [(), ("rename-field",), ("merge",), ("add",)])
def test_every_operation_explains_itself(run, words):
    code, out, _ = run("edit", *(["model.json", *words] if words else []), "--help")
    assert code == 0
    assert out.startswith("usage: weirwatch model edit")
    assert ("specialise" in out) == (not words)
