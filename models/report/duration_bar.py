"""Draw how long a transaction took beside how long is normal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from models.report.digest import Anomaly
from models.report.text import duration, escape, parse_time

_WIDTH, _LEFT, _RIGHT = 340, 8, 8
_WIDE_RATIO = 20


def duration_of(anomaly: Anomaly) -> float | None:
    """How long the anomaly's transaction took, ms: as a violation says, else from its begin and end."""
    for violation in anomaly.get("violations") or []:
        if violation.get("unit") == "ms" and not violation.get("state") and violation.get("actual") is not None:
            return float(violation["actual"])
    transaction = anomaly.get("transaction") or {}
    begin, end = parse_time(transaction.get("begin")), parse_time(transaction.get("end"))
    return None if begin is None or end is None else float(max(end - begin, 0))


def normal_duration(low: float | None, high: float | None) -> str:
    """The bounds in words; empty when there are none."""
    if low is not None and high is not None:
        return f"{duration(low)} to {duration(high)}"
    if high is not None:
        return f"at most {duration(high)}"
    return "" if low is None else f"at least {duration(low)}"


def draw_duration(actual: float, bounds: Mapping[str, Any] | None) -> str:
    """A bar with the normal range as a band and ``actual`` (ms) as a mark, red when it is outside.

    The scale is linear from 0, or logarithmic when the values span more than a factor of twenty; empty without bounds.
    """
    low = None if not bounds or bounds.get("min_ms") is None else float(bounds["min_ms"])
    high = None if not bounds or bounds.get("max_ms") is None else float(bounds["max_ms"])
    normal = normal_duration(low, high)
    if not normal:
        return ""
    values = [max(value, 1.0) for value in (actual, low, high) if value is not None]
    logarithmic = max(values) / min(values) > _WIDE_RATIO
    start, stop = (min(values) / 1.5, max(values) * 1.5) if logarithmic else (0.0, max(values) * 1.12)
    plot = _WIDTH - _LEFT - _RIGHT

    def place(value: float) -> float:
        if not logarithmic:
            return _LEFT + plot * value / stop
        return _LEFT + plot * math.log(max(value, 1.0) / start) / math.log(stop / start)

    left = _LEFT if low is None else place(low)
    right = _WIDTH - _RIGHT if high is None else place(high)
    outside = (low is not None and actual < low) or (high is not None and actual > high)
    at = place(actual)
    anchor, text_at = ("start", _LEFT) if at < 70 else ("end", _WIDTH - _RIGHT) if at > _WIDTH - 70 else ("middle", at)
    style = "badmark" if outside else "okmark"
    took = escape(duration(actual))
    scale = " (logarithmic scale)" if logarithmic else ""
    return (
        f'<svg class="duration" width="{_WIDTH}" height="62" viewBox="0 0 {_WIDTH} 62" role="img" '
        f'aria-label="Took {took}; normal: {escape(normal)}">'
        f'<rect class="track" x="{_LEFT}" y="26" width="{plot}" height="10" rx="5"/>'
        f'<rect class="band" x="{left:.1f}" y="26" width="{max(right - left, 3):.1f}" height="10" rx="2"/>'
        f'<path class="{style}" d="M{at:.1f} 20v22"/>'
        f'<text class="{style}text" x="{text_at:.1f}" y="14" text-anchor="{anchor}">took {took}</text>'
        f'<text class="bound" x="{_LEFT}" y="56">normal {escape(normal)}{scale}</text></svg>'
    )
