from __future__ import annotations

import pytest

from models.document import ModelError, load_model, parse_model


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "is no model"),
        ('{"a": 1}', "is no model"),
        ('{"kind": "other"}', r"\$\.kind: is 'other'"),
        ('{"a": 1,\n "b": [1, 2,],\n}', 'line 2, column 13: .*remove the comma after the last item\n   "b": '),
        ('{"a": 1,\n "b": 2,\n}', "line [23], column .*comma after the last item"),
        ('{"a": 1\n "b": 2}', "line 2, column 2: .*a comma or a closing bracket is missing"),
        ("{'a': 1}", "write the key in double quotes"),
        (r'{"grok": "a\.b"}', r"write \\\\ for a backslash"),
        ('{"a": 1} x', "the document ends before this"),
        ('{"id": "q", "min": 1, "min": 2}', 'the key "min" stands twice in the object with "id": "q"'),
        ('{"a": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "thousands of digits"),
    ],
)
def test_broken_json_is_told_with_its_place(text, says):
    with pytest.raises(ModelError, match=says) as caught:
        parse_model(text, "model.json")
    assert str(caught.value).startswith("model.json: ")


def test_a_syntax_error_points_at_the_column_even_in_a_long_line():
    text = '{"a": "' + "x" * 500 + '" 1}'
    with pytest.raises(ModelError) as caught:
        parse_model(text)
    _, shown, pointer = str(caught.value).splitlines()
    assert shown[pointer.index("^")] == "1"
    assert len(shown) < 110


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"\x1f\x8b\x08rest", "gunzip"),
        (b'{"a":\n"\xff"}', "is not UTF-8 text \\(byte 7, line 2\\)"),
        (b'{"a": "\x00"}', "holds binary data \\(byte 7\\)"),
    ],
)
def test_a_file_that_is_no_model_is_refused_clearly(tmp_path, data, says):
    path = tmp_path / "model.json"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=says) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_or_a_directory_is_refused_clearly(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / "absent.json")
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(ModelError, match=r"is a directory; name one of the files in it, such as m\.json"):
        load_model(tmp_path)
