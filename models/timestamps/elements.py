"""What a timestamp pattern is made of: each element reads one piece of n texts at once.

An element knows its greatest width, reads itself from a :class:`~models.timestamps.scan.Scan`, and gives a regular
expression that finds places where it may stand (the scan alone decides whether a timestamp is valid).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.timestamps.calendar import BoolArray, Int64
from models.timestamps.scan import Scan

MONTHS = tuple(b"January February March April May June July August September October November December".split())
WEEKDAYS = tuple(b"Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())


class Element(Protocol):
    """One piece of a pattern."""

    @property
    def width(self) -> int:
        """The most bytes it can take."""
        ...

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        ...

    def read(self, scan: Scan) -> None:
        """Read it at the scan's cursor: narrow ``ok``, set fields, move on."""
        ...


@dataclass(frozen=True)
class Text:
    """Text that stands there as it is."""

    text: bytes

    @property
    def width(self) -> int:
        """The most bytes it can take."""
        return len(self.text)

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return re.escape(self.text)

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        for ahead, byte in enumerate(self.text):
            scan.ok &= scan.peek(ahead) == byte
        scan.advance(len(self.text))


@dataclass(frozen=True)
class OneOf:
    """One of some bytes."""

    choices: bytes
    width: int = 1

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return b"[" + re.escape(self.choices) + b"]"

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        byte = scan.peek()
        found = byte == self.choices[0]
        for choice in self.choices[1:]:
            found |= byte == choice
        scan.ok &= found
        scan.advance(1)


@dataclass(frozen=True)
class AnyByte:
    """One byte, whatever it is, that is not part of the timestamp."""

    width: int = 1
    regex: bytes = b"."

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        scan.advance(1)


@dataclass(frozen=True)
class Number:
    """A number of a fixed count of digits."""

    name: str
    width: int

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return rb"\d{%d}" % self.width

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        scan.fields[self.name] = scan.number(self.width)


@dataclass(frozen=True)
class ShortYear:
    """A year of two digits: 70 to 99 are 1970 to 1999, 00 to 69 are 2000 to 2069 (as POSIX has it)."""

    width: int = 2
    regex: bytes = rb"\d\d"

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        year = scan.number(2)
        scan.fields["year"] = year + np.where(year >= 70, 1900, 2000)


@dataclass(frozen=True)
class ShortNumber:
    """A number of one digit to ``width`` digits; one of one digit may have a blank in front of it."""

    name: str
    width: int = 2

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return rb"(?:\d{1,%d}| \d)" % self.width

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        padded = scan.peek() == 32
        run: BoolArray = (scan.digit() <= 9) | padded
        value = np.where(padded, 0, scan.digit()).astype(np.int64)
        width = run.astype(np.int64)
        for ahead in range(1, self.width):
            digit = scan.digit(ahead)
            run &= digit <= 9
            if ahead > 1:
                run &= ~padded
            value = np.where(run, value * 10 + digit, value)
            width += run
        scan.ok &= np.where(padded, width == 2, width >= 1)
        scan.fields[self.name] = value
        scan.advance(width)


@dataclass(frozen=True)
class Fraction:
    """A fraction of a second, a fixed count of digits; cut off (never rounded) to milliseconds."""

    width: int

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return rb"\d{%d}" % self.width

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        used = min(self.width, 3)
        scan.fields["milli"] = scan.number(used) * 10 ** (3 - used)
        for ahead in range(self.width - used):
            scan.ok &= scan.digit(ahead) <= 9
        scan.advance(self.width - used)


@dataclass(frozen=True)
class MaybeFraction:
    """One of the marks and one to nine digits, or nothing."""

    marks: bytes
    width: int = 10

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return b"(?:[" + re.escape(self.marks) + rb"]\d{1,9})?"

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        mark = scan.peek()
        run = mark == self.marks[0]
        for other in self.marks[1:]:
            run |= mark == other
        milli = np.zeros(len(scan), dtype=np.int64)
        width = np.zeros(len(scan), dtype=np.int64)
        for place in range(1, self.width):
            digit = scan.digit(place)
            run &= digit <= 9
            if not run.any():
                break
            width += run
            if place <= 3:
                milli += np.where(run, digit, 0) * np.int64(10 ** (3 - place))
        scan.fields["milli"] = milli
        scan.advance(width + (width > 0))


@dataclass(frozen=True)
class Name:
    """One of some names, in any case of letters; the longest that stands there.

    Attributes:
        name: the field it sets, or None for a name that tells nothing (a weekday).
        values: the names and what each stands for.
    """

    name: str | None
    values: tuple[tuple[bytes, int], ...]

    @property
    def width(self) -> int:
        """The most bytes it can take."""
        return max(len(text) for text, _ in self.values)

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        longest_first = sorted((text for text, _ in self.values), key=len, reverse=True)
        return b"(?:" + b"|".join(re.escape(text) for text in longest_first) + b")"

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        value, width = self.look_up(scan)
        scan.ok &= width > 0
        if self.name is not None:
            scan.fields[self.name] = value
        scan.advance(width)

    def look_up(self, scan: Scan) -> tuple[Int64, Int64]:
        """The value and width of the name at the cursor; width 0 where there is none. The cursor stays."""
        lower = [scan.peek(ahead) | np.uint8(32) for ahead in range(self.width)]
        value = np.zeros(len(scan), dtype=np.int64)
        width = np.zeros(len(scan), dtype=np.int64)
        for text, meaning in sorted(self.values, key=lambda pair: len(pair[0])):
            same = lower[0] == text.lower()[0]
            if not same.any():
                continue
            for have, want in zip(lower[1:], text.lower()[1:], strict=False):
                same &= have == want
            value[same] = meaning
            width[same] = len(text)
        return value, width


@dataclass(frozen=True)
class NoTime:
    """Lines that tell no time: every line that is not empty is an event, all of them at time 0."""

    width: int = 0
    regex: bytes = b""

    def read(self, scan: Scan) -> None:
        """Nothing to read."""
        scan.ok &= scan.peek() != 0
        scan.fields["epoch"] = np.zeros(len(scan), dtype=np.int64)


@dataclass(frozen=True)
class Epoch:
    """A count of seconds, milliseconds or less since 1970.

    Attributes:
        least: the fewest digits: small numbers at the beginning of a line are rarely times.
        most: the most digits.
        scale: milliseconds in a unit.
        parts: units in a millisecond, where they are smaller.
    """

    least: int
    most: int
    scale: int
    parts: int = 1

    @property
    def width(self) -> int:
        """The most bytes it can take."""
        return self.most

    @property
    def regex(self) -> bytes:
        """Finds places where it may stand."""
        return rb"\d{%d,%d}" % (self.least, self.most)

    def read(self, scan: Scan) -> None:
        """Read it at the cursor of all texts."""
        run = scan.ok.copy()
        value = np.zeros(len(scan), dtype=np.int64)
        width = np.zeros(len(scan), dtype=np.int64)
        for ahead in range(self.most):
            digit = scan.digit(ahead)
            run &= digit <= 9
            value = np.where(run, value * 10 + digit, value)
            width += run
        scan.ok &= width >= self.least
        scan.fields["epoch"] = value * self.scale // self.parts
        scan.advance(width)
