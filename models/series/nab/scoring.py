"""The scoring rules of the Numenta Anomaly Benchmark.

A detection in a labelled window is worth the more the earlier it comes, by a scaled sigmoid of its place; only the best
detection of a window counts. A window without one costs ``fn``. Each detected row outside the windows costs, a little
less right after one. The first rows of a file, its *probation*, are not scored. Points are summed over files and
scaled: 0 is a detector that says nothing, 100 one that detects the first row of each window and nothing else.

Source: A. Lavin, S. Ahmad, "Evaluating Real-time Anomaly Detection Algorithms – the Numenta Anomaly Benchmark", 2015;
the details that the paper leaves open (places counted in rows, the probation's cap) follow the published version 1.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

PROBATION_SHARE = 0.15
PROBATION_CAP_ROWS = 750
OUTSIDE = -1
"""In place of the number of a window."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What outcomes are worth.

    Attributes:
        name: as the benchmark calls it.
        tp: a window, detected in its first row.
        fn: what a window without detection costs.
        fp: what a row detected far from any window costs.
    """

    name: str
    tp: float
    fn: float
    fp: float


PROFILES = (
    Profile("standard", 1.0, 1.0, 0.11),
    Profile("reward_low_FP_rate", 1.0, 1.0, 0.22),
    Profile("reward_low_FN_rate", 1.0, 2.0, 0.11),
)


def scaled_sigmoid(place: float) -> float:
    """Worth, from −1 to 1, of a detection at a place relative to a window: −1 is its start, 0 its end."""
    return -1.0 if place > 3.0 else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0


_MOST = scaled_sigmoid(-1.0)


def probation_rows(rows: int) -> int:
    """How many rows at the start of a file are not scored."""
    return int(min(math.floor(PROBATION_SHARE * rows), PROBATION_CAP_ROWS))


@dataclass(frozen=True, slots=True)
class RowWorth:
    """What a detection of each row of a file would be worth, before the profile's weights.

    Attributes:
        worth: float64[n], in (0, 1] inside of windows, in [−1, 0) outside.
        window: int64[n], the window's number in the file, or ``OUTSIDE``.
        scored: bool[n], whether the row is scored at all.
        windows: how many windows have scored rows.
    """

    worth: Floats
    window: Int64
    scored: npt.NDArray[np.bool_]
    windows: int


def row_worth(rows: int, windows: Sequence[tuple[int, int]]) -> RowWorth:
    """Place every row relative to the windows.

    Args:
        rows: how many the file has.
        windows: first and last row of each window, inclusive, in order, apart from each other.
    """
    worth = np.full(rows, -1.0)
    window = np.full(rows, OUTSIDE, np.int64)
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        for row in range(first, last + 1):
            worth[row] = scaled_sigmoid(-(last - row + 1) / width) / _MOST
            window[row] = number
        end = windows[number + 1][0] if number + 1 < len(windows) else rows
        for row in range(last + 1, end):
            worth[row] = scaled_sigmoid((row - last) / (width - 1))
    scored = np.arange(rows) >= probation_rows(rows)
    return RowWorth(worth, window, scored, len(set(window[scored].tolist()) - {OUTSIDE}))


@dataclass(frozen=True, slots=True)
class Steps:
    """How a file's points change while the threshold comes down.

    Attributes:
        score: float64[m], anomaly scores, falling.
        gain: float64[m], points gained once the threshold is no higher than the score.
        base: points of a detector that says nothing, −``fn`` a window.
        perfect: points of a perfect one.
    """

    score: Floats
    gain: Floats
    base: float
    perfect: float

    def points(self, threshold: float) -> float:
        """The file's points if rows with at least this score are detected."""
        return self.base + float(self.gain[self.score >= threshold].sum())


def steps(scores: Floats, worth: RowWorth, profile: Profile) -> Steps:
    """The steps of one file.

    Args:
        scores: float64[n], anomaly score of each row.
        worth: what the rows are worth.
        profile: what outcomes are worth.
    """
    points = np.where(worth.window == OUTSIDE, worth.worth * profile.fp, worth.worth * profile.tp)
    outside = np.flatnonzero(worth.scored & (worth.window == OUTSIDE))
    where, gains = [outside], [points[outside]]
    for number in np.unique(worth.window[worth.scored]):
        if number == OUTSIDE:
            continue
        rows = np.flatnonzero(worth.scored & (worth.window == number))
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        best = np.maximum.accumulate(np.maximum(points[rows], -profile.fn))
        where.append(rows)
        gains.append(np.diff(best, prepend=-profile.fn))
    row, gain = np.concatenate(where), np.concatenate(gains)
    order = np.argsort(-scores[row], kind="stable")
    return Steps(scores[row][order], gain[order], -profile.fn * worth.windows, profile.tp * worth.windows)


def normalised(points: float, base: float, perfect: float) -> float:
    """Points on the scale from 0, says nothing, to 100, perfect; NaN where there is no window."""
    return 100.0 * (points - base) / (perfect - base) if perfect > base else math.nan
