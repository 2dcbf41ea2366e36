"""Timestamp formats as users write them: Java/Logstash date patterns, and some names.

============  =====================================================================================================
``yyyy yy``   year of four or two digits (70–99: 1970–1999, 00–69: 2000–2069); ``u`` is the same
``MM M``      month, two digits; one or two. ``MMM`` ``MMMM``: English name, short or long, in any case
``dd d``      day of the month, two digits; one or two, a single one perhaps with a blank before it
``HH H``      hour 0–23; ``hh h``: hour 1–12, which needs ``a`` (AM or PM)
``mm m``      minute; ``ss s``: second (60 is read as the next minute's 0)
``SSS…``      fraction of a second, one digit a letter, 2–9; ``S`` alone: a count of milliseconds, 1–3 digits
``EEE EEEE``  English name of the weekday, short or long; not compared with the date
``Z X x``     offset from UTC, however many letters: ``Z``, ``+hh``, ``+hhmm`` or ``+hh:mm``
``z``         zone by name (UTC, GMT, EST, CET, …) or offset
``'text'``    text as it is, ``''`` is a quote; what is no letter stands for itself
``?``         only in front: one character, whatever it is, before the timestamp (the level letter of glog)
``ISO8601``   ``yyyy-MM-dd``, T or a blank, ``HH:mm:ss``, perhaps . or , and 1–9 digits, perhaps an offset
``UNIX``      seconds since 1970, 9–11 digits, perhaps a dot and 1–9 digits; ``UNIX_MS``: milliseconds, 12–14 digits;
              ``UNIX_US``: microseconds, 16 digits; ``UNIX_NS``: nanoseconds, 19 digits
``NONE``      the lines have no timestamps: each is an event of its own, without a time
============  =====================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby

from models.timestamps.elements import (
    MONTHS,
    WEEKDAYS,
    AnyByte,
    Element,
    Epoch,
    Fraction,
    MaybeFraction,
    Name,
    NoTime,
    Number,
    OneOf,
    ShortNumber,
    ShortYear,
    Text,
)
from models.timestamps.errors import TimestampFormatError
from models.timestamps.zone_elements import Offset, Zone

KNOWN_LETTERS = (
    "y u (year), M (month), d (day), H (hour 0-23), h (hour 1-12), m (minute), s (second), S (fraction), a (AM/PM), "
    "E (weekday), Z X x (offset), z (zone)"
)

NONE = "NONE"
"""The format of lines without timestamps."""

_ISO = "yyyy-MM-dd?HH:mm:ss"


@dataclass(frozen=True)
class Pattern:
    """A format, ready to be read.

    Attributes:
        text: the format as written.
        elements: what it is made of, from left to right.
        lead: bytes at its beginning that are not part of the timestamp.
        has_year: the format tells the year.
    """

    text: str
    elements: tuple[Element, ...]
    lead: int
    has_year: bool

    @cached_property
    def width(self) -> int:
        """The most bytes it takes."""
        return sum(element.width for element in self.elements)

    @cached_property
    def ends_in_word(self) -> bool:
        """Its last element is a number or a name, so that no letter or digit may follow."""
        return self.width > 0 and not isinstance(self.elements[-1], Text)

    @cached_property
    def regex(self) -> re.Pattern[bytes]:
        """Finds places where the format may stand, not inside a longer word or number."""
        body = b"".join(element.regex for element in self.elements)
        follow = rb"(?![0-9A-Za-z])" if self.ends_in_word else b""
        return re.compile(rb"(?<![0-9A-Za-z])(?<![0-9][-/.:_])" + body + follow, re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Understand a format.

    Raises:
        TimestampFormatError: a letter is unknown, the format is ambiguous, or month or day are missing.
    """
    if text == NONE:
        return Pattern(text, (NoTime(),), 0, True)
    if text == "UNIX":
        return Pattern(text, (Epoch(9, 11, 1000), MaybeFraction(b".")), 0, True)
    if text == "UNIX_MS":
        return Pattern(text, (Epoch(12, 14, 1),), 0, True)
    if text == "UNIX_US":
        return Pattern(text, (Epoch(16, 16, 1, 1000),), 0, True)
    if text == "UNIX_NS":
        return Pattern(text, (Epoch(19, 19, 1, 1_000_000),), 0, True)
    if text == "ISO8601":
        date, time = _ISO.split("?")
        elements = [
            *_elements(date)[0],
            OneOf(b"T t"),
            *_elements(time)[0],
            MaybeFraction(b".,"),
            Offset(optional=True),
        ]
        return Pattern(text, tuple(elements), 0, True)
    parts, letters = _elements(text)
    _check(text, letters)
    lead = next((i for i, part in enumerate(parts) if not isinstance(part, AnyByte)), len(parts))
    return Pattern(text, tuple(parts), lead, bool(set("yu") & set(letters)))


