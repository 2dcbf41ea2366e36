"""Anomalies in one series, row by row: the default detector, ``weirwatch``.

Strictly streaming: what is said of a row follows from it and the rows before it alone. The work for a row is bounded,
and so is the memory, whatever the length of the series.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from models.batches import BatchError, pack_columns, unpack_columns
from models.series.alarms import ALARM_SCORE, Alarms
from models.series.channels import Channels
from models.series.evidence import Evidence
from models.series.forecast import Forecast
from models.series.settings import SENSITIVE, Settings

VERSION = 2
KIND = "weirwatch.series"

_FORECAST_COLUMNS = 3
_FURTHEST = 1e300


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """What is said of one row.

    Attributes:
        anomaly_score: from 0 to 1; from 0.5 on it is an alarm.
        alarm: whether to tell somebody.
        expected: forecast made without the row, in the unit of the values; None while nothing is known.
        lower: lower bound of what would not surprise; None while too little is known.
        upper: upper bound of it.
    """

    anomaly_score: float
    alarm: bool
    expected: float | None
    lower: float | None
    upper: float | None


class SeriesDetector:
    """Watches one series.

    Rows are taken in the order in which they come. A row without a value (None, NaN, an infinity) has score 0, is no
    alarm, and leaves no trace. Time serves to tell the time of day and nothing else: gaps, irregular steps, duplicates
    and steps back are rows like others, and a row without a time is judged without the time of day.

    Args:
        settings: how to judge; a preset of :mod:`models.series.settings`.
    """

    __slots__ = ("_alarms", "_channels", "_evidence", "_forecast", "_rows", "_settings")

    def __init__(self, settings: Settings = SENSITIVE) -> None:
        self._settings = settings
        self._channels = Channels(settings.memory_rows)
        self._evidence = Evidence(settings)
        self._alarms = Alarms(settings)
        self._forecast = Forecast()
        self._rows = 0

    @property
    def rows(self) -> int:
        """How many rows with a value it has seen."""
        return self._rows

    def score_one(self, timestamp: float | None, value: float | None) -> SeriesResult:
        """Judge a row, then learn from it.

        Args:
            timestamp: seconds since 1970, UTC; None where it is not known.
            value: None where there is none; beyond ±1e300 it is taken as that, so that sums stay finite.
        """
        if timestamp is not None and not isfinite(timestamp):
            timestamp = None
        expected, lower, upper = self._forecast.expect(timestamp)
        if value is None or not isfinite(value):
            return SeriesResult(0.0, False, expected, lower, upper)
        value = max(-_FURTHEST, min(_FURTHEST, value))
        score = self._score(timestamp, value)
        self._forecast.learn(timestamp, value)
        return SeriesResult(score, score >= ALARM_SCORE, expected, lower, upper)

    def _score(self, timestamp: float | None, value: float) -> float:
        row = self._rows
        self._rows = row + 1
        rarities = self._channels.judge(value, timestamp)
        if row < self._settings.warmup_rows:
            return 0.0
        return self._alarms.score(row, self._evidence.add(row, rarities))

    def to_record(self) -> bytes:
        """All that it knows, as one record.

        Layout, version 2 (:func:`models.batches.pack_columns`): a JSON head with the settings, the number of rows, the
        habituation and the evidence held; then columns of float64: those of the channels, then those of the forecast.
        At most ten numbers a row remembered: 0.8 MB for 10,000 rows, before compression.
        """
        columns = [*self._channels.to_columns(), *self._forecast.to_columns()]
        head: dict[str, object] = {
            "kind": KIND,
            "settings": asdict(self._settings),
            "rows": self._rows,
            "habituation": self._alarms.habituation,
            "last": self._alarms.last,
            "evidence": self._evidence.held(),
        }
        return pack_columns(VERSION, head, [np.array(column, dtype=np.float64).tobytes() for column in columns])

    @classmethod
    def from_record(cls, record: bytes) -> SeriesDetector:
        """Undo :meth:`to_record`: it goes on as if it had never stopped.

        Of a record of version 1 it keeps the settings, and learns from the values in it what that version did not know.

        Raises:
            BatchError: the record is none of a series, is damaged, or is of a version that this one does not know.
        """
        version = 1 if record[2:3] == b"\x01" else VERSION
        found, raw = unpack_columns(record, version)
        head: dict[str, Any] = found
        if head.get("kind") != KIND:
            raise BatchError("a record is not the state of a series")
        try:
            columns = [np.frombuffer(column, dtype=np.float64).tolist() for column in raw]
            settings = Settings(**{**head["settings"], "weights": tuple(head["settings"]["weights"])})
            self = cls(settings)
            read = Channels.from_columns_1 if version == 1 else Channels.from_columns
            self._channels = read(settings.memory_rows, columns[:-_FORECAST_COLUMNS])
            self._forecast = Forecast.from_columns(columns[-_FORECAST_COLUMNS:])
            # Of version 1 it is of fewer rarities; it would count for two rows more.
            self._evidence = Evidence(settings, head["evidence"] if version == VERSION else ())
            self._alarms = Alarms(settings, head["habituation"], head["last"])
            self._rows = head["rows"]
        except (KeyError, TypeError, ValueError) as error:
            raise BatchError(f"the state of a series is damaged: {error}") from None
        return self
