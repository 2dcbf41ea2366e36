"""What is said of the points of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from models.series.detectors.columns import Bools, Floats
from models.series.incidents import Incident
from models.series.scoring.points import PointBatch


@dataclass(frozen=True, slots=True)
class Turn:
    """An incident that begins or ends with a point.

    Attributes:
        place: of the point in its batch.
        stage: ``begin`` or ``end``.
        slot_ms: length of the series' slots.
        incident: as it is at this moment.
    """

    place: int
    stage: str
    slot_ms: int
    incident: Incident


@dataclass(slots=True)
class Scored:
    """What is said of the points of a batch; arrays of float64[n], in its order.

    Attributes:
        scores: from 0 to 1.
        alarm: bool[n], whether to tell somebody.
        expected: what was expected, NaN while unknown.
        lower: lower bound of what is usual, NaN while unknown.
        upper: upper bound of it.
        turns: incidents that begin or end, in the order of the points; of the typed detectors.
        refused: place in the batch → why a point was not judged and left no trace.
    """

    scores: Floats
    alarm: Bools
    expected: Floats
    lower: Floats
    upper: Floats
    turns: list[Turn] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    @classmethod
    def nothing(cls, points: int) -> Scored:
        """Of so many points nothing is said yet."""
        unknown = np.full(points, np.nan)
        return cls(np.zeros(points), np.zeros(points, np.bool_), unknown, unknown.copy(), unknown.copy())


class Shard(Protocol):
    """Scores the series of one shard; a pure function of the batches that it was given, in their order."""

    @property
    def series(self) -> int:
        """How many series it knows."""

    def take(self, batch: PointBatch) -> Scored:
        """Score the points of a batch, and learn from them."""

    def snapshot(self) -> bytes:
        """All that it knows, as a versioned record."""
