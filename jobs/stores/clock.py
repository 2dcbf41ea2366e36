"""The time of day as stores write it down."""

from __future__ import annotations

import datetime


def now() -> str:
    """UTC to the millisecond: ``2008-11-09T20:35:31.000Z``."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
