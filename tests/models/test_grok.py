from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.errors import UserError
from models.grok import GrokError, check_patterns, compile_grok, escape_literal, plain_text

HDFS = (
    r"%{INT:thread} INFO dfs\.DataNode\$DataXceiver: Receiving block %{NOTSPACE:block} src: /%{IPV4:src_ip}:%{INT:port}"
)


def test_a_template_tells_its_fields_constants_and_words():
    template = compile_grok(HDFS)
    assert [(f.name, f.pattern_name, f.type) for f in template.fields] == [
        ("thread", "INT", str),
        ("block", "NOTSPACE", str),
        ("src_ip", "IPV4", str),
        ("port", "INT", str),
    ]
    assert template.literals == (" INFO dfs.DataNode$DataXceiver: Receiving block ", " src: /", ":")
    assert template.words == {"INFO", "dfs", "DataNode", "DataXceiver", "Receiving", "block", "src"}
    assert template.digit_blind
    assert template.values("148 INFO dfs.DataNode$DataXceiver: Receiving block blk_-1 src: /10.0.0.1:5") == {
        "thread": "148",
        "block": "blk_-1",
        "src_ip": "10.0.0.1",
        "port": "5",
    }


def test_a_template_describes_the_whole_content():
    template = compile_grok("^a %{INT:n}$")
    assert template.values("a 1") == {"n": "1"}
    for text in ("xa 1", "a 1x", "a 1\n", ""):
        assert template.values(text) is None
        assert template.regex.fullmatch(text) is None


def test_values_become_numbers_where_they_are_some():
    template = compile_grok("%{NOTSPACE:a:int} %{NOTSPACE:b:float}")
    assert template.values("-5 2.5") == {"a": -5, "b": 2.5}
    assert template.values("x nan") == {"a": "x", "b": "nan"}
    assert template.values("1_000 1e999") == {"a": "1_000", "b": "1e999"}
    huge = "9" * 5000
    assert template.values(f"{huge} 1") == {"a": huge, "b": 1.0}


def test_a_group_left_out_gives_no_value():
    template = compile_grok("a(?: %{INT:n})?")
    assert template.values("a") == {}
    assert template.values("a 3") == {"n": "3"}


@pytest.mark.parametrize(
    ("grok", "words"),
    [
        ("foo(bar)? baz", {"baz"}),
        ("foo(bar) baz", {"baz"}),
        ("foo|bar", set()),
        ("(?i)foo bar", set()),
        ("foo%{INT:n} bar", {"bar"}),
        ("%{INT:n}foo bar", {"bar"}),
        ("blk_%{INT:n}", {"blk"}),
        ("foo%{SPACE}bar baz", {"baz"}),
        (r"foo\s+bar", {"foo", "bar"}),
        (r"foo\s*bar x", {"x"}),
        ("foo +bar", {"foo", "bar"}),
        ("foo? bar", {"bar"}),
        ("foo{2,3} bar", {"bar"}),
        ("%{TIMESTAMP}foo", {"foo"}),
        (r"v2\.x \u00e9a \x41b", {"v2", "x", "éa", "Ab"}),
        ("(?:foo)?bar baz", {"baz"}),
        ("[abc] foo", {"foo"}),
        (r"a\|b", {"a", "b"}),
        ("", set()),
    ],
)
def test_words_are_only_those_that_every_matching_line_holds_whole(grok, words):
    assert compile_grok(grok).words == words


@pytest.mark.parametrize(
    ("grok", "blind"),
    [
        ("plain text", True),
        ("version 2 of %{INT:n}", False),
        ("%{INT:n}ms", False),
        ("%{INT:a}%{WORD:b}", False),
        ("%{POSINT:n}", False),
        ("%{MINE:n}", False),
        ("%{IP:n}", True),
        ("worker%{WORD:n} is up", True),
        ("worker%{NOTSPACE:n} is up", True),
        ("worker%{INT:n} is up", False),
        ("bad%{WORD:n}", False),
        ("x%{INT:a}worker%{WORD:n}", False),
        ("[0-9]+ x", False),
        (r"a\s+%{INT:n}", True),
        ("a%{SPACE}%{INT:n}", False),
        ("a:%{SPACE}%{INT:n}", True),
        ("a( %{INT:n})?", False),
        ("%{INT:n}? x", False),
        ("%{TIMESTAMP}%{INT:n}", True),
        ("at %{TIMESTAMP_ISO8601:t}", True),
    ],
)
def test_digit_blind_is_said_only_where_digits_cannot_decide(grok, blind):
    assert compile_grok(grok, {"MINE": "x+"}).digit_blind is blind


