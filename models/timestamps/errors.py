"""What can be wrong with timestamps, told so that a user can mend it."""

from __future__ import annotations

from models.errors import UserError


class TimestampFormatError(UserError):
    """A format, time zone, year or position of timestamps is not valid."""


class NoTimestampError(UserError):
    """No timestamp was found in the lines of a source."""
