"""Reads the timestamps of a batch of lines with a handful of array operations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.timestamps.calendar import DAY_MS, BoolArray, Int64, day_of_leap_year, days_of, leap_day_to_days
from models.timestamps.patterns import Pattern, compile_pattern
from models.timestamps.position import Position
from models.timestamps.scan import ALPHANUMERIC, Bytes, Scan, gather
from models.timestamps.settings import TimestampSettings
from models.timestamps.zones import LocalTime

MISSING = int(np.iinfo(np.int64).min)
"""Stands for the time of a line that has none."""


@dataclass(frozen=True, slots=True)
class Yearless:
    """What is known of timestamps without a year.

    Attributes:
        in_year: int64[n], ms since 1 January 00:00 local time in a leap year; -1 where the line has no timestamp, or
            one with a year.
        offset: int64[n], minutes of the offset that the line tells; ``OWN_ZONE`` where it tells none.
    """

    in_year: Int64
    offset: Int64


OWN_ZONE = 1 << 20
"""Stands for "the zone of the settings" in :attr:`Yearless.offset`."""


@dataclass(frozen=True, slots=True)
class TimestampColumn:
    """The timestamps of n lines.

    Attributes:
        ms: int64[n], epoch ms UTC; ``MISSING`` where the line has none.
        begin: int64[n], where the timestamp's text begins in the buffer.
        end: int64[n], where it ends; ``begin == end ==`` the line's start where the line has none.
        yearless: present if some format has no year: what unwrapping the years needs.
    """

    ms: Int64
    begin: Int64
    end: Int64
    yearless: Yearless | None = None

    def __len__(self) -> int:
        return len(self.ms)

    @property
    def found(self) -> BoolArray:
        """bool[n]: the lines that have a timestamp."""
        found: BoolArray = self.ms != MISSING
        return found


class TimestampReader:
    """Reads timestamps as some settings say."""

    def __init__(self, settings: TimestampSettings) -> None:
        self.settings = settings
        self._patterns = tuple(compile_pattern(text) for text in settings.formats)
        self._position = Position(settings.skip_words, settings.literal.encode())
        self._zone = LocalTime(settings.timezone)

    def read(self, data: Bytes, starts: Int64, ends: Int64) -> TimestampColumn:
        """Read the timestamps of n lines.

        Times without a year are given in the settings' year; see :func:`models.timestamps.years.unwrap_years`.

        Args:
            data: uint8 buffer that holds the lines.
            starts: int64[n], where each line begins.
            ends: int64[n], where it ends (behind its last byte), ``starts <= ends <= len(data)``.
        """
        count = len(starts)
        ms = np.full(count, MISSING, dtype=np.int64)
        begins, stops = starts.copy(), starts.copy()
        yearless = None
        if self.settings.yearless:
            yearless = Yearless(np.full(count, -1, dtype=np.int64), np.full(count, OWN_ZONE, dtype=np.int64))
        at, found = self._position.locate(data, starts, ends)
        rows = np.flatnonzero(found)
        for pattern in self._patterns:
            if not rows.size:
                break
            origin = at[rows]
            scan = _walk(pattern, gather(data, origin, ends[rows], pattern.width + 1))
            kept = self._finish(pattern, scan, rows, ms, yearless)
            good = rows[kept]
            begins[good] = origin[kept] + pattern.lead
            stops[good] = origin[kept] + (scan.at if isinstance(scan.at, int) else scan.at[kept])
            rows = rows[~kept]
        return TimestampColumn(ms, begins, stops, yearless)

    def parse_one(self, line: bytes) -> int | None:
        """Epoch ms of one line's timestamp, or None."""
        column = self.read(
            np.frombuffer(line, dtype=np.uint8), np.zeros(1, dtype=np.int64), np.full(1, len(line), dtype=np.int64)
        )
        value = int(column.ms[0])
        return None if value == MISSING else value

    def _finish(self, pattern: Pattern, scan: Scan, rows: Int64, ms: Int64, yearless: Yearless | None) -> BoolArray:
        """Set the times of the texts that were read and are valid; returns which."""
        if not scan.ok.any():
            return scan.ok
        kept = scan.ok
        if "epoch" in scan.fields:
            times = scan.fields["epoch"]
            if "milli" in scan.fields:
                times = times + scan.fields["milli"]
            ms[rows[kept]] = times[kept]
            return kept
        clock, valid = _time_of_day(scan)
        kept = kept & valid
        # Fields of texts that did not match may hold anything: keep them within the tables.
        month, day = (np.where(kept, scan.fields[name], 0) for name in ("month", "day"))
        if pattern.has_year:
            days, exists = days_of(np.where(kept, scan.fields["year"], 0), month, day)
            local = days * DAY_MS + clock
        else:
            in_year, exists = day_of_leap_year(month, day)
            year = np.full(len(scan), self.settings.year, dtype=np.int64)
            local = leap_day_to_days(year, in_year) * DAY_MS + clock
        kept &= exists
        good = rows[kept]
        ms[good] = _to_utc(local[kept], scan, kept, self._zone)
        if yearless is not None and not pattern.has_year:
            yearless.in_year[good] = (in_year * DAY_MS + clock)[kept]
            if scan.zoned is not None:
                yearless.offset[good] = np.where(scan.zoned, scan.fields["offset"], OWN_ZONE)[kept]
        return kept


def _walk(pattern: Pattern, columns: Bytes) -> Scan:
    """Read all elements; stops where no text matches any more."""
    scan = Scan(columns)
    for element in pattern.elements:
        element.read(scan)
        if not scan.ok.any():
            return scan
    if pattern.ends_in_word:
        scan.ok &= ~ALPHANUMERIC[scan.peek()]
    return scan


def _time_of_day(scan: Scan) -> tuple[Int64, BoolArray]:
    """Ms since midnight, and whether there is such a time; second 60 is a leap second."""
    fields = scan.fields
    none = np.zeros(len(scan), dtype=np.int64)
    minute, second = fields.get("minute", none), fields.get("second", none)
    valid = (minute < 60) & (second <= 60)
    if "hour12" in fields:
        hour = fields["hour12"]
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + fields["noon"]
    else:
        hour = fields.get("hour", none)
        valid &= hour < 24
    clock = ((hour * 60 + minute) * 60 + second) * 1000
    if "milli" in fields:
        clock += fields["milli"]
    return clock, valid


def _to_utc(local: Int64, scan: Scan, kept: BoolArray, zone: LocalTime) -> Int64:
    if scan.zoned is None:
        return zone.to_utc(local)
    zoned = scan.zoned[kept]
    result = local - scan.fields["offset"][kept] * 60_000
    if not zoned.all():
        result[~zoned] = zone.to_utc(local[~zoned])
    return result