def test_a_pattern_of_ones_own_wins_and_is_never_taken_for_digit_blind():
    assert compile_grok("%{IPV4:x}", {"IPV4": "[0-3]+"}).values("12") == {"x": "12"}
    assert not compile_grok("%{IP:x}", {"IPV4": "[0-3]+"}).digit_blind
    assert compile_grok("%{IP:x}", {"OTHER": "[0-3]+"}).digit_blind


@given(st.text(max_size=40))
def test_escaped_text_matches_itself_and_is_read_back_as_constant(text):
    template = compile_grok(escape_literal(text))
    assert template.regex.fullmatch(text)
    assert not template.fields
    if "\x04" not in text:
        assert "".join(template.literals) == text
    assert template.words <= set(re.findall(r"[A-Za-z0-9\x80-\U0010FFFF]+", text))


@given(st.text("abc $.*+?()[]{}|\\%^:/-_=,'\"<>", min_size=1, max_size=12), st.text("abc 123.*", max_size=8))
def test_escaped_constants_around_fields_match_only_themselves(constant, value):
    template = compile_grok(f"{escape_literal(constant)}%{{GREEDYDATA:x}}{escape_literal(constant)}")
    assert template.values(constant + value + constant) == {"x": value}
    assert template.values("#" + constant + value + constant) is None


def test_escaping_keeps_what_people_read():
    assert escape_literal('Got 5 bytes, from: /x-y <z>="q" #1 a@b;') == 'Got 5 bytes, from: /x-y <z>="q" #1 a@b;'
    assert escape_literal("a.b[c]{d}\t\x01%{x") == r"a\.b\[c\]\{d\}\t\x01%\{x"
    assert escape_literal("at \x04 x") == "at %{TIMESTAMP} x"


def test_plain_text_is_a_template_for_people():
    assert plain_text(HDFS) == "<thread> INFO dfs.DataNode$DataXceiver: Receiving block <block> src: /<src_ip>:<port>"
    assert plain_text("%{TIMESTAMP} took %{NUMBER}%{SPACE}ms at %{TIMESTAMP_ISO8601:t}") == "took <number> ms at <t>"
    assert plain_text("broken %{") == "broken %{"


def _glob(text, pieces):
    """Oracle: constant pieces with anything between them, by trying every place."""
    if len(pieces) == 1:
        return text.endswith(pieces[0])
    return any(
        _glob(text[at + len(pieces[0]) :], pieces[1:]) for at in range(len(text) + 1) if text.startswith(pieces[0], at)
    )


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3),
    st.text("ab", max_size=10),
    st.sampled_from(["DATA", "GREEDYDATA"]),
)
def test_open_fields_in_a_row_match_what_trying_all_places_matches(pieces, text, last):
    names = ["DATA"] * (len(pieces) - 1) + [last]
    grok = "".join(f"%{{{n}:f{i}}}{p}" for i, (n, p) in enumerate(zip(names, pieces, strict=True)))
    template = compile_grok(grok)
    found = template.regex.fullmatch(text)
    assert bool(found) == _glob(text, pieces)
    plain = re.compile("".join(f"(.*?){p}" if n == "DATA" else f"(.*){p}" for n, p in zip(names, pieces, strict=True)))
    whole = plain.fullmatch(text)
    if found and whole:
        assert tuple(found.groupdict().values()) == whole.groups()


def test_many_open_fields_on_a_line_that_nearly_fits_do_not_try_all_combinations():
    pieces = 12
    template = compile_grok("".join(f"%{{DATA:f{i}}} x " for i in range(pieces)) + "%{DATA:last} END")
    # tried in all combinations this takes longer than the universe is old
    assert template.values(" x " * 200) is None
    assert template.values(" x " * 200 + " END") is not None


