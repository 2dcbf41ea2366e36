"""``weirwatch series score``: rows in, rows with scores out."""

from __future__ import annotations

import csv
import gzip
import math
import random

import pytest

from jobs.cli import main

ADDED = ["anomaly_score", "alarm", "expected", "lower", "upper"]


def values(rows: int, seed: int = 1, spike: int | None = None) -> list[float]:
    chance = random.Random(seed)
    found = [50 + 20 * math.sin(2 * math.pi * row / 288) + chance.gauss(0, 2) for row in range(rows)]
    if spike is not None:
        found[spike] = 190.0
    return found


def lines(numbers: list[float], series: str = "") -> list[str]:
    return [f"{1_700_000_000 + 300 * row},{number:.3f}{series}" for row, number in enumerate(numbers)]


def written(path, rows, head="timestamp,value"):
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def read(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def score(*arguments: str) -> int:
    return main(["series", "score", *arguments])


def test_rows_come_out_as_they_went_in_with_scores(tmp_path, capsys):
    source = written(tmp_path / "cpu.csv", lines(values(2000, spike=1500)))
    out = str(tmp_path / "scores.csv")
    assert score(source, "--out", out) == 0
    rows = read(out)
    assert list(rows[0]) == ["timestamp", "value", "series", *ADDED]
    assert [f"{row['timestamp']},{row['value']}" for row in rows] == lines(values(2000, spike=1500))
    assert {row["series"] for row in rows} == {source}
    assert rows[1500]["alarm"] == "1"
    assert float(rows[1500]["anomaly_score"]) > 0.9
    assert float(rows[1500]["upper"]) < 190.0
    for row in rows:
        assert (row["alarm"] == "1") == (float(row["anomaly_score"]) >= 0.5)
    alarms = sum(row["alarm"] == "1" for row in rows)
    assert capsys.readouterr().out == f"2,000 rows of 1 series, {alarms} alarms: {out}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpu.csv", "scores.csv"]


@pytest.mark.parametrize("cut", [1, 149, 700, 1501])
def test_a_row_does_not_depend_on_later_rows(tmp_path, cut):
    all_lines = lines(values(2000, spike=1500))
    score(written(tmp_path / "s.csv", all_lines), "--out", str(tmp_path / "whole.csv"))
    score(written(tmp_path / "s.csv", all_lines[:cut]), "--out", str(tmp_path / "cut.csv"))
    whole = (tmp_path / "whole.csv").read_text().splitlines()
    assert whole[: cut + 1] == (tmp_path / "cut.csv").read_text().splitlines()


def test_several_series_in_one_file_are_scored_apart(tmp_path, capsys):
    one, other = lines(values(900, 1, spike=800), ",a"), lines(values(900, 2), ",b")
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    source = written(tmp_path / "long.csv", mixed, "timestamp,value,series")
    out = tmp_path / "scores.csv"
    assert score(source, "--out", str(out)) == 0
    assert capsys.readouterr().out.startswith("1,800 rows of 2 series, ")
    rows = read(out)
    assert list(rows[0]) == ["timestamp", "value", "series", *ADDED]
    for series, own in (("a", one), ("b", other)):
        alone = written(tmp_path / "alone.csv", own, "timestamp,value,series")
        score(alone, "--out", str(tmp_path / "alone-scores.csv"))
        assert [row for row in rows if row["series"] == series] == read(tmp_path / "alone-scores.csv")


def test_several_files_are_series_named_by_their_paths(tmp_path, capsys):
    first = written(tmp_path / "a.csv", lines(values(300, 1)))
    second = str(tmp_path / "b.csv.gz")
    with gzip.open(second, "wt") as stream:
        stream.write("timestamp,value\r\n" + "\r\n".join(lines(values(300, 2))))
    out = str(tmp_path / "scores.csv")
    assert score(first, second, "--out", out) == 0
    assert [row["series"] for row in read(out)] == [first] * 300 + [second] * 300
    assert "600 rows of 2 series" in capsys.readouterr().out


def test_other_columns_are_kept_wherever_they_stand(tmp_path):
    rows = [f'"a, b",{number},{1_700_000_000_000 + row * 60_000}' for row, number in enumerate(values(40))]
    out = str(tmp_path / "scores.csv")
    assert score(written(tmp_path / "s.csv", rows, "note,value,timestamp"), "--out", out) == 0
    assert list(read(out)[0]) == ["note", "value", "timestamp", "series", *ADDED]
    assert {row["note"] for row in read(out)} == {"a, b"}


def test_gaps_and_disorder_are_scored_and_said(tmp_path, capsys):
    rows = lines(values(400, spike=350))
    rows[200] = rows[200].split(",")[0] + ","
    rows[201] = rows[201].split(",")[0] + ",NaN"
    rows[210] = "," + rows[210].split(",")[1]
    rows[220], rows[221] = rows[221], rows[220]
    rows[230] = rows[229]
    out = str(tmp_path / "scores.csv")
    assert score(written(tmp_path / "s.csv", rows), "--out", out) == 0
    found = read(out)
    assert len(found) == 400
    assert [found[row]["anomaly_score"] for row in (200, 201)] == ["0.000000"] * 2
    assert found[350]["alarm"] == "1"
    told = capsys.readouterr().err
    assert "2 rows have no value" in told
    assert "1 rows have no timestamp" in told
    assert "1 rows are older than the row before them" in told


