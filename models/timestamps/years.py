"""Which year a timestamp without a year belongs to, in a stream of lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.timestamps.calendar import DAY_MS, FIRST_YEAR, LAST_YEAR, Int64, leap_day_to_days
from models.timestamps.reader import OWN_ZONE, TimestampColumn
from models.timestamps.settings import TimestampSettings
from models.timestamps.zones import LocalTime

HALF_YEAR_MS = 180 * DAY_MS
"""A drop (rise) of more than this against the line before is a step to the next (back to the last) year."""

STRAGGLER_MS = 335 * DAY_MS
"""A rise of more than this can only be a line of the old year that comes about a month late at most."""


class YearCarry(NamedTuple):
    """What a stream carries from batch to batch.

    Attributes:
        years: years since the settings' year.
        last: ms since 1 January (of a leap year) of the last timestamp; -1 before the first.
    """

    years: int = 0
    last: int = -1


def year_offsets(in_year: Int64, carry: YearCarry) -> tuple[Int64, YearCarry]:
    """Years since the base year of successive times without a year.

    A drop of more than 180 days against the time before begins the next year. A rise of more than 180 days goes back a
    year: a line that comes late, or a clock that stood at 1 January after a restart and was then set. In the base year
    a rise is a gap in the log instead, unless it is so great (335 days) that it can only be a late line of the year
    before. So a time and the same time after an excursion to New Year are in the same year. The outcome does not depend
    on how the stream is cut.

    Args:
        in_year: int64[n], ms since 1 January in a leap year, none negative.
        carry: what the lines before left behind.

    Returns:
        int64[n], from -1 up, and the new carry.
    """
    if not len(in_year):
        return np.zeros(0, dtype=np.int64), carry
    before = in_year[0] if carry.last < 0 else carry.last
    change = np.diff(in_year, prepend=before)
    years = carry.years
    steps = np.zeros(len(in_year), dtype=np.int64)
    for i in np.flatnonzero(np.abs(change) > HALF_YEAR_MS).tolist():  # a few a year
        if change[i] < 0:
            steps[i] = 1
        elif years > 0 or (years == 0 and change[i] > STRAGGLER_MS):
            steps[i] = -1
        years += int(steps[i])
    return np.cumsum(steps) + carry.years, YearCarry(years, int(in_year[-1]))


def unwrap_years(column: TimestampColumn, settings: TimestampSettings, carry: YearCarry) -> tuple[Int64, YearCarry]:
    """The times of the next lines of a stream, with their years.

    Args:
        column: what :meth:`TimestampReader.read` gave for these lines, in the stream's order.
        settings: the settings it was read with.
        carry: ``YearCarry()`` at the stream's beginning, then what the call before returned.

    Returns:
        int64[n] epoch ms UTC (``MISSING`` stays; times of formats with a year stay), and the new carry.
    """
    if column.yearless is None or settings.year is None:
        return column.ms, carry
    rows = np.flatnonzero(column.yearless.in_year >= 0)
    if not rows.size:
        return column.ms, carry
    in_year = column.yearless.in_year[rows]
    offsets, after = year_offsets(in_year, carry)
    moved = np.flatnonzero(offsets)
    if not moved.size:
        return column.ms, after
    rows, in_year = rows[moved], in_year[moved]
    year = np.clip(offsets[moved] + settings.year, FIRST_YEAR, LAST_YEAR)
    day, clock = in_year // DAY_MS, in_year % DAY_MS
    local = leap_day_to_days(year, day) * DAY_MS + clock
    told = column.yearless.offset[rows]
    ms = column.ms.copy()
    ms[rows] = np.where(told == OWN_ZONE, LocalTime(settings.timezone).to_utc(local), local - told * 60_000)
    return ms, after
