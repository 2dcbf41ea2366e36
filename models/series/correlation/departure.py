"""One alarm for one departure of a pair: when it begins, when it ends, and whether it is told.

A departure opens with a slot whose rarity reaches :data:`OPEN_AT`, and begins where averages first were not ordinary.
It ends when :data:`CALM_SLOTS` in a row have been calm. While it is open nothing is learnt from the pair. What does not
end within :data:`ADOPT_SLOTS` is normal from then on: then the departure is *lasting*.

Not told is

- what one series does alone for a moment, as a spike: both are watched by themselves, too. Once it has gone on for
  :data:`PATIENCE_SLOTS` it is told all the same, and says so.
- what began within :data:`QUIET_SLOTS` after the last one of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

OPEN_AT, STAY_AT = 6.0, 3.5
_ORDINARY, _FAR, _PEAK_SHARE = 2.0, 4.0, 1.0 / 3.0
CALM_SLOTS = 6
PATIENCE_SLOTS = 30
QUIET_SLOTS = 60
ADOPT_SLOTS = 240
OWN_ODD = 3.0
"""A series that is on average so many usual distances off its own level has left it."""

BEGIN, END = "begin", "end"


@dataclass(slots=True)
class Departure:
    """A departure of one pair.

    Attributes:
        begin_ms: its first slot.
        last_ms: its last odd slot.
        seen_ms: its last slot.
        slots: how many slots it has been open.
        calm: how many of the last ones were calm.
        peak_ms: the slot that was furthest off.
        peak: how far, in usual distances.
        actual: what ``b`` held there.
        led: what ``a`` held a lag before.
        typical: what was expected of ``b``.
        lower, upper: bounds of what is usual there.
        rarity: the highest.
        own_a, own_b: whether the series left its own level, too.
        told: whether its begin was told.
        hushed: it is not told: another of the same series is, or the last one is not long ago.
        lasting: it did not end but became normal.
    """

    begin_ms: int
    last_ms: int
    seen_ms: int
    slots: int = 0
    calm: int = 0
    peak_ms: int = 0
    peak: float = 0.0
    actual: float = 0.0
    led: float = 0.0
    typical: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    rarity: float = 0.0
    own_a: bool = False
    own_b: bool = False
    told: bool = False
    hushed: bool = False
    lasting: bool = False

    @property
    def score(self) -> float:
        """From 0 to 1: a tenth of the rarity; chance departs so far in one of 10^rarity slots."""
        return self.rarity / 10.0

    @property
    def direction(self) -> str:
        """``up`` or ``down``, by its peak."""
        return "up" if self.peak >= 0 else "down"

    def to_head(self) -> dict[str, Any]:
        """It as plain JSON."""
        return asdict(self)

    @classmethod
    def from_head(cls, head: Mapping[str, Any]) -> Departure:
        """Undo :meth:`to_head`; keys of later versions are passed over."""
        return cls(**{name: value for name, value in head.items() if name in cls.__slots__})


@dataclass(slots=True)
class Seen:
    """A slot of one pair, as departures need it.

    Attributes:
        time_ms: its begin.
        rarity: how rare it is; 0 where nothing can be said.
        value: of ``b``; NaN for none.
        led: of ``a``, a lag before.
        expected, lower, upper: of ``b``.
        distance: in usual ones.
        own_a, own_b: how far each series is off its own level.
    """

    time_ms: int
    rarity: float
    value: float
    led: float
    expected: float
    lower: float
    upper: float
    distance: float
    own_a: float
    own_b: float


def opened(seen: Seen, run_ms: int) -> Departure:
    """A departure that opens with a slot, and began at ``run_ms``."""
    return Departure(run_ms if run_ms >= 0 else seen.time_ms, seen.time_ms, seen.time_ms)


def note(departure: Departure, seen: Seen, slot_ms: int) -> None:
    """Take a slot into an open departure."""
    passed = max(0, (seen.time_ms - departure.seen_ms) // slot_ms - 1)
    departure.seen_ms = seen.time_ms
    departure.slots += 1 + passed
    departure.rarity = max(departure.rarity, seen.rarity)
    if seen.rarity >= STAY_AT:
        departure.calm = 0
        # Averages stay odd for some time after the last slot that is.
        if abs(seen.distance) >= max(_ORDINARY, min(_FAR, _PEAK_SHARE * abs(departure.peak))):
            departure.last_ms = seen.time_ms
        if not departure.told:
            departure.own_a = departure.own_a or abs(seen.own_a) >= OWN_ODD
            departure.own_b = departure.own_b or abs(seen.own_b) >= OWN_ODD
        if departure.slots == 1 or abs(seen.distance) > abs(departure.peak):
            departure.peak, departure.peak_ms = seen.distance, seen.time_ms
            departure.actual, departure.led, departure.typical = seen.value, seen.led, seen.expected
            departure.lower, departure.upper = seen.lower, seen.upper
    else:
        departure.calm += 1 + passed


def is_over(departure: Departure) -> bool:
    """Whether it has ended, or gone on for so long that it is normal."""
    departure.lasting = departure.calm < CALM_SLOTS and departure.slots >= ADOPT_SLOTS
    return departure.lasting or departure.calm >= CALM_SLOTS


def is_due(departure: Departure) -> bool:
    """Whether it is to be told now: it goes on although neither series is odd by itself, or goes on for long."""
    alone = departure.own_a or departure.own_b
    return not departure.told and not departure.hushed and (not alone or departure.slots >= PATIENCE_SLOTS)
