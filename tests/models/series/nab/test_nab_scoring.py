"""The benchmark's rules: worked by hand, against a slow oracle, and against published scores."""

from __future__ import annotations

import csv
import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.series.nab.corpus import load_corpus
from models.series.nab.scoring import PROFILES, normalised, probation_rows, row_worth, scaled_sigmoid, steps
from models.series.nab.sweep import NOTHING, Sweep

STANDARD, LOW_FP, LOW_FN = PROFILES


@pytest.mark.parametrize(
    ("place", "worth"),
    [
        (-1.0, 0.98661429815143),
        (-0.5, 0.84828363995751),
        (0.0, 0.0),
        (1.0, -0.98661429815143),
        (3.0, -0.9999993882),
        (3.01, -1.0),
    ],
)
def test_the_sigmoid(place, worth):
    assert scaled_sigmoid(place) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("rows", "probation"), [(100, 15), (101, 15), (107, 16), (4032, 604), (5000, 750), (22_695, 750)]
)
def test_the_probation_is_15_percent_and_at_most_750_rows(rows, probation):
    assert probation_rows(rows) == probation


def points_of(scores, windows, profile, threshold=0.5):
    return steps(np.array(scores, float), row_worth(len(scores), windows), profile).points(threshold)


def said(rows, *alarms):
    return [1.0 if row in alarms else 0.0 for row in range(rows)]


def test_by_hand_one_window_of_ten_rows_in_a_hundred():
    """Rows 50 to 59 are a window; a detection in its first row is worth 1, in its last that of −1/10."""
    window = [(50, 59)]
    assert points_of(said(100, 50), window, STANDARD) == pytest.approx(1.0)
    last = (2 / (1 + math.exp(-0.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert points_of(said(100, 59), window, STANDARD) == pytest.approx(last)
    assert points_of(said(100, 52, 59, 55), window, STANDARD) == points_of(said(100, 52), window, STANDARD)
    assert points_of(said(100), window, STANDARD) == -1.0
    assert points_of(said(100), window, LOW_FN) == -2.0
    assert points_of(said(100, 20, 50), window, STANDARD) == pytest.approx(1.0 - 0.11), "before any window: in full"
    assert points_of(said(100, 14, 50), window, STANDARD) == pytest.approx(1.0), "in the probation"
    # Row 68 lies 9 rows past the end, which are one width less one: place 1.
    assert points_of(said(100, 50, 68), window, LOW_FP) == pytest.approx(1.0 - 0.22 * 0.98661429815143)
    assert points_of(said(100, 50, 90), window, LOW_FP) == pytest.approx(1.0 - 0.22), "place 31/9 is far away"


def test_by_hand_a_false_alarm_between_windows_is_placed_after_the_first():
    windows = [(30, 39), (60, 69)]
    expected = 1.0 - 1.0 + 0.11 * scaled_sigmoid(10 / 9)
    assert points_of(said(100, 30, 49), windows, STANDARD) == pytest.approx(expected)


def slow_points(scores, windows, profile, threshold):
    """Row by row, as the paper tells it."""
    rows = len(scores)
    best = {number: -profile.fn for number, (_, last) in enumerate(windows) if last >= probation_rows(rows)}
    total = 0.0
    for row in range(probation_rows(rows), rows):
        if scores[row] < threshold:
            continue
        inside = [n for n, (first, last) in enumerate(windows) if first <= row <= last]
        before = [window for window in windows if window[1] < row]
        if inside:
            first, last = windows[inside[0]]
            place = -(last - row + 1) / (last - first + 1)
            best[inside[0]] = max(best[inside[0]], profile.tp * scaled_sigmoid(place) / scaled_sigmoid(-1.0))
        elif before:
            first, last = before[-1]
            total += profile.fp * scaled_sigmoid((row - last) / (last - first))
        else:
            total -= profile.fp
    return total + sum(best.values())


@st.composite
def files(draw):
    rows = draw(st.integers(10, 80))
    ends = sorted(draw(st.sets(st.integers(0, rows - 1), max_size=8)))
    windows = list(zip(ends[::2], ends[1::2], strict=False))
    scores = draw(st.lists(st.integers(0, 4).map(lambda n: n / 4), min_size=rows, max_size=rows))
    return scores, windows


@given(st.lists(files(), min_size=1, max_size=4), st.sampled_from(PROFILES))
def test_points_and_the_best_threshold_are_those_of_the_slow_way(corpus, profile):
    prepared = [steps(np.array(scores), row_worth(len(scores), windows), profile) for scores, windows in corpus]
    thresholds = [NOTHING, 1.0, 0.75, 0.5, 0.25, 0.0]
    for (scores, windows), file in zip(corpus, prepared, strict=True):
        for threshold in thresholds:
            assert file.points(threshold) == pytest.approx(slow_points(scores, windows, profile, threshold))
    sweep = Sweep(prepared)
    totals = [
        sum(slow_points(scores, windows, profile, threshold) for scores, windows in corpus) for threshold in thresholds
    ]
    base, perfect = sum(file.base for file in prepared), sum(file.perfect for file in prepared)
    if perfect > base:
        assert sweep.best().score == pytest.approx(normalised(max(totals), base, perfect))
        assert sweep.score(sweep.best().threshold) == sweep.best().score


@given(st.lists(files(), min_size=2, max_size=5), st.data())
def test_a_choice_of_files_is_swept_as_if_there_were_no_others(corpus, data):
    prepared = [steps(np.array(scores), row_worth(len(scores), windows), STANDARD) for scores, windows in corpus]
    chosen = sorted(data.draw(st.sets(st.integers(0, len(corpus) - 1), min_size=1)))
    alone = Sweep([prepared[i] for i in chosen]).best()
    assert Sweep(prepared).best(chosen).threshold == alone.threshold


def test_saying_nothing_is_0_and_perfection_100():
    window = [(50, 59)]
    for profile in PROFILES:
        nothing = steps(np.zeros(100), row_worth(100, window), profile)
        perfect = steps(np.array(said(100, 50)), row_worth(100, window), profile)
        assert Sweep([nothing]).score(0.5) == 0.0
        assert Sweep([perfect]).score(0.5) == pytest.approx(100.0)
    assert math.isnan(Sweep([steps(np.zeros(100), row_worth(100, []), STANDARD)]).score(0.5))


def test_the_published_scores_of_a_published_detector_come_out(shared_data):
    """Contract: 70.1, 63.1 and 74.3, and the published points to the last digit that matters."""
    folder = shared_data / "nab"
    results = folder / "results" / "numenta.csv.gz"
    if not results.is_file():
        pytest.skip(f"there is no {results}")
    scores: dict[str, list[float]] = {}
    with gzip.open(results, "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            scores.setdefault(row["file"], []).append(float(row["anomaly_score"]))
    published = json.loads((folder / "config" / "thresholds.json").read_text())["numenta"]
    corpus = load_corpus(folder)
    for profile, rounded in zip(PROFILES, (70.1, 63.1, 74.3), strict=True):
        own = [
            steps(np.array(scores[series.name]), row_worth(len(series.values), series.windows), profile)
            for series in corpus
        ]
        threshold = published[profile.name]["threshold"]
        assert sum(file.points(threshold) for file in own) == pytest.approx(published[profile.name]["score"], abs=1e-9)
        sweep = Sweep(own)
        assert round(sweep.score(threshold), 1) == rounded
        assert sweep.best().score >= sweep.score(threshold)
