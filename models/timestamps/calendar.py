"""Dates to day numbers by table, for whole columns at once.

Every table is indexed by what was read from a line, valid or not: a month of 00 or 57 finds a length of 0 days, so that
no day is valid in it. That spares a separate check and never indexes out of bounds.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]

DAY_MS = 86_400_000
FIRST_YEAR, LAST_YEAR = 1, 9998  # what datetime can hold, with room for a shift of zone at the end

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_STRIDE = 128  # months are read from two digits, hence below 100


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _year_tables() -> tuple[Int64, Int64]:
    starts = np.zeros(10_000, dtype=np.int64)
    leap = np.zeros(10_000, dtype=np.int64)
    epoch = dt.date(1970, 1, 1).toordinal()
    for year in range(1, 10_000):
        starts[year] = dt.date(year, 1, 1).toordinal() - epoch
        leap[year] = _is_leap(year)
    return starts, leap


def _month_tables() -> tuple[Int64, Int64]:
    starts = np.zeros(2 * _STRIDE, dtype=np.int64)
    lengths = np.zeros(2 * _STRIDE, dtype=np.int64)
    for leap in (0, 1):
        at = 0
        for month, days in enumerate(_LENGTHS, start=1):
            days += leap and month == 2
            starts[leap * _STRIDE + month] = at
            lengths[leap * _STRIDE + month] = days
            at += days
    return starts, lengths


_YEAR_START, _YEAR_LEAP = _year_tables()
_MONTH_START, _MONTH_LENGTH = _month_tables()


def days_of(year: Int64, month: Int64, day: Int64) -> tuple[Int64, BoolArray]:
    """Days since 1970-01-01 of dates (proleptic Gregorian), and which of them exist.

    Args:
        year: int64[n], 0 to 9999.
        month: int64[n], 0 to 99.
        day: int64[n], 0 to 99.

    Returns:
        int64[n] days (without meaning where the date does not exist) and bool[n].
    """
    key = _YEAR_LEAP[year] * _STRIDE + month
    valid = (day >= 1) & (day <= _MONTH_LENGTH[key]) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    return _YEAR_START[year] + _MONTH_START[key] + day - 1, valid


def day_of_leap_year(month: Int64, day: Int64) -> tuple[Int64, BoolArray]:
    """Days since 1 January in a year that has a 29 February, and which dates exist in such a year."""
    key = _STRIDE + month
    return _MONTH_START[key] + day - 1, (day >= 1) & (day <= _MONTH_LENGTH[key])


def leap_day_to_days(year: Int64, day: Int64) -> Int64:
    """Days since 1970-01-01 of a day of a leap year (0 to 365) moved to ``year``.

    29 February becomes 1 March in a year that has none.
    """
    after: Int64 = (day > 59) & (_YEAR_LEAP[year] == 0)
    return _YEAR_START[year] + day - after
