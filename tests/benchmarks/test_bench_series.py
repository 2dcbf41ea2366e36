"""The points that scoring is measured on, and how the scores of contenders are compared."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest

from benchmarks.processes import run_command
from benchmarks.series import nab_scores, shortest, write_values
from benchmarks.series_core import measure
from benchmarks.series_peers import speed
from benchmarks.series_points import SLOT_MS, slots_of, write_points
from models.series.nab.corpus import LabelledSeries
from models.series.scoring.settings import ScoreSettings


def labelled(rows: int, windows=()) -> LabelledSeries:
    return LabelledSeries(
        f"g/{rows}.csv", [3600.0 * row for row in range(rows)], [float(row) for row in range(rows)], list(windows)
    )


def test_points_come_slot_by_slot_and_are_the_same_each_time(tmp_path):
    slots = list(slots_of(5, 40))
    again = list(slots_of(5, 40))
    assert [time for time, _ in slots] == list(range(slots[0][0], slots[0][0] + 40 * SLOT_MS, SLOT_MS))
    np.testing.assert_array_equal(np.array([v for _, v in slots]), np.array([v for _, v in again]))
    path = tmp_path / "points.csv"
    assert write_points(path, 5, 40) == 200
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 200
    assert [float(row["value"]) for row in rows[:5]] == pytest.approx(slots[0][1].tolist(), abs=1e-3)
    assert {row["series"] for row in rows} == {f"host-{number}.cpu" for number in range(5)}


@pytest.mark.parametrize("detector", ["typed", "weirwatch"])
def test_the_core_scores_every_point_and_tells_the_state(detector):
    found = measure(ScoreSettings(detector), series=30, slots=20, warm_up=15, shards=4, batch=5)
    assert found["points"] == 600
    assert found["seconds"] > 0
    assert 0 < found["snapshot_bytes_a_series"] < 20_000
    assert found["state_bytes_a_series"] > 0


def test_the_core_is_measured_in_a_process_of_its_own():
    command = [sys.executable, "-m", "benchmarks.series_core", "--series", "20", "--slots", "5", "--warm-up", "12"]
    assert json.loads(run_command(command).output)["points"] == 100


def test_peers_are_timed_on_as_many_points_as_they_are_given(tmp_path, monkeypatch):
    def counting():
        seen: list[float] = []

        def score(value, hour):
            seen.append(value)
            return float(len(seen))

        made.append(seen)
        return score

    made: list[list[float]] = []
    monkeypatch.setattr("benchmarks.series_peers.DETECTORS", {"all": counting, "few": counting})
    path = tmp_path / "points"
    path.write_text("a,0,1.5\nb,0,2.5\na,1,3.5\nb,1,4.5\n")
    found = speed(str(path), {"few": 1})
    assert (found["all"]["points"], found["few"]["points"]) == (4, 1)
    assert sorted(made) == [[1.5], [1.5, 3.5], [2.5, 4.5]]


def test_the_shortest_files_are_chosen():
    corpus = [labelled(rows) for rows in (50, 10, 30, 20)]
    assert shortest(corpus, 60) == [1, 2, 3]
    assert shortest(corpus, 59) == [1, 3]
    assert shortest(corpus, 1) == [1]


def test_scores_are_those_of_the_benchmark():
    corpus = [labelled(1000, [(600, 650)]), labelled(1000)]
    perfect = np.zeros(1000)
    perfect[600] = 1.0
    silent = np.zeros(1000)
    assert nab_scores(corpus, [perfect, silent]) == pytest.approx([100.0] * 3)
    assert nab_scores(corpus, [silent, silent]) == pytest.approx([0.0] * 3)


def test_a_row_without_a_value_repeats_the_one_before(tmp_path):
    series = LabelledSeries("g/a.csv", [0.0, 3600.0, 7200.0], [5.0, None, 7.0], [])
    write_values(tmp_path / "a", series)
    assert (tmp_path / "a").read_text() == "0,5.0\n1,5.0\n2,7.0\n"
