"""What the clock of a log can tell: the unit in which its times are written."""

from __future__ import annotations

from models.batches import Int64


def resolution_ms(times: Int64) -> int:
    """The largest of 1000, 100, 10 and 1 ms of which all times are multiples."""
    for unit in (1000, 100, 10):
        if not (times % unit).any():
            return unit
    return 1
