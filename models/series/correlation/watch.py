"""The pairs of one model in one shard: from slots that close to documents.

Both series of a pair are counted in the same shard (:meth:`models.slots.series.SlotWatch.shard_of`), and the slots of
one time close in the same call, so what is told does not depend on how calls are cut. A pair begins with the first slot
of either series. A series of counts that has had a slot and has none now is asleep: it holds 0. The mean of no numbers
is unknown.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.anomalies import Document
from models.document import ModelDocument
from models.series.correlation.document import correlation_document
from models.series.correlation.follow import FollowedPairs
from models.series.correlation.pair import CATEGORY, METRIC, Correlation, SeriesRef
from models.slots.aligned import ClosedSlot
from models.slots.cells import Cell
from models.slots.series import SeriesKey


class PairWatch:
    """Judges the pairs of a model whose series close slots here.

    Args:
        model: the model in force.
        record: what :meth:`to_json` gave under the same model; a new watch if None.

    Raises:
        BatchError: the record is damaged, or of a version that this one does not know.
    """

    def __init__(self, model: ModelDocument, record: Mapping[str, Any] | None = None) -> None:
        self._begun: set[SeriesRef] = set()
        self._rows: dict[Correlation, int] = {}
        self._set(model)
        if record is not None:
            self._begun = {SeriesRef(*names) for names in record["begun"]}
            for data, text in record["pairs"]:
                pair = Correlation.from_json(data)
                if pair in self._known:
                    self._pairs.from_record(self._row(pair), base64.b64decode(text))

    def _set(self, model: ModelDocument) -> None:
        self._model = model
        slot_ms = model.series.slot_ms
        self._known = list(model.series.correlations) if model.series.enabled else []
        self._pairs = FollowedPairs(slot_ms)
        self._rows.clear()
        self._wanted: dict[SeriesKey, list[SeriesRef]] = {}
        self._of: dict[SeriesRef, list[Correlation]] = {}
        for pair in self._known:
            for ref in pair.key:
                key = SeriesKey(ref.template, ref.kind, ref.field, slot_ms)
                if ref not in self._wanted.setdefault(key, []):
                    self._wanted[key].append(ref)
                self._of.setdefault(ref, []).append(pair)

    def _row(self, pair: Correlation) -> int:
        row = self._rows.get(pair)
        if row is None:
            row = self._rows[pair] = self._pairs.add([pair])
        return row

    def step(self, slots: Sequence[ClosedSlot]) -> list[Document]:
        """Take slots that closed together, in order of their ends; what is told of them."""
        if not self._known:
            return []
        told: list[Document] = []
        own = [slot for slot in slots if slot.key in self._wanted]
        for begin_ms, some in itertools.groupby(own, key=lambda slot: slot.begin_ms):
            told += self._judge(begin_ms, list(some))
        return told

    def _judge(self, begin_ms: int, slots: Sequence[ClosedSlot]) -> list[Document]:
        values: dict[SeriesRef, float] = {}
        for slot in slots:
            for ref in self._wanted[slot.key]:
                values[ref] = measured(ref, slot.cell)
        self._begun.update(values)
        pairs = dict.fromkeys(pair for ref in values for pair in self._of[ref])
        rows = sorted((self._row(pair), pair) for pair in sorted(pairs, key=lambda pair: pair.key))
        a = np.array([self._value(pair.a, values) for _, pair in rows])
        b = np.array([self._value(pair.b, values) for _, pair in rows])
        told = self._pairs.update(np.array([row for row, _ in rows], np.int64), begin_ms, a, b)
        return [correlation_document(self._model, self._pairs.pair(one.row), one) for one in told]

    def _value(self, ref: SeriesRef, values: Mapping[SeriesRef, float]) -> float:
        return values.get(ref, 0.0 if ref.counts and ref in self._begun else np.nan)

    def follow(self, model: ModelDocument) -> None:
        """Go on under another model: pairs that it says the same of go on, all others begin anew."""
        before = self._pairs, dict(self._rows)
        begun = self._begun
        self._set(model)
        self._begun = {ref for ref in begun if ref in self._of}
        if before[0].slot_ms == self._pairs.slot_ms:
            for pair, row in before[1].items():
                if pair in self._known:
                    self._pairs.from_record(self._row(pair), before[0].to_record(row))

    def to_json(self) -> dict[str, Any]:
        """All that is known, as JSON data; the records in it are versioned."""
        return {
            "begun": [[ref.template, ref.kind, ref.field, ref.value] for ref in sorted(self._begun)],
            "pairs": [
                [pair.to_json(), base64.b64encode(self._pairs.to_record(row)).decode()]
                for pair, row in sorted(self._rows.items(), key=lambda item: item[1])
            ],
        }


def measured(ref: SeriesRef, cell: Cell) -> float:
    """What a slot of a series holds: lines, the lines with its value, or the mean of its numbers; NaN without any."""
    if ref.kind == CATEGORY:
        return float(cell.values.get(ref.value, 0))
    if ref.kind == METRIC:
        return cell.numbers.total.value() / cell.lines if cell.numbers is not None else float("nan")
    return float(cell.lines)
