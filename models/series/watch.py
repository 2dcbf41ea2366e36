"""One series watched by the typed detectors: a fleet of one, with the calls ``score_one`` and ``learn_one``."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from models.series.detectors.season import DAY_MS
from models.series.fleet import Fleet, Judged, Told
from models.series.incidents import SIGNALS, Preset


@dataclass(frozen=True, slots=True)
class SlotResult:
    """What is said of one slot.

    Attributes:
        score: 0 to 1; a slot as odd comes once in 10^(10·score) slots by chance.
        scores: that of each of :data:`models.series.incidents.SIGNALS`, by name.
        expected: what was expected of the slot before it was seen; None while unknown.
        lower: lower bound of what is usual; None while unknown.
        upper: upper bound of it.
        told: incidents that begin or end with it.
    """

    score: float
    scores: dict[str, float]
    expected: float | None
    lower: float | None
    upper: float | None
    told: tuple[Told, ...]


class SeriesWatch:
    """Watches one series.

    Args:
        slot_ms: length of a slot, ms.
        preset: when incidents begin and end; ``sensitive`` unless given.
        limit: of which to warn before it is reached, in the unit of the values.
        horizon_ms: how long before.
    """

    def __init__(
        self, slot_ms: int, preset: Preset | None = None, limit: float | None = None, horizon_ms: int = DAY_MS
    ) -> None:
        self._fleet = Fleet(slot_ms, 1, preset, horizon_ms)
        self._fleet.set_limit(0, limit)

    def score_one(self, time_ms: int, value: float | None) -> SlotResult:
        """Judge a slot and change nothing; for all but trials, :meth:`learn_one` says the same."""
        return _result(_update(copy.deepcopy(self._fleet), time_ms, value))

    def learn_one(self, time_ms: int, value: float | None) -> SlotResult:
        """Judge a slot, then learn from it.

        Args:
            time_ms: begin of the slot, ms since 1970, UTC.
            value: None, NaN or an infinity for a slot that closed without one.
        """
        return _result(_update(self._fleet, time_ms, value))

    def to_record(self) -> bytes:
        """All that is known of the series; see :meth:`models.series.fleet.Fleet.to_record`."""
        return self._fleet.to_record(0)

    def from_record(self, record: bytes) -> None:
        """Undo :meth:`to_record`.

        Raises:
            BatchError: as :meth:`models.series.fleet.Fleet.from_record` says.
        """
        self._fleet.from_record(0, record)


def _update(fleet: Fleet, time_ms: int, value: float | None) -> Judged:
    number = np.nan if value is None else float(value)
    return fleet.update(np.zeros(1, dtype=np.int64), np.array([time_ms], dtype=np.int64), np.array([number]))


def _result(judged: Judged) -> SlotResult:
    scores = {name: float(rarity) / 10.0 for name, rarity in zip(SIGNALS, judged.rarities[0], strict=True)}
    expected, lower, upper = (
        None if np.isnan(one[0]) else float(one[0]) for one in (judged.expected, judged.lower, judged.upper)
    )
    return SlotResult(float(judged.scores[0]), scores, expected, lower, upper, tuple(judged.told))
