"""What a row is expected to be, and within what bounds, told before the row is known.

Two forecasts run beside each other: the median of the last few values, and the median of the last values at the same
quarter of an hour of the day. The one whose absolute error has been smaller of late is told. Medians, so that single
outliers move neither. The bounds are as far above and below it as nearly all of the last forecasts were too low and too
high, whatever the distribution of the errors (split conformal prediction on a moving window: H. Papadopoulos and
others, 2002).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import floor

from models.series.windows import SortedWindow

LEVEL_ROWS = 5
DAILY_VALUES = 9
ERRORS = 200
BEYOND = 0.015
"""The share of the last errors that may lie beyond each bound."""

LEAST_ERRORS = 20

_DAY_S = 86_400
_QUARTER_S = 900
_QUARTERS = _DAY_S // _QUARTER_S
_LATELY = 0.99

Expected = tuple[float | None, float | None, float | None]


class Forecast:
    """The forecasts of one series."""

    __slots__ = ("_daily", "_daily_error", "_errors", "_last", "_level", "_level_error")

    def __init__(self) -> None:
        self._level: deque[float] = deque(maxlen=LEVEL_ROWS)
        self._daily: list[deque[float]] = [deque(maxlen=DAILY_VALUES) for _ in range(_QUARTERS)]
        self._errors = SortedWindow(ERRORS)
        self._level_error = 0.0
        self._daily_error = 0.0
        self._last: tuple[float | None, float | None] = (None, None)

    def expect(self, time: float | None) -> Expected:
        """The expected value of a row and its lower and upper bound; None each while too little is known.

        Args:
            time: seconds since 1970, UTC; None where it is not known.
        """
        level = sorted(self._level)[len(self._level) // 2] if self._level else None
        same = self._daily[_quarter(time)] if time is not None else None
        daily = sorted(same)[len(same) // 2] if same else None
        self._last = level, daily
        expected = daily if daily is not None and self._daily_error < self._level_error else level
        errors = self._errors.order
        n = len(errors)
        if expected is None or n < LEAST_ERRORS:
            return expected, None, None
        # The ranks that leave the share out for a row exchangeable with those before.
        out = max(0, int(BEYOND * (n + 1)) - 1)
        return expected, expected + min(0.0, errors[out]), expected + max(0.0, errors[n - 1 - out])

    def learn(self, time: float | None, value: float) -> None:
        """Take a row in, after :meth:`expect` has been asked about it."""
        level, daily = self._last
        expected = daily if daily is not None and self._daily_error < self._level_error else level
        if expected is not None:
            self._errors.add(value - expected)
        if level is not None and daily is not None:
            self._level_error = _LATELY * self._level_error + (1 - _LATELY) * abs(value - level)
            self._daily_error = _LATELY * self._daily_error + (1 - _LATELY) * abs(value - daily)
        self._level.append(value)
        if time is not None:
            self._daily[_quarter(time)].append(value)

    def to_columns(self) -> list[Sequence[float]]:
        """All that is remembered, as three columns of numbers."""
        flat = [value for slot in self._daily for value in slot]
        head = [self._level_error, self._daily_error, *(float(len(slot)) for slot in self._daily)]
        return [[*head, *flat], list(self._level), list(self._errors.held)]

    @classmethod
    def from_columns(cls, columns: Sequence[Sequence[float]]) -> Forecast:
        """Undo :meth:`to_columns`.

        Raises:
            ValueError: the columns are not those of this version.
        """
        self = cls()
        days, level, errors = columns
        if len(days) < 2 + _QUARTERS:
            raise ValueError("the state of a forecast is cut off")
        self._level_error, self._daily_error = days[:2]
        at = 2 + _QUARTERS
        for slot, length in zip(self._daily, days[2:at], strict=True):
            slot.extend(days[at : at + int(length)])
            at += int(length)
        self._level.extend(level)
        self._errors = SortedWindow(ERRORS, errors)
        return self


def _quarter(time: float) -> int:
    return floor(time) % _DAY_S // _QUARTER_S
