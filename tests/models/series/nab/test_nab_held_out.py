"""Held-out scores come from files that had no part in the choice."""

from __future__ import annotations

import numpy as np
import pytest

from models.series.detector import SeriesDetector
from models.series.nab.corpus import load_corpus
from models.series.nab.heldout import best_candidate, best_candidates, best_threshold, held_out
from models.series.nab.judged import candidates, judge_file
from models.series.nab.scoring import PROFILES, row_worth, steps
from models.series.settings import QUIET, SENSITIVE
from tests.models.series.nab.nab_folder import write_nab

STANDARD = PROFILES[0]
WINDOW = [(50, 59)]


def file(score_inside: float, score_outside: float):
    scores = np.zeros(100)
    scores[50], scores[30] = score_inside, score_outside
    return steps(scores, row_worth(100, WINDOW), STANDARD)


def test_files_are_never_scored_by_a_choice_that_saw_them():
    files = [file(0.9, 0.1)] * 6
    groups = ["a", "a", "b", "b", "c", "c"]
    seen = []

    def choose(inside):
        def score(outside):
            seen.append((set(inside), set(outside)))
            return float(len(outside))

        return score

    found = held_out(choose, files, groups, splits=10)
    assert len(seen) == 2 * 10 + 3
    for inside, outside in seen:
        assert not inside & outside
        assert inside | outside == set(range(6))
    assert {frozenset(outside) for _, outside in seen[-3:]} == {frozenset({0, 1}), frozenset({2, 3}), frozenset({4, 5})}
    assert found.halves == found.groups == 100.0
    assert found.spread == 0.0


def test_a_threshold_that_only_suits_the_others_costs():
    """In one group anomalies score 0.9 and noise 0.6; in the other anomalies 0.5 and noise 0.1."""
    files = [file(0.9, 0.6), file(0.9, 0.6), file(0.5, 0.1), file(0.5, 0.1)]
    found = held_out(best_threshold(files), files, ["high", "high", "low", "low"], splits=20)
    # The low group's threshold of 0.5 lets the noise of the high one through; that of the high one finds nothing low.
    assert found.groups == pytest.approx(100 * (2 * 2 - 2 * 0.11) / 8)


def test_the_candidate_is_the_best_of_the_files_chosen_on():
    points = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [1.0, 0.2, 0.5]])
    choose = best_candidate(points)
    assert choose([0, 2])([1]) == 0.0
    assert choose([1])([0, 2]) == pytest.approx(0.2)
    assert choose([0, 1])([2]) == 1.0, "of equals the first"


def test_of_several_candidates_the_mean_is_scored():
    points = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [1.0, 0.2, 0.5]])
    assert best_candidates(points, 2)([0, 2])([1]) == pytest.approx((0.0 + 0.5) / 2)
    assert best_candidates(points, 2)([1])([0, 2]) == pytest.approx((0.0 + 0.2 + 0.5 + 0.5) / 2)
    for inside in ([0], [0, 1]):
        assert best_candidates(points, 3)(inside)([2]) == pytest.approx(1.7 / 3), "nothing is chosen"


@pytest.mark.parametrize("settings", [SENSITIVE, QUIET])
def test_a_judged_file_has_the_scores_of_the_detector(tmp_path, settings):
    for series in load_corpus(write_nab(tmp_path)):
        series.values[70:75] = [None] * 5
        detector = SeriesDetector(settings)
        own = [detector.score_one(t, v).anomaly_score for t, v in zip(series.times, series.values, strict=True)]
        others = candidates(settings, 3)
        judged = judge_file(series, settings, others)
        assert judged.scores.tolist() == own
        assert max(own) >= 0.5 or not series.windows
        for at, other in enumerate(others):
            scores = judge_file(series, other).scores
            worth = row_worth(len(scores), series.windows)
            expected = [steps(scores, worth, profile).points(0.5) for profile in PROFILES]
            assert judged.candidate_points[at].tolist() == expected


def test_candidates_scatter_about_the_settings_and_leave_them_out():
    found = candidates(SENSITIVE, 200)
    assert SENSITIVE not in found
    assert found == candidates(SENSITIVE, 200), "the same in every run"
    assert not set(found) & set(candidates(SENSITIVE, 200, seed=2))
    for one in found:
        assert one.memory_rows == SENSITIVE.memory_rows
        assert 1 / 1.5 <= one.threshold / SENSITIVE.threshold <= 1.5
    assert min(one.threshold for one in found) < SENSITIVE.threshold < max(one.threshold for one in found)
