"""Judges pairs of series slot by slot: does the one that follows still go with the one that leads?

What is expected of ``b`` is ``intercept + slope · a``, so many slots before. Its distance from that is measured in a
*unit*: of counts the square root of what is expected, as chance has it, and where much more is expected than usual, in
proportion to it, since no slope is exact. The usual bias and spread of that distance are followed slowly, with clipped
errors. Distances are clipped at :data:`CLIP` usual ones and averaged: one spike of a series alone is no departure of
the pair. Two averages are judged, each by the pair's own tail (:mod:`models.series.detectors.tails`):

- with their sign, over about :data:`SLOTS` slots: ``b`` lies off on one side, as where a part of it is missing;
- without it, over about :data:`LOOSE_SLOTS`: ``b`` goes its own way.

Both series are also held against their own last half hour: whoever reads of a departure wants to know whether one of
them left its level by itself.

The work for a slot is bounded, and so is the state; pairs are rows of arrays, and no row depends on another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.series.correlation.pair import MOST_LAG, Correlation
from models.series.detectors import tails
from models.series.detectors.columns import Arrays, Bools, Columns, Field, Floats, Ints, joined
from models.series.detectors.season import DAY_MS

VERSION = 1
KIND = "weirwatch.pair"

RING = 128
"""So many slots of both series are remembered, for the lag and for people."""

SLOTS, LOOSE_SLOTS = 6.0, 12.0
CLIP = 4.0
LEAST_FAR, LEAST_ODD = 1.5, 5
"""A departure has so many slots at least that lie so far off: fewer are a spike."""

LEAST_AGE = 120.0
"""A pair is judged once so many of its slots were learnt from."""

_AVERAGE = np.sqrt(1.0 / (2.0 * SLOTS - 1.0))
"""The standard deviation of the average for independent normal slots."""

_MEAN_SIZE = 0.798
_LOOSENESS = 0.603 * np.sqrt(1.0 / (2.0 * LOOSE_SLOTS - 1.0))
"""Mean and standard deviation of the average without the sign."""

_SCALE_SLOTS, _BIAS_SLOTS, _KNOWN_SLOTS = 400.0, 720.0, 60.0
_FIRST_SLOTS = 5.0
_LEAST_COUNT_SCALE, _LEAST_RELATIVE = 0.25, 1e-3
_NORMAL = 1.2533
_ORDINARY = 2.0
_OWN_SLOTS, _OWN_NEAR, _OWN_CLIP, _OWN_LEARN_CLIP = 30.0, 3.0, 12.0, 3.0
_OWN = {f"{side}_{name}": Field(0.0) for side in "ab" for name in ("age", "level", "scale", "near")}
FIELDS = joined(
    tails.fields("apart"),
    tails.fields("loose"),
    {
        "slot": Field(-1, 1, "i8"),
        "a": Field(np.nan, RING),
        "b": Field(np.nan, RING),
        "seen": Field(0.0),
        "trusted": Field(0.0),
        "gain": Field(1.0),
        "size": Field(0.0),
        "bias": Field(0.0),
        "scale": Field(0.0),
        "near": Field(0.0),
        "far": Field(_MEAN_SIZE),
        "run": Field(-1, 1, "i8"),
        "odd": Field(0, 1, "i8"),
        "frozen": Field(0, 1, "i8"),
    },
    _OWN,
)
"""All that is kept of a pair, beside an incident that may be open."""


@dataclass(slots=True)
class Judged:
    """What is said of the slots of one call; arrays in the order of its rows.

    Attributes:
        rarity: of the departure, 0 to 10; 0 where nothing can be said.
        expected: of ``b``, NaN where nothing can be said.
        lower, upper: within these all but one slot in a thousand lie, on each side.
        distance: of ``b`` from that, in usual ones, not clipped.
        run: begin of the first of the slots in a row with averages that are not both ordinary, epoch ms; -1 for none.
        own_a, own_b: how far each series has left its own level of late, in usual distances.
    """

    rarity: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    distance: Floats
    run: Ints
    own_a: Floats
    own_b: Floats


class PairFleet:
    """Pairs of series with slots of one length.

    Args:
        slot_ms: length of a slot, ms.
    """

    def __init__(self, slot_ms: int) -> None:
        self.slot_ms = slot_ms
        self._pairs: list[Correlation] = []
        self._columns = Columns(FIELDS)
        self._slots_a_day = max(1.0, DAY_MS / slot_ms)
        self._lag = np.zeros(0, np.int64)
        self._slope = self._intercept = np.zeros(0)
        self._counts_a = self._counts_b = np.zeros(0, np.bool_)

    @property
    def rows(self) -> int:
        """How many pairs it judges."""
        return self._columns.rows

    def add(self, pairs: Sequence[Correlation]) -> int:
        """Judge so many more pairs; gives the row of the first."""
        first = self.rows
        self._columns.grow(len(pairs))
        self._pairs += pairs
        every = self._pairs
        self._lag = np.array([pair.lag_slots for pair in every], np.int64)
        self._slope = np.array([pair.slope for pair in every], np.float64)
        self._intercept = np.array([pair.intercept for pair in every], np.float64)
        self._counts_a = np.array([pair.a.counts for pair in every], np.bool_)
        self._counts_b = np.array([pair.b.counts for pair in every], np.bool_)
        state = self._columns.arrays
        for row, pair in enumerate(pairs, first):
            if pair.spread is not None:
                state["scale"][row] = pair.spread / _NORMAL
                state["trusted"][row] = _KNOWN_SLOTS
        return first

    def freeze(self, row: int, frozen: bool) -> None:
        """Whether nothing is learnt from a pair: its measure stays what was normal before."""
        self._columns.arrays["frozen"][row] = frozen

    def adopt(self, row: int) -> None:
        """What is now is normal from now on: of counts the share of what was expected, then level and spread."""
        state = self._columns.arrays
        lately = self._valued(row)
        if self._counts_b[row] and (share := [b / m for _, _, b, m, _ in lately if m > 0]):
            state["gain"][row] *= float(np.median(share))
            lately = self._valued(row)
        if lately:
            raw = np.array([(b - m) / unit for _, _, b, m, unit in lately])
            state["bias"][row] = float(np.median(raw))
            spread = float(np.mean(np.abs(raw - state["bias"][row])))
            state["scale"][row] = max(float(state["scale"][row]), spread)
        state["near"][row], state["far"][row] = 0.0, _MEAN_SIZE
        state["run"][row], state["odd"][row] = -1, 0

    def update(self, rows: Ints, time_ms: int, a: Floats, b: Floats) -> Judged:
        """Judge the slot of some pairs that begins at a time, then learn from it.

        Args:
            rows: numbers of the pairs, ascending, each once.
            time_ms: begin of the slot, epoch ms; rising from call to call.
            a: ``[rows]``, what the leading series holds in this slot; NaN for nothing.
            b: ``[rows]``, what the following one holds in it.
        """
        state = self._columns.take(rows)
        self._remember(state, time_ms // self.slot_ms, a, b)
        led = state["a"][np.arange(len(rows)), (state["slot"] - self._lag[rows]) % RING]
        expected = state["gain"] * (self._intercept[rows] + self._slope[rows] * led)
        counts = self._counts_b[rows]
        expected = np.where(counts, np.maximum(expected, 0.0), expected)
        known = np.isfinite(expected) & np.isfinite(b)
        learning = known & (state["frozen"] == 0)
        unit = self._unit(state, expected, counts)
        scale = self._scale(state, counts)
        raw = np.where(known, (b - expected) / unit, 0.0)
        distance = np.where(known, (raw - state["bias"]) / scale, 0.0)
        state["near"] += np.where(known, (np.clip(distance, -CLIP, CLIP) - state["near"]) / SLOTS, 0.0)
        size = np.minimum(np.abs(distance), CLIP)
        state["far"] += np.where(known, (size - state["far"]) / LOOSE_SLOTS, 0.0)
        apart = np.abs(state["near"]) / _AVERAGE
        loose = np.maximum(state["far"] - _MEAN_SIZE, 0.0) / _LOOSENESS
        rarity = np.maximum(tails.rarity(state, "apart", apart), tails.rarity(state, "loose", loose))
        quiet = known & (apart < _ORDINARY) & (loose < _ORDINARY)
        begins = known & ~quiet & (state["run"] < 0)
        state["run"][:] = np.where(quiet, -1, np.where(begins, time_ms, state["run"]))
        state["odd"][:] = np.where(state["run"] < 0, 0, state["odd"] + (known & (size >= LEAST_FAR)))
        told = known & (state["seen"] >= LEAST_AGE) & (state["odd"] >= LEAST_ODD)
        rarity = np.where(told, rarity, 0.0)
        own_a = _own(state, "a", a, self._counts_a[rows], state["frozen"] == 0)
        own_b = _own(state, "b", b, counts, state["frozen"] == 0)
        middle = expected + state["bias"] * unit
        wide = unit * scale * tails.at_rarity(state, "apart", 3.0)
        lower = np.where(counts, np.maximum(middle - wide, 0.0), middle - wide)
        judged = Judged(
            rarity,
            np.where(known, middle, np.nan),
            np.where(known, lower, np.nan),
            np.where(known, middle + wide, np.nan),
            distance,
            state["run"].copy(),
            own_a,
            own_b,
        )
        self._learn(state, expected, raw, scale, (apart, loose), learning)
        self._columns.put(rows, state)
        return judged

    def _learn(
        self,
        state: Arrays,
        expected: Floats,
        raw: Floats,
        scale: Floats,
        statistics: tuple[Floats, Floats],
        learning: Bools,
    ) -> None:
        age = state["seen"]
        for name, statistic, slots in zip(("apart", "loose"), statistics, (SLOTS, LOOSE_SLOTS), strict=True):
            tails.learn(state, name, statistic, learning & (age >= 2 * slots), self._slots_a_day, slots)
        off = raw - state["bias"]
        known = age + state["trusted"]
        bound = np.where(known < _FIRST_SLOTS, np.inf, CLIP * scale)
        pace = np.where(learning, np.maximum(1.0 / (known + 1.0), 1.0 / _SCALE_SLOTS), 0.0)
        state["scale"] += pace * (np.minimum(np.abs(off), bound) - state["scale"])
        pace = np.where(learning, np.maximum(1.0 / (age + 1.0), 1.0 / _BIAS_SLOTS), 0.0)
        state["bias"] += pace * np.clip(off, -bound, bound)
        pace = np.where(learning, np.maximum(1.0 / (age + 1.0), 1.0 / self._slots_a_day), 0.0)
        state["size"] += pace * (np.nan_to_num(np.abs(expected)) - state["size"])
        age += learning

    def _remember(self, state: Arrays, slot: int, a: Floats, b: Floats) -> None:
        rows = np.arange(len(a))
        for passed in range(int(np.clip(slot - state["slot"].min(initial=slot) - 1, 0, RING))):
            # Slots in which neither series was told hold nothing.
            gone = slot - 1 - passed
            skipped = state["slot"] < gone
            for name in ("a", "b"):
                state[name][rows[skipped], gone % RING] = np.nan
        state["a"][rows, slot % RING] = a
        state["b"][rows, slot % RING] = b
        state["slot"][:] = slot

    def _unit(self, state: Arrays, expected: Floats, counts: Bools) -> Floats:
        beyond = np.maximum(expected / np.maximum(state["size"], 1.0), 1.0)
        unit = np.sqrt(np.maximum(expected, 1.0) * np.where(state["seen"] > _FIRST_SLOTS, beyond, 1.0))
        return np.nan_to_num(np.where(counts, unit, 1.0), nan=1.0)

    @staticmethod
    def _scale(state: Arrays, counts: Bools) -> Floats:
        least = np.where(counts, _LEAST_COUNT_SCALE, np.maximum(_LEAST_RELATIVE * state["size"], 1e-300))
        return np.maximum(_NORMAL * state["scale"], least)

    def _valued(self, row: int) -> list[tuple[int, float, float, float, float]]:
        """Those of the last slots in which ``b`` and what is expected of it are known."""
        return [one for one in self._history(row, RING - MOST_LAG - 1) if np.isfinite(one[2] + one[3])]

    def _history(self, row: int, most: int) -> list[tuple[int, float, float, float, float]]:
        """Of the last slots, oldest first: begin, a, b, what is expected, the unit."""
        one = {name: array[row : row + 1] for name, array in self._columns.arrays.items()}
        last = int(one["slot"][0])
        found = []
        for slot in range(last - most + 1, last + 1):
            a, b = float(one["a"][0, slot % RING]), float(one["b"][0, slot % RING])
            led = float(one["a"][0, (slot - self._lag[row]) % RING])
            m = float(one["gain"][0]) * (self._intercept[row] + self._slope[row] * led)
            counts = self._counts_b[row : row + 1]
            m = max(m, 0.0) if counts[0] else m
            unit = float(self._unit(one, np.array([m]), counts)[0])
            found.append((slot * self.slot_ms, a, b, float(m), unit))
        return found

    def led(self, row: int) -> float:
        """What the leading series held a lag before the last slot; NaN for nothing."""
        state = self._columns.arrays
        return float(state["a"][row, (int(state["slot"][row]) - self._lag[row]) % RING])

    def recent(self, row: int, most: int) -> list[tuple[int, float, float, float, float, float]]:
        """Of the last slots, oldest first: begin (epoch ms), a, b, expected, lower, upper, as judged by now.

        Slots without anything are left out; NaN stands for what is not known.

        Args:
            row: of the pair.
            most: how many at most; below ``RING - MOST_LAG``.
        """
        state = {name: array[row : row + 1] for name, array in self._columns.arrays.items()}
        counts = self._counts_b[row : row + 1]
        wide = float(self._scale(state, counts)[0] * tails.at_rarity(state, "apart", 3.0)[0])
        bias = float(state["bias"][0])
        found = []
        for time_ms, a, b, m, unit in self._history(row, most):
            if np.isfinite(a) or np.isfinite(b):
                middle, low = m + bias * unit, m + (bias - wide) * unit
                low = max(low, 0.0) if counts[0] else low
                found.append((time_ms, a, b, middle, low, m + (bias + wide) * unit))
        return found

    def to_record(self, row: int, head: Mapping[str, object]) -> bytes:
        """All that is known of a pair, and more JSON values with it, as a record of :data:`VERSION`."""
        return self._columns.to_record(row, KIND, VERSION, {"slot_ms": self.slot_ms, **head})

    def from_record(self, row: int, record: bytes) -> dict[str, Any]:
        """Undo :meth:`to_record` into a row; gives the head.

        Raises:
            BatchError: the record is none of a pair, is damaged, or of a version that this one does not know.
        """
        return self._columns.from_record(row, record, KIND, VERSION)


def _own(state: Arrays, side: str, value: Floats, counts: Bools, learning: Bools) -> Floats:
    """Follow a series by itself; how far it has left its own level of late, in usual distances."""
    age, level, scale, near = (state[f"{side}_{name}"] for name in ("age", "level", "scale", "near"))
    known = np.isfinite(value)
    number = np.where(known, value, 0.0)
    number = np.where(counts, 2.0 * np.sqrt(np.maximum(number, 0.0) + 0.375), number)
    first = known & (age == 0)
    level[first] = number[first]
    off = number - level
    usual = np.maximum(_NORMAL * scale, np.where(counts, 1.0, 1e-9 * (1.0 + np.abs(level))))
    far = np.where(known & (age >= _OWN_NEAR), np.clip(off / usual, -_OWN_CLIP, _OWN_CLIP), 0.0)
    near += np.where(known, (far - near) / _OWN_NEAR, 0.0)
    bound = np.where(age < _OWN_SLOTS, np.inf, _OWN_LEARN_CLIP * usual)
    learn = known & learning
    scale += np.where(learn, np.maximum(1.0 / (age + 1.0), 1.0 / _SCALE_SLOTS), 0.0) * (
        np.minimum(np.abs(off), bound) - scale
    )
    level += np.where(learn, np.maximum(1.0 / (age + 1.0), 1.0 / _OWN_SLOTS), 0.0) * np.clip(off, -bound, bound)
    age += learn
    return near.copy()
