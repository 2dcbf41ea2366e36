"""Judges the values of one field slot by slot: do their shares drift from what is normal?

Each slot is judged, and the last few slots together: a slow drift shows in many lines only. The first alarm is told;
then there is quiet until no window has shown a change for as many slots as the alarm was drawn from, and a few at
least: so one incident is one anomaly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.slots.aligned import ClosedSlot
from models.slots.settings import Category
from models.slots.shares import Fit, fit, with_others

_MOST_OTHERS = 50
_LEAST_CALM = 5


@dataclass(slots=True, frozen=True)
class Drift:
    """Shares that have drifted.

    Attributes:
        begin_ms, end_ms: the stretch of time that shows it, epoch ms.
        lines: how many lines it has.
        values: value → lines, those of the category and all others known by name.
        fit: the test that alarmed.
    """

    begin_ms: int
    end_ms: int
    lines: int
    values: dict[str, int]
    fit: Fit


class DriftJudge:
    """Follows one category.

    Args:
        category: what is normal.
        record: what :meth:`to_record` gave; a new judge if None.
    """

    def __init__(self, category: Category, record: Mapping[str, Any] | None = None) -> None:
        self.category = category
        self._values = [share.value for share in category.shares]
        shares = np.array([share.share for share in category.shares], np.float64)
        self._normal = with_others(shares, category.support)
        self._windows = sorted(category.windows, key=lambda window: window.slots)
        self._longest = self._windows[-1].slots
        self._slots: list[tuple[int, list[int], dict[str, int]]] = []
        # How many more slots have to be calm until an alarm is told again; 0: no incident is going on.
        self._quiet = self._needed = 0
        if record is not None:
            self._quiet, self._needed = record["quiet"], record["needed"]
            self._slots = [(begin, list(counts), dict(others)) for begin, counts, others in record["slots"]]

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"quiet": self._quiet, "needed": self._needed, "slots": [list(slot) for slot in self._slots]}

    def step(self, slot: ClosedSlot) -> Drift | None:
        """Judge the next slot of the series; what is to be told of it."""
        cell = slot.cell
        if slot.first:
            self._slots.clear()
        counts = [cell.values.get(value, 0) for value in self._values]
        others = {value: lines for value, lines in cell.values.items() if value not in set(self._values)}
        self._slots.append((slot.begin_ms, [*counts, cell.lines - sum(counts)], others))
        del self._slots[: -self._longest]
        if self._quiet or cell.lines:
            return self._judge(slot.end_ms)
        return None

    def _judge(self, end_ms: int) -> Drift | None:
        fits = [(self._fit(window.slots, window.dispersion), window.slots) for window in self._windows]
        if self._quiet:
            self._quiet = self._quiet - 1 if all(found.calm for found, _ in fits) else self._needed
            return None
        alarms = [(found, slots) for found, slots in fits if found.alarms]
        if not alarms:
            return None
        found, slots = min(alarms, key=lambda alarm: (alarm[0].log_p, alarm[1]))
        self._quiet = self._needed = max(_LEAST_CALM, slots)
        shown = self._slots[-slots:]
        total = np.array([counts for _, counts, _ in shown], np.int64).sum(axis=0)
        values = dict(zip(self._values, total[:-1].tolist(), strict=True))
        others: dict[str, int] = {}
        for _, _, some in shown:
            for value, lines in some.items():
                others[value] = others.get(value, 0) + lines
        most = sorted(others.items(), key=lambda other: (-other[1], other[0]))[:_MOST_OTHERS]
        return Drift(shown[0][0], end_ms, int(total.sum()), values | dict(most), found)

    def _fit(self, slots: int, dispersion: float) -> Fit:
        some = self._slots[-slots:]
        counts = np.array([counts for _, counts, _ in some], np.int64).sum(axis=0)
        return fit(counts, self._normal, dispersion, self.category.support)
