"""Counts over many slots with an incident in them, and their way through a shard of series."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.detection import FAR_FUTURE_MS
from models.document import ModelDocument
from models.slots.cells import Cell
from models.slots.counts import SlotCounts
from models.slots.series import LINES, SeriesKey, shard_of_series
from models.slots.shard import SlotShard, WatchedModel
from tests.models.slots.lines import model

SLOT_MS = 600_000
DAY = 144
GET = SeriesKey("t-get", LINES, "", SLOT_MS)
TICK = SeriesKey("t-tick", LINES, "", SLOT_MS)


def watching(**series: Any) -> ModelDocument:
    """The lines of two templates in slots of ten minutes."""
    return model(categories=[], series={"enabled": True, "slot_ms": SLOT_MS} | series)


def poisson(seed: int, slots: int, changes: Mapping[int, int] | None = None, mean: float = 20.0) -> list[int]:
    """Counts of so many slots, some of them as ``changes`` says."""
    found: list[int] = np.random.default_rng(seed).poisson(mean, slots).tolist()
    for slot, count in (changes or {}).items():
        found[slot] = count
    return found


def run(
    counts: Mapping[SeriesKey, Sequence[int]],
    document: ModelDocument,
    seed: int | None = None,
    shard: SlotShard | None = None,
    ends: bool = True,
    first: int = 0,
) -> list[dict[str, Any]]:
    """The anomalies of a shard, in the order in which they are told.

    Args:
        counts: of each series, its slots; as many of each.
        document: the model.
        seed: of the ways in which counts are cut into parts, brought, and restored; None: a slot at a time.
        shard: goes on with this one.
        ends: all input ends with the last slot.
        first: where the first slot begins, in slots.
    """
    watched = WatchedModel(document)
    shard = shard or SlotShard(watched)
    rng = random.Random(seed)
    told: list[dict[str, Any]] = []
    number = shard_of_series(GET.template)
    slots = max(map(len, counts.values()))
    at = 0
    while at < slots:
        some = 1 if seed is None else min(rng.randint(1, 40), slots - at)
        parts: list[tuple[SeriesKey, int, int]] = []
        for key, values in counts.items():
            for slot in range(at, at + some):
                left = values[slot]
                while left:
                    part = left if seed is None else rng.randint(1, left)
                    parts.append((key, (first + slot) * SLOT_MS, part))
                    left -= part
        if seed is not None:
            rng.shuffle(parts)
        at += some
        for key, begin, lines in parts:
            record = SlotCounts(document.id, number, 0, {(key, begin): Cell(lines)})
            told += shard.step(record, (first + at - some) * SLOT_MS).anomalies
        told += shard.step(None, (first + at) * SLOT_MS).anomalies
        if seed is not None and rng.random() < 0.2:
            shard = SlotShard.restore(shard.snapshot(), watched)
    if ends:
        until = SlotCounts(document.id, number, 0, until_ms=(first + slots) * SLOT_MS)
        told += shard.step(until, (first + slots) * SLOT_MS).anomalies
        told += shard.step(None, FAR_FUTURE_MS - 1).anomalies
    return told
