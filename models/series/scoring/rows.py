"""A shard of series under the row-by-row detector, ``weirwatch``."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.batches import BatchError, pack_columns, unpack_columns
from models.series.detector import SeriesDetector
from models.series.scoring.points import NO_TIME, PointBatch
from models.series.scoring.scored import Scored
from models.series.settings import Settings

VERSION = 1
KIND = "weirwatch.row_shard"


class RowShard:
    """Scores series, each by a :class:`~models.series.detector.SeriesDetector` of its own.

    Args:
        settings: how new series are judged.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._detectors: dict[tuple[str, str], SeriesDetector] = {}

    @property
    def series(self) -> int:
        """How many series it knows."""
        return len(self._detectors)

    def take(self, batch: PointBatch) -> Scored:
        """Score the points of a batch, and learn from them."""
        found = Scored.nothing(len(batch))
        detectors = [self._detector(batch.scope, name) for name in batch.names]
        rows = zip(batch.series.tolist(), batch.time_ms.tolist(), batch.values.tolist(), strict=True)
        for place, (series, time_ms, value) in enumerate(rows):
            result = detectors[series].score_one(None if time_ms == NO_TIME else time_ms / 1000.0, value)
            found.scores[place], found.alarm[place] = result.anomaly_score, result.alarm
            bounds = (result.expected, result.lower, result.upper)
            found.expected[place], found.lower[place], found.upper[place] = (
                np.nan if bound is None else bound for bound in bounds
            )
        return found

    def _detector(self, scope: str, name: str) -> SeriesDetector:
        found = self._detectors.get((scope, name))
        if found is None:
            found = self._detectors[scope, name] = SeriesDetector(self._settings)
        return found

    def snapshot(self) -> bytes:
        """All that it knows: scopes and names in the head, a detector's record as a column each."""
        records = [detector.to_record() for detector in self._detectors.values()]
        return pack_columns(VERSION, {"kind": KIND, "series": list(self._detectors)}, records)

    @classmethod
    def restore(cls, record: bytes, settings: Settings) -> RowShard:
        """Undo :meth:`snapshot`; series that are known go on under the settings that they began with.

        Raises:
            BatchError: the record is none of such a shard, is damaged, or is of a version that this one does not know.
        """
        found, columns = unpack_columns(record, VERSION)
        head: dict[str, Any] = found
        if head.get("kind") != KIND or len(columns) != len(head.get("series", ())):
            raise BatchError("a record is not a shard of series of this detector, or is damaged")
        self = cls(settings)
        for (scope, name), column in zip(head["series"], columns, strict=True):
            self._detectors[scope, name] = SeriesDetector.from_record(bytes(column))
        return self
