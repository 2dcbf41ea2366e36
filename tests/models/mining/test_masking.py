import re

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from models.folding import RESERVED, fold_one
from models.mining.masking import BLANK, HEAD, VARIABLE, fold_text, is_wordlike, tokenise

LINES = st.text(
    st.sampled_from(list("abcfxzXG019 -_.:/=,;()[]{}\"'@#$%+*\t~|<>é漢")) | st.characters(codec="utf-8"), max_size=60
).filter(lambda text: not any(ord(c) in RESERVED or c == "\n" for c in text))


def variables(content):
    tokens = tokenise(content)
    return [text for key, text in zip(tokens.keys, tokens.texts, strict=True) if key[0] == "\0"]


@pytest.mark.parametrize(
    "value",
    [
        "17", "-17", "1.5", "0x7ffe", "9f4ef63", "10.250.19.102", "10.250.19.102:50010", "10.0.0.0/8",
        "fe80::1:2", "0:0:0:0:0:0:0:0:2181", "00:1a:2b:3c:4d:5e", "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "/var/log/syslog", "C:\\Windows\\System32", "https://example.org/a?b=c", "root@example.org", "a/b/c",
        "2005-06-03 15:42:50,675", "2005-06-03T15:42:50.675Z", "Sun Dec 04 04:47:44 2005", "10/Oct/2000:13:55:36 -0700",
        "2005-06-03-15.42.50.675872", "15:42:50", "blk_-38865049064139660", "req-77f", "attempt_1445_0020_m_05_0",
        "ORD-123", "ee0",
    ],
)  # fmt: skip
def test_a_value_is_one_variable_between_words(value):
    assert variables(f"took {value} today") == [value]
    assert variables(f"took {value}, today") == [value]


def test_words_without_digits_are_constants_with_their_inner_punctuation():
    tokens = tokenise("java.io.IOException: end-of-file in snake_case [main]")
    words = [key for key in tokens.keys if is_wordlike(key)]
    assert words == ["java.io.IOException", "end-of-file", "in", "snake_case", "main"]


def test_identifiers_keep_their_head_as_key():
    assert tokenise("block blk_-12").keys == ["block", BLANK, HEAD + "blk"]


def test_single_letters_are_no_head():
    assert tokenise("u0").keys == [VARIABLE]


def test_values_left_out_are_empty_variables():
    tokens = tokenise("logname= uid=0 main() list=[] tty=")
    assert [text for key, text in zip(tokens.keys, tokens.texts, strict=True) if key == VARIABLE] == [
        "",
        "0",
        "",
        "",
        "",
    ]


def test_a_value_behind_an_equals_sign_and_a_blank_is_not_left_out():
    assert variables("shown = false") == []


def test_units_of_size_vary_with_their_numbers():
    assert variables("used 12 KB of 3 files") == ["12", "KB", "3"]


@seed(1)
@settings(max_examples=300, deadline=None)
@given(LINES)
def test_tokens_joined_are_the_content(content):
    tokens = tokenise(content)
    assert "".join(tokens.texts) == content
    assert len(tokens.keys) == len(tokens.texts)


@seed(2)
@settings(max_examples=300, deadline=None)
@given(LINES)
def test_the_fold_is_that_of_the_parser(content):
    assert fold_text(content).encode() == fold_one(content)


def other_of_the_same_fold(content):
    """Another content of the same fold: digits made longer, where that keeps the word's class."""
    return re.sub(r"(?<![0-9])[1-9](?=[0-9]*)", "37", content)


@seed(3)
@settings(max_examples=300, deadline=None)
@given(LINES)
def test_contents_of_one_fold_have_the_same_keys(content):
    other = other_of_the_same_fold(content)
    assert fold_text(other) == fold_text(content)
    assert tokenise(other).keys == tokenise(content).keys


@pytest.mark.parametrize("piece", ["::", "[(", "1 ", "a@", "1-", "/a", "a.b", "x=1, ", "0:", "=("])
def test_hostile_lines_are_cut_without_loss(piece):
    content = piece * 2000
    assert "".join(tokenise(content).texts) == content


def test_a_user_agent_in_quotes_is_one_variable():
    agents = ["Mozilla/5.0 (X11; Linux x86_64)", "curl/7.88.1", "Go-http-client/1.1"]
    shapes = {tuple(tokenise(f'"GET /a HTTP/1.1" 200 "{agent}"').keys) for agent in agents}
    assert len(shapes) == 1
    assert variables(f'"{agents[0]}"') == [agents[0]]
    assert '"GET /a HTTP/1.1"' not in variables('"GET /a HTTP/1.1"')
