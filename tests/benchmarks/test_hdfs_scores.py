"""Precision, recall and average precision of the HDFS benchmark against plain definitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hdfs import Score, average_precision, severity

NAMES = "abcdefgh"
FOUND = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5).map(float))
WANTED = st.sets(st.sampled_from(NAMES), min_size=1)


def naive_average_precision(found: dict[str, float], wanted: set[str]) -> float:
    """For each wanted one that was found, the precision among all that are at least as severe; 0 for the others."""
    precisions = []
    for name in wanted:
        above = [other for other in found if name in found and found[other] >= found[name]]
        precisions.append(sum(other in wanted for other in above) / len(above) if above else 0.0)
    return sum(precisions) / len(wanted)


@given(FOUND, WANTED)
@settings(derandomize=True, max_examples=200, deadline=None)
def test_average_precision_is_what_it_is_defined_to_be(found: dict[str, float], wanted: set[str]) -> None:
    assert average_precision(found, wanted) == pytest.approx(naive_average_precision(found, wanted))


@given(FOUND, WANTED)
@settings(derandomize=True, max_examples=100, deadline=None)
def test_scores_are_what_they_are_defined_to_be(found: dict[str, float], wanted: set[str]) -> None:
    score = Score.of(found, wanted)
    hits = sum(name in wanted for name in found)
    assert score.recall == pytest.approx(hits / len(wanted))
    assert score.precision == pytest.approx(hits / len(found) if found else 0)
    total = score.precision + score.recall
    assert score.f1 == pytest.approx(2 * score.precision * score.recall / total if total else 0)
    assert score.average_precision <= score.recall + 1e-12


def test_the_order_of_scores_matters() -> None:
    assert average_precision({"a": 90.0, "b": 10.0}, {"a"}) == 1
    assert average_precision({"a": 10.0, "b": 90.0}, {"a"}) == 0.5
    assert average_precision({"a": 50.0, "b": 50.0}, {"a"}) == 0.5
    assert average_precision({}, {"a"}) == 0


def test_a_block_is_as_severe_as_its_worst_anomaly() -> None:
    documents: list[dict[str, Any]] = [
        {"transaction": {"id": "x"}, "score": 40.0},
        {"transaction": {"id": "x"}, "score": 80.0},
        {"transaction": None, "score": 99.0},
        {"transaction": {"id": "y"}, "score": 10.0},
    ]
    assert severity(documents) == {"x": 80.0, "y": 10.0}
