"""``forecast_limit``: a series will soon reach a limit that was set for it.

Means of stretches of slots (*blocks*, an hour unless slots are longer) without their rhythm are kept; a line through
the last of them is carried on. The interval of the time at which it reaches the limit follows from the error of its
slope. An alarm asks for a slope that is no chance, and a time within the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Field, Floats
from models.series.detectors.season import DAY_MS, HOUR_MS
from models.series.detectors.tails import HIGHEST

BLOCKS = 48
_FITTED = 36

FIELDS = {
    "limit": Field(np.nan),
    "blocks": Field(0.0, BLOCKS, "f4"),
    "blocks_at": Field(0, 1, "i8"),
    "block_sum": Field(0.0),
    "block_slots": Field(0.0),
    "eta_ms": Field(np.nan),
    "eta_low_ms": Field(np.nan),
    "eta_high_ms": Field(np.nan),
    "limit_rarity": Field(0.0),
    "horizon_ms": Field(np.nan),
}

_SLOPE_RARITY = 1.2
"""Rarity for each standard error of the slope; blocks are not independent, so this is less than a normal variable's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How limits are judged.

    Attributes:
        slot_ms: length of a slot.
        horizon_ms: how long before the limit an alarm is raised, unless the series has a horizon of its own.
    """

    slot_ms: int
    horizon_ms: int = DAY_MS

    def judge(self, state: Arrays) -> Floats:
        """The rarity, as of the last block: of its slope, if the limit is reached within the horizon."""
        return state["limit_rarity"].copy()

    def learn(self, state: Arrays, slot: Slot) -> None:
        """Take a slot in, and look ahead at the end of each block."""
        wanted = max(1, HOUR_MS // self.slot_ms)
        state["block_sum"] += slot.plain
        state["block_slots"] += 1.0
        full = state["block_slots"] >= wanted
        if not full.any():
            return
        rows = np.flatnonzero(full)
        state["blocks"][rows, state["blocks_at"][rows] % BLOCKS] = state["block_sum"][rows] / state["block_slots"][rows]
        state["blocks_at"][rows] += 1
        state["block_sum"][rows] = 0.0
        state["block_slots"][rows] = 0.0
        for name in ("eta_ms", "eta_low_ms", "eta_high_ms"):
            state[name][rows] = np.nan
        state["limit_rarity"][rows] = 0.0
        ready = rows[(state["blocks_at"][rows] >= _FITTED) & np.isfinite(state["limit"][rows])]
        if len(ready):
            self._look_ahead(state, slot, ready, float(wanted * self.slot_ms))

    def _look_ahead(self, state: Arrays, slot: Slot, rows: Floats, block_ms: float) -> None:
        recent = (state["blocks_at"][rows, None] - _FITTED + np.arange(_FITTED)) % BLOCKS
        blocks = state["blocks"][rows[:, None], recent].astype(np.float64)
        at = np.arange(_FITTED) - (_FITTED - 1) / 2.0
        across = float(np.sum(at * at))
        centre = blocks.mean(axis=1)
        slope = (blocks - centre[:, None]) @ at / across
        rest = blocks - centre[:, None] - slope[:, None] * at
        error = np.sqrt(np.sum(rest * rest, axis=1) / (_FITTED - 2) / across)
        error = np.maximum(error, 1e-12 * np.maximum(np.abs(centre), 1e-300))
        now = centre + slope * (at[-1] + 0.5)
        gap = state["limit"][rows] - now
        towards = np.sign(gap) * slope
        gap = np.abs(gap)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            eta = gap / towards * block_ms
            soonest = gap / (towards + 2.0 * error) * block_ms
            latest = np.where(towards > 2.0 * error, gap / (towards - 2.0 * error) * block_ms, np.inf)
        own = state["horizon_ms"][rows]
        seen = (towards > 0) & (eta <= np.where(np.isnan(own), self.horizon_ms, own))
        sure = np.minimum(_SLOPE_RARITY * towards / error, HIGHEST)
        state["limit_rarity"][rows] = np.where(seen, np.maximum(sure, 0.0), 0.0)
        time_ms = slot.time_ms[rows] + self.slot_ms
        for name, ahead in (("eta_ms", eta), ("eta_low_ms", soonest), ("eta_high_ms", latest)):
            state[name][rows] = np.where(towards > 0, time_ms + ahead, np.nan)
