"""A shard of series under the typed detectors: many series in one call, as the fleet takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from models.batches import BatchError, pack_columns, unpack_columns
from models.series.incidents import Preset
from models.series.scoring.lane import Lane
from models.series.scoring.points import NO_TIME, PointBatch
from models.series.scoring.scored import Scored
from models.series.scoring.slot_length import FIRST_POINTS, find_slot_ms

VERSION = 1
KIND = "weirwatch.typed_shard"

UNTIMED = "it has no timestamp, without which it has no place among slots"

Key = tuple[str, str]
"""Scope and name of a series."""

Limits = Sequence[tuple[str, float]]
"""Globs of names of series, and the limit of each."""


@dataclass(slots=True)
class _Newcomer:
    """A series whose slots are not known yet: its first points."""

    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """What goes to a lane: points that were told of before, and points that were not."""

    rows: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


class TypedShard:
    """Scores series slot by slot.

    Args:
        preset: when incidents begin and end.
        slot_ms: length of the slots of all series; None: found for each from its first timestamps
            (:mod:`models.series.scoring.slot_length`), until when nothing is said of it.
        limits: globs of names of series, each with the limit of whose reaching it is to warn; the first that fits
            counts.
    """

    def __init__(self, preset: Preset, slot_ms: int | None = None, limits: Limits = ()) -> None:
        self._preset = preset
        self._slot_ms = slot_ms
        self._limits = limits
        self._lanes: dict[int, Lane] = {}
        self._places: dict[Key, tuple[int, int]] = {}
        self._newcomers: dict[Key, _Newcomer] = {}

    @property
    def series(self) -> int:
        """How many series it knows."""
        return len(self._places) + len(self._newcomers)

    def slot_lengths(self) -> dict[int, int]:
        """Length of a slot, ms → how many series have such; without series whose slots are not known yet."""
        return {slot_ms: lane.rows for slot_ms, lane in self._lanes.items()}

    def take(self, batch: PointBatch) -> Scored:
        """Score the points of a batch, and learn from them."""
        found = Scored.nothing(len(batch))
        lanes, rows = self._known(batch)
        timed = batch.time_ms != NO_TIME
        if not timed.all():
            found.refused |= dict.fromkeys(np.flatnonzero(~timed).tolist(), UNTIMED)
        slots = lanes[batch.series]
        replays = self._meet(batch, lanes, rows, slots, timed)
        for slot_ms in sorted((set(slots[timed].tolist()) | set(replays)) - {0}):
            at = np.flatnonzero(timed & (slots == slot_ms))
            first = replays.get(slot_ms, _Work())
            self._lanes[slot_ms].take(
                np.concatenate([np.array(first.rows, np.int64), rows[batch.series[at]]]),
                np.concatenate([np.array(first.times, np.int64), batch.time_ms[at]]),
                np.concatenate([np.array(first.values, np.float64), batch.values[at]]),
                np.concatenate([np.array(first.places, np.int64), at]),
                len(first.rows),
                found,
            )
        found.turns.sort(key=lambda turn: turn.place)
        return found

    def _known(self, batch: PointBatch) -> tuple[Any, Any]:
        """Slot length and row of each series of a batch; 0 and −1 of those whose slots are not known yet."""
        scope, slot_ms = batch.scope, self._slot_ms
        keys = [(scope, name) for name in batch.names]
        if slot_ms is not None:
            new = [key for key in keys if key not in self._places]
            if new:
                first = self._lane(slot_ms).add(len(new))
                for row, key in enumerate(new, first):
                    self._place(key, slot_ms, row)
        places = np.array([self._places.get(key, (0, -1)) for key in keys], np.int64).reshape(-1, 2)
        return places[:, 0].copy(), places[:, 1].copy()

    def _place(self, key: Key, slot_ms: int, row: int) -> None:
        """A series has come to a row of a lane."""
        self._places[key] = slot_ms, row
        if self._limits:
            name = key[1].rpartition("\0")[2]
            limit = next((limit for glob, limit in self._limits if fnmatchcase(name, glob)), None)
            self._lanes[slot_ms].set_limit(row, limit)

    def _lane(self, slot_ms: int) -> Lane:
        found = self._lanes.get(slot_ms)
        if found is None:
            found = self._lanes[slot_ms] = Lane(slot_ms, self._preset)
        return found

    def _meet(self, batch: PointBatch, lanes: Any, rows: Any, slots: Any, timed: Any) -> dict[int, _Work]:
        """Take in points of series whose slots are not known yet. Of those that have become known, the first points.

        ``lanes``, ``rows`` and, for the points after these, ``slots`` are set for them.
        """
        replays: dict[int, _Work] = {}
        settled: dict[int, list[tuple[int, _Newcomer, int]]] = {}
        for place in np.flatnonzero(timed & (slots == 0)).tolist():
            number = int(batch.series[place])
            if lanes[number]:
                slots[place] = lanes[number]
                continue
            key = (batch.scope, batch.names[number])
            newcomer = self._newcomers.get(key)
            if newcomer is None:
                newcomer = self._newcomers[key] = _Newcomer()
            newcomer.times.append(int(batch.time_ms[place]))
            newcomer.values.append(float(batch.values[place]))
            if len(newcomer.times) == FIRST_POINTS:
                del self._newcomers[key]
                lanes[number] = find_slot_ms(newcomer.times)
                settled.setdefault(int(lanes[number]), []).append((number, newcomer, place))
        for slot_ms, series in settled.items():
            first = self._lane(slot_ms).add(len(series))
            work = replays[slot_ms] = _Work()
            for row, (number, newcomer, place) in enumerate(series, first):
                rows[number] = row
                self._place((batch.scope, batch.names[number]), slot_ms, row)
                work.rows += [row] * FIRST_POINTS
                work.times += newcomer.times
                work.values += newcomer.values
                work.places += [place] * FIRST_POINTS
        return replays

    def snapshot(self) -> bytes:
        """All that it knows, as one record.

        Layout, version 1: a JSON head with, for each lane, scopes and names in the order of its rows, and the first
        points of newcomers; a lane's record as a column each.
        """
        series: dict[int, list[Key]] = {slot_ms: [("", "")] * lane.rows for slot_ms, lane in self._lanes.items()}
        for key, (slot_ms, row) in self._places.items():
            series[slot_ms][row] = key
        newcomers = [
            [*key, one.times, [None if value != value else value for value in one.values]]
            for key, one in self._newcomers.items()
        ]
        head: dict[str, object] = {"kind": KIND, "series": list(series.values()), "newcomers": newcomers}
        return pack_columns(VERSION, head, [lane.to_record() for lane in self._lanes.values()])

    @classmethod
    def restore(cls, record: bytes, preset: Preset, slot_ms: int | None = None, limits: Limits = ()) -> TypedShard:
        """Undo :meth:`snapshot`. Series whose slots are known keep them, whatever ``slot_ms`` says.

        Raises:
            BatchError: the record is none of such a shard, is damaged, or is of a version that this one does not know.
        """
        found, columns = unpack_columns(record, VERSION)
        head: dict[str, Any] = found
        if head.get("kind") != KIND or len(columns) != len(head.get("series", ())):
            raise BatchError("a record is not a shard of typed series, or is damaged")
        self = cls(preset, slot_ms, limits)
        for keys, column in zip(head["series"], columns, strict=True):
            lane = Lane.from_record(bytes(column), preset)
            if lane.rows != len(keys):
                raise BatchError("a shard of typed series is damaged")
            self._lanes[lane.slot_ms] = lane
            for row, (scope, name) in enumerate(keys):
                self._place((scope, name), lane.slot_ms, row)
        for scope, name, times, values in head["newcomers"] if slot_ms is None else ():
            numbers = [np.nan if value is None else value for value in values]
            self._newcomers[scope, name] = _Newcomer(times, numbers)
        return self
