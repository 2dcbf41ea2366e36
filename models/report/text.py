"""Text of the report: escaping, cutting, and numbers, times and durations in words."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Control characters are not allowed in HTML and hide from the eye: show the picture that Unicode has for each.
_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: "\u2421"}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
# Characters that reorder the text around them could make a line read as something else: name them instead.
_VISIBLE |= {code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def escape(value: object) -> str:
    """``value`` as text that is safe between tags and in double-quoted attributes, control characters made visible."""
    text = str(value).encode("utf-8", "replace").decode("utf-8").translate(_VISIBLE)
    return html.escape(text, quote=True)


def cut(text: str, limit: int) -> tuple[str, int]:
    """The first ``limit`` characters of ``text`` and how many were left off."""
    return (text, 0) if len(text) <= limit else (text[:limit], len(text) - limit)


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters, an ellipsis at its end when it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shorten_path(path: str, limit: int) -> str:
    """``path`` in at most ``limit`` characters; its end says most, so the front is cut."""
    return path if len(path) <= limit else "…" + path[1 - limit :]


def label(name: str) -> str:
    """A snake_case name for people: ``too_many`` → ``Too many``."""
    words = name.replace("_", " ").strip() or name
    return words[:1].upper() + words[1:]


def number(value: float) -> str:
    """``12345`` → ``12,345``; a fraction keeps one decimal."""
    rounded = round(float(value), 1)
    return f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:,.1f}"


def compact(value: float) -> str:
    """A number in at most five characters: ``950``, ``12k``, ``3.4M``."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # 999,950 and more would round to "1000k".
        if value >= unit * 0.9995 and value >= 1000:
            scaled = value / unit
            return f"{scaled:.0f}{name}" if scaled >= 9.95 else f"{scaled:.1f}".removesuffix(".0") + name
    return number(value)


def plural(count: int, one: str, many: str | None = None) -> str:
    """``3 lines``, ``1 line``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def times(low: int | None, high: int | None) -> str:
    """Bounds of a number of occurrences: ``3×``, ``1–3×``, ``1× or more``, ``never``."""
    low = low or 0
    if high is None:
        return f"{compact(low)}× or more"
    if high == 0:
        return "never"
    return f"{compact(high)}×" if low == high else f"{compact(low)}–{compact(high)}×"


def duration(ms: float) -> str:
    """A length of time in its two largest units: ``12 ms``, ``3.4 s``, ``1 m 38 s``, ``2 h 5 m``, ``3 d 4 h``."""
    if ms < 0:
        return "−" + duration(-ms)
    if ms < 1000:
        return f"{number(ms)} ms"
    if ms < 59_950:
        return f"{number(ms / 1000)} s"
    seconds = round(ms / 1000)
    for unit, name, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= unit:
            rest = seconds % unit // below
            return f"{seconds // unit:,} {name}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def parse_time(value: object) -> int | None:
    """An ISO 8601 time as epoch milliseconds (UTC unless it says otherwise); None when it is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def moment(ms: int) -> datetime:
    """Epoch milliseconds as a time in UTC, held within the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, -62_135_596_800_000), 253_402_300_799_999))


def stamp(ms: int) -> str:
    """``2008-11-09 20:35:31``, with the milliseconds when there are any."""
    at = moment(ms)
    text = f"{at.year:04}-{at:%m-%d %H:%M:%S}"
    return f"{text}.{at.microsecond // 1000:03}" if at.microsecond else text


def day(ms: int) -> str:
    """``9 Nov 2008``."""
    at = moment(ms)
    return f"{at.day} {month(ms)}"


def month(ms: int) -> str:
    """``Nov 2008``."""
    at = moment(ms)
    return f"{_MONTHS[at.month - 1]} {at.year}"
