"""Made-up points of several series, cut into batches in many ways."""

from __future__ import annotations

import numpy as np

from models.series.scoring.points import PointBatch

SLOT = 3_600_000
T0 = 1_704_067_200_000


def values(seed: int, slots: int) -> np.ndarray:
    """A day's rhythm or none, noise, a step or a burst."""
    chance = np.random.default_rng(seed)
    found = 50 + 10 * np.sin(2 * np.pi * np.arange(slots) / 24) * (seed % 2) + chance.normal(0, 2, slots)
    if seed % 3 == 0:
        found[slots - 60 :] += 40
    if seed % 3 == 1:
        found[slots - 30] += 60
    return found


def points(series: int, slots: int) -> list[tuple[str, int, float]]:
    """Name, time and value, in order of time; some slots are missing, some have no value, times jitter."""
    chance = np.random.default_rng(9)
    rows = [values(number, slots) for number in range(series)]
    found = []
    for slot in range(slots):
        for number in range(series):
            lot = chance.random()
            if lot < 0.02:
                continue
            value = float("nan") if lot < 0.03 else float(rows[number][slot])
            jitter = int(chance.integers(-60_000, 60_000))
            found.append((f"s{number}", T0 + slot * SLOT + jitter, value))
    return found


def batch_of(part, first: int = 0, origin: str = "a.csv", shard: int = 0, topic: bool = False) -> PointBatch:
    """Points as one batch."""
    numbers: dict[str, int] = {}
    series = [numbers.setdefault(name, len(numbers)) for name, _, _ in part]
    return PointBatch(
        shard,
        origin,
        topic,
        list(numbers),
        np.array(series, np.int32),
        np.array([time for _, time, _ in part], np.int64),
        np.array([value for _, _, value in part], np.float64),
        np.arange(first + 1, first + 1 + len(part)),
    )


def said(shard, batch: PointBatch, found=None) -> list[tuple]:
    """What a shard says of each point, as plain values that can be compared."""
    found = shard.take(batch) if found is None else found
    turns: dict[int, list] = {}
    for turn in found.turns:
        told = turn.incident
        turns.setdefault(turn.place, []).append((turn.stage, told.type, told.begin_ms, told.last_ms, told.rarity))
    return [
        (
            batch.names[batch.series[place]],
            int(batch.time_ms[place]),
            float(found.scores[place]),
            bool(found.alarm[place]),
            *(repr(float(column[place])) for column in (found.expected, found.lower, found.upper)),
            found.refused.get(place, ""),
            repr(turns.get(place)),
        )
        for place in range(len(batch))
    ]