def test_the_more_specific_template_comes_first():
    groks = [
        "%{GREEDYDATA:x}",
        "foo %{GREEDYDATA:x}",
        "foo %{NOTSPACE:x}",
        "foo %{INT:x}",
        "foo bar",
        "foo %{INT:x} %{INT}",
    ]
    ordered = sorted(groks, key=lambda g: compile_grok(g).specificity)
    assert ordered == [
        "foo bar",
        "foo %{INT:x} %{INT}",
        "foo %{INT:x}",
        "foo %{NOTSPACE:x}",
        "foo %{GREEDYDATA:x}",
        "%{GREEDYDATA:x}",
    ]


def test_other_dialects_notations_are_understood():
    assert compile_grok("(?<n>[[:digit:]]+) x").values("12 x") == {"n": "12"}
    assert compile_grok(r"(?P<n>\h+) x").values("1f x") == {"n": "1f"}
    assert compile_grok("[[:alpha:]_[]+").regex.fullmatch("a_[b")
    assert compile_grok("(?i)error %{INT:n}").values("ERROR 1") == {"n": "1"}
    assert compile_grok("a{2}{x}").regex.fullmatch("aa{x}")
    assert compile_grok("(?>a+)b").regex.fullmatch("aab")


@pytest.mark.parametrize(
    ("grok", "offset", "says"),
    [
        ("ab %{IPV5:x}", 3, "unknown pattern IPV5 at offset 3 .* did you mean IPV"),
        ("%{QQQQQQ}", 0, 'define it under "patterns"'),
        ("%{INT:a} %{INT:a}", 9, "the field a stands twice .* offset 9.* such as a_2"),
        ("%{INT:Src-IP}", 0, "field name 'Src-IP' .* such as src_ip"),
        ("%{INT:[source][ip]}", 0, "such as source_ip"),
        ("%{INT:}", 0, "such as field"),
        ("%{INT:a:integer}", 0, "unknown type 'integer' .* did you mean int"),
        ("x %{INT", 2, "begins no reference"),
        ("a(b", 1, r"the \( at offset 1 .* never closed: write \\\("),
        ("a)", 1, r"write \\\)"),
        ("a[b", 1, r"the \[ at offset 1 .* never closed: write \\\["),
        ("*a", 0, "repeats nothing"),
        ("a**", 2, "no usable regular expression: multiple repeat"),
        ("ab \\q", 3, "bad escape"),
        ("ab (?<!a)c", 0, "looks ahead or behind"),
        ("a{2000}", 0, "more than 1,000 times"),
        ("a\\", 1, r"ends in a lone"),
        ("%{ONE}", 0, "refers to itself: ONE → TWO → ONE"),
        ("%{BAD:x}", 0, r"in the pattern BAD: the \("),
        (r"\UFFFFFFFF", 0, "is no character"),
        ("(?<n>a)(?<n>b)", 7, "the field n stands twice"),
        ("x{99999999999999999999}", 0, "no usable regular expression"),
    ],
)
def test_an_error_says_where_and_how_to_mend_it(grok, offset, says):
    with pytest.raises(GrokError, match=says) as caught:
        compile_grok(grok, {"ONE": "%{TWO}", "TWO": "%{ONE}", "BAD": "("})
    assert caught.value.offset == offset
    assert isinstance(caught.value, UserError)


def test_custom_patterns_are_checked_each():
    wrong = check_patterns({"GOOD": "a+", "BAD NAME": "x", "OPEN": "(", "REFERS": "%{NOPE}", "TWICE": "a++b**"})
    assert list(wrong) == ["BAD NAME", "OPEN", "REFERS", "TWICE"]


@settings(max_examples=150)
@given(st.text("%{}INT:ab()[]|\\^$.*+?x1<>=!-, ", max_size=20))
def test_any_text_compiles_or_is_refused_with_a_clear_error(grok):
    try:
        template = compile_grok(grok)
    except GrokError as caught:
        refusal = str(caught)
    else:
        assert len(template.regex.groupindex) == len(template.fields)
        return
    assert "offset" in refusal or "lone" in refusal


@settings(max_examples=150)
@given(st.text("ab. %{}INTx()?*+|[]1", max_size=16), st.text("ab .1x", max_size=10))
def test_every_word_of_a_template_is_whole_in_every_line_that_matches(grok, line):
    try:
        template = compile_grok(grok)
    except GrokError:
        assume(False)
    if template.regex.fullmatch(line):
        assert template.words <= set(re.findall("[A-Za-z0-9]+", line))
