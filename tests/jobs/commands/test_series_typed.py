"""``weirwatch series score --detector typed``: rows in, rows with scores and incidents out."""

from __future__ import annotations

import csv
import math
import random

import pytest

from jobs.cli import main
from jobs.commands import series_scoring

ADDED = ["anomaly_score", "alarm", "expected", "lower", "upper", "type", "reason"]
ROWS = 900


def values(seed: int, step_at: int | None = None, spike: int | None = None) -> list[float]:
    chance = random.Random(seed)
    found = [50 + 5 * math.sin(2 * math.pi * row / 24) + chance.gauss(0, 2) for row in range(ROWS)]
    if step_at is not None:
        found[step_at:] = [value + 40 for value in found[step_at:]]
    if spike is not None:
        found[spike] += 90
    return found


def lines(numbers: list[float], series: str = "") -> list[str]:
    return [f"{1_704_067_200 + 3600 * row},{number:.3f}{series}" for row, number in enumerate(numbers)]


def written(path, rows, head="timestamp,value"):
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def read(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def score(*arguments: str) -> int:
    return main(["series", "score", *arguments, "--detector", "typed"])


def test_incidents_stand_in_the_rows_in_which_they_begin_and_end(tmp_path, capsys):
    source = written(tmp_path / "cpu.csv", lines(values(1, spike=700)))
    out = tmp_path / "scores.csv"
    assert score(source, "--out", str(out)) == 0
    rows = read(out)
    assert list(rows[0]) == ["timestamp", "value", "series", *ADDED]
    assert [f"{row['timestamp']},{row['value']}" for row in rows] == lines(values(1, spike=700))
    assert rows[700]["alarm"] == "1"
    assert rows[700]["type"] == "spike"
    assert float(rows[700]["anomaly_score"]) >= 0.6
    assert float(rows[700]["upper"]) < float(rows[700]["value"])
    assert "rose to" in rows[700]["reason"]
    told = [row for row in rows if row["reason"]]
    assert [row["alarm"] for row in told[-2:]] == ["1", "0"]
    assert all(0 <= float(row["anomaly_score"]) <= 1 for row in rows)
    captured = capsys.readouterr()
    alarms = sum(row["alarm"] == "1" for row in rows)
    assert captured.out == f"{ROWS:,} rows of 1 series, {alarms} alarms: {out}\n"
    assert "slots of 1 h: 1 series" in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpu.csv", "scores.csv"]


@pytest.mark.parametrize("cut", [1, 11, 12, 13, 400, 701, 760])
def test_a_row_does_not_depend_on_later_rows(tmp_path, cut):
    all_lines = lines(values(2, step_at=700))
    score(written(tmp_path / "s.csv", all_lines), "--out", str(tmp_path / "whole.csv"))
    score(written(tmp_path / "s.csv", all_lines[:cut]), "--out", str(tmp_path / "cut.csv"))
    whole = (tmp_path / "whole.csv").read_text().splitlines()
    assert whole[: cut + 1] == (tmp_path / "cut.csv").read_text().splitlines()


@pytest.mark.parametrize("at_once", [7, 1000, 40_000])
def test_series_in_one_file_or_in_several_are_scored_apart(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(series_scoring, "_ROWS_AT_ONCE", at_once)
    one, other = lines(values(1, spike=800), ",a"), lines(values(2), ",b")
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    head = "timestamp,value,series"
    long = written(tmp_path / "long.csv", mixed, head)
    files = [written(tmp_path / f"{n}.csv", rows, head) for n, rows in enumerate((one, other[:500], one[:3]))]
    score(long, "--out", str(tmp_path / "long-scores.csv"))
    score(*files, "--out", str(tmp_path / "scores.csv"))
    rows = read(tmp_path / "scores.csv")
    assert rows[:ROWS] == [row for row in read(tmp_path / "long-scores.csv") if row["series"] == "a"]
    assert rows[ROWS : ROWS + 500] == [row for row in read(tmp_path / "long-scores.csv") if row["series"] == "b"][:500]
    assert len(rows) == ROWS + 503


def test_a_given_slot_is_taken_and_rows_without_one_of_their_own_are_said(tmp_path, capsys):
    rows = lines(values(1)[:300])
    rows[200] = rows[200].split(",")[0] + ","
    rows[210] = "," + rows[210].split(",")[1]
    rows[220], rows[221] = rows[221], rows[220]
    rows.insert(230, rows[229])
    out = tmp_path / "scores.csv"
    assert score(written(tmp_path / "s.csv", rows), "--out", str(out), "--slot", "1h") == 0
    found = read(out)
    assert len(found) == 301
    told = capsys.readouterr().err
    assert "1 rows have no value; they count as slots" in told
    assert "1 rows have no timestamp" in told
    assert "2 rows are not judged" in told
    assert found[230]["anomaly_score"] == "0.000000"
    assert found[230]["expected"] == ""


def test_a_limit_is_warned_of_before_it_is_reached(tmp_path, capsys):
    chance = random.Random(4)
    climb = [max(0, row - 600) * 0.35 for row in range(ROWS)]
    numbers = [40 + up + chance.gauss(0, 0.5) for up in climb]
    rows = [line for name in ("disk", "other") for line in lines(numbers, f",{name}")]
    source = written(tmp_path / "s.csv", rows, "timestamp,value,series")
    out = tmp_path / "scores.csv"
    assert score(source, "--out", str(out), "--limit", "d*k=100", "--limit", "disk=5") == 0
    warned = [row for row in read(out) if "forecast_limit" in row["type"]]
    assert {row["series"] for row in warned} == {"disk"}
    assert warned[0]["alarm"] == "1"
    assert float(warned[0]["value"]) < 100
    assert "will reach its limit of 100 about 2024-" in warned[0]["reason"]
    assert main(["series", "score", source, "--out", str(out), "--limit", "5"]) == 2
    assert "--limit is for --detector typed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        score(source, "--out", str(out), "--limit", "disk=much")
    assert "'disk=much' is no limit; write it as 95" in capsys.readouterr().err


def test_what_is_given_wrong(tmp_path, capsys):
    source = written(tmp_path / "s.csv", ["1,2"])
    assert main(["series", "score", source, "--out", str(tmp_path / "o.csv"), "--slot", "5m"]) == 2
    assert "--slot is for --detector typed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        score(source, "--out", str(tmp_path / "o.csv"), "--slot", "soon")
    assert "'soon' is no length of time; write it as 30s, 5m or 1h" in capsys.readouterr().err
    bad = written(tmp_path / "b.csv", ["1,2,x"], "timestamp,value,reason")
    assert score(bad, "--out", str(tmp_path / "o.csv")) == 2
    assert "column 'reason' would be written twice" in capsys.readouterr().err
    assert not list(tmp_path.glob("o.csv*"))
