"""Anomalies over time: stacked bars as SVG, with bins and ticks at round times (UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from models.report.digest import TYPES, Digest
from models.report.text import compact, day, duration, escape, label, moment, month, plural, stamp

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(s * _SECOND for s in (1, 2, 5, 10, 15, 30)),
    *(m * _MINUTE for m in (1, 2, 5, 10, 15, 30)),
    *(h * _HOUR for h in (1, 2, 3, 6, 12)),
    *(d * _DAY for d in (1, 2, 7, 14, 28, 91, 182, 365)),
)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000)
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 250, 12, 44, 46, 12


@dataclass(slots=True, frozen=True)
class Bins:
    """Anomalies per interval and type.

    Attributes:
        start: epoch ms at which the first interval begins, a multiple of ``step``.
        step: length of an interval, ms.
        counts: int64[intervals, types].
    """

    start: int
    step: int
    counts: npt.NDArray[np.int64]


def step_for(span: int, most: int) -> int:
    """The smallest round step (ms) of which ``most`` intervals cover ``span`` ms wherever they begin."""
    for step in _STEPS:
        if span // step + 2 <= most:
            return step
    step = _STEPS[-1]
    while span // step + 2 > most:
        step *= 2
    return step


def bin_times(digest: Digest, most: int, first: int | None = None, last: int | None = None) -> Bins:
    """Count the anomalies in at most ``most`` equal intervals.

    Args:
        digest: the anomalies; at least one must have a time.
        most: upper limit of intervals, at least 3.
        first: epoch ms at which the scanned log begins, to show the quiet before the first anomaly.
        last: epoch ms at which the scanned log ends.
    """
    times = np.frombuffer(digest.times, dtype=np.int64)
    kinds = np.frombuffer(digest.kinds, dtype=np.uint16).astype(np.int64)
    low = int(times.min()) if first is None else min(first, int(times.min()))
    high = int(times.max()) if last is None else max(last, int(times.max()))
    # A burst within some milliseconds is one bar, not sixty.
    step = max(step_for(high - low, most), _SECOND) if high - low < 10 * _SECOND else step_for(high - low, most)
    start = low // step * step
    size, width = (high - start) // step + 1, len(digest.types)
    counts = np.bincount((times - start) // step * width + kinds, minlength=size * width)
    return Bins(start, step, counts.reshape(size, width))


def time_ticks(start: int, end: int, most: int) -> list[tuple[int, str, str]]:
    """Round times in ``start..end``: (epoch ms, time, date), the date empty where it is that of the tick before."""
    span = max(end - start, 1)
    if span > 120 * _DAY:
        return _month_ticks(start, end, most)
    step = next((s for s in _STEPS if span // s + 1 <= most), _STEPS[-1])
    ticks: list[tuple[int, str, str]] = []
    before = ""
    for at in range(-(-start // step) * step, end + 1, step):
        date = day(at)
        if step >= _DAY:
            name, year = date.rsplit(" ", 1)
            ticks.append((at, name, year if year != before else ""))
            before = year
            continue
        clock = f"{moment(at):%H:%M:%S}"
        if step < _SECOND:
            clock += f".{at % 1000:03}"
        ticks.append((at, clock[:5] if step >= _MINUTE else clock, date if date != before else ""))
        before = date
    return ticks


def _month_ticks(start: int, end: int, most: int) -> list[tuple[int, str, str]]:
    def index(ms: int) -> int:
        return moment(ms).year * 12 + moment(ms).month - 1

    months = index(end) - index(start) + 1
    step = next((s for s in _MONTH_STEPS if -(-months // s) <= most), _MONTH_STEPS[-1])
    ticks = []
    for count in range(-(-index(start) // step) * step, index(end) + 1, step):
        if not 12 <= count < 120_000:
            continue
        at = int(datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000
        if start <= at <= end:
            ticks.append((at, str(count // 12) if step % 12 == 0 else month(at), ""))
    return ticks


def count_ticks(highest: int) -> list[int]:
    """Round whole numbers from 0 up to at least ``highest``, four or five of them for anything above 3."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * 4 >= highest:
                tick = step * factor
                return list(range(0, (max(highest, 1) + tick - 1) // tick * tick + 1, tick))
        step *= 10


def draw_bars(digest: Digest, width: int, most: int, first: int | None = None, last: int | None = None) -> str:
    """The bars as one SVG, ``width`` units wide; every bar tells its counts in a tooltip.

    Args:
        digest: the anomalies; at least one must have a time.
        width: width of the drawing. Text has a fixed size in it, so a narrow one is for a narrow screen.
        most: at most so many bars.
        first: epoch ms at which the scanned log begins.
        last: epoch ms at which the scanned log ends.
    """
    bins = bin_times(digest, most, first, last)
    size = len(bins.counts)
    end = bins.start + size * bins.step
    plot, tall = width - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    ticks = count_ticks(int(bins.counts.sum(axis=1).max()))
    floor = _TOP + tall
    parts = [
        f'<svg class="bars" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="Anomalies over time, '
        f'in intervals of {escape(duration(bins.step))}">'
    ]
    for tick in ticks:
        y = floor - tall * tick / ticks[-1]
        parts.append(f'<path class="{"rule" if tick else "base"}" d="M{_LEFT} {y:.1f}H{width - _RIGHT}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{compact(tick)}</text>')
    for at, clock, date in time_ticks(bins.start, end, max(plot // 96, 2)):
        parts.append(draw_tick(_LEFT + plot * (at - bins.start) / (end - bins.start), floor, width, clock, date))
    each = plot / size
    gap = min(2.0, each / 4)
    for index in np.flatnonzero(bins.counts.sum(axis=1)).tolist():
        x, wide = _LEFT + each * index + gap / 2, min(each - gap, 48)
        x += (each - gap - wide) / 2
        parts.append(_bar(digest.types, bins, index, x, wide, floor, tall / ticks[-1]))
    parts.append("</svg>")
    return "".join(parts)


def draw_tick(x: float, floor: float, width: int, clock: str, date: str) -> str:
    """A tick below the line at the height ``floor``: what :func:`time_ticks` says, in two lines."""
    anchor = "end" if x > width - 42 else "middle"
    text = f'<path class="base" d="M{x:.1f} {floor}v5"/>'
    for line, offset in ((clock, 19), (date, 35)):
        if line:
            text += f'<text class="tick" x="{x:.1f}" y="{floor + offset}" text-anchor="{anchor}">{escape(line)}</text>'
    return text


def _bar(types: list[str], bins: Bins, index: int, x: float, wide: float, floor: float, scale: float) -> str:
    row = bins.counts[index]
    at = bins.start + index * bins.step
    names = [(types[kind], int(row[kind])) for kind in np.flatnonzero(row).tolist()]
    lines = [f"{stamp(at)} to {stamp(at + bins.step)} UTC", plural(int(row.sum()), "anomaly", "anomalies")]
    lines += [f"{label(name)}: {count:,}" for name, count in names]
    parts = [f"<g><title>{escape(chr(10).join(lines))}</title>"]
    # A lone anomaly beside a burst would be thinner than a hair; 2 units can still be seen.
    grow = max(1.0, 2.0 / (int(row.sum()) * scale))
    y = floor
    for name, count in names:
        tall = count * scale * grow
        y -= tall
        kind = name if name in TYPES else "other"
        parts.append(
            f'<rect class="mark t-{kind}" data-type="{escape(name)}" data-count="{count}" '
            f'x="{x:.1f}" y="{y:.2f}" width="{wide:.1f}" height="{tall:.2f}"/>'
        )
    parts.append("</g>")
    return "".join(parts)
