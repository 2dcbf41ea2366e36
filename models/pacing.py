"""When messages are due: at a steady rate, or as far apart as their log's time says. Knows no clock of its own."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.timestamps import MISSING

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_CATCHES_UP_S = 1.0


class Pace(Protocol):
    """Tells when messages are due."""

    def due(self, lines: Int64, pace_ms: Int64, now: float) -> Float64:
        """When each of the next n messages may be sent.

        Args:
            lines: int64[n], how many lines each has.
            pace_ms: int64[n], never falling: the log's time of each.
            now: the time, in seconds of some clock that never falls.

        Returns:
            float64[n], never falling, in seconds of that clock.
        """
        ...


class SteadyPace:
    """So many lines a second. After a delay it catches up one second's worth at most, lest the rest come in a rush."""

    def __init__(self, lines_per_second: float) -> None:
        self._rate = lines_per_second
        self._next: float | None = None

    def due(self, lines: Int64, pace_ms: Int64, now: float) -> Float64:  # noqa: ARG002
        """See :meth:`Pace.due`."""
        begin = now if self._next is None else max(self._next, now - _CATCHES_UP_S)
        before = np.cumsum(lines)
        if not len(before):
            return np.empty(0)
        self._next = begin + float(before[-1]) / self._rate
        due: Float64 = begin + (before - lines) / self._rate
        return due


class LogPace:
    """As far apart as the log's times, ``speed`` times as fast; the first message with a time is due at once."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._origin: tuple[float, int] | None = None

    def due(self, lines: Int64, pace_ms: Int64, now: float) -> Float64:  # noqa: ARG002
        """See :meth:`Pace.due`."""
        due = np.full(len(pace_ms), -np.inf)
        known = np.flatnonzero(pace_ms != MISSING)
        if len(known):
            if self._origin is None:
                self._origin = now, int(pace_ms[known[0]])
            begin, first_ms = self._origin
            due[known] = begin + (pace_ms[known] - first_ms) / 1000 / self._speed
        return due
