"""What a choice made on some files is worth on others.

Two ways to hold files out: random halves, chosen on one and scored on the other; and one group of data after the other,
chosen on all other groups, with the points of the groups held out added up and scaled as one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import numpy as np

from models.series.nab.scoring import Floats, Steps, normalised
from models.series.nab.sweep import Sweep


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Normalised scores on files that had no part in the choice.

    Attributes:
        halves: the mean over the random halves.
        spread: their standard deviation.
        groups: of all groups, each left out of the choice for itself.
    """

    halves: float
    spread: float
    groups: float


Choose = Callable[[Sequence[int]], Callable[[Sequence[int]], float]]
"""From the files to choose on to a function: files → their points under what was chosen."""


def held_out(choose: Choose, files: Sequence[Steps], groups: Sequence[str], splits: int, seed: int = 1) -> HeldOut:
    """Score a way of choosing.

    Args:
        choose: the way.
        files: of each file, its points if nothing is said and if all is right; their scores are not looked at.
        groups: the group of each file.
        splits: how many random halves; each serves for choosing and for scoring once.
        seed: of the halves.
    """
    chance = random.Random(seed)
    scores: list[float] = []
    numbers = list(range(len(files)))
    for _ in range(splits):
        chance.shuffle(numbers)
        half = len(numbers) // 2
        for inside, outside in ((numbers[:half], numbers[half:]), (numbers[half:], numbers[:half])):
            base, perfect = sum(files[i].base for i in outside), sum(files[i].perfect for i in outside)
            if perfect > base:
                scores.append(normalised(choose(inside)(outside), base, perfect))
    points = 0.0
    for group in sorted(set(groups)):
        outside = [i for i in range(len(files)) if groups[i] == group]
        inside = [i for i in range(len(files)) if groups[i] != group]
        points += choose(inside)(outside)
    whole = normalised(points, sum(file.base for file in files), sum(file.perfect for file in files))
    return HeldOut(fmean(scores), pstdev(scores), whole) if scores else HeldOut(whole, 0.0, whole)


def best_threshold(files: Sequence[Steps]) -> Choose:
    """The threshold with the most points."""
    sweep = Sweep(files)

    def choose(inside: Sequence[int]) -> Callable[[Sequence[int]], float]:
        threshold = sweep.best(inside).threshold
        return lambda outside: sum(files[i].points(threshold) for i in outside)

    return choose


def best_candidate(points: Floats) -> Choose:
    """The set of constants with the most points.

    Args:
        points: float64[files, candidates].
    """
    return best_candidates(points, 1)


def best_candidates(points: Floats, count: int) -> Choose:
    """The sets of constants with the most points, one of which is taken blindly: scored is the mean over them.

    Args:
        points: float64[files, candidates].
        count: how many; with as many as there are, nothing is chosen.
    """

    def choose(inside: Sequence[int]) -> Callable[[Sequence[int]], float]:
        best = np.argsort(-points[list(inside)].sum(axis=0), kind="stable")[:count]
        return lambda outside: float(points[list(outside)][:, best].sum(axis=0).mean())

    return choose
