"""Slow, obvious counterparts of what models.timestamps does with arrays."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from zoneinfo import ZoneInfo

import numpy as np

from models.timestamps import TimestampColumn, TimestampReader, TimestampSettings

UTC = dt.UTC


def buffer_of(lines: list[bytes], between: bytes = b"\n") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lines as the reader wants them."""
    starts, ends, at = [], [], 0
    for line in lines:
        starts.append(at)
        ends.append(at + len(line))
        at += len(line) + len(between)
    data = between.join(lines)  # the last line ends with the buffer
    return np.frombuffer(data, dtype=np.uint8), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


def read_lines(settings: TimestampSettings, lines: list[bytes]) -> TimestampColumn:
    return TimestampReader(settings).read(*buffer_of(lines))


def epoch_ms(moment: dt.datetime) -> int:
    """Milliseconds, cut off."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=UTC)) // dt.timedelta(milliseconds=1)


def render(pattern: str, moment: dt.datetime) -> str:
    """Write an aware moment as a Java date pattern says."""
    if pattern == "UNIX":
        return str(epoch_ms(moment) // 1000)
    if pattern == "UNIX_MS":
        return str(epoch_ms(moment))
    if pattern in ("UNIX_US", "UNIX_NS"):
        micro = (moment - dt.datetime(1970, 1, 1, tzinfo=UTC)) // dt.timedelta(microseconds=1)
        return str(micro) if pattern == "UNIX_US" else f"{micro}987"
    if pattern == "ISO8601":
        return moment.isoformat(timespec="microseconds")
    out = ""
    for part in re.findall(r"'[^']*'|[a-zA-Z]+|[^a-zA-Z']+", pattern):
        if part.startswith("'"):
            out += part[1:-1]
        elif not part[0].isalpha():
            out += part.replace("?", "I")
        else:
            for letter, group in itertools.groupby(part):
                out += _field(letter, len(list(group)), moment)
    return out


def _field(letter: str, count: int, moment: dt.datetime) -> str:
    fraction = f"{moment.microsecond:06d}000"
    match letter:
        case "y":
            return moment.strftime("%Y" if count == 4 else "%y")
        case "M":
            return {1: str(moment.month), 2: f"{moment.month:02d}", 3: moment.strftime("%b")}[count]
        case "d":
            return f"{moment.day:0{count}d}"
        case "H":
            return f"{moment.hour:0{count}d}"
        case "h":
            return f"{moment.hour % 12 or 12:0{count}d}"
        case "m":
            return f"{moment.minute:0{count}d}"
        case "s":
            return f"{moment.second:0{count}d}"
        case "S":
            return str(moment.microsecond // 1000) if count == 1 else fraction[:count]
        case "a":
            return moment.strftime("%p")
        case "E":
            return moment.strftime("%a")
        case "Z":
            return moment.strftime("%z")
        case "z":
            return "UTC"
    raise AssertionError(letter)


# Shapes as regular expressions, checked for validity by strptime.
SHAPES: dict[str, tuple[str, str]] = {
    "yyMMdd HHmmss": (r"\d{6} \d{6}", "%y%m%d %H%M%S"),
    "yyyy-MM-dd HH:mm:ss,SSS": (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "%Y-%m-%d %H:%M:%S,%f"),
    "yyyy-MM-dd-HH.mm.ss.SSSSSS": (r"\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d{6}", "%Y-%m-%d-%H.%M.%S.%f"),
    "yy/MM/dd HH:mm:ss": (r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d", "%y/%m/%d %H:%M:%S"),
    "dd.MM.yyyy HH:mm:ss": (r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", "%d.%m.%Y %H:%M:%S"),
    "dd/MMM/yyyy:HH:mm:ss Z": (
        r"\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d (?:[+-]\d\d:?\d\d|[Zz])",
        "%d/%b/%Y:%H:%M:%S %z",
    ),
    "EEE MMM dd HH:mm:ss yyyy": (r"[A-Za-z]{3} [A-Za-z]{3} \d\d \d\d:\d\d:\d\d \d{4}", "%a %b %d %H:%M:%S %Y"),
    "MMM d, yyyy h:mm:ss a": (
        r"[A-Za-z]{3} (?:\d\d?| \d), \d{4} (?:\d\d?| \d):\d\d:\d\d [AaPp][Mm]",
        "%b %d, %Y %I:%M:%S %p",
    ),
}


def slow_read(pattern: str, line: bytes) -> tuple[int, int] | None:
    """(epoch ms, width) of the timestamp at a line's beginning, in UTC."""
    shape, form = SHAPES[pattern]
    match = re.match(shape + r"(?![0-9A-Za-z])", line.decode("latin-1"), re.ASCII)
    if not match:
        return None
    text = match[0]
    leap = 0
    if re.search(r"[:.]\d\d[:.]60(?!\d)|\d{6} \d{4}60$", text):  # strptime would move a leap second on its own way
        text = re.sub(r"60(\D.*)?$", r"59\1", text) if not form.endswith("%Y") else re.sub(r":60 ", ":59 ", text)
        leap = 1000
    try:
        moment = dt.datetime.strptime(text, form)  # noqa: DTZ007 - the zone follows
    except (ValueError, OverflowError):
        return None
    if not 1 <= moment.year <= 9998:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return epoch_ms(aware) + leap, len(match[0])


def slow_position(line: bytes, skip_words: int, literal: bytes) -> int | None:
    """Where a timestamp begins in a line."""
    at = 0
    if skip_words:
        words = [match.start() for match in re.finditer(rb"[^ \t]+", line)]
        if len(words) <= skip_words:
            return None
        at = words[skip_words]
    if not literal:
        return at
    word_end = next((i for i in range(at, len(line)) if line[i : i + 1] in (b" ", b"\t")), len(line))
    limit = len(line) if len(literal) >= 4 else word_end
    if line[at : at + len(literal)] == literal:
        return at + len(literal)
    found = line.find(literal, at, limit)
    return None if found < 0 else found + len(literal)


def slow_to_utc(local_ms: int, zone: str) -> int:
    """A local time, given as if it were UTC, as epoch ms."""
    local = dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(milliseconds=local_ms)
    offset = local.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return local_ms - offset // dt.timedelta(milliseconds=1)
