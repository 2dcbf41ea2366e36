"""Made-up points of many series, by time: what all contenders get."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

SLOT_MS = 600_000
_FIRST_S = 1_704_067_200
_DAY = 144


def slots_of(series: int, slots: int, seed: int = 1) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Time, ms, and the value of each series, slot by slot.

    Series have a level of their own, half of them a rhythm of the day, and one slot in 5,000 is far off.
    """
    chance = np.random.default_rng(seed)
    level = chance.uniform(20, 500, series)
    swing = np.where(np.arange(series) % 2 == 0, 0.3 * level, 0.0)
    phase = chance.uniform(0, 2 * np.pi, series)
    for slot in range(slots):
        values = level + swing * np.sin(2 * np.pi * slot / _DAY + phase) + chance.normal(0, 0.05 * level)
        values[chance.random(series) < 2e-4] *= 3
        yield _FIRST_S * 1000 + slot * SLOT_MS, values


def write_points(path: Path, series: int, slots: int) -> int:
    """Write them as CSV in long form; gives the number of points."""
    names = [f"host-{number}.cpu" for number in range(series)]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["timestamp", "value", "series"])
        for time_ms, values in slots_of(series, slots):
            seconds = time_ms // 1000
            writer.writerows(
                [seconds, f"{value:.3f}", name] for name, value in zip(names, values.tolist(), strict=True)
            )
    return series * slots
