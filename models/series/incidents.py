"""One alarm for one incident: from rarities slot by slot to what began, ended, and of which type it was.

An incident opens with a slot whose rarity reaches the preset's threshold, goes on while slots are odd, and ends when
so many in a row have been calm; its end is the last odd slot. While it is open nothing is learnt from the series, so
that the measure stays what was normal before. What does not end becomes the new normal: a step once it has been
steady for a while, all else after a few days; then the incident is *lasting*.

The type follows from all that was seen from its begin on. A step begins like a spike and a broken rhythm like a step,
so the type told with the begin may be another than that told with the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from models.series.detectors.columns import Floats
from models.series.detectors.rhythm import BROKEN_SLOPE
from models.series.detectors.shapes import fit

SIGNALS = ("up", "down", "risen", "fallen", "wider", "narrower", "flat", "offbeat", "climbing", "sinking", "limit")
"""The columns of rarities, in order."""

UP, DOWN, RISEN, FALLEN, WIDER, NARROWER, FLAT, OFFBEAT, CLIMBING, SINKING, LIMIT = range(len(SIGNALS))

TYPES = ("spike", "drop", "level_shift", "trend", "variance", "flat", "seasonality", "forecast_limit")
"""The types of incidents."""

SHAPE, AHEAD = "shape", "ahead"
"""What a series does, and what it is about to do: each has at most one incident open at a time."""

_STEADY = 3.0
_CLEAR_STEP = 0.35
_STEP_SLOTS = 60
_STEP_LEAST, _UNEVEN_STEP = 12, 0.8
_RHYTHM_DAYS = 0.75
_UNEVEN = 0.35


@dataclass(frozen=True, slots=True)
class Preset:
    """When incidents begin and end.

    Attributes:
        open_at: rarity that opens one: 6 for a slot as odd as one in a million.
        open_window_at: the same for what is said of many slots together (shift, trend, variance); lower, since
            neighbouring windows share their slots and give chance fewer occasions.
        stay_at: rarity from which on a slot counts as odd while one is open.
        calm_slots: so many slots in a row that are not odd end it.
        quiet_ms: for so long after one the series raises no other alarm.
        adopt_slots: a step that has been steady for so many slots is the new normal.
        adopt_days: all else after so many days.
    """

    open_at: float = 6.0
    open_window_at: float = 5.0
    stay_at: float = 3.5
    calm_slots: int = 12
    quiet_ms: int = 6 * 3_600_000
    adopt_slots: int = 36
    adopt_days: float = 3.0

    def bars(self) -> list[float]:
        """The rarity that opens an incident, for each of ``SIGNALS``."""
        windows = (RISEN, FALLEN, WIDER, NARROWER, CLIMBING, SINKING)
        return [self.open_window_at if signal in windows else self.open_at for signal in range(len(SIGNALS))]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {"sensitive": Preset(), "quiet": Preset(open_at=8.0, open_window_at=6.6, quiet_ms=24 * 3_600_000)}
)


@dataclass(slots=True)
class Incident:
    """An incident of one series.

    Attributes:
        track: ``SHAPE`` or ``AHEAD``.
        begin_ms: its first odd slot.
        last_ms: its last odd slot.
        far_ms: its last slot that was odd by itself, not only with those before; None while there is none.
        type: one of ``TYPES``, as far as is known.
        slots: how many slots it has lasted, calm ones included.
        calm: how many of the last ones were calm.
        peak_ms: the slot that was furthest off.
        peak: how far, in units of the usual error.
        actual: what the series held there.
        typical: what was expected there.
        lower: lower bound of what is usual there; None while unknown.
        upper: upper bound of it.
        rarity: the highest of any signal.
        signals: the highest rarity of each of ``SIGNALS``.
        slope: the lowest slope against the rhythm.
        shifts: how many odd slots had a value.
        shift_sum: sum of their distances from the slow level, in units of the usual error.
        shift_squares: sum of the squares of these.
        opened: which of ``SIGNALS`` was the strongest in its first slot.
        told: whether its begin was told; not in quiet times.
        lasting: it did not end but became the new normal.
        eta_ms: when the limit will be reached, for ``forecast_limit``.
        limit: the limit.
    """

    track: str
    begin_ms: int
    last_ms: int
    type: str = ""
    slots: int = 0
    calm: int = 0
    peak_ms: int = 0
    peak: float = 0.0
    actual: float | None = None
    typical: float | None = None
    lower: float | None = None
    upper: float | None = None
    rarity: float = 0.0
    signals: list[float] = field(default_factory=lambda: [0.0] * len(SIGNALS))
    slope: float = 1.0
    shifts: int = 0
    shift_sum: float = 0.0
    shift_squares: float = 0.0
    opened: int = -1
    told: bool = False
    lasting: bool = False
    eta_ms: float | None = None
    limit: float | None = None
    far_ms: int | None = None

    @property
    def shown_last_ms(self) -> int:
        """Its last slot as it is told: of a spike or drop the last one far off, though windows show it for longer."""
        if self.type in ("spike", "drop") and self.far_ms is not None:
            return self.far_ms
        return self.last_ms

    @property
    def score(self) -> float:
        """From 0 to 1: a tenth of the rarity."""
        return self.rarity / 10.0

    @property
    def direction(self) -> str:
        """``up`` or ``down``, by its peak."""
        return "up" if self.peak >= 0 else "down"

    @property
    def unevenness(self) -> float:
        """Standard deviation of the distances from the slow level over their mean: small for a step."""
        if self.shifts < 2 or self.shift_sum == 0.0:
            return 0.0
        mean = self.shift_sum / self.shifts
        return float(np.sqrt(max(self.shift_squares / self.shifts - mean * mean, 0.0)) / abs(mean))

    def to_head(self) -> dict[str, Any]:
        """It as plain JSON."""
        return asdict(self)

    @classmethod
    def from_head(cls, head: Mapping[str, Any]) -> Incident:
        """Undo :meth:`to_head`; keys of later versions are passed over."""
        return cls(**{name: value for name, value in head.items() if name in cls.__slots__})


@dataclass(slots=True)
class Seen:
    """One slot of one series, as incidents need it.

    Attributes:
        time_ms: begin of the slot.
        rarities: of ``SIGNALS``.
        value: None for a slot without one.
        expected: what was expected, None if unknown.
        lower: bound of what is usual.
        upper: bound of what is usual.
        error: value − expected, in units of the usual error.
        away: distance from the slow level, in the same units.
        shift: how far the last slots lie off the slow level, or the last half day off the last days, in the same units.
        slope: against the rhythm; 1 where that is not known.
    """

    time_ms: int
    rarities: list[float]
    value: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    error: float
    away: float
    shift: float
    slope: float


def note(incident: Incident, seen: Seen, preset: Preset, signals: range) -> None:
    """Take a slot into an open incident."""
    incident.slots += 1
    odd = False
    # The variance is small for some time after a run of equal values.
    still = incident.signals[FLAT] >= preset.stay_at
    if incident.slots == 1:
        incident.opened = max(signals, key=lambda signal: seen.rarities[signal])
    for signal in signals:
        rarity = seen.rarities[signal]
        incident.signals[signal] = max(incident.signals[signal], rarity)
        odd = odd or (rarity >= preset.stay_at and not (still and signal in (WIDER, NARROWER)))
        incident.rarity = max(incident.rarity, rarity)
    incident.slope = min(incident.slope, seen.slope)
    if incident.track == SHAPE and max(seen.rarities[UP], seen.rarities[DOWN]) >= preset.stay_at:
        incident.far_ms = seen.time_ms
    if odd:
        incident.last_ms, incident.calm = seen.time_ms, 0
        if seen.value is not None:
            incident.shifts += 1
            incident.shift_sum += seen.away
            incident.shift_squares += seen.away * seen.away
    else:
        incident.calm += 1
    first = incident.slots == 1
    further = incident.actual is None or abs(seen.error) > abs(incident.peak)
    if seen.value is not None and (first or (odd and further and not still)):
        incident.peak, incident.peak_ms = seen.error, seen.time_ms
        incident.actual, incident.typical = seen.value, seen.expected
        incident.lower, incident.upper = seen.lower, seen.upper
    elif first:
        incident.peak, incident.peak_ms, incident.typical = seen.error, seen.time_ms, seen.expected
        incident.lower, incident.upper = seen.lower, seen.upper


def judge_type(incident: Incident, preset: Preset, ring: Floats, shift: float, scale: float) -> str:
    """The type of an incident, by all that was seen of it.

    Args:
        incident: with the signals so far.
        preset: its thresholds.
        ring: the last slots without their rhythm, oldest first.
        shift: how far the last slots lie off the slow level, in units of the usual error.
        scale: the usual error, in units of the values.
    """
    if incident.track == AHEAD:
        return "forecast_limit"
    signals, bar = incident.signals, preset.open_window_at
    if signals[FLAT] >= preset.stay_at:
        return "flat"
    moved = max(signals[RISEN], signals[FALLEN])
    drift = max(signals[CLIMBING], signals[SINKING])
    shape = fit(ring) if max(moved, drift) >= bar else None
    if signals[OFFBEAT] >= preset.open_at and incident.slope < BROKEN_SLOPE and incident.unevenness > _UNEVEN:
        return "seasonality"
    spread = max(signals[WIDER], signals[NARROWER])
    if max(moved, drift) >= bar and shape is not None:
        if incident.opened in (CLIMBING, SINKING):
            return "trend"
        if incident.type == "level_shift" and incident.slots > _STEP_SLOTS:
            return "level_shift"  # the step is no more among the last slots
        uneven = incident.shifts >= _STEP_LEAST and incident.unevenness > _UNEVEN_STEP
        high = abs(shape.height) >= 0.5 * abs(shift) * scale
        if not uneven and high and moved >= preset.stay_at and shape.explained >= _CLEAR_STEP:
            return "level_shift"
        wide = spread > 0.6 * moved and (uneven or spread > drift)
        return "variance" if spread >= preset.stay_at and wide else "trend"
    if spread >= bar or (spread >= preset.stay_at and spread > 0.7 * max(signals[UP], signals[DOWN])):
        return "variance"
    return "spike" if incident.peak >= 0 else "drop"


def is_new_normal(incident: Incident, preset: Preset, window: Floats, slots_a_day: float, rhythm: bool) -> bool:
    """Whether what goes on has become normal.

    Args:
        incident: open, with the type so far.
        preset: after how long.
        window: distances of the last slots from the slow level, in units of the usual error.
        slots_a_day: how many slots a day has.
        rhythm: the series has one; then more has to be seen, since a broken rhythm begins like a step.
    """
    if incident.slots >= preset.adopt_days * slots_a_day:
        return True
    if incident.type == "level_shift":
        if rhythm and incident.unevenness > _UNEVEN:
            return False
        if incident.slots < max(preset.adopt_slots, _RHYTHM_DAYS * slots_a_day if rhythm else 0.0):
            return False
        half = len(window) // 2
        return bool(abs(np.median(window[:half]) - np.median(window[half:])) <= _STEADY)
    return False
