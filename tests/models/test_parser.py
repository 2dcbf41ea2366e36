"""Parsing batches against matching every line by itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import parser as parser_module
from models.grok import escape_literal
from models.grok_patterns import FOLD_INVARIANT
from models.parser import UNMATCHED, LineParser, content_of, content_ranges

STAMP = "2024-01-02 03:04:05"


def buffer_of(lines, gap=b"\n"):
    """Lines given as (before, timestamp, after): the buffer and the four arrays that the parser takes."""
    data = bytearray()
    starts, ends, marks, mark_ends = [], [], [], []
    for before, stamp, after in lines:
        starts.append(len(data))
        data += before.encode()
        marks.append(len(data))
        data += stamp.encode()
        mark_ends.append(len(data))
        data += after.encode()
        ends.append(len(data))
        data += gap
    arrays = [np.array(column, np.int64) for column in (starts, ends, marks, mark_ends)]
    return np.frombuffer(bytes(data), np.uint8), *arrays


def results(parser, lines, gap=b"\n"):
    """(template, first wanted field or None, …) of each line, as the parser finds them."""
    data, *arrays = buffer_of(lines, gap)
    parsed = parser.parse(data, *arrays)
    raw = data.tobytes()
    spans = np.stack((parsed.begin.T, parsed.end.T), axis=2).tolist()
    return [
        (template, *(raw[a:b].decode() if a >= 0 else None for a, b in of_line))
        for template, of_line in zip(parsed.template.tolist(), spans, strict=True)
    ]


def expected(parser, wanted, id_pattern, lines):
    """The same, each line by itself; in a field the timestamp is what the line says."""
    width = max(1, *map(len, wanted)) if wanted else 1
    found = []
    for before, stamp, after in lines:
        content = after.lstrip(" \t") if stamp and not before else before + ("\x04" if stamp else "") + after
        template, match = parser.match(content)
        spans = []
        if match is not None:
            spans = [match.span(name) for name in wanted[template]]
        elif id_pattern and (hit := re.search(id_pattern, content, re.ASCII)):
            spans = [hit.span()]
        spans += [(0, 0)] * (width - len(spans))
        texts = (content[a:b].replace("\x04", stamp) if b > a else None for a, b in spans)
        found.append((template, *texts))
    return found


constants = st.sampled_from(
    ["", " ", " ", "-", ":", "_", ".", "=", "/", "[", "] ", "a", "blk_", "worker", " worker", "é", " x ", "0x", "v2 "]
)
patterns = st.sampled_from(sorted(FOLD_INVARIANT)) | st.sampled_from(
    ["INT", "WORD", "NOTSPACE", "DATA", "GREEDYDATA", "HEX", "NUMBER", "UUID", "POSINT", "MINE", "USERNAME"]
)
words = st.sampled_from(
    [
        "0",
        "12",
        "007",
        "0x1f",
        "0X2",
        "0x",
        "ab12",
        "12ab",
        "dead",
        "blk",
        "a",
        "b1",
        "x",
        "worker",
        "worker7",
        "workers12",
        "worker1a",
        "v2",
        "é",
        "é1",
        "1é",
        "10.0.0.1",
        "-5",
        "+7",
        "1.5",
        "GET",
        "INFO",
        "/a/b1",
        "a-1",
        "1-2-3-4-5",
        "09T20",
        "",
        "::1",
        "a b",
        '"a 1"',
        "http://h1/x?y=2",
        "2008-11-09T20:35:31.000Z",
        "a\r1",
        "\x1b[1m",
        "x\t",
    ]
)
OTHERS = [r"\s+", "%{SPACE}", "(?:a|b1)", "[0-9]{2}", "(%{INT:opt})?", "%{TIMESTAMP}"]


@st.composite
def templates_with_lines(draw):
    """A template, some of its fields, and lines most of which fit it, many of them alike but for digits."""
    grok: list[str] = []
    names: list[str] = []
    base: list[tuple[str, bool]] = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.integers(0, 9))
        if kind < 5:
            constant = draw(constants)
            grok.append(escape_literal(constant))
            base.append((constant, False))
        elif kind < 9 or (other := draw(st.sampled_from(OTHERS))) in grok:
            names.append(f"f{len(names)}")
            grok.append(f"%{{{draw(patterns)}:{names[-1]}}}")
            base.append((draw(words), True))
        else:
            grok.append(other)
            names += ["opt"] if "opt" in other else []
            base.append(({"%{TIMESTAMP}": "\x04", "(?:a|b1)": "b1", "[0-9]{2}": "47"}.get(other, " "), False))
    fields = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
    lines = []
    for variant in range(draw(st.integers(2, 5))):
        parts = []
        for text, free in base:
            if free and variant and draw(st.booleans()):
                text = draw(words) if draw(st.booleans()) else shifted(text, variant)
            parts.append(text)
        before, _, after = "".join(parts).partition("\x04")
        stamp = STAMP if "\x04" in "".join(parts) or draw(st.booleans()) else ""
        lines.append((before, stamp, after.replace("\x04", "")))
    return "".join(grok), fields, lines


def shifted(text, by):
    """The same text with other digits, some of them doubled."""
    return "".join(str((int(c) + by) % 10) * (1 + (int(c) + by) % 2) if "1" <= c <= "9" else c for c in text)


@settings(max_examples=150)
@given(some=st.lists(templates_with_lines(), min_size=1, max_size=3), with_pattern=st.booleans())
def test_a_batch_is_parsed_as_if_each_line_were_matched_by_itself(some, with_pattern):
    id_pattern = r"worker[0-9]+|[0-9]+\b" if with_pattern else None
    fields = [names for _, names, _ in some]
    parser = LineParser([grok for grok, _, _ in some], fields, {"MINE": "[a-z]*[0-3]+"}, id_pattern)
    lines = [line for _, _, group in some for line in group]
    wanted = expected(parser, fields, id_pattern, lines)
    assert results(parser, lines) == wanted
    assert results(parser, lines[::-1], b"\r\n1 x\x0b\n") == wanted[::-1]  # now from the cache


SHOP = ["%{INT:n} order %{NOTSPACE:id} took %{INT:ms:int}", r"order %{NOTSPACE:id}", "worker%{WORD:id} is up"]
SHOP_FIELDS = [("id",)] * 3
SHOP_LINES = [
    (f"{'x ' if k % 5 == 0 else ''}", STAMP, f" {k % 3} order ord-{k} took {k}" if k % 2 else f" order o{k % 7}")
    for k in range(120)
]


@pytest.mark.parametrize(("piece_bytes", "cache_limit"), [(1, 200_000), (100, 3), (1 << 18, 0)])
def test_neither_pieces_nor_a_full_cache_nor_batches_change_the_result(monkeypatch, piece_bytes, cache_limit):
    wanted = expected(LineParser(SHOP, SHOP_FIELDS), SHOP_FIELDS, None, SHOP_LINES)
    monkeypatch.setattr(parser_module, "_PIECE_BYTES", piece_bytes)
    monkeypatch.setattr(parser_module, "_CACHE_LIMIT", cache_limit)
    parser = LineParser(SHOP, SHOP_FIELDS)
    assert results(parser, SHOP_LINES) == wanted
    for size in (1, 7, 50):
        cut = [SHOP_LINES[k : k + size] for k in range(0, len(SHOP_LINES), size)]
        assert [row for lines in cut for row in results(parser, lines)] == wanted


def test_a_cache_that_is_full_is_emptied(monkeypatch):
    monkeypatch.setattr(parser_module, "_CACHE_LIMIT", 2)
    parser = LineParser(["%{GREEDYDATA:all}"], [()])
    for word in ("a", "b", "c", "d"):
        assert results(parser, [("", "", word)]) == [(0, None)]
        assert len(parser._cache) <= 2


def test_no_events_give_no_results():
    assert results(LineParser(SHOP, SHOP_FIELDS), []) == []


@pytest.mark.parametrize(
    ("grok", "line", "identifier"),
    [
        ("worker%{NOTSPACE:id} is up", "worker12a is up", "12a"),  # begins inside a word
        ("%{DATA:id}ms", "12ms", "12"),  # ends inside a word
        ("a %{DATA:id}", "a ", None),  # empty
        ("id %{NOTSPACE:id}", "id é1", "é1"),  # at the end of the line
        ("%{DATA:id}_%{INT:n}", "ab1_cd2_3", "ab1_cd2"),
        ("(x%{INT:id})? y", " y", None),  # left out
        ("(x%{INT:id})? y", "x1 y", "1"),
        ("%{INT:a}(?<id>[0-9])", "123", "3"),  # splits a run of digits
        ("at %{TIMESTAMP} by %{NOTSPACE:id}", "at \x04 by u1", "u1"),
        ("%{NOTSPACE:id} x", "[\x04] x", "[\x04]"),  # holds the timestamp
    ],
)
def test_the_identifier_is_cut_out_of_the_line(grok, line, identifier):
    def given_line(text):
        before, mark, after = text.partition("\x04")
        return before, STAMP if mark else "", after

    lines = [given_line(line), given_line(line.replace("1", "47"))]
    wanted = [(0, i and i.replace("\x04", STAMP)) for i in (identifier, identifier and identifier.replace("1", "47"))]
    assert results(LineParser([grok], [("id",)]), lines) == wanted


@pytest.mark.parametrize(
    ("grok", "fits", "does_not"),
    [
        ("v2 of %{INT:n}", "v2 of 1", "v3 of 1"),
        ("%{POSINT:n} x", "7 x", "0 x"),
        ("at %{MINE:n}", "at a1", "at a7"),
        ("[0-9]{2} x", "12 x", "123 x"),
        ("head%{INT:n}", "head1", "head1a"),
        ("%{INT:n}ms", "1ms", "1sm"),
    ],
)
def test_of_lines_alike_but_for_digits_one_may_fit_and_one_not(grok, fits, does_not):
    for lines in ([fits, does_not], [does_not, fits]):
        found = results(LineParser([grok], [()], {"MINE": "a[0-3]"}), [("", "", line) for line in lines])
        assert found == [(0 if line == fits else UNMATCHED, None) for line in lines]


def test_an_identifier_is_found_in_lines_that_fit_no_template():
    parser = LineParser(["known %{INT:n}"], [("n",)], id_pattern="blk_-?[0-9]+")
    lines = [("", "", "lost blk_-12!"), ("", STAMP, " lost blk_3"), ("", "", "lost"), ("", "", "known 4")]
    assert results(parser, lines) == [(UNMATCHED, "blk_-12"), (UNMATCHED, "blk_3"), (UNMATCHED, None), (0, "4")]


def test_an_empty_find_of_the_id_pattern_is_no_identifier():
    parser = LineParser([], [], id_pattern="z*")
    assert results(parser, [("", "", "a"), ("", "", "")]) == [(UNMATCHED, None), (UNMATCHED, None)]


def test_the_most_specific_template_wins_whatever_their_order():
    groks = ["%{GREEDYDATA:all}", "order %{NOTSPACE:id} took %{INT:n}", "order %{GREEDYDATA:rest}"]
    lines = [("", "", "order a took 5"), ("", "", "order a took"), ("", "", "else")]
    assert [t for t, _ in results(LineParser(groks, [()] * 3), lines)] == [1, 2, 0]
    assert [t for t, _ in results(LineParser(groks[::-1], [()] * 3), lines)] == [1, 0, 2]


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (("", STAMP, "  \t a b"), "a b"),
        (("", STAMP, ""), ""),
        (("", STAMP, "   "), ""),
        (("[", STAMP, "] é"), "[\x04] é"),
        (("é ", STAMP, ""), "é \x04"),
        (("  ", "", " a"), "   a"),
    ],
)
def test_the_content_is_the_line_without_its_timestamp(line, content):
    data, starts, ends, marks, mark_ends = buffer_of([line])
    begins, marks = content_ranges(data, starts, ends, marks, mark_ends)
    got = content_of(data, int(begins[0]), int(ends[0]), int(marks[0]), int(mark_ends[0]))
    assert got == content


@settings(max_examples=60)
@given(st.lists(st.tuples(words, st.sampled_from(["", STAMP]), words), min_size=1, max_size=6))
def test_contents_of_a_batch_are_those_of_single_lines(lines):
    data, starts, ends, marks, mark_ends = buffer_of(lines)
    begins, marks = content_ranges(data, starts, ends, marks, mark_ends)
    for k, (before, stamp, after) in enumerate(lines):
        got = content_of(data, int(begins[k]), int(ends[k]), int(marks[k]), int(mark_ends[k]))
        assert got == (after.lstrip(" \t") if stamp and not before else before + ("\x04" if stamp else "") + after)


def test_a_long_line_among_short_ones_is_parsed():
    long = "x" * (1 << 19) + " 1"
    lines = [("", STAMP, " order a"), ("", STAMP, f" order {long}"), ("", STAMP, " order b")]
    parser = LineParser(["order %{NOTSPACE:id}", "order %{NOTSPACE:id} %{INT:n}"], [("id",), ("id",)])
    assert results(parser, lines) == [(0, "a"), (1, long[:-2]), (0, "b")]
