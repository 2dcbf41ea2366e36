"""Lengths of time as people write them: ``30s``, ``5m``, ``1h``, ``1d``."""

from __future__ import annotations

import re

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_MOST_MS = 366 * 86_400_000


def duration_ms(text: str) -> int | None:
    """The length in ms; None where the text is none, or it is not above 0, or longer than a year."""
    found = re.fullmatch(r"([0-9]{1,12})\s*([a-z]+)", text.strip())
    if found is None or found[2] not in _UNITS_MS:
        return None
    length = int(found[1]) * _UNITS_MS[found[2]]
    return length if 0 < length <= _MOST_MS else None
