"""The typed detectors of one shard of series: each closed slot goes into a fleet, incidents come out as documents.

All series of a slot are judged in one call. A series has a row of the fleet from its second slot on, since it begins
somewhere within the first, until it sleeps, or has been silent for so long that this is what is usual. What is told of
a series depends on its own slots alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from models.anomalies import Document
from models.batches import BatchError
from models.document import ModelDocument
from models.series.fleet import Fleet
from models.series.incidents import PRESETS, Incident
from models.slots.aligned import ClosedSlot
from models.slots.detected import Detected
from models.slots.incident_document import BEGIN, END, incident_document, is_nothing_new
from models.slots.recent import RecentSlots
from models.slots.series import CATEGORY, SeriesKey

DetectedSeries = Mapping[SeriesKey, tuple[Detected, ...]]


class SlotDetectors:
    """Follows the series of a shard.

    Args:
        model: the model in force.
        series: what it wants to be detected, see :func:`models.slots.detected.detected_series`.
    """

    def __init__(self, model: ModelDocument, series: DetectedSeries) -> None:
        self._model = model
        self._series = series
        slot_ms = model.series.slot_ms
        self._fleet = Fleet(slot_ms, 0, PRESETS[model.series.preset])
        self._recent = RecentSlots(slot_ms)
        self._rows: dict[str, int] = {}
        self._owners: dict[int, Detected] = {}
        self._free: list[int] = []

    @property
    def watched(self) -> int:
        """How many series have a row."""
        return len(self._rows)

    def step(self, closed: Sequence[ClosedSlot]) -> list[Document]:
        """Judge slots that are closed, by their ends; the incidents that began or ended, as documents."""
        told: list[Document] = []
        own = [slot for slot in closed if slot.key in self._series]
        for begin_ms, slots in groupby(own, key=lambda slot: slot.begin_ms):
            told += self._judge(begin_ms, list(slots))
        return told

    def finish(self) -> list[Document]:
        """The incidents that are still open when all input has ended, as they stand."""
        found = [(self._owners[told.row], told.row, told.incident) for told in self._fleet.open_incidents()]
        found.sort(key=lambda one: (one[0].id, one[2].track))
        return [
            self._document(series, row, incident, BEGIN)
            for series, row, incident in found
            if not is_nothing_new(series, incident)
        ]

    def _judge(self, begin_ms: int, slots: list[ClosedSlot]) -> list[Document]:
        values: dict[str, tuple[Detected, float]] = {}
        passed: list[int] = []
        asleep: list[Detected] = []
        silent: set[str] = set()
        for slot in slots:
            for series in self._series[slot.key]:
                known = series.id in self._rows
                if slot.begins:
                    self._release(series)
                elif slot.key.kind == CATEGORY and not slot.cell.lines:
                    # That no value has lines when there are none is told of the lines.
                    if known:
                        passed.append(self._rows[series.id])
                elif slot.complete and (known or not (slot.silent or slot.first)):
                    number = series.number(slot.cell)
                    values[series.id] = series, np.nan if number is None else number
                if slot.sleeps:
                    asleep.append(series)
                elif slot.silent:
                    silent.add(series.id)
        told: list[Document] = []
        if passed:
            self._recent.skip(np.array(passed, np.int64), begin_ms)
        if values:
            self._give_rows([series for series, _ in values.values()])
            by_row = sorted((self._rows[name], number) for name, (_, number) in values.items())
            rows = np.array([row for row, _ in by_row], np.int64)
            numbers = np.array([number for _, number in by_row], np.float64)
            judged = self._fleet.update(rows, np.full(len(rows), begin_ms, np.int64), numbers)
            self._recent.add(rows, begin_ms, (numbers, judged.expected, judged.lower, judged.upper))
            found = sorted(judged.told, key=lambda one: (self._owners[one.row].id, one.incident.track))
            told = [
                self._document(self._owners[one.row], one.row, one.incident, one.stage)
                for one in found
                if not is_nothing_new(self._owners[one.row], one.incident)
            ]
            for series in [self._owners[one.row] for one in found if one.incident.lasting]:
                if series.id in silent:  # it has stopped for good, and that is told: nothing is left to be judged
                    self._release(series)
        for series in asleep:
            told += self._fall_asleep(series)
        return told

    def _document(self, series: Detected, row: int, incident: Incident, stage: str) -> Document:
        learnt = max(0, int(self._recent.valued[row]) - incident.slots)
        return incident_document(self._model, series, incident, stage, learnt, self._recent.of(row))

    def _give_rows(self, wanted: Sequence[Detected]) -> None:
        new = sorted((series for series in wanted if series.id not in self._rows), key=lambda series: series.id)
        missing = len(new) - len(self._free)
        if missing > 0:
            first = self._fleet.add(missing)
            self._recent.grow(missing)
            self._free += range(first, first + missing)
        self._free.sort()
        for series in new:
            self._own(series, self._free.pop(0))

    def _own(self, series: Detected, row: int) -> None:
        self._rows[series.id] = row
        self._owners[row] = series
        limit = series.limit
        self._fleet.set_limit(row, *((limit.limit, limit.horizon_ms) if limit else (None, None)))

    def _fall_asleep(self, series: Detected) -> list[Document]:
        """The series gives its row back; what is still open of it is what is normal now."""
        row = self._rows.get(series.id)
        if row is None:
            return []
        told = []
        for one in self._fleet.open_incidents():
            if one.row == row and not is_nothing_new(series, one.incident):
                one.incident.lasting = True
                told.append(self._document(series, row, one.incident, END))
        self._release(series)
        return told

    def _release(self, series: Detected) -> None:
        row = self._rows.pop(series.id, None)
        if row is not None:
            self._fleet.forget(row)
            self._recent.forget(row)
            del self._owners[row]
            self._free.append(row)

    def snapshot(self) -> tuple[dict[str, Any], list[bytes]]:
        """All that is known, as JSON data and byte columns: of each series its record and its last slots."""
        rows = sorted(self._owners)
        seen, valued, last = self._recent.seen, self._recent.valued, self._recent.last_ms
        head = {
            "slot_ms": self._fleet.slot_ms,
            "rows": self._fleet.rows,
            "series": [[self._owners[row].id, row, int(seen[row]), int(valued[row]), int(last[row])] for row in rows],
        }
        columns: list[bytes] = []
        for row in rows:
            columns += self._fleet.to_record(row), self._recent.to_bytes(row)
        return head, columns

    @classmethod
    def restore(
        cls,
        head: Mapping[str, Any] | None,
        columns: Sequence[bytes | memoryview],
        model: ModelDocument,
        series: DetectedSeries,
    ) -> SlotDetectors:
        """Undo :meth:`snapshot`, under a model: series that it does not have are forgotten, others go on.

        Args:
            head: None, from before there were detectors: all series are new.
            columns: as they were given.
            model: the model in force.
            series: what it wants to be detected.

        Raises:
            BatchError: the data is damaged, or of a version that this one does not know.
        """
        made = cls(model, series)
        if head is None or head["slot_ms"] != model.series.slot_ms:
            return made
        by_id = {one.id: one for some in series.values() for one in some}
        if len(columns) != 2 * len(head["series"]):
            raise BatchError("the detectors of a shard of series are damaged")
        made._fleet.add(head["rows"])
        made._recent.grow(head["rows"])
        for at, (name, row, seen, valued, last_ms) in enumerate(head["series"]):
            if name in by_id:
                made._fleet.from_record(row, bytes(columns[2 * at]))
                made._recent.from_bytes(row, (seen, valued, last_ms), columns[2 * at + 1])
                made._own(by_id[name], row)
        made._free = [row for row in range(head["rows"]) if row not in made._owners]
        return made
