"""Where a source's timestamps stand and how they are written: the model's ``timestamp`` section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.timestamps.calendar import FIRST_YEAR, LAST_YEAR
from models.timestamps.errors import TimestampFormatError
from models.timestamps.patterns import NONE, compile_pattern
from models.timestamps.zones import LocalTime

_KEYS = ("formats", "timezone", "year", "skip_words", "literal")


@dataclass(frozen=True)
class TimestampSettings:
    """How to find and read the timestamp of a line.

    The timestamp begins right after the first ``literal`` at or after the beginning of word number ``skip_words``
    (0-based; words are separated by blanks or tabs). A literal of fewer than four characters must stand in that very
    word, a longer one may stand anywhere after it. With no words to skip the line's first byte counts, even a blank.

    Attributes:
        formats: one or more formats (see :mod:`models.timestamps.patterns`); the first that fits a line is used.
        timezone: zone of timestamps that do not tell theirs: IANA name, or ``+hh:mm``.
        year: year of the first line, for formats without a year.
        skip_words: words before the timestamp.
        literal: text right before the timestamp.

    Raises:
        TimestampFormatError: something in it is not valid.
    """

    formats: tuple[str, ...]
    timezone: str = "UTC"
    year: int | None = None
    skip_words: int = 0
    literal: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.formats, str) or not self.formats:
            raise TimestampFormatError("timestamp.formats must be a list of at least one format, as in ['ISO8601']")
        object.__setattr__(self, "formats", tuple(self.formats))
        for text in self.formats:
            if not isinstance(text, str):
                raise TimestampFormatError(f"timestamp.formats must be a list of texts, not {text!r}")
            compile_pattern(text)
        if not isinstance(self.timezone, str):
            raise TimestampFormatError(f"timestamp.timezone must be a text such as UTC, not {self.timezone!r}")
        LocalTime(self.timezone)
        if not _is_int(self.skip_words) or self.skip_words < 0:
            raise TimestampFormatError(f"timestamp.skip_words must be a number from 0 up, not {self.skip_words!r}")
        if not isinstance(self.literal, str):
            raise TimestampFormatError(f"timestamp.literal must be a text, not {self.literal!r}")
        if self.year is not None and not (_is_int(self.year) and FIRST_YEAR <= self.year <= LAST_YEAR):
            raise TimestampFormatError(f"timestamp.year must be a year such as 2024, not {self.year!r}")
        if self.year is None and self.yearless:
            raise TimestampFormatError(
                f"timestamps written as {' or '.join(self.formats)} do not tell the year; give the year of the first "
                "line (timestamp.year in a model)"
            )

    @property
    def yearless(self) -> bool:
        """Some format has no year, so that a stream's years must be unwrapped (:mod:`models.timestamps.years`)."""
        return not all(compile_pattern(text).has_year for text in self.formats)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> TimestampSettings:
        """Read the ``timestamp`` section of a model document; all but ``formats`` may be absent.

        Raises:
            TimestampFormatError: a key is unknown or a value is not valid.
        """
        if not isinstance(document, Mapping):
            raise TimestampFormatError("timestamp must be an object with the key formats")
        for key in document:
            if key not in _KEYS:
                raise TimestampFormatError(f"timestamp has the unknown key {key!r}; known: {', '.join(_KEYS)}")
        formats = document.get("formats")
        if not isinstance(formats, list | tuple):
            raise TimestampFormatError("timestamp.formats must be a list of at least one format, as in ['ISO8601']")
        rest = {key: value for key, value in document.items() if key != "formats"}
        return cls(formats=tuple(formats), **rest)  # type: ignore[arg-type]  # checked by __post_init__

    def to_document(self) -> dict[str, object]:
        """The ``timestamp`` section of a model document; undoes :meth:`from_document`."""
        return {
            "formats": list(self.formats),
            "timezone": self.timezone,
            "year": self.year,
            "skip_words": self.skip_words,
            "literal": self.literal,
        }

    def describe(self) -> str:
        """One line for humans, such as ``yyMMdd HHmmss at the beginning of the line, time zone UTC``."""
        if self.formats == (NONE,):
            return "none: each line is an event, without a time"
        place = []
        if self.skip_words:
            place.append("1 word" if self.skip_words == 1 else f"{self.skip_words} words")
        if self.literal:
            place.append(f'"{self.literal}"')
        where = "after " + " and ".join(place) if place else "at the beginning of the line"
        year = f", year {self.year}" if self.yearless else ""
        return f"{' or '.join(self.formats)} {where}, time zone {self.timezone}{year}"

    def __str__(self) -> str:
        return self.describe()


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
