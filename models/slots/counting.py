"""From parsed lines to partial counts in time slots, a batch at a time, with numpy and Arrow.

A line counts in the slot of the time that it tells. It is *late* once its source's own clock, less the allowed
lateness, has passed that slot's end: so which lines are late depends on nothing but the order of lines within their
source. The aligned clock is never beyond a live source's own, so what is not late here finds its slot still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.batches import Int64
from models.parser import Parsed
from models.slots.cells import MOST_VALUE_BYTES, Cell, Numbers, bounded
from models.slots.counts import SlotCounts
from models.slots.exact import exact_sums
from models.slots.series import CATEGORY, LINES, SeriesKey, SlotWatch
from models.source_reader import Events

_LARGEST_NUMBER = 1e150
"""Larger numbers are none: their squares would be infinite."""


@dataclass(slots=True, frozen=True)
class _Slots:
    """The slots of a batch, for one length.

    Attributes:
        begins: epoch ms of each slot that occurs, in order.
        of: int64[n], index of each line's slot.
        late: bool[n], whether it came too late for it.
    """

    begins: list[int]
    of: Int64
    late: npt.NDArray[np.bool_]


class SlotCounter:
    """Counts the lines of one model.

    Args:
        watch: what the model watches.
        templates: ids of the model's templates, as the parser numbers them.
        fields: for each template the names of its fields that the parser cuts out, in its order.
    """

    def __init__(self, watch: SlotWatch, templates: Sequence[str], fields: Sequence[Sequence[str]]) -> None:
        self._watch = watch
        self._shard_of = {name: watch.shard_of(name) for name in templates}
        self._templates = list(templates)
        number = {name: at for at, name in enumerate(templates)}
        self._lines: dict[int, dict[int, SeriesKey]] = {}
        self._fields: list[tuple[SeriesKey, int, int]] = []
        for key in watch.series:
            at = number.get(key.template)
            if at is None:
                continue
            if key.kind == LINES:
                self._lines.setdefault(key.slot_ms, {})[at] = key
            else:
                self._fields.append((key, at, list(fields[at]).index(key.field)))
        self._lengths = sorted({*self._lines, *(key.slot_ms for key, _, _ in self._fields)})

    def count(self, events: Events, parsed: Parsed, model: str, epoch: int) -> list[SlotCounts]:
        """What the lines of a batch add, one record for each shard that has something.

        Args:
            events: the lines.
            parsed: their templates and fields.
            model: id of the model.
            epoch: number of the change of models that is in force.
        """
        found: dict[int, SlotCounts] = {}
        if not len(events) or not self._lengths:
            return []
        slots = {length: _slots(events, length) for length in self._lengths}
        for length, series in self._lines.items():
            self._count_lines(slots[length], parsed, series, found)
        by_template: dict[int, Int64] = {}
        for key, template, place in self._fields:
            rows = by_template.get(template)
            if rows is None:
                rows = by_template[template] = np.flatnonzero(parsed.template == template)
            rows = rows[parsed.begin[place, rows] >= 0]
            if not len(rows):
                continue
            begins, ends = parsed.begin[place, rows], parsed.end[place, rows]
            late = slots[key.slot_ms].late[rows]
            if late.any():
                self._count_late(key, slots[key.slot_ms], rows[late], found)
                rows, begins, ends = rows[~late], begins[~late], ends[~late]
                if not len(rows):
                    continue
            if key.kind == CATEGORY:
                self._count_values(key, slots[key.slot_ms], rows, cut_out(events.data, begins, ends), found)
            else:
                self._add_numbers(key, slots[key.slot_ms], rows, cut_out(events.data, begins, ends), found)
        for shard, counts in found.items():
            counts.model, counts.shard, counts.epoch = model, shard, epoch
        return [found[shard] for shard in sorted(found)]

    def _count_lines(
        self, slots: _Slots, parsed: Parsed, series: Mapping[int, SeriesKey], found: dict[int, SlotCounts]
    ) -> None:
        width = len(self._templates)
        rows = np.flatnonzero(parsed.template >= 0)
        codes = (slots.of[rows] * 2 + slots.late[rows]) * width + parsed.template[rows]
        for code, lines in _tally(codes, 2 * len(slots.begins) * width):
            rest, template = divmod(code, width)
            key = series.get(template)
            if key is None:
                continue
            slot, late = divmod(rest, 2)
            counts = self._of_shard(found, key)
            if late:
                counts.late[key, slots.begins[slot]] = lines
            else:
                counts.cells[key, slots.begins[slot]] = Cell(lines)

    def _count_late(self, key: SeriesKey, slots: _Slots, rows: Int64, found: dict[int, SlotCounts]) -> None:
        for slot, lines in _tally(slots.of[rows], len(slots.begins)):
            self._of_shard(found, key).late[key, slots.begins[slot]] = lines

    def _count_values(
        self, key: SeriesKey, slots: _Slots, rows: Int64, values: pa.BinaryArray, found: dict[int, SlotCounts]
    ) -> None:
        encoded = values.dictionary_encode()
        texts = [text.decode("utf-8", "replace") for text in encoded.dictionary.to_pylist()]
        width = len(texts)
        cells = self._of_shard(found, key).cells
        for code, lines in _tally(slots.of[rows] * width + encoded.indices.to_numpy(), len(slots.begins) * width):
            slot, value = divmod(code, width)
            cell = cells.setdefault((key, slots.begins[slot]), Cell())
            cell.lines += lines
            cell.values[texts[value]] = cell.values.get(texts[value], 0) + lines
        for begin in slots.begins:
            some = cells.get((key, begin))
            if some is not None:
                some.values = bounded(some.values, self._watch.known.get(key, ()))

    def _add_numbers(
        self, key: SeriesKey, slots: _Slots, rows: Int64, values: pa.BinaryArray, found: dict[int, SlotCounts]
    ) -> None:
        numbers = to_numbers(values)
        good = np.abs(numbers) <= _LARGEST_NUMBER  # not those that are none
        numbers, of = numbers[good], slots.of[rows[good]]
        if not len(numbers):
            return
        used, groups = np.unique(of, return_inverse=True)
        count = len(used)
        totals, squares = exact_sums(numbers, groups, count), exact_sums(numbers * numbers, groups, count)
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(low, groups, numbers)
        np.maximum.at(high, groups, numbers)
        lines = np.bincount(groups, minlength=count)
        cells = self._of_shard(found, key).cells
        for at, slot in enumerate(used.tolist()):
            some = Numbers(totals[at], squares[at], float(low[at]) + 0.0, float(high[at]) + 0.0)
            cells[key, slots.begins[slot]] = Cell(int(lines[at]), numbers=some)

    def _of_shard(self, found: dict[int, SlotCounts], key: SeriesKey) -> SlotCounts:
        shard = self._shard_of[key.template]
        counts = found.get(shard)
        if counts is None:
            counts = found[shard] = SlotCounts("", shard, 0)
        return counts


def cut_out(data: npt.NDArray[np.uint8], begins: Int64, ends: Int64) -> pa.BinaryArray:
    """Byte ranges of a buffer, one value each, cut to :data:`~models.slots.cells.MOST_VALUE_BYTES`."""
    lengths = np.minimum(ends - begins, MOST_VALUE_BYTES)
    offsets = np.zeros(len(begins) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    at = np.arange(int(offsets[-1]))
    at += np.repeat(begins - offsets[:-1], lengths)
    return pa.BinaryArray.from_buffers(pa.binary(), len(begins), [None, pa.py_buffer(offsets), pa.py_buffer(data[at])])


def to_numbers(values: pa.BinaryArray) -> npt.NDArray[np.float64]:
    """float64[n]: the numbers that values are; not-a-number for those that are none."""
    encoded = values.dictionary_encode()
    distinct = np.array([_number(text) for text in encoded.dictionary.to_pylist()], np.float64)
    numbers: npt.NDArray[np.float64] = distinct[encoded.indices.to_numpy()]
    return numbers


def _number(text: bytes) -> float:
    try:
        return float("nan") if b"_" in text else float(text)
    except ValueError:
        return float("nan")


def _slots(events: Events, length: int) -> _Slots:
    number = events.event_ms // length
    late = events.order_ms >= (number + 1) * length
    low = int(number.min())
    width = int(number.max()) - low + 1
    if width <= 2 * len(number) + 64:
        used = np.flatnonzero(np.bincount(number - low, minlength=width))
        index = np.zeros(width, np.int64)
        index[used] = np.arange(len(used))
        return _Slots(((used + low) * length).tolist(), index[number - low], late)
    distinct, of = np.unique(number, return_inverse=True)
    return _Slots((distinct * length).tolist(), of, late)


def _tally(codes: Int64, width: int) -> list[tuple[int, int]]:
    """The distinct codes and how often each occurs; all are below ``width``."""
    if width <= 8 * len(codes) + 1024:
        counted = np.bincount(codes, minlength=width)
        used = np.flatnonzero(counted)
        return list(zip(used.tolist(), counted[used].tolist(), strict=True))
    distinct, lines = np.unique(codes, return_counts=True)
    return list(zip(distinct.tolist(), lines.tolist(), strict=True))
