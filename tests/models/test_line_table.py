"""Every line of a log once, in order, with what it is."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import line_table
from models.document import ModelDocument
from models.grok import compile_grok
from models.line_table import LineRow, parse_lines
from tests.models.model_example import document

MODEL = ModelDocument.from_json(document())
GROK = {t.id: t.grok for t in MODEL.templates}

timed = st.sampled_from(
    [b"081109 205000 begin blk_1 \xc3\xa9", b"081109 205001 end [blk_-2] 5", b"081109 205002 unknown", b"081109 205003"]
)
others = st.sampled_from([b"  and on", b"", b"\x00", b"\xff", b"091109 205000 begin blk_1 \xc3\xa9"])
sources = st.lists(st.tuples(timed | timed | others, st.sampled_from([b"\n", b"\r\n"])).map(b"".join), max_size=15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("table")


def table(path, data, batch_lines=3, **options):
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_table, "_BATCH_LINES", batch_lines)
        return list(parse_lines(MODEL, str(path), "log", **options))


@settings(max_examples=50)
@given(sources, st.integers(1, 5))
def test_every_line_stands_there_once_in_order_whatever_the_batches(folder, lines, batch_lines):
    rows = table(folder / "log", b"".join(lines), batch_lines)
    assert [row.line for row in rows] == list(range(1, len(lines) + 1))
    assert rows == table(folder / "log", b"".join(lines), 1000)
    for row, line in zip(rows, lines, strict=True):
        assert row.template == GROK.get(row.template_id, "")
        if row.parameters:
            content = line.rstrip(b"\r\n").decode()[len("081109 205000 ") :]
            assert row.parameters == compile_grok(row.template, MODEL.patterns).values(content)


def test_rows_tell_template_and_parameters(tmp_path):
    data = b"head\n081109 205000 begin blk_1 \xc3\xa9\n on\n\x00\n on\n081109 205001 end [x] 5\n081109 205002 ?\n on"
    assert table(tmp_path / "log", data) == [
        LineRow(1, None, "", {}),
        LineRow(2, "t-1", GROK["t-1"], {"block": "blk_1"}),
        LineRow(3, "t-1", GROK["t-1"], {}),
        LineRow(4, None, "", {}),
        LineRow(5, "t-1", GROK["t-1"], {}),
        LineRow(6, "t-2", GROK["t-2"], {"block": "x", "n": 5}),
        LineRow(7, None, "", {}),
        LineRow(8, None, "", {}),
    ]


def test_what_is_stored_otherwise_reads_the_same(tmp_path):
    text = "081109 205000 begin blk_1 é\n081109 205001 end [é] 5\n"
    plain = table(tmp_path / "plain", text.encode())
    assert plain[1].parameters == {"block": "é", "n": 5}
    assert table(tmp_path / "a.gz", gzip.compress(text.encode())) == plain
    assert table(tmp_path / "utf16", text.encode("utf-16")) == plain
    assert table(tmp_path / "latin", text.encode("latin-1"), encoding="latin-1") == plain


def test_an_empty_log_has_no_rows(tmp_path):
    assert table(tmp_path / "log", b"") == []


def test_progress_ends_at_the_end(tmp_path):
    told = []
    data = b"081109 205000 begin blk_1 \xc3\xa9\n" * 10
    table(tmp_path / "log", data, progress=lambda *word: told.append(word))
    assert told == [("parsing log", len(data), len(data))]


def test_a_log_without_timestamps_has_one_row_a_line(tmp_path):
    model = ModelDocument.from_json({**document(), "timestamp": {"formats": ["NONE"]}})
    path = tmp_path / "log"
    path.write_bytes(b"begin blk_1 \xc3\xa9\nelse\nend [x] 5")
    rows = list(parse_lines(model, str(path), "log"))
    assert [row.template_id for row in rows] == ["t-1", None, "t-2"]
    assert rows[2].parameters == {"block": "x", "n": 5}
