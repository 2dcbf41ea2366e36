"""Scores series with detectors of other libraries, in an environment of their own; prints JSON.

``speed`` takes lines of ``series,hour,value`` and times the detectors; ``scores`` takes a folder of files with lines of
``hour,value``, and writes the score of each into a file beside it. A detector sees a point once, scores it, learns it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Score = Callable[[float, float], float]
"""Value and hour of the day → score."""

_WARM_UP = 10


def half_space_trees() -> Score:
    """River's streaming half-space trees, scaled by what has been seen, on the value and the hour."""
    from river import anomaly, compose, preprocessing  # type: ignore[import-not-found]

    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=1))

    def score(value: float, hour: float) -> float:
        point = {"value": value, "hour": hour}
        found: float = model.score_one(point)
        model.learn_one(point)
        return found

    return score


def gaussian_scorer() -> Score:
    """River's Gaussian scorer: the tail probability under a running normal distribution."""
    from river import anomaly

    model = anomaly.GaussianScorer(window_size=None, grace_period=100)

    def score(value: float, _hour: float) -> float:
        found: float = model.score_one(None, value)
        model.learn_one(None, value)
        return found

    return score


def predictive() -> Score:
    """River's predictive anomaly detection over a Holt-Winters forecast without a season."""
    from river import anomaly, time_series

    forecast = time_series.HoltWinters(alpha=0.3, beta=0.1)
    model = anomaly.PredictiveAnomalyDetection(forecast, horizon=1, n_std=3.0, warmup_period=100)
    seen = 0

    def score(value: float, _hour: float) -> float:
        nonlocal seen
        # It cannot forecast from fewer points than its forecaster begins with.
        found: float = model.score_one(None, value) if seen >= _WARM_UP else 0.0
        seen += 1
        model.learn_one(None, value)
        return found if math.isfinite(found) else 0.0

    return score


def random_cut_forest() -> Score:
    """A robust random cut forest of 40 trees over the last 256 points, each three values in a row (rrcf)."""
    import numpy as np
    import rrcf  # type: ignore[import-not-found]

    trees, size, shingle = 40, 256, 3
    np.random.seed(1)
    forest = [rrcf.RCTree() for _ in range(trees)]
    last: deque[float] = deque(maxlen=shingle)
    number = 0

    def score(value: float, _hour: float) -> float:
        nonlocal number
        last.append(value)
        if len(last) < shingle:
            return 0.0
        point, found = np.array(last), 0.0
        for tree in forest:
            if number >= size:
                tree.forget_point(number - size)
            tree.insert_point(point, index=number)
            found += tree.codisp(number)
        number += 1
        return found / trees

    return score


DETECTORS: Mapping[str, Callable[[], Score]] = {
    "river HalfSpaceTrees": half_space_trees,
    "river GaussianScorer": gaussian_scorer,
    "river PredictiveAnomalyDetection": predictive,
    "rrcf, 40 trees of 256": random_cut_forest,
}


def speed(path: str, limits: Mapping[str, int]) -> dict[str, Any]:
    """Points a second of processor time of each detector over the first points of a file.

    Args:
        path: the file.
        limits: detector → how many points it gets at most.
    """
    lines = [line.split(",") for line in Path(path).read_text(encoding="utf-8").splitlines()]
    points = [(name, float(hour), float(value)) for name, hour, value in lines]
    found = {}
    for name, make in DETECTORS.items():
        count = min(len(points), limits.get(name, len(points)))
        own = {series: make() for series in {series for series, _, _ in points[:count]}}
        begin = time.process_time()
        for series, hour, value in points[:count]:
            own[series](value, hour)
        seconds = time.process_time() - begin
        found[name] = {"points": count, "series": len(own), "seconds": seconds, "points_per_second": count / seconds}
    return found


def scores(folder: str, name: str) -> dict[str, Any]:
    """Score each file of a folder with one detector; ``N.values`` → ``N.scores``."""
    points, begin = 0, time.process_time()
    for path in sorted(Path(folder).glob("*.values")):
        score = DETECTORS[name]()
        found = []
        for line in path.read_text(encoding="utf-8").splitlines():
            hour, value = map(float, line.split(","))
            found.append(float(score(value, hour)))
        points += len(found)
        path.with_suffix(".scores").write_text("\n".join(map(repr, found)), encoding="utf-8")
    return {"points": points, "seconds": time.process_time() - begin}


def main() -> None:
    """``speed FILE LIMITS`` or ``scores FOLDER DETECTOR``."""
    what, where, more = sys.argv[1:]
    print(json.dumps(speed(where, json.loads(more)) if what == "speed" else scores(where, more)))


if __name__ == "__main__":
    main()
