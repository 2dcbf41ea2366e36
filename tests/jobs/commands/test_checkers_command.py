"""``weirwatch checkers``, the option ``--checker``, and checkers in configurations."""

from __future__ import annotations

import argparse
import importlib.metadata
import json

import pytest

from jobs.checkers import check_checkers, checker_problems, idle_checkers
from jobs.cli import main
from jobs.commands.checkers import checker
from jobs.config import check_config
from jobs.live_config import check_live_config, load_live_config
from jobs.settings import ConfigError
from models.checkers.loading import GROUP
from models.checkers.spec import CheckerSpec
from models.document import ModelDocument
from models.errors import UserError
from tests.models.checkers.some_checkers import HERE
from tests.operators.shop import MODEL, TEMPLATES

NOTE = {"id": "t-note", "grok": "note %{INT:id} %{DATA:what}"}
WITH_NOTES = ModelDocument.from_json({**MODEL, "templates": [*TEMPLATES, NOTE]})
SHOP = ModelDocument.from_json(MODEL)


@pytest.fixture
def installed(monkeypatch):
    def install(**points):
        found = [importlib.metadata.EntryPoint(name, value, GROUP) for name, value in points.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found)

    return install


def test_what_is_installed_is_listed(installed, capsys):
    installed(lines=f"{HERE}:Shown", remembering=f"{HERE}:Recorder")
    assert main(["checkers"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "looks", "at", "package", "what", "it", "does"]
    assert [row.split()[:2] for row in rows] == [["lines", "lines"], ["remembering", "keyed"]]


def test_one_that_cannot_be_used_is_listed_with_the_reason(installed, capsys):
    installed(broken="nowhere:Checker", lines=f"{HERE}:Shown")
    assert main(["checkers", "--json"]) == 1
    broken, lines = json.loads(capsys.readouterr().out)
    assert broken["error"].startswith("there is no module nowhere here")
    assert (lines["class"], lines["error"]) == (f"{HERE}:Shown", None)


def test_where_nothing_is_installed_that_is_said(installed, capsys):
    installed()
    assert main(["checkers"]) == 0
    assert capsys.readouterr().out == "no checkers are installed; docs/plugins.md says how to write one\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("limit", CheckerSpec("limit", "limit")),
        ('limit:{"a": {"b": 1}}', CheckerSpec("limit", "limit", '{"a": {"b": 1}}')),
        ("a.b:Limit", CheckerSpec("a.b:Limit", "Limit")),
        ('a.b:Limit:{"a": "x=:{"}', CheckerSpec("a.b:Limit", "Limit", '{"a": "x=:{"}')),
        ('mine=a.b.Limit:{"a": 1}', CheckerSpec("a.b.Limit", "mine", '{"a": 1}')),
    ],
)
def test_the_option_names_a_checker_with_id_and_settings(text, expected):
    assert checker(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limit:{a}", "the settings in 'limit:{a}' are no JSON: "),
        ("a/b=limit", "'a/b' is no id: letters"),
        ("mine=", "'mine=' names no checker"),
    ],
)
def test_an_option_that_cannot_be_read_is_told(text, told):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        checker(text)
    assert told in str(caught.value)


@pytest.fixture
def write(tmp_path):
    """Configurations of files and of topics with the checkers of a text, beside a model and a log."""
    (tmp_path / "model.json").write_text(json.dumps(WITH_NOTES.to_json()))
    (tmp_path / "app.log").write_text("")

    def write_both(checkers):
        files, topics = tmp_path / "files.yaml", tmp_path / "topics.yaml"
        files.write_text(f"sources: [path: app.log]\nmodel: model.json\noutput: {{directory: out}}\n{checkers}")
        topics.write_text(
            'kafka: {bootstrap: "a:9092"}\ninput: {topics: [logs]}\nmodels: {initial: [path: model.json]}\n'
            f"output: {{kafka: {{anomalies: a, dead_letters: d}}}}\n{checkers}"
        )
        return files, topics

    return write_both


