"""Places in a sample of lines where a timestamp might stand, and what is read there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.timestamps.calendar import BoolArray, Int64
from models.timestamps.catalogue import MERE_NUMBERS
from models.timestamps.patterns import Pattern, compile_pattern
from models.timestamps.position import LONG_LITERAL
from models.timestamps.reader import MISSING, TimestampReader
from models.timestamps.scan import Bytes
from models.timestamps.settings import TimestampSettings

_REACH = 400  # bytes of a line that are searched
_PLACES_PER_LINE = 3  # of one format
_MOST_SKIPPED = 12
_MOST_LITERAL = 40  # bytes
_MOST_CANDIDATES = 300

# 1990 to 2100: a number outside is no time, and a date outside is no date of a log.
_EARLIEST_MS, _LATEST_MS = 631_152_000_000, 4_102_444_800_000
_NUMBER_SPAN_MS = 20 * 365 * 86_400_000
_LEAST_ORDER = 0.75  # share of steps that do not go back
_SMALL_STEP, _ENOUGH_STEPS = 0.02, 20  # of the span; random numbers have about 0.3

_KEY = re.compile(rb"[\w@.\"']{2,30}\s?[:=]\s?[\"']?$")  # "time":" or ts=
_WORD = re.compile(rb"[^ \t]+")
_COMMA_NUMBER = re.compile(rb",(\d{1,2}|\d{4,5}|\d{7,8})(?:$|[^\d])")


@dataclass(frozen=True)
class Place:
    """A position as the settings describe it."""

    skip_words: int
    literal: str


class Sample:
    """Lines as one buffer, as the reader wants them."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = [line.rstrip(b"\r\n") for line in lines]
        lengths = np.fromiter(map(len, self.lines), dtype=np.int64, count=len(self.lines))
        self.ends: Int64 = np.cumsum(lengths + 1) - 1
        self.starts: Int64 = self.ends - lengths
        self.data: Bytes = np.frombuffer(b"\n".join(self.lines) + b"\n", dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class Trial:
    """What one format reads at one place of a sample.

    Attributes:
        format: the format.
        ms: int64[n], ``MISSING`` where nothing is read.
        length: int64[n], bytes of the timestamps' texts; 0 where nothing is read.
        offset: int64[n], bytes of the line before the timestamp.
    """

    format: str
    ms: Int64
    length: Int64
    offset: Int64

    @property
    def found(self) -> BoolArray:
        """bool[n]: the lines that have a timestamp of this format here."""
        return self.length > 0


def order_of(ms: Int64) -> float:
    """The share of steps that do not go back in time; 1 for fewer than two times."""
    return float(np.mean(np.diff(ms) >= 0)) if len(ms) > 1 else 1.0


def propose(sample: Sequence[bytes], formats: Sequence[str]) -> dict[Place, set[str]]:
    """Search formats in lines; the places found most often and the formats seen there."""
    seen: Counter[tuple[Place, str]] = Counter()
    for text in formats:
        pattern = compile_pattern(text)
        for line in sample:
            seen.update({(place, text) for place in _places(line[:_REACH], pattern)})
    least = max(1, len(sample) // 200)
    result: dict[Place, set[str]] = {}
    for (place, text), count in seen.most_common(_MOST_CANDIDATES):
        if count >= least:
            result.setdefault(place, set()).add(text)
    return result


def _places(line: bytes, pattern: Pattern) -> Iterator[Place]:
    """Settings that would find each occurrence of a format in a line."""
    for number, match in enumerate(pattern.regex.finditer(line)):
        if number == _PLACES_PER_LINE:
            return
        before = line[: match.start()]
        words = list(_WORD.finditer(before))
        inside = bool(words) and words[-1].end() == len(before)
        literal = before[words[-1].start() :] if inside else b""
        skip = len(words) - inside
        if skip == 0 and not literal and before:
            continue  # an indented line
        options = {(skip, literal)}
        if literal and not literal[-1:].isalnum():
            options.add((skip, literal[-1:]))  # <34>Oct 11, INFO|2024-01-01
        key = _KEY.search(before)
        if key and len(key[0]) >= LONG_LITERAL:
            options.add((0, key[0]))
            if literal != key[0] and literal.endswith(key[0]):
                options.remove((skip, literal))  # what stands before the key may differ elsewhere
        for words_before, text in options:
            if words_before <= _MOST_SKIPPED and len(text) <= _MOST_LITERAL and text.isascii():
                yield Place(words_before, text.decode("ascii"))


def attempt(sample: Sample, place: Place, text: str, timezone: str, year: int) -> Trial | None:
    """Read one format at one place; None if what it reads cannot be times."""
    settings = TimestampSettings((text,), timezone, year, place.skip_words, place.literal)
    column = TimestampReader(settings).read(sample.data, sample.starts, sample.ends)
    kept = column.found & (column.ms >= _EARLIEST_MS) & (column.ms < _LATEST_MS)
    if column.yearless is not None:
        kept = column.found
    if text == "ISO8601":
        kept &= ~_is_next_field(sample, column.end, column.begin, kept)
    ms = column.ms[kept]
    if not ms.size or (text in MERE_NUMBERS and not _moves_like_time(ms, place)):
        return None
    return Trial(
        text,
        np.where(kept, column.ms, MISSING),
        np.where(kept, column.end - column.begin, 0),
        np.where(kept, column.begin - sample.starts, 0),
    )


def _moves_like_time(ms: Int64, place: Place) -> bool:
    if int(ms.max()) - int(ms.min()) > _NUMBER_SPAN_MS:
        return False
    if len(ms) > 20 and ms.min() == ms.max() and place != Place(0, ""):
        return False  # a constant
    if order_of(ms) >= _LEAST_ORDER:
        return True
    # A log put together from several is out of order and still moves in small steps, as random numbers do not.
    steps = np.abs(np.diff(ms))
    steps = steps[steps > 0]
    return len(steps) >= _ENOUGH_STEPS and float(np.median(steps)) <= _SMALL_STEP * float(ms.max() - ms.min())


def _is_next_field(sample: Sample, end: Int64, begin: Int64, kept: BoolArray) -> BoolArray:
    """Times whose "fraction" after a comma has not 3, 6 or 9 digits: it is the next column of a CSV file."""
    result = np.zeros(len(sample), dtype=np.bool_)
    for row in np.flatnonzero(kept).tolist():
        text = sample.data[int(begin[row]) : int(end[row])].tobytes()
        result[row] = _COMMA_NUMBER.search(text) is not None
    return result
