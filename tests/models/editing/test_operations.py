"""Operations by name, one after the other, and from files."""

from __future__ import annotations

import json

import pytest

from models.editing.checked import EditError
from models.editing.operations import OPERATIONS, apply_steps, checked_step
from models.editing.operations_file import parse_operations, read_operations
from tests.models.editing.shop_model import grok_of, model

MODEL = model()
FILE = """\
# a comment
- {operation: rename-field, template: t-open, field: user, new: customer}
- operation: split
  template: t-close
  field: code
  values: [200, 404]
- operation: add
  grok: 'WARN disk %{INT:n:int} on'
  id: t-disk
- {operation: generalise, template: t-disk, text: on, pattern: WORD, name: state}
- {operation: specialise, template: t-disk, field: state, value: on}
- {operation: generalise, template: t-disk, text: disk, pattern: WORD, name: what, occurrence: 1}
- {operation: merge, templates: [t-visa, t-paypal]}
- {operation: delete, template: t-idle}
- {operation: retype-field, template: t-cache, field: what, pattern: NOTSPACE}
"""


def test_a_file_of_operations_is_done_in_order_as_one_version():
    steps = parse_operations(FILE, "edits.yaml")
    assert {step.operation.name for step in steps} == set(OPERATIONS)
    after = apply_steps(MODEL, steps)
    assert after.version == MODEL.version + 1
    assert grok_of(after, "t-disk") == "WARN %{WORD:what} %{INT:n:int} on"
    assert [t.grok[-4:] for t in after.templates if t.grok.startswith("close")] == ["int}", " 200", " 404"]
    assert "t-idle" not in {t.id for t in after.templates}
    assert model() == MODEL


def test_json_is_read_as_well(tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(
        json.dumps([{"operation": "specialise", "template": "t-close", "field": "code", "value": "200"}], indent=2)
    )
    assert grok_of(apply_steps(MODEL, read_operations(str(path))), "t-close").endswith("code 200")


def test_nothing_to_do_leaves_the_version():
    assert apply_steps(MODEL, []) == MODEL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "edits.yaml: has to be a list of operations"),
        ("a: 1", "edits.yaml: has to be a list of operations"),
        ("- delete", "edits.yaml, line 1: an operation is an object"),
        ("\n- {template: t-1}", "edits.yaml, line 2: the key operation is missing"),
        ("- {operation: remove}", "edits.yaml, line 1: there is no operation 'remove'; there are rename-field, "),
        ("- {operation: delete}", "edits.yaml, line 1: delete needs the key template (id of a template)"),
        ("- {operation: delete, template: t-1, why: x}", "delete has no key 'why'; its keys are template"),
        ("- {operation: delete, template: [t-1]}", "delete: template has to be one text"),
        ("- {operation: merge, templates: {a: b}}", "merge: templates has to be a list of texts"),
        ("- {operation: delete, template: t-1, template: t-2}", "the key template stands twice"),
        ("- {operation: delete", "edits.yaml, line 1: is no valid YAML or JSON"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(text, message):
    with pytest.raises(EditError) as error:
        parse_operations(text, "edits.yaml")
    assert message in str(error.value)


def test_an_operation_that_cannot_be_done_is_named_with_its_place():
    steps = parse_operations(
        "- {operation: delete, template: t-idle}\n- {operation: delete, template: t-idle}", "e.yaml"
    )
    with pytest.raises(EditError, match=r"e\.yaml, line 2: delete: there is no template 't-idle'"):
        apply_steps(MODEL, steps)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(EditError, match=r"nowhere\.yaml: no such file"):
        read_operations("nowhere.yaml")


def test_one_text_may_stand_for_a_list_of_one():
    step = checked_step("split", {"template": "t-close", "field": "code", "values": "200"})
    assert step.values["values"] == ["200"]
