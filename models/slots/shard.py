"""One shard of series: its slots, and what is judged on them when they close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.allow import AllowList
from models.anomalies import Document, iso_ms
from models.document import ModelDocument
from models.series.correlation.watch import PairWatch
from models.slots.aligned import END_MS, ClosedSlot, LateLines, SlotState
from models.slots.counts import SlotCounts
from models.slots.detected import detected_series
from models.slots.detection import SlotDetectors
from models.slots.drift import DriftJudge
from models.slots.drift_document import drift_document
from models.slots.incident_document import END
from models.slots.series import CATEGORY, METRIC, SeriesKey, SlotWatch
from models.slots.settings import Category

COUNTERS = ("slots", "late", "anomalies", "allowed")
"""What is counted: slots closed, lines that came after their slot was closed, anomalies found, and those that are not
told, since the model allows them. An incident that begins and ends is one."""


class WatchedModel:
    """A model as the shards of its series see it.

    Args:
        document: the model.

    Attributes:
        document: the model.
        watch: the series that it watches.
        categories: what is normal for those that are judged.
        told: whether closed slots are told, not only judged.
        detected: the series that the detectors look at.
        allow: what is normal, and not told.
    """

    def __init__(self, document: ModelDocument) -> None:
        self.document = document
        self.watch = SlotWatch.of(document)
        self.categories: dict[SeriesKey, Category] = {
            SeriesKey(c.template, CATEGORY, c.field, c.slot_ms): c for c in document.categories
        }
        self.told = document.series.enabled
        self.detected = detected_series(document)
        self.allow = AllowList(document.allow, document)


@dataclass(slots=True)
class Told:
    """What a call brought.

    Attributes:
        anomalies: anomaly documents.
        slots: closed slots as documents, see :func:`slot_document`.
        late: lines that came too late, as documents, see :func:`late_document`.
        counts: see :data:`COUNTERS`.
    """

    anomalies: list[Document] = field(default_factory=list)
    slots: list[Document] = field(default_factory=list)
    late: list[Document] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))


class SlotShard:
    """The series of one shard of one model.

    Args:
        model: the model in force.

    Attributes:
        model: the model in force.
        state: the open slots.
    """

    def __init__(self, model: WatchedModel) -> None:
        self.model = model
        self.state = SlotState(model.watch)
        self._detectors = SlotDetectors(model.document, model.detected)
        self._judges: dict[SeriesKey, DriftJudge] = {}
        self._pairs = PairWatch(model.document)

    def step(self, counts: SlotCounts | None, watermark: int) -> Told:
        """Take in partial counts, or none, and close what the watermark (epoch ms) has passed."""
        told = Told()
        if counts is not None:
            for late in self.state.add(counts):
                told.late.append(late_document(self.model.document, late))
                told.counts["late"] += late.lines
        ends = self.state.watermark < END_MS <= watermark
        closed = self.state.advance(watermark)
        found: list[Document] = []
        for slot in closed:
            told.counts["slots"] += 1
            if slot.silent:
                continue
            if self.model.told:
                told.slots.append(slot_document(self.model.document, slot))
            document = self._judge(slot)
            if document is not None:
                found.append(document)
        found += self._detectors.step(closed)
        found += self._pairs.step(closed)
        self._tell(found, told, counted=True)
        if ends:
            self._tell(self._detectors.finish(), told, counted=False)
        return told

    def _tell(self, found: list[Document], told: Told, counted: bool) -> None:
        """Tell what the model does not allow; of an incident its begin is counted."""
        for document in found:
            quiet = bool(self.model.allow) and self.model.allow.allows(document)
            if not quiet:
                told.anomalies.append(document)
            if counted and document.get("series", {}).get("stage") != END:
                told.counts["allowed" if quiet else "anomalies"] += 1

    def _judge(self, slot: ClosedSlot) -> Document | None:
        category = self.model.categories.get(slot.key)
        if category is None:
            return None
        judge = self._judges.get(slot.key)
        if judge is None:
            judge = self._judges[slot.key] = DriftJudge(category)
        drift = judge.step(slot)
        return None if drift is None else drift_document(self.model.document, category, drift)

    def follow(self, model: WatchedModel) -> None:
        """Go on under another model: a category that it says the same of goes on, all others begin anew.

        The detectors of series that it has, too, go on as well.
        """
        head, columns = self._detectors.snapshot()
        self._detectors = SlotDetectors.restore(head, columns, model.document, model.detected)
        self.model = model
        self.state.follow(model.watch)
        self._pairs.follow(model.document)
        self._judges = {
            key: judge for key, judge in self._judges.items() if model.categories.get(key) == judge.category
        }

    def snapshot(self) -> bytes:
        """The whole shard as one record."""
        judges = [[list(key), self._judges[key].to_record()] for key in sorted(self._judges)]
        head, columns = self._detectors.snapshot()
        more = {"judges": judges, "detectors": head, "pairs": self._pairs.to_json()}
        return self.state.snapshot(more, columns)

    @classmethod
    def restore(cls, record: bytes, model: WatchedModel) -> SlotShard:
        """A shard that goes on where :meth:`snapshot` left off, under the same model.

        Raises:
            BatchError: the record is no shard of series, or of a version that this one does not know.
        """
        shard = cls(model)
        shard.state, more, columns = SlotState.restore(record, model.watch)
        shard._detectors = SlotDetectors.restore(more.get("detectors"), columns, model.document, model.detected)
        shard._pairs = PairWatch(model.document, more.get("pairs"))
        for names, kept in more["judges"]:
            key = SeriesKey(*names)
            category = model.categories.get(key)
            if category is not None:
                shard._judges[key] = DriftJudge(category, kept)
        return shard


def slot_document(model: ModelDocument, slot: ClosedSlot) -> Document:
    """A closed slot as it is told: ``@timestamp`` (its begin), ``slot_ms``, ``model``, ``template``, ``lines``.

    Of a category also ``field`` and ``values`` (value → lines, by number), of a metric ``field``, and ``sum``,
    ``sum_of_squares``, ``min`` and ``max`` (null without numbers).
    """
    cell = slot.cell
    document = _series_document(model, slot.key, slot.begin_ms, cell.lines)
    if slot.key.kind == CATEGORY:
        document["values"] = dict(sorted(cell.values.items(), key=lambda item: (-item[1], item[0])))
    elif slot.key.kind == METRIC:
        some = cell.numbers
        document |= {
            "sum": some.total.value() if some else 0.0,
            "sum_of_squares": some.squares.value() if some else 0.0,
            "min": some.low if some else None,
            "max": some.high if some else None,
        }
    return document


def late_document(model: ModelDocument, late: LateLines) -> Document:
    """Late lines as they are told: the slot that they are missing in, with 0 ``lines``, and how many are ``late``."""
    return _series_document(model, late.key, late.begin_ms, 0) | {"late": late.lines}


def _series_document(model: ModelDocument, key: SeriesKey, begin_ms: int, lines: int) -> Document:
    document: dict[str, Any] = {
        "@timestamp": iso_ms(begin_ms),
        "slot_ms": key.slot_ms,
        "model": model.id,
        "kind": key.kind,
        "template": key.template,
    }
    if key.field:
        document["field"] = key.field
    return document | {"lines": lines}


def merge_counts(counters: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers to counters."""
    for name, number in more.items():
        counters[name] = counters.get(name, 0) + number
