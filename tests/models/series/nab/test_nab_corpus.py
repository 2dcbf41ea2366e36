"""The benchmark's folder: read in full, and what is wrong with it said clearly."""

from __future__ import annotations

import json

import pytest

from models.errors import UserError
from models.series.nab.corpus import load_corpus
from tests.models.series.nab.nab_folder import stamp, write_nab


@pytest.fixture
def folder(tmp_path):
    return write_nab(tmp_path)


def windows_of(folder, **changed):
    path = folder / "labels" / "combined_windows.json"
    content = json.loads(path.read_text())
    content.update(changed)
    path.write_text(json.dumps(content))


def test_files_windows_and_groups_are_read(folder):
    corpus = load_corpus(folder)
    assert [(series.name, series.group) for series in corpus] == [
        ("one/a.csv", "one"),
        ("one/b.csv", "one"),
        ("two/c.csv", "two"),
        ("two/d.csv", "two"),
    ]
    assert [series.windows for series in corpus] == [[(480, 520), (880, 920)]] * 3 + [[]]
    assert corpus[0].times[1] - corpus[0].times[0] == 300.0
    assert all(len(series.values) == 1200 for series in corpus)


def test_of_duplicate_timestamps_the_first_row_bounds_a_window(folder):
    path = folder / "data" / "one" / "a.csv"
    lines = path.read_text().splitlines()
    lines.insert(482, lines[481])
    path.write_text("\n".join(lines))
    assert load_corpus(folder)[0].windows == [(480, 521), (881, 921)]


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([["2030-01-01 00:00:00", "2030-01-02 00:00:00"]], "two timestamps that the file has"),
        ([["soon", "later"]], "two timestamps that the file has"),
        ([[stamp(3)]], "two timestamps that the file has"),
        (7, "two timestamps that the file has"),
        ([[stamp(9), stamp(5)]], "does not come after"),
        ([[stamp(3), stamp(9)], [stamp(9), stamp(12)]], "does not come after"),
    ],
)
def test_windows_that_cannot_be_are_refused(folder, windows, said):
    windows_of(folder, **{"one/b.csv": windows})
    with pytest.raises(UserError, match=said) as error:
        load_corpus(folder)
    assert "combined_windows.json: one/b.csv" in str(error.value)


def test_a_folder_that_is_no_benchmark_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file or directory; give the folder of the benchmark"):
        load_corpus(tmp_path)


def test_labels_that_are_no_json_are_refused(folder):
    (folder / "labels" / "combined_windows.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        load_corpus(folder)
    (folder / "labels" / "combined_windows.json").write_text("[]")
    with pytest.raises(UserError, match="has to be an object"):
        load_corpus(folder)


def test_a_missing_file_is_named(folder):
    (folder / "data" / "two" / "c.csv").unlink()
    with pytest.raises(UserError, match=r"two/c\.csv: no such file"):
        load_corpus(folder)


def test_a_row_without_timestamp_is_named_by_its_line(folder):
    path = folder / "data" / "one" / "a.csv"
    path.write_text("timestamp,value\n2024-01-01 00:00:00,1\n,2\n")
    with pytest.raises(UserError, match=r"a\.csv, line 3: timestamp is empty"):
        load_corpus(folder)
