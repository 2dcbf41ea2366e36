from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.document import (
    Automaton,
    Duration,
    Equal,
    ModelDocument,
    ModelError,
    Order,
    Requires,
    State,
    Template,
    load_model,
    save_model,
)
from tests.models.model_example import document


def model():
    """The same model as objects."""
    return ModelDocument(
        id="hdfs",
        version=3,
        learned=document()["learned"],
        timestamp=document()["timestamp"],
        patterns={"BLOCK": "blk_-?[0-9]+"},
        id_pattern="blk_-?[0-9]+",
        templates=[
            Template("t-1", "begin %{BLOCK:block} é", 3, "begin blk_1 é"),
            Template("t-2", r"end \[%{NOTSPACE:block}\] %{INT:n:int}", 3, "\u0004 \udc80"),
        ],
        automata=[
            Automaton(
                id="a-1",
                name="begin",
                support=9,
                states=[
                    State("begin", "t-1", "block", 1, 3, begin=True, support=9),
                    State("end", "t-2", "block", 0, None, end=True, support=8),
                ],
                order=[Order("begin", "end", 8)],
                requires=[Requires("end", "begin", 8)],
                equal=[Equal(["begin", "end"], 7)],
                duration=Duration(12, 100, 8),
                settle_ms=20,
                expires_ms=200,
            )
        ],
    )


def test_json_and_objects_have_the_same_shape():
    assert ModelDocument.from_json(document()) == model()
    assert model().to_json() == document()
    assert list(model().to_json()) == list(document())


def test_neither_direction_shares_containers():
    data = document()
    made = ModelDocument.from_json(data)
    made.timestamp["formats"].append("x")
    made.patterns["X"] = "x"
    assert data == document()
    out = made.to_json()
    out["automata"][0]["equal"][0]["states"].append("x")
    out["learned"]["files"].append("x")
    assert made.automata[0].equal[0].states == ["begin", "end"]
    assert made.learned == document()["learned"]


def test_what_may_be_left_out_has_a_default():
    data = document()
    for key in ("learned", "patterns", "id_pattern"):
        del data[key]
    data["timestamp"] = {"formats": ["ISO8601"]}
    data["templates"] = [{"id": "t-1", "grok": "a %{INT:x}"}]
    data["automata"] = [
        {
            "id": "a-1",
            "states": [{"id": "s", "template": "t-1", "field": "x", "min": 0, "max": 1}],
            "settle_ms": 0,
            "expires_ms": 1,
        }
    ]
    made = ModelDocument.from_json(data)
    assert made.automata[0].name == "a-1"
    assert made.automata[0].duration == Duration(None, None, 0)
    assert made.id_pattern is None
    assert ModelDocument.from_json(made.to_json()) == made


def test_a_saved_model_is_read_back_the_same(tmp_path):
    path = tmp_path / "model.json"
    save_model(model(), path)
    assert load_model(path) == model()
    first = path.read_bytes()
    save_model(load_model(path), path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


def test_a_saved_model_has_a_template_or_a_state_a_line(tmp_path):
    path = tmp_path / "model.json"
    save_model(model(), path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for word in ('"id": "t-1"', '"id": "t-2"', '"field": "block", "min": 1', '"before"', '"if"', '"min_ms"'):
        (line,) = [line for line in lines if word in line]
        assert line.strip().rstrip(",").endswith("}")
    assert any("begin %{BLOCK:block} é" in line for line in lines)


def test_an_invalid_model_is_not_saved_and_the_old_file_stays(tmp_path):
    path = tmp_path / "model.json"
    save_model(model(), path)
    before = path.read_bytes()
    broken = model()
    broken.automata[0].states[0].template = "t-9"
    with pytest.raises(ModelError, match=r"\$\.automata\[0\]\.states\[0\]\.template: there is no template 't-9'"):
        save_model(broken, path)
    assert path.read_bytes() == before


def test_a_model_cannot_be_saved_into_a_folder_that_is_absent(tmp_path):
    with pytest.raises(ModelError, match=r"cannot be written \(No such file or directory\)"):
        save_model(model(), tmp_path / "absent" / "model.json")
    with pytest.raises(ModelError, match="is a directory"):
        save_model(model(), tmp_path)


def test_a_byte_order_mark_is_no_hindrance(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(document()).encode())
    assert load_model(path) == model()


def test_whole_numbers_may_be_written_with_a_decimal_point():
    data = document()
    data["automata"][0]["states"][0]["min"] = 1.0
    minimum = ModelDocument.from_json(data).automata[0].states[0].min
    assert minimum == 1
    assert isinstance(minimum, int)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


@given(st.sampled_from([p for p in _places(document()) if p]), _JSON)
def test_any_value_anywhere_is_accepted_or_refused_with_a_path(place, value):
    data = document()
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    try:
        made = ModelDocument.from_json(data)
    except ModelError as caught:
        refusal = str(caught)
    else:
        assert ModelDocument.from_json(made.to_json()) == made
        return
    assert "$." in refusal or "format" in refusal
