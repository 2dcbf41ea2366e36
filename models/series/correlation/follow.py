"""Pairs with their departures: what is told of slots that closed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.batches import BatchError
from models.series.correlation.departure import (
    BEGIN,
    END,
    OPEN_AT,
    QUIET_SLOTS,
    Departure,
    Seen,
    is_due,
    is_over,
    note,
    opened,
)
from models.series.correlation.judge import RING, Judged, PairFleet
from models.series.correlation.pair import MOST_LAG, Correlation
from models.series.detectors.columns import Floats, Ints

MOST_RECENT = 120
"""So many of the last slots are told with a departure."""

Recent = list[tuple[int, float, float, float, float, float]]
"""See :meth:`models.series.correlation.judge.PairFleet.recent`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A departure that began or ended.

    Attributes:
        row: number of the pair.
        stage: ``begin`` or ``end``.
        departure: as it is at this moment.
        recent: the last slots.
    """

    row: int
    stage: str
    departure: Departure
    recent: Recent


class FollowedPairs:
    """Judges pairs, and tells one alarm for one departure.

    Of pairs that share a series one is told at a time: if a series breaks away, all its pairs depart.

    Args:
        slot_ms: length of a slot, ms.
    """

    def __init__(self, slot_ms: int) -> None:
        self.slot_ms = slot_ms
        self.fleet = PairFleet(slot_ms)
        self._pairs: list[Correlation] = []
        self._open: dict[int, Departure] = {}
        self._quiet_until: dict[int, int] = {}

    @property
    def rows(self) -> int:
        """How many pairs are followed."""
        return len(self._pairs)

    def pair(self, row: int) -> Correlation:
        """The pair of a row."""
        return self._pairs[row]

    def add(self, pairs: Sequence[Correlation]) -> int:
        """Follow so many more; gives the row of the first."""
        first = self.fleet.add(pairs)
        self._pairs += pairs
        return first

    def update(self, rows: Ints, time_ms: int, a: Floats, b: Floats) -> list[Told]:
        """Judge the slots of some pairs that begin at a time; see :meth:`.judge.PairFleet.update`."""
        judged = self.fleet.update(rows, time_ms, a, b)
        hot = judged.rarity >= OPEN_AT
        if self._open:
            hot |= np.isin(rows, list(self._open))
        at = np.flatnonzero(hot)
        # Of several that open at once the clearest is told.
        at = at[np.lexsort((at, -judged.rarity[at]))]
        told: list[Told] = []
        for i in at.tolist():
            told += self._follow(int(rows[i]), self._seen(judged, i, int(rows[i]), time_ms, float(b[i])), judged.run[i])
        told.sort(key=lambda one: (one.row, one.stage))
        return told

    def _seen(self, judged: Judged, i: int, row: int, time_ms: int, value: float) -> Seen:
        return Seen(
            time_ms, float(judged.rarity[i]), value, self.fleet.led(row), float(judged.expected[i]),
            float(judged.lower[i]), float(judged.upper[i]), float(judged.distance[i]),
            float(judged.own_a[i]), float(judged.own_b[i]),
        )  # fmt: skip

    def _follow(self, row: int, seen: Seen, run_ms: int) -> list[Told]:
        departure = self._open.get(row)
        told = []
        if departure is None:
            departure = self._open[row] = opened(seen, int(run_ms))
            departure.hushed = self._quiet_until.get(row, seen.time_ms) > seen.time_ms
            self.fleet.freeze(row, True)
        note(departure, seen, self.slot_ms)
        if not departure.hushed and not departure.told:
            departure.hushed = self._neighbour_told(row)
        over = is_over(departure)
        if is_due(departure) and not over:
            departure.told = True
            told.append(self._tell(row, BEGIN, departure))
        if over:
            del self._open[row]
            if departure.told:
                self._quiet_until[row] = departure.last_ms + (1 + QUIET_SLOTS) * self.slot_ms
                told.append(self._tell(row, END, departure))
            if departure.lasting:
                self.fleet.adopt(row)
            self.fleet.freeze(row, False)
        return told

    def _neighbour_told(self, row: int) -> bool:
        own = set(self._pairs[row].key)
        return any(
            other != row and departure.told and own & set(self._pairs[other].key)
            for other, departure in self._open.items()
        )

    def _tell(self, row: int, stage: str, departure: Departure) -> Told:
        return Told(row, stage, replace(departure), self.fleet.recent(row, min(MOST_RECENT, RING - MOST_LAG - 1)))

    def open_departures(self) -> list[tuple[int, Departure]]:
        """The departures that are open and were told."""
        return [(row, departure) for row, departure in sorted(self._open.items()) if departure.told]

    def to_record(self, row: int) -> bytes:
        """All that is known of one pair, as a record of :data:`models.series.correlation.judge.VERSION`."""
        departure = self._open.get(row)
        head = {
            "pair": self._pairs[row].to_json(),
            "departure": None if departure is None else departure.to_head(),
            "quiet_until": self._quiet_until.get(row),
        }
        return self.fleet.to_record(row, head)

    def from_record(self, row: int, record: bytes) -> None:
        """Undo :meth:`to_record`: the pair goes on in this row as if it had never stopped.

        Raises:
            BatchError: the record is none of a pair, is damaged, of a version that this one does not know, or of
                slots of another length.
        """
        head: dict[str, Any] = self.fleet.from_record(row, record)
        if head.get("slot_ms") != self.slot_ms:
            raise BatchError(f"a record of slots of {head.get('slot_ms')} ms does not fit slots of {self.slot_ms} ms")
        try:
            departure, quiet_until = head["departure"], head["quiet_until"]
            self._open.pop(row, None)
            self._quiet_until.pop(row, None)
            if departure is not None:
                self._open[row] = Departure.from_head(departure)
            if quiet_until is not None:
                self._quiet_until[row] = int(quiet_until)
        except (KeyError, TypeError) as error:
            raise BatchError(f"the state of a pair is damaged: {error}") from None
