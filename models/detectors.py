"""Detectors of the models in force, made when they are needed and kept as long as their model is in force."""

from __future__ import annotations

from models.checkers.running import RunningCheckers
from models.detection import LineDetector
from models.document import parse_model
from models.in_force import Entry, ModelsInForce
from models.slots.series import watches_slots
from models.source_reader import ReadLimits


class Detectors:
    """Finds the model of a source and what parses its lines; a change of models takes effect with the next call.

    Args:
        models: the models in force, kept by the caller.
        limits: what is read and believed.
        shards: number of virtual partitions.
        checkers: those of the subtask, if there are any.
    """

    def __init__(
        self, models: ModelsInForce, limits: ReadLimits, shards: int, checkers: RunningCheckers | None = None
    ) -> None:
        self._models = models
        self._limits = limits
        self._shards = shards
        self._checkers = checkers
        self._detectors: dict[tuple[str, int], LineDetector] = {}
        self._belongs: dict[str, Entry | None] = {}
        self._epoch = -1
        self._slots_epoch, self._watches_slots = -1, False

    @property
    def watches_slots(self) -> bool:
        """Whether any model in force watches series in time slots."""
        if self._slots_epoch != self._models.epoch:
            self._slots_epoch = self._models.epoch
            self._watches_slots = any(watches_slots(entry.document) for entry in self._models.entries.values())
        return self._watches_slots

    def model_of(self, source: str) -> Entry | None:
        """The model in force that a source belongs to."""
        if self._epoch != self._models.epoch:
            self._epoch = self._models.epoch
            self._belongs = {}
            in_force = {(entry.id, entry.epoch) for entry in self._models.entries.values()}
            self._detectors = {key: detector for key, detector in self._detectors.items() if key in in_force}
        if source not in self._belongs:
            self._belongs[source] = self._models.for_source(source)
        return self._belongs[source]

    def of(self, entry: Entry) -> LineDetector:
        """The detector of a model in force; it writes the epoch of now."""
        key = (entry.id, entry.epoch)
        detector = self._detectors.get(key)
        if detector is None:
            model = parse_model(entry.document, f"model {entry.id} version {entry.version}")
            detector = self._detectors[key] = LineDetector(model, self._limits, self._shards, checkers=self._checkers)
        detector.epoch = self._models.epoch
        return detector
