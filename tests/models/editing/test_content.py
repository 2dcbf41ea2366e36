"""What operations on templates mean for rules, sets of values and allowed findings."""

from __future__ import annotations

import pytest

from models.document import ModelDocument, ModelError
from models.editing.constants import specialise
from models.editing.fields import rename_field
from models.editing.merge import merge
from models.editing.removal import delete
from tests.models.editing.shop_model import document

RULE = {
    "id": "r",
    "template": "t-open",
    "when": {"all": [{"field": "user", "equals": "user"}, {"not": {"any": [{"field": "id", "less": 5}]}}]},
    "severity": "low",
    "message": "{user} opened {id}",
}
VALUES = [
    {"template": "t-open", "field": "user", "values": [{"value": "ann"}]},
    {"template": "t-visa", "field": "ms", "values": [{"value": "x"}]},
]
ALLOW = [{"id": "n-1", "type": "new_value", "template": "t-open", "fields": {"user": "ann"}, "reason": "so"}]


def model(**sections):
    return ModelDocument.from_json(document() | sections)


def test_a_renamed_field_is_renamed_in_all_that_names_it():
    after = rename_field(model(rules=[RULE], values=VALUES, allow=ALLOW), "t-open", "user", "who")
    assert after.rules[0].when == {
        "all": [{"field": "who", "equals": "user"}, {"not": {"any": [{"field": "id", "less": 5}]}}]
    }
    assert after.rules[0].message == "{who} opened {id}"
    assert [known.field for known in after.values] == ["who", "ms"]
    assert after.allow[0].fields == {"who": "ann"}


def test_the_same_field_of_another_template_keeps_its_name():
    before = model(rules=[RULE], values=VALUES, allow=ALLOW)
    after = rename_field(before, "t-visa", "ms", "took")
    assert (after.rules, after.allow) == (before.rules, before.allow)
    assert [known.field for known in after.values] == ["user", "took"]


def test_values_go_with_their_field_or_template_and_rules_hold_them():
    assert [known.template for known in specialise(model(values=VALUES), "t-open", "user", "ann").values] == ["t-visa"]
    assert [known.template for known in delete(model(values=VALUES), "t-open").values] == ["t-visa"]
    with pytest.raises(ModelError, match=r"\$\.rules\[0\]\.template: there is no template 't-open'"):
        delete(model(rules=[RULE]), "t-open")
    with pytest.raises(ModelError, match="the template 't-open' has no field 'user'"):
        specialise(model(rules=[RULE]), "t-open", "user", "ann")


def test_merged_templates_lose_what_was_learnt_of_their_values():
    assert [known.template for known in merge(model(values=VALUES), ["t-visa", "t-paypal"]).values] == ["t-open"]
