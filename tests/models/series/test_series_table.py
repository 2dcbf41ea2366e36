"""Series in CSV files: which rows there are, and where they begin."""

from __future__ import annotations

import gzip

import pytest

from models.errors import UserError
from models.series.table import SeriesTable


def rows_of(path, name="s"):
    with SeriesTable(str(path), name) as table:
        return list(table)


def test_cells_times_values_and_lines(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(
        b"\xef\xbb\xbftimestamp, value ,note\r\n"
        b'1970-01-01 00:01:00,1.5,"two\nlines"\r\n\r\n , NaN,x\r\n180000000000,-inf,\n'
    )
    first, second, third = rows_of(path)
    assert (first.line, first.time, first.value, first.cells[2]) == (2, 60.0, 1.5, "two\nlines")
    assert (second.line, second.time, second.value, second.series) == (5, None, None, "s")
    assert (third.line, third.time, third.value) == (6, 180_000_000.0, None)
    assert second.cells == [" ", " NaN", "x"], "cells stay as they were"


@pytest.mark.parametrize("text", ["", "nan", "NaN", "null", "None", "N/A", "-", "inf", "-Infinity", "1e999"])
def test_ways_to_say_that_there_is_no_value(tmp_path, text):
    path = tmp_path / "s.csv"
    path.write_text(f"value,timestamp\n{text},1\n")
    assert rows_of(path)[0].value is None


def test_a_column_series_names_the_series_of_each_row(tmp_path):
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress(b"series,timestamp,value\na,1,1\nb,1,2\na,2,3\n"))
    assert [(row.series, row.value) for row in rows_of(path)] == [("a", 1.0), ("b", 2.0), ("a", 3.0)]


def test_a_file_with_nothing_but_a_header_has_no_rows(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("timestamp,value")
    assert rows_of(path) == []


def test_a_missing_file_and_a_false_archive_are_named(tmp_path):
    with pytest.raises(UserError, match="cpu cannot be read: No such file"):
        rows_of(tmp_path / "none.csv", "cpu")
    (tmp_path / "s.csv.gz").write_text("timestamp,value\n")
    with pytest.raises(UserError, match="cpu cannot be read on from line 1: Not a gzipped file"):
        rows_of(tmp_path / "s.csv.gz", "cpu")
