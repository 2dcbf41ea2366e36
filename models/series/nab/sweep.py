"""One threshold for many files: its score, and the best one in hindsight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.series.nab.scoring import Floats, Steps, normalised

NOTHING = 1.1
"""A threshold that no score reaches."""


@dataclass(frozen=True, slots=True)
class Best:
    """The threshold with the most points, and its normalised score."""

    threshold: float
    score: float


class Sweep:
    """The steps of many files in one falling order, so that any choice of files is swept in one pass.

    Args:
        files: the steps of each.
    """

    def __init__(self, files: Sequence[Steps]) -> None:
        self._files = list(files)
        score = np.concatenate([np.empty(0), *(file.score for file in files)])
        gain = np.concatenate([np.empty(0), *(file.gain for file in files)])
        owner = np.repeat(np.arange(len(files)), [len(file.score) for file in files])
        order = np.argsort(-score, kind="stable")
        self._score: Floats = score[order]
        self._gain: Floats = gain[order]
        self._owner: npt.NDArray[np.int64] = owner[order]
        self._ends = np.append(self._score[1:] != self._score[:-1], True)[: len(score)]

    def score(self, threshold: float, chosen: Sequence[int] | None = None) -> float:
        """The normalised score of a threshold on the chosen files, on all if None are named; NaN without windows."""
        files = [self._files[i] for i in self._all(chosen)]
        return normalised(
            sum(file.points(threshold) for file in files),
            sum(file.base for file in files),
            sum(file.perfect for file in files),
        )

    def best(self, chosen: Sequence[int] | None = None) -> Best:
        """The best threshold for the chosen files; of equals the highest, :data:`NOTHING` if none gains anything."""
        which = self._all(chosen)
        mask = np.zeros(len(self._files), np.bool_)
        mask[list(which)] = True
        gained = np.cumsum(np.where(mask[self._owner], self._gain, 0.0))
        # Rows with equal scores are detected together: only the last of them is a threshold.
        at_ends = np.where(self._ends, gained, -np.inf)
        top = int(np.argmax(at_ends)) if len(at_ends) else -1
        threshold = float(self._score[top]) if top >= 0 and at_ends[top] > 0 else NOTHING
        return Best(threshold, self.score(threshold, which))

    def _all(self, chosen: Sequence[int] | None) -> Sequence[int]:
        return range(len(self._files)) if chosen is None else chosen
