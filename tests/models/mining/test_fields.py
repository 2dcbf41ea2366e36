import pytest

from models.mining.fields import pattern_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"1", "-22"}, "INT"),
        ({"1", "2.5"}, "NUMBER"),
        ({"10.0.0.1"}, "IPV4"),
        ({"10.0.0.1", "node.example.org"}, "IPORHOST"),
        ({"fe80::1"}, "IPV6"),
        ({"3f2504e0-4f89-11d3-9a0c-0305e82c3301"}, "UUID"),
        ({"00:1a:2b:3c:4d:5e"}, "COMMONMAC"),
        ({"0x1f", "0xA"}, "BASE16NUM"),
        ({"/var/log", "C:\\temp"}, "PATH"),
        ({"http://example.org/a"}, "URI"),
        ({"a.b@example.org"}, "EMAILADDRESS"),
        ({"2005-06-03T15:42:50Z"}, "TIMESTAMP_ISO8601"),
        ({"blk_1", "blk_-2"}, "NOTSPACE"),
        ({"two words", "3"}, "DATA"),
        ({"", "root"}, "DATA"),
    ],
)
def test_the_narrowest_pattern_that_fits_is_taken(values, expected):
    assert pattern_of(frozenset(values)) == expected


def test_identifiers_before_a_delimiter_stop_at_it():
    assert pattern_of(frozenset({"ORD-1", "ORD-2"}), enclosed=True) == "USERNAME"


def test_free_text_at_the_end_takes_the_rest():
    assert pattern_of(frozenset({"two words"}), last=True) == "GREEDYDATA"
