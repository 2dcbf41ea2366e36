"""Timestamps of raw lines: settings, a vectorised reader, years for formats without one, and detection."""

from models.timestamps.catalogue import KNOWN_FORMATS
from models.timestamps.detection import detect
from models.timestamps.errors import NoTimestampError, TimestampFormatError
from models.timestamps.reader import MISSING, TimestampColumn, TimestampReader, Yearless
from models.timestamps.settings import TimestampSettings
from models.timestamps.years import YearCarry, unwrap_years, year_offsets

__all__ = [
    "KNOWN_FORMATS",
    "MISSING",
    "NoTimestampError",
    "TimestampColumn",
    "TimestampFormatError",
    "TimestampReader",
    "TimestampSettings",
    "YearCarry",
    "Yearless",
    "detect",
    "unwrap_years",
    "year_offsets",
]
