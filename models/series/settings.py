"""The constants of the series detector, and its presets.

They hold for every series alike: whatever is compared is first turned into a rarity, which has no unit.
docs/nab.md says what each is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from models.series.means import MEAN_ROWS

CHANNELS = ("value", "aged value", "time of day", "density", "mean")
"""What is watched, in the order of ``Settings.weights``; see :mod:`models.series.channels`."""

RARITIES = (1, 1, 1, 1, len(MEAN_ROWS))
"""How many rarities each of them gives."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the detector judges.

    Attributes:
        memory_rows: how many rows it remembers.
        warmup_rows: rows at the start that are learnt from and not judged.
        weights: of each channel's evidence.
        bar: rarity from which on a channel gives evidence; 1.55 is one row in 35.
        held_rows: for so many rows more a channel's evidence counts beside what others say.
        threshold: evidence that makes an alarm of a detector that has not raised any.
        habituation: by how much each alarm lifts the threshold.
        habituation_rows: after so many rows 1/e of that is left.
        quiet_share: no alarm follows another within this share of the rows seen so far, but
        quiet_least_rows: at least within so many rows, and
        quiet_most_rows: at most within so many.
    """

    memory_rows: int = 10_000
    warmup_rows: int = 150
    weights: tuple[float, ...] = (2.0, 4.0, 1.0, 1.0, 1.0)
    bar: float = 1.55
    held_rows: int = 2
    threshold: float = 0.5
    habituation: float = 0.4
    habituation_rows: float = 7_000.0
    quiet_share: float = 1 / 30
    quiet_least_rows: float = 15.0
    quiet_most_rows: float = 600.0

    def shares(self) -> tuple[float, ...]:
        """The weight of each rarity: a channel that gives several shares its weight among them."""
        return tuple(weight / n for weight, n in zip(self.weights, RARITIES, strict=False) for _ in range(n))


SENSITIVE = Settings()
"""Misses little: of the public benchmark 110 of 116 windows, with 1.3 alarms in 1,000 rows, a quarter in windows."""

QUIET = Settings(threshold=4.0, habituation=2.0, quiet_share=0.1, quiet_least_rows=50.0, quiet_most_rows=1_000.0)
"""Asks for strong evidence, and for more with each alarm: 74 of the windows, 0.5 alarms, nearly half in windows."""

PRESETS = MappingProxyType({"sensitive": SENSITIVE, "quiet": QUIET})
