"""Timestamps of a series, as they stand in tables."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_MS_FROM = 1e11
"""Plain numbers from here on are milliseconds: as seconds they would be past the year 5000."""

_FURTHEST_S = 253_402_300_800.0
"""The year 10000, to which calendars here go."""

_BASIC_DATE = 8
"""So many digits are a date, 20240101."""


def read_time(text: str) -> float:
    """Seconds since 1970, UTC, of a timestamp.

    Args:
        text: a date and time as ISO 8601 writes it (``2014-04-01 00:05:00``, ``2014-04-01T00:05:00.250+02:00``), UTC if
            it names no offset; or a number, seconds or milliseconds since 1970.

    Raises:
        ValueError: it is neither.
    """
    if text.isdecimal() and len(text) != _BASIC_DATE:
        # 1712010112345 would be taken for the year 1712.
        return _read_number(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _read_number(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found.timestamp()


def _read_number(text: str) -> float:
    seconds = float(text)
    if abs(seconds) >= _MS_FROM:
        seconds /= 1000.0
    if not math.isfinite(seconds) or abs(seconds) >= _FURTHEST_S:
        raise ValueError(f"{text!r} is no time")
    return seconds
