"""How series are scored: which detector, with which preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.series import incidents, settings
from models.series.scoring.rows import RowShard
from models.series.scoring.scored import Shard
from models.series.scoring.typed import TypedShard

WEIRWATCH, TYPED = "weirwatch", "typed"
DETECTORS: Mapping[str, str] = MappingProxyType(
    {WEIRWATCH: "row by row", TYPED: "incidents with types, of values at regular steps"}
)
"""The detectors, and what they do."""

PRESETS = tuple(sorted(settings.PRESETS))
"""Both detectors have presets of these names."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How series are scored.

    Attributes:
        detector: one of :data:`DETECTORS`.
        preset: one of :data:`PRESETS`.
        slot_ms: length of the slots of the typed detectors, ms; None: found for each series.
        limits: globs of names of series, each with the limit of whose reaching it the typed detectors warn.
    """

    detector: str = WEIRWATCH
    preset: str = "sensitive"
    slot_ms: int | None = None
    limits: tuple[tuple[str, float], ...] = ()

    def shard(self) -> Shard:
        """A shard without series."""
        if self.detector == TYPED:
            return TypedShard(incidents.PRESETS[self.preset], self.slot_ms, self.limits)
        return RowShard(settings.PRESETS[self.preset])

    def restored(self, record: bytes) -> Shard:
        """The shard of a snapshot.

        Raises:
            BatchError: the record is none of this detector, is damaged, or is of a version that this one does not know.
        """
        if self.detector == TYPED:
            return TypedShard.restore(record, incidents.PRESETS[self.preset], self.slot_ms, self.limits)
        return RowShard.restore(record, settings.PRESETS[self.preset])
