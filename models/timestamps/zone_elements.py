"""The elements of a timestamp pattern that tell its zone: offsets from UTC, and names that stand for one offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.timestamps.calendar import Int64
from models.timestamps.elements import Name
from models.timestamps.scan import ALPHANUMERIC, Scan

# RFC 822's names (each stands for one offset), UTC, and the unambiguous European and Japanese ones; minutes.
ZONE_NAMES = {
    b"UTC": 0, b"GMT": 0, b"UT": 0,
    b"EST": -300, b"EDT": -240, b"CST": -360, b"CDT": -300,
    b"MST": -420, b"MDT": -360, b"PST": -480, b"PDT": -420,
    b"WET": 0, b"WEST": 60, b"CET": 60, b"CEST": 120, b"EET": 120, b"EEST": 180, b"JST": 540,
}  # fmt: skip
_MOST_OFFSET = 18 * 60  # minutes; as far as java.time goes

_OFFSET = rb"(?:[Zz]|[+-]\d\d(?::?\d\d)?)"


@dataclass(frozen=True)
class Offset:
    """An offset from UTC: ``Z``, ``+hh``, ``+hhmm`` or ``+hh:mm``; where optional, also nothing."""

    optional: bool = False
    width: int = 6

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return _OFFSET + (b"?" if self.optional else b"")

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        minutes, width = self.look_up(scan)
        if not self.optional:
            scan.ok &= width > 0
        scan.fields["offset"] = minutes
        scan.zoned = width > 0
        scan.advance(width)

    def look_up(self, scan: Scan) -> tuple[Int64, Int64]:
        """The offset in minutes and its width; width 0 where there is none. The cursor stays."""
        first = scan.peek()
        zulu = (first | np.uint8(32)) == ord("z")
        width = zulu.astype(np.int64)
        minutes = np.zeros(len(scan), dtype=np.int64)
        signed = (first == ord("+")) | (first == ord("-"))
        if not signed.any():
            return minutes, width
        digits = [scan.digit(ahead).astype(np.int64) for ahead in range(6)]
        signed &= (digits[1] <= 9) & (digits[2] <= 9)
        colon = (scan.peek(3) == ord(":")) & (digits[4] <= 9) & (digits[5] <= 9)
        plain = (digits[3] <= 9) & (digits[4] <= 9)
        minute = np.where(colon, digits[4] * 10 + digits[5], np.where(plain, digits[3] * 10 + digits[4], 0))
        total = (digits[1] * 10 + digits[2]) * 60 + minute
        signed &= (minute < 60) & (total <= _MOST_OFFSET)
        signed &= colon | plain | ~ALPHANUMERIC[scan.peek(3)]  # 10:15:00-12x is no offset
        minutes[signed] = np.where(first == ord("-"), -total, total)[signed]
        width[signed] = np.where(colon, 6, np.where(plain, 5, 3))[signed]
        return minutes, width


@dataclass(frozen=True)
class Zone:
    """The name of a zone that stands for one offset, or an offset."""

    width: int = 6

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return b"(?:" + _ZONE_NAME.regex + b"|" + _OFFSET + b")"

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        minutes, width = Offset().look_up(scan)
        named, name_width = _ZONE_NAME.look_up(scan)
        scan.fields["offset"] = np.where(name_width > 0, named, minutes)
        width = np.where(name_width > 0, name_width, width)
        scan.ok &= width > 0
        scan.zoned = width > 0
        scan.advance(width)


_ZONE_NAME = Name(None, tuple(ZONE_NAMES.items()))