def test_checkers_are_read_alike_for_files_and_topics(write):
    more = "{use: x, id: y, settings: {b: 1, a: 2}, sources: ['*.log'], max_failures: 3}"
    text = f"checkers:\n  - use: {HERE}:Shown\n  - {more}\n"
    files, topics = write(text)
    expected = (CheckerSpec(f"{HERE}:Shown", "Shown"), CheckerSpec("x", "y", '{"a": 2, "b": 1}', ("*.log",), 3))
    assert load_live_config(topics, {}).checkers == expected
    with pytest.raises(ConfigError, match=r"checkers\[1\].use: no checker 'x' is installed"):
        check_config(files)


def test_every_problem_is_told_with_file_line_key_and_mend(write):
    text = (
        f"checkers:\n  - use: {HERE}:Shown\n    settings:\n      fields: [id, 3]\n"
        f"  - use: {HERE}:Shown\n  - use: {HERE}:Nothing\n"
    )
    for path, check, offset in zip(write(text), (check_config, check_live_config), (4, 5), strict=True):
        with pytest.raises(ConfigError) as caught:
            check(path, {})
        assert [line.removeprefix(f"{path}, line ") for line in str(caught.value).splitlines()] == [
            f"{offset + 3}: checkers[0].settings.fields[1]: is 3; write a text",
            f"{offset + 4}: checkers[1].id: Shown is the id of checkers[0] too; give one of them another id",
            f"{offset + 5}: checkers[2].use: the module {HERE} has no Nothing; mend the name",
        ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{id: a}", "checkers[0]: the key use is missing; add it"),
        ("{use: a, id: 'a/b'}", "checkers[0].id: 'a/b' is no id: letters, digits, '.', '_' and '-', 100 at most"),
        ("{use: a, setings: {}}", "checkers[0].setings: unknown key; did you mean settings?"),
        ("{use: a, max_failures: 0}", "checkers[0].max_failures: 0 is too small; the least is 1"),
    ],
)
def test_the_schema_holds_for_files_and_topics(write, entry, told):
    for path, check in zip(write(f"checkers: [{entry}]\n"), (check_config, load_live_config), strict=True):
        with pytest.raises(ConfigError) as caught:
            check(path, {})
        assert told in str(caught.value)


def test_a_configuration_that_is_right_names_its_checkers(write, capsys):
    files, topics = write(f"checkers:\n  - use: {HERE}:Recorder\n    id: rec\n")
    assert main(["config", "check", str(files)]) == 0
    assert capsys.readouterr().out.endswith(", checkers rec\n")
    assert main(["config", "check", str(topics)]) == 0
    said = capsys.readouterr()
    assert f"  checkers    rec ({HERE}:Recorder)\n" in said.out
    assert "checker" not in said.err


def test_a_checker_that_finds_nothing_to_look_at_is_warned_of(write, capsys):
    files, _ = write(f"checkers:\n  - use: {HERE}:Shown\n    settings: {{fields: [amount]}}\n")
    assert main(["config", "check", str(files)]) == 0
    assert capsys.readouterr().err == (
        "warning: checker Shown finds nothing to look at in model shop; it needs templates with the fields amount\n"
    )


def test_idle_are_those_with_nothing_to_look_at_in_any_model():
    specs = [
        CheckerSpec(f"{HERE}:Recorder", "rec"),
        CheckerSpec(f"{HERE}:Closed", "closed"),
        CheckerSpec(f"{HERE}:BadTemplates", "bad"),
    ]
    idle, bad = idle_checkers(specs, [SHOP])
    assert idle == "checker rec finds nothing to look at in model shop; it needs templates with the fields id, what"
    assert bad.startswith("checker bad fails at model shop: ValueError: it asks for the field 'nowhere'")
    assert idle_checkers(specs[:2], [SHOP, WITH_NOTES]) == []
    assert idle_checkers(specs, []) == []


def test_ids_that_cannot_be_or_repeat_are_told():
    shown = f"{HERE}:Shown"
    with pytest.raises(UserError, match="two checkers have the id a"):
        check_checkers([CheckerSpec(shown, "a"), CheckerSpec(shown, "a")])
    with pytest.raises(UserError, match="'a/b' cannot be its id"):
        check_checkers([CheckerSpec(shown, "a/b")])
    ((place, message),) = checker_problems([CheckerSpec(shown, "é")])
    assert (place, message) == (("checkers", 0, "use"), "'é' cannot be its id; add an id of letters and digits")
