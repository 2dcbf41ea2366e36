from __future__ import annotations

import json

import pytest

from models.errors import UserError
from models.timestamps import TimestampFormatError, TimestampSettings


def test_settings_survive_the_model_document() -> None:
    found = TimestampSettings(("dd/MMM/yyyy:HH:mm:ss Z", "MMM d HH:mm:ss"), "Europe/Berlin", 2008, 3, "[")
    assert TimestampSettings.from_document(json.loads(json.dumps(found.to_document()))) == found
    assert TimestampSettings.from_document({"formats": ["UNIX"]}) == TimestampSettings(("UNIX",))


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("yyyy-MM-dd HH:mm:ss QQ", "unknown letter Q"),
        ("yyyy-MM-ddTHH:mm:ss", "unknown letter T"),
        ("yyy-MM-dd", "3 times the letter y"),
        ("yyyy-dd", "no month"),
        ("HH:mm:ss", "no month"),
        ("yyyy-MM", "no day"),
        ("yyyy-MM-dd hh:mm", "both h"),
        ("yyyy-MM-dd 'T", "quote"),
        ("yyyy-MM-dd MM", "M in two places"),
        ("yyyy-MM-dd?", "not in front"),
        ("", "no month"),
    ],
)
def test_a_bad_format_is_named_with_its_problem_and_the_known_letters(pattern: str, problem: str) -> None:
    with pytest.raises(TimestampFormatError) as error:
        TimestampSettings((pattern,))
    assert isinstance(error.value, UserError)
    assert problem in str(error.value)
    assert repr(pattern) in str(error.value)
    assert "Known letters: y u (year)" in str(error.value)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "timestamp.formats"),
        ({"formats": []}, "timestamp.formats"),
        ({"formats": "UNIX"}, "timestamp.formats"),
        ({"formats": [3]}, "timestamp.formats"),
        ({"formats": ["UNIX"], "timezone": "Mars/Base"}, "Mars/Base"),
        ({"formats": ["UNIX"], "timezone": "+25:00"}, "+25:00"),
        ({"formats": ["UNIX"], "timezone": "../etc/passwd"}, "no time zone"),
        ({"formats": ["UNIX"], "timezone": None}, "timestamp.timezone"),
        ({"formats": ["UNIX"], "skip_words": -1}, "timestamp.skip_words"),
        ({"formats": ["UNIX"], "skip_words": "1"}, "timestamp.skip_words"),
        ({"formats": ["UNIX"], "literal": 1}, "timestamp.literal"),
        ({"formats": ["UNIX"], "year": "2008"}, "timestamp.year"),
        ({"formats": ["UNIX"], "zone": "UTC"}, "unknown key 'zone'"),
        ({"formats": ["MMM d HH:mm:ss"]}, "year"),
    ],
)
def test_a_bad_document_is_refused_by_the_name_of_its_field(document: dict[str, object], problem: str) -> None:
    with pytest.raises(TimestampFormatError) as error:
        TimestampSettings.from_document(document)
    assert problem in str(error.value)


def test_settings_describe_themselves() -> None:
    assert str(TimestampSettings(("yyMMdd HHmmss",))) == "yyMMdd HHmmss at the beginning of the line, time zone UTC"
    assert (
        TimestampSettings(("MMM d HH:mm:ss",), "+02:00", 2008, 3, "[").describe()
        == 'MMM d HH:mm:ss after 3 words and "[", time zone +02:00, year 2008'
    )