def test_the_quiet_preset_raises_fewer_alarms(tmp_path):
    rows = []
    chance = random.Random(3)
    level = 0.0
    for number in values(6000):
        level += chance.gauss(0, 1.5)
        rows.append(number + level + (80 if chance.random() < 0.002 else 0))
    source = written(tmp_path / "s.csv", lines(rows))
    alarms = {}
    for preset in ("sensitive", "quiet"):
        score(source, "--out", str(tmp_path / "o.csv"), "--preset", preset)
        alarms[preset] = sum(row["alarm"] == "1" for row in read(tmp_path / "o.csv"))
    assert 0 < alarms["quiet"] < alarms["sensitive"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.csv is empty; it needs a header with the columns timestamp and value"),
        ("time,value\n", "s.csv, line 1: the header has no column 'timestamp', but time, value; name the columns"),
        ("timestamp,value,value\n", "s.csv, line 1: column 'value' is there twice; rename one of them"),
        ("timestamp,value,alarm\n", "s.csv, line 1: column 'alarm' would be written twice; rename or remove it"),
        ("timestamp,value\n1,2\nyesterday,3\n", "s.csv, line 3: timestamp 'yesterday' is none; write it as 2014-04-01"),
        ("timestamp,value\n1,2\n2,much\n", "s.csv, line 3: value 'much' is no number; write it as 12.5"),
        ("timestamp,value\n1,2\n2,3,4\n", "s.csv, line 3: 3 columns where the header has 2"),
        ('timestamp,value\n1,2\n2,"3"4\n', "s.csv, line 3 is no CSV"),
        ("timestamp,value\n1,2\n2,3\xff\n", "s.csv is not UTF-8 near line"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_the_mend(tmp_path, capsys, text, said):
    (tmp_path / "s.csv").write_bytes(text.encode("latin-1"))
    out = tmp_path / "scores.csv"
    assert score(str(tmp_path / "s.csv"), "--out", str(out)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert not list(tmp_path.glob("scores.csv*"))


def test_files_with_other_columns_are_not_mixed(tmp_path, capsys):
    one = written(tmp_path / "a.csv", ["1,2"])
    other = written(tmp_path / "b.csv", ["2,1"], "value,timestamp")
    assert score(one, other, "--out", str(tmp_path / "o.csv")) == 2
    assert "the columns are value, timestamp, and those of" in capsys.readouterr().err


def test_the_input_is_not_overwritten_and_a_missing_file_is_named(tmp_path, capsys):
    source = written(tmp_path / "a.csv", ["1,2"])
    assert score(source, "--out", source) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert score(str(tmp_path / "none.csv"), "--out", str(tmp_path / "o.csv")) == 2
    assert "none.csv: no such file" in capsys.readouterr().err
    assert (tmp_path / "a.csv").read_text() == "timestamp,value\n1,2\n"


def test_a_cut_off_archive_is_said(tmp_path, capsys):
    whole = gzip.compress("\n".join(["timestamp,value", *lines(values(3000))]).encode())
    (tmp_path / "s.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert score(str(tmp_path / "s.csv.gz"), "--out", str(tmp_path / "o.csv")) == 2
    assert "cannot be read on from line" in capsys.readouterr().err


def test_a_page_shows_each_series_with_its_alarms(tmp_path, capsys):
    rows = [*lines(values(900, spike=700), ",web"), *lines(values(900, seed=2), ",<b>")]
    source = written(tmp_path / "cpu.csv", rows, "timestamp,value,series")
    out, page = str(tmp_path / "scores.csv"), tmp_path / "page.html"
    assert score(source, "--out", out, "--report", str(page)) == 0
    assert capsys.readouterr().out.endswith(f"report  {page}\n")
    text = page.read_text()
    alarms = [row for row in read(out) if row["alarm"] == "1"]
    assert f"{len(alarms)} alarm" in text
    assert "2023-11-17 08:33:20 UTC: 190" in text, "the spike is named with its time"
    assert text.index(">web</b>") < text.index(">&lt;b&gt;</b>")
    assert text.count('<svg class="bars plot"') == 6, "two series in three widths"


def test_the_page_is_no_input_and_no_other_output(tmp_path, capsys):
    source = written(tmp_path / "s.csv", lines(values(20)))
    out = str(tmp_path / "scores.csv")
    assert score(source, "--out", out, "--report", source) == 2
    assert score(source, "--out", out, "--report", out) == 2
    assert score(source, "--out", out, "--report", str(tmp_path / "none" / "page.html")) == 2
    assert "page.html cannot be written" in capsys.readouterr().err
