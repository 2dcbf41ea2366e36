"""Checkers are found by name, take their settings, and what is wrong with them is told with its place."""

import importlib.metadata
import json
from typing import Any

import pytest

from models.checkers import loading
from models.checkers.facts import ModelFacts
from models.checkers.loading import CheckerError, find_class, make_checker, offers, wanted_fields
from models.checkers.spec import CheckerSpec, default_id, repeated_ids
from models.document import ModelDocument
from tests.models.checkers import some_checkers
from tests.models.checkers.some_checkers import HERE
from tests.operators.shop import MODEL, TEMPLATES

FACTS = ModelFacts.of(ModelDocument.from_json(MODEL))


@pytest.fixture
def installed(monkeypatch):
    """Entry points as if packages had been installed."""

    def install(**points):
        found = [importlib.metadata.EntryPoint(n.replace("_", "-"), v, loading.GROUP) for n, v in points.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found if group == loading.GROUP else [])

    return install


def made(name) -> Any:
    return make_checker(CheckerSpec(f"{HERE}:{name}", "c"))


def problem(use, settings=None):
    with pytest.raises(CheckerError) as caught:
        make_checker(CheckerSpec(use, "c", json.dumps(settings or {})))
    return [(p.path, p.message) for p in caught.value.problems]


@pytest.mark.parametrize("use", [f"{HERE}:Shown", f"{HERE}.Shown"])
def test_a_class_is_found_by_either_dotted_name(use):
    assert find_class(use) is some_checkers.Shown


def test_a_class_is_found_by_the_name_that_a_package_gives_it(installed):
    installed(shown_lines=f"{HERE}:Shown")
    assert find_class("shown-lines") is some_checkers.Shown


def test_an_unknown_name_is_told_with_those_that_are_installed(installed):
    installed(shown_lines=f"{HERE}:Shown", closed=f"{HERE}:Closed")
    ((path, message),) = problem("show-lines")
    assert path == "$.use"
    assert "no checker 'show-lines' is installed; did you mean 'shown-lines'?" in message
    assert "Installed are closed, shown-lines" in message


def test_without_any_installed_that_is_said(installed):
    installed()
    ((_, message),) = problem("limits")
    assert message.startswith("no checker 'limits' is installed, nor any other; install its package")


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("nowhere.at_all:Checker", "there is no module nowhere here; install its package, or put its folder on"),
        (f"{HERE}:Nothing", f"the module {HERE} has no Nothing; mend the name"),
        (f"{HERE}:HERE", f"{HERE}:HERE is no checker; derive its class from one of LineChecker, TransactionChecker"),
        (f"{HERE}:Abstract", f"{HERE}:Abstract is no checker"),
        (f"{HERE}:Unready", f"{HERE}:Unready lacks the method check_line, still_to_come; write it"),
        (f"{HERE}:Keyless", f'{HERE}:Keyless names no field as its key; write key = "FIELD" in the class'),
    ],
)
def test_what_is_wrong_with_a_dotted_name_is_told(use, told):
    ((path, message),) = problem(use)
    assert (path, message[: len(told)]) == ("$.use", told)


def test_a_module_that_breaks_when_it_is_imported_is_told(tmp_path, monkeypatch):
    (tmp_path / "breaking_plugin.py").write_text("import not_there_either")
    (tmp_path / "failing_plugin.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    for name, told in (("breaking", "No module named 'not_there_either'"), ("failing", "division by zero")):
        ((_, message),) = problem(f"{name}_plugin:Checker")
        assert message.startswith(f"{name}_plugin cannot be imported: ")
        assert told in message


@pytest.mark.parametrize(
    ("name", "settings", "path", "told"),
    [
        ("Shown", {"fields": [1]}, "$.settings.fields[0]", "is 1; write a text"),
        ("Shown", {"feilds": []}, "$.settings.feilds", 'is an unknown key; did you mean "fields"?'),
        ("Shown", {"fields": ["no such"]}, "$.settings.fields[0]", "is none; name another"),
        ("RaisesAtStart", {}, "$.settings", "OSError: no such thing"),
    ],
)
def test_a_wrong_setting_is_told_with_its_path(name, settings, path, told):
    assert problem(f"{HERE}:{name}", settings) == [(path, told)]


def test_a_checker_that_does_not_speak_of_settings_takes_none():
    assert problem(f"{HERE}:BadTemplates", {"a": 1}) == [("$.settings.a", "is an unknown key; none is known here")]


def test_the_list_tells_what_is_installed_and_what_is_wrong_with_it(installed):
    installed(lines=f"{HERE}:Shown", keyed=f"{HERE}:Recorder", broken="nowhere:Checker")
    broken, keyed, lines = offers()
    assert (lines.name, lines.kinds, lines.error) == ("lines", ("lines",), "")
    assert lines.summary == "Tells of every line that it sees, and fails where it is told to."
    assert keyed.kinds == ("keyed",)
    assert broken.error.startswith("there is no module nowhere here")


def test_all_templates_with_the_fields_are_wanted_and_no_others():
    assert wanted_fields(made("Shown"), FACTS) == {f"t-{name}": ("id",) for name in ("open", "work", "check", "close")}
    assert wanted_fields(made("Recorder"), FACTS) == {}


def test_a_field_that_the_model_does_not_have_is_told():
    with pytest.raises(ValueError, match="it asks for the field 'nowhere', which template t-open does not have"):
        wanted_fields(made("BadTemplates"), FACTS)


def test_facts_tell_fields_with_their_types_and_automata_with_their_states():
    raw = {**MODEL, "templates": [*TEMPLATES, {"id": "t", "grok": "%{NUMBER:a:float} %{INT:b:int} %{WORD:c}"}]}
    facts = ModelFacts.of(ModelDocument.from_json(raw))
    assert facts.templates["t"].fields == {"a": float, "b": int, "c": str}
    assert facts.automata == {"a-shop": ("open", "work", "check", "close")}
    assert facts.with_fields("a", "c") == {"t": ("a", "c")}


def test_ids_come_from_names_and_are_told_when_they_repeat():
    assert [default_id(use) for use in ("limits", "a.b:C", "a.b.C")] == ["limits", "C", "C"]
    specs = [CheckerSpec.from_json({"use": use}) for use in ("a.b:C", "x", "d.C")]
    assert repeated_ids(specs) == [(2, 0)]


def test_globs_say_which_sources_are_watched():
    spec = CheckerSpec.from_json({"use": "x", "sources": ["shop-*.log", "a"]})
    assert [spec.watches(source) for source in ("shop-1.log", "a", "b")] == [True, True, False]
    assert CheckerSpec("x", "x").watches("anything")