def _elements(text: str) -> tuple[list[Element], list[str]]:
    """The elements of a pattern and the letters of its fields."""
    elements: list[Element] = []
    letters: list[str] = []
    for quoted, piece in _pieces(text):
        if quoted:
            elements.append(Text(piece.encode()))
            continue
        for char, group in groupby(piece):
            count = len(list(group))
            if char == "?":
                if any(not isinstance(element, AnyByte) for element in elements):
                    raise _error(text, "has a ? that is not in front (write '?' in quotes for a question mark)")
                elements.extend([AnyByte()] * count)
            elif char.isascii() and char.isalpha():
                elements.append(_field(text, char, count))
                letters.append(char)
            else:
                elements.append(Text((char * count).encode()))
    return elements, letters


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Cut a pattern at its quotes: (is quoted text, piece)."""
    pieces: list[tuple[bool, str]] = []
    at = 0
    while at < len(text):
        if text[at] != "'":
            stop = text.find("'", at)
            stop = len(text) if stop < 0 else stop
            pieces.append((False, text[at:stop]))
            at = stop
        elif text.startswith("''", at):
            pieces.append((True, "'"))
            at += 2
        else:
            stop = text.find("'", at + 1)
            if stop < 0:
                raise _error(text, "has a quote ' without its end")
            pieces.append((True, text[at + 1 : stop]))
            at = stop + 1
    return pieces


def _numeric(name: str) -> Callable[[int], Element | None]:
    elements: dict[int, Element] = {1: ShortNumber(name), 2: Number(name, 2)}
    return elements.get


def _names(name: str | None, names: tuple[bytes, ...], full: bool) -> Element:
    return Name(name, tuple((text if full else text[:3], i) for i, text in enumerate(names, start=1)))


def _year(count: int) -> Element | None:
    elements: dict[int, Element] = {1: Number("year", 4), 2: ShortYear(), 4: Number("year", 4)}
    return elements.get(count)


def _month(count: int) -> Element | None:
    return _names("month", MONTHS, count == 4) if count in (3, 4) else _numeric("month")(count)


def _weekday(count: int) -> Element | None:
    return _names(None, WEEKDAYS, count == 4) if count <= 4 else None


def _fraction(count: int) -> Element | None:
    if count == 1:
        return ShortNumber("milli", 3)
    return Fraction(count) if count <= 9 else None


_FIELDS: dict[str, Callable[[int], Element | None]] = {
    "y": _year,
    "u": _year,
    "M": _month,
    "d": _numeric("day"),
    "H": _numeric("hour"),
    "h": _numeric("hour12"),
    "m": _numeric("minute"),
    "s": _numeric("second"),
    "S": _fraction,
    "a": lambda count: Name("noon", ((b"AM", 0), (b"PM", 12))) if count == 1 else None,
    "E": _weekday,
    "Z": lambda count: Offset() if count <= 3 else None,
    "X": lambda count: Offset() if count <= 3 else None,
    "x": lambda count: Offset() if count <= 3 else None,
    "z": lambda count: Zone() if count <= 3 else None,
}
_MEANING = {"u": "y", "X": "Z", "x": "Z", "z": "Z"}


def _field(text: str, char: str, count: int) -> Element:
    if char not in _FIELDS:
        raise _error(text, f"has the unknown letter {char}")
    element = _FIELDS[char](count)
    if element is None:
        raise _error(text, f"has {count} times the letter {char} in a row, which means nothing")
    return element


def _check(text: str, letters: list[str]) -> None:
    meanings = [_MEANING.get(char, char) for char in letters]
    for char in meanings:
        if meanings.count(char) > 1:
            raise _error(text, f"has {char} in two places")
    for char, name in (("M", "month"), ("d", "day")):
        if char not in meanings:
            raise _error(text, f"has no {name} ({char})")
    if ("h" in meanings) != ("a" in meanings):
        raise _error(text, "needs both h (hour 1-12) and a (AM/PM), or H (hour 0-23) instead")
    if "h" in meanings and "H" in meanings:
        raise _error(text, "has both H and h")


def _error(text: str, problem: str) -> TimestampFormatError:
    return TimestampFormatError(
        f"timestamp format {text!r} {problem}. Known letters: {KNOWN_LETTERS}; other letters need quotes, as in 'T'. "
        "Known names: ISO8601, UNIX, UNIX_MS, UNIX_US, UNIX_NS. Examples: yyyy-MM-dd HH:mm:ss,SSS or MMM d HH:mm:ss"
    )
