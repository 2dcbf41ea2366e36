"""Local time to UTC, for whole columns."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from models.timestamps.calendar import Int64
from models.timestamps.errors import TimestampFormatError

_QUARTER = 900  # seconds
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # of local times too, until their zone replaces it
_LEAST = int((dt.datetime.min.replace(tzinfo=dt.UTC) - _EPOCH).total_seconds())
_MOST = int((dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH).total_seconds())
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


class LocalTime:
    """A time zone by its IANA name or its offset (``+hh:mm``).

    A local time that occurs twice (clocks set back) is the first of the two; one that never occurs (clocks set forward)
    is read with the offset that held before: both as :mod:`datetime` has it with ``fold=0``.

    Raises:
        TimestampFormatError: there is no such zone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._fixed: int | None = None  # seconds
        self._zone: ZoneInfo | None = None
        match = _OFFSET.fullmatch(name)
        if match and int(match[2]) * 60 + int(match[3]) <= 18 * 60 and int(match[3]) < 60:
            seconds = int(match[2]) * 3600 + int(match[3]) * 60
            self._fixed = -seconds if match[1] == "-" else seconds
        elif name in ("UTC", "Z"):
            self._fixed = 0
        else:
            self._zone = _zone(name)

    def to_utc(self, local_ms: Int64) -> Int64:
        """Epoch ms of local times, which are given as if they were UTC; int64[n] to int64[n]."""
        if self._fixed is not None:
            return local_ms - self._fixed * 1000 if self._fixed else local_ms
        if not len(local_ms):
            return local_ms
        second = local_ms // 1000
        return local_ms - self._offsets(second) * 1000

    def _offsets(self, second: Int64) -> Int64:
        """Offsets in seconds. Lines in time order stay in one quarter for long, so that few quarters are looked up."""
        quarter = second // _QUARTER
        begins = np.concatenate([[0], np.flatnonzero(quarter[1:] != quarter[:-1]) + 1])
        distinct, back = np.unique(quarter[begins], return_inverse=True)
        offset = np.empty(len(distinct), dtype=np.int64)
        changing = np.zeros(len(distinct), dtype=np.bool_)
        for i, value in enumerate(distinct.tolist()):
            first, last = _quarter_offsets(self._zone, value)
            offset[i] = first
            changing[i] = first != last
        lengths = np.diff(begins, append=len(quarter))
        result = np.repeat(offset[back], lengths)
        if changing.any():  # a change inside a quarter (some zones change at 00:01): look up each second of it
            rows = np.flatnonzero(np.repeat(changing[back], lengths))
            seconds, which = np.unique(second[rows], return_inverse=True)
            result[rows] = np.array([_offset(self._zone, value) for value in seconds.tolist()], dtype=np.int64)[which]
        return result


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimestampFormatError(
            f"there is no time zone {name!r}; give an IANA name such as Europe/Berlin, an offset such as +02:00, or UTC"
        ) from None


@lru_cache(maxsize=65_536)
def _quarter_offsets(zone: ZoneInfo | None, quarter: int) -> tuple[int, int]:
    """Offsets at the first and the last second of a quarter of an hour."""
    return _offset(zone, quarter * _QUARTER), _offset(zone, quarter * _QUARTER + _QUARTER - 1)


def _offset(zone: ZoneInfo | None, second: int) -> int:
    local = _EPOCH + dt.timedelta(seconds=min(max(second, _LEAST), _MOST))
    offset = local.replace(tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
