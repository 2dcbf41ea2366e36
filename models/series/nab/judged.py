"""One file of the benchmark through the detector: its scores, and its points under other constants.

What the channels say of a row does not depend on the constants of judgement (weights, bar, threshold, …), so it is
computed once and judged as often as wanted; rows in which no channel speaks need no judgement.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.series.alarms import ALARM_SCORE, Alarms
from models.series.channels import Channels
from models.series.evidence import Evidence
from models.series.nab.corpus import LabelledSeries
from models.series.nab.scoring import PROFILES, Floats, Int64, row_worth, steps
from models.series.settings import RARITIES, Settings

RETUNED = (
    "the five weights, bar, threshold, habituation, habituation_rows, quiet_share, quiet_least_rows and quiet_most_rows"
)
"""The constants that :func:`candidates` varies."""

_WIDTH = math.log(1.5)
_BAR_WIDTH = 0.15


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """One file.

    Attributes:
        scores: float64[n], the detector's anomaly score of each row.
        candidate_points: float64[c, 3], its points under each set of constants and profile, at the threshold 0.5.
    """

    scores: Floats
    candidate_points: Floats


def judge_file(series: LabelledSeries, settings: Settings, others: Sequence[Settings] = ()) -> JudgedFile:
    """Run the detector over a file. The labels serve to count points alone.

    Args:
        series: the file.
        settings: how to judge.
        others: sets of constants to count points for; they remember as many rows as ``settings``.
    """
    rows, rarities = loud_rows(series, settings.memory_rows, min([settings.bar, *(other.bar for other in others)]))
    n = len(series.values)
    worth = row_worth(n, series.windows)
    points = np.zeros((len(others), len(PROFILES)))
    for at, other in enumerate(others):
        scores = _scores(n, rows, rarities, other)
        points[at] = [steps(scores, worth, profile).points(ALARM_SCORE) for profile in PROFILES]
    return JudgedFile(_scores(n, rows, rarities, settings), points)


def loud_rows(series: LabelledSeries, memory_rows: int, bar: float) -> tuple[Int64, Floats]:
    """The rows in which a channel is above the bar.

    Returns:
        int64[m, 2], each one's place in the file and its number among those with a value; float64[m, rarities].
    """
    channels = Channels(memory_rows)
    where: list[tuple[int, int]] = []
    found: list[Iterable[float]] = []
    valued = 0
    for place, (time, value) in enumerate(zip(series.times, series.values, strict=True)):
        if value is None:
            continue
        rarities = channels.judge(value, time)
        if max(rarities) > bar:
            where.append((place, valued))
            found.append(rarities)
        valued += 1
    return np.array(where, np.int64).reshape(-1, 2), np.array(found, np.float64).reshape(-1, sum(RARITIES))


def _scores(n: int, rows: Int64, rarities: Floats, settings: Settings) -> Floats:
    evidence, alarms = Evidence(settings), Alarms(settings)
    scores = np.zeros(n)
    # Most rows lie below most bars: they are left out before Python walks over them.
    loud = (rarities.max(axis=1, initial=0.0) > settings.bar) & (rows[:, 1] >= settings.warmup_rows)
    for (place, row), said in zip(rows[loud].tolist(), rarities[loud].tolist(), strict=True):
        scores[place] = alarms.score(row, evidence.add(row, said))
    return scores


def candidates(settings: Settings, count: int, seed: int = 1) -> list[Settings]:
    """Random sets of constants: each constant of judgement moved by a factor of 1/1.5 to 1.5, the bar by 0.15.

    Args:
        settings: what they scatter about; it is not among them.
        count: how many.
        seed: of the random numbers.
    """
    chance = random.Random(seed)

    def moved(number: float) -> float:
        return number * math.exp(chance.uniform(-_WIDTH, _WIDTH))

    return [
        replace(
            settings,
            weights=tuple(map(moved, settings.weights)),
            bar=settings.bar + chance.uniform(-_BAR_WIDTH, _BAR_WIDTH),
            threshold=moved(settings.threshold),
            habituation=moved(settings.habituation),
            habituation_rows=moved(settings.habituation_rows),
            quiet_share=moved(settings.quiet_share),
            quiet_least_rows=moved(settings.quiet_least_rows),
            quiet_most_rows=moved(settings.quiet_most_rows),
        )
        for _ in range(count)
    ]
