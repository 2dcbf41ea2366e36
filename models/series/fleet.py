"""Many series watched at once, slot by slot, by the typed detectors: the micro-batched form.

Each call brings at most one closed slot of each series; series take their own slots in order, and nothing of one series
depends on another, nor on how slots are grouped into calls. The work for a slot is bounded, and so is the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.batches import BatchError
from models.series.detectors import baseline as baselines
from models.series.detectors import drifts, limits, points, rhythm, season, shifts, spread, still, tails
from models.series.detectors.columns import Arrays, Bools, Columns, Field, Floats, Ints, joined
from models.series.incidents import (
    AHEAD,
    FALLEN,
    LIMIT,
    OFFBEAT,
    PRESETS,
    RISEN,
    SHAPE,
    SIGNALS,
    Incident,
    Preset,
    Seen,
    is_new_normal,
    judge_type,
    note,
)

VERSION = 1
KIND = "weirwatch.typed_series"
_ALL = "weirwatch.typed_fleet"

_FURTHEST = 1e30
_RHYTHM_CALM_DAYS = 0.25
_OWN = {"frozen": Field(0, 1, "i8"), "quiet_until": Field(0, 1, "i8"), "ahead_until": Field(0, 1, "i8")}
FIELDS = joined(
    season.FIELDS, baselines.FIELDS, points.FIELDS, shifts.FIELDS, drifts.FIELDS, spread.FIELDS, still.FIELDS,
    rhythm.FIELDS, limits.FIELDS, _OWN,
)  # fmt: skip
"""All that is kept of a series, beside its open incidents."""

_SHAPES = range(LIMIT)
_AHEADS = range(LIMIT, len(SIGNALS))


@dataclass(frozen=True, slots=True)
class Told:
    """An incident that began or ended.

    Attributes:
        row: number of the series.
        stage: ``begin`` or ``end``.
        incident: as it is at this moment.
    """

    row: int
    stage: str
    incident: Incident


@dataclass(slots=True)
class Judged:
    """What is said of the slots of one call; arrays in the order of its rows.

    Attributes:
        rarities: ``[rows, SIGNALS]``, 0 to 10.
        expected: what was expected, NaN while unknown.
        lower: lower bound of what is usual, NaN while unknown.
        upper: upper bound of it.
        deviation: value − expected, in units of the usual error; NaN without a value or while unknown.
        told: incidents that began or ended.
    """

    rarities: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    deviation: Floats
    told: list[Told] = field(default_factory=list)

    @property
    def scores(self) -> Floats:
        """The score of each slot, 0 to 1: a tenth of the highest rarity."""
        highest: Floats = self.rarities.max(axis=1) / tails.HIGHEST
        return highest


class Fleet:
    """Watches series.

    Args:
        slot_ms: length of a slot, ms; the same for all series.
        rows: how many series at first.
        preset: when incidents begin and end; ``sensitive`` unless given.
        horizon_ms: how long before a limit an alarm is raised.

    Raises:
        ValueError: the length of a slot is not above 0.
    """

    def __init__(
        self, slot_ms: int, rows: int = 0, preset: Preset | None = None, horizon_ms: int = season.DAY_MS
    ) -> None:
        if slot_ms <= 0:
            raise ValueError(f"a slot of {slot_ms} ms has no length")
        self.slot_ms = slot_ms
        self._preset = preset or PRESETS["sensitive"]
        self._season = season.Season(slot_ms)
        self._baseline = baselines.Baseline(self._season)
        self._limits = limits.Limits(slot_ms, horizon_ms)
        self._columns = Columns(FIELDS, rows)
        self._bars = self._preset.bars()
        self._open: dict[tuple[int, str], Incident] = {}

    @property
    def rows(self) -> int:
        """How many series it watches."""
        return self._columns.rows

    def add(self, rows: int = 1) -> int:
        """Watch so many more series; gives the number of the first."""
        first = self.rows
        self._columns.grow(rows)
        return first

    def set_limit(self, row: int, limit: float | None, horizon_ms: int | None = None) -> None:
        """Set the limit of a series, or take it away; ``horizon_ms``: how long before to warn, None: as all do."""
        self._columns.arrays["limit"][row] = np.nan if limit is None else limit
        self._columns.arrays["horizon_ms"][row] = np.nan if horizon_ms is None else horizon_ms

    def forget(self, row: int) -> None:
        """Make a row ready for another series: nothing is known of it any more, open incidents neither."""
        self._columns.reset(row)
        for track in (SHAPE, AHEAD):
            self._open.pop((row, track), None)

    def update(self, rows: Ints, time_ms: Ints, values: Floats) -> Judged:
        """Judge a slot of each of some series, then learn from it.

        Args:
            rows: numbers of the series, ascending, each once.
            time_ms: begin of the slot, ms since 1970, UTC; rising from call to call of a series.
            values: NaN or infinite for a slot that closed without one.
        """
        n = len(rows)
        empty = np.full(n, np.nan)
        judged = Judged(np.zeros((n, len(SIGNALS))), empty, empty.copy(), empty.copy(), empty.copy())
        valued = np.isfinite(values)
        if valued.all():
            self._judge_values(rows, time_ms, np.clip(values, -_FURTHEST, _FURTHEST), np.arange(n), judged)
        else:
            at = np.flatnonzero(valued)
            if len(at):
                self._judge_values(rows[at], time_ms[at], np.clip(values[at], -_FURTHEST, _FURTHEST), at, judged)
            at = np.flatnonzero(~valued)
            self._judge_gaps(rows[at], time_ms[at], at, judged)
        return judged

    def _judge_values(self, rows: Ints, time_ms: Ints, values: Floats, at: Ints, judged: Judged) -> None:
        state = self._columns.take(rows)
        learning = state["frozen"] == 0
        slot = self._baseline.look(state, time_ms, values)
        settled = self._season.settled(state)
        up, down = points.judge(state, slot)
        risen, fallen, middle = shifts.judge(state, slot, settled)
        climbing, sinking, drift = drifts.judge(state, slot, settled & (slot.age >= 3 * self._season.slots_a_day))
        wider, narrower, change = spread.judge(state, slot)
        flat = still.judge_value(state, values)
        offbeat, beat, slope = rhythm.judge(state, slot, self._season)
        ahead = self._limits.judge(state)
        found = np.column_stack([up, down, risen, fallen, wider, narrower, flat, offbeat, climbing, sinking, ahead])
        lower, upper = points.bounds(state, slot)
        judged.rarities[at] = found
        judged.expected[at], judged.lower[at], judged.upper[at] = slot.expected, lower, upper
        judged.deviation[at] = np.where(np.isnan(lower), np.nan, slot.error)
        day = self._season.slots_a_day
        points.learn(state, slot, learning, day)
        shifts.learn(state, slot, middle, learning, day)
        drifts.learn(state, slot, drift, learning, day)
        spread.learn(state, slot, change, learning, day)
        still.learn_value(state, values, learning)
        rhythm.learn(state, slot, self._season, beat, learning)
        self._limits.learn(state, slot)
        self._baseline.remember(state, slot)
        self._baseline.learn(state, slot, learning)
        changed = self._season.learn(state, time_ms, values, learning)
        if changed.any():
            self._begin_anew(state, changed)
        hot = (found >= self._bars).any(axis=1) | (learning == 0) | self._has_ahead(rows)
        for i in np.flatnonzero(hot):
            expected, low, high = (_known(bound[i]) for bound in (slot.expected, lower, upper))
            seen = Seen(
                int(time_ms[i]), found[i].tolist(), float(values[i]), expected, low, high,
                float(slot.error[i]), float(slot.shift[i]),
                max(abs(float(middle[i])) * shifts.NOISE, abs(float(drift[i])) * drifts.NOISE), float(slope[i]),
            )  # fmt: skip
            self._follow(int(rows[i]), int(i), state, seen, float(slot.scale[i]), judged)
        self._columns.put(rows, state)

    def _judge_gaps(self, rows: Ints, time_ms: Ints, at: Ints, judged: Judged) -> None:
        state = self._columns.take(rows)
        learning = state["frozen"] == 0
        flat = still.judge_gap(state)
        judged.rarities[at, SIGNALS.index("flat")] = flat
        expected = state["slow"] + self._season.profile(state, time_ms)
        judged.expected[at] = np.where(state["age"] > 0, expected, np.nan)
        still.learn_gap(state, learning)
        hot = (flat >= self._preset.open_at) | (learning == 0)
        for i in np.flatnonzero(hot):
            rarities = [0.0] * len(SIGNALS)
            rarities[SIGNALS.index("flat")] = float(flat[i])
            seen = Seen(int(time_ms[i]), rarities, None, float(judged.expected[at[i]]), None, None, 0.0, 0.0, 0.0, 1.0)
            self._follow(int(rows[i]), int(i), state, seen, float(state["scale"][i]), judged)
        self._columns.put(rows, state)

    def _has_ahead(self, rows: Ints) -> Bools:
        watched = [row for row, track in self._open if track == AHEAD]
        return np.isin(rows, watched) if watched else np.zeros(len(rows), dtype=bool)

    def _begin_anew(self, state: Arrays, rows: Bools) -> None:
        """Another rhythm is believed: what was learnt of the rest does not hold any more."""
        self._baseline.forget(state, rows)
        points.forget(state, rows)
        shifts.forget(state, rows, tails_too=True)
        drifts.forget(state, rows)
        spread.forget(state, rows, tails_too=True)
        rhythm.forget(state, rows, tails_too=True)
        state["blocks_at"][rows] = 0

    def _follow(self, row: int, i: int, state: Arrays, seen: Seen, scale: float, judged: Judged) -> None:
        self._follow_shape(row, i, state, seen, scale, judged)
        self._follow_ahead(row, i, state, seen, judged)

    def _follow_shape(self, row: int, i: int, state: Arrays, seen: Seen, scale: float, judged: Judged) -> None:
        key, preset = (row, SHAPE), self._preset
        incident = self._open.get(key)
        if incident is None:
            if all(seen.rarities[signal] < self._bars[signal] for signal in _SHAPES):
                return
            incident = self._open[key] = Incident(SHAPE, seen.time_ms, seen.time_ms)
            state["frozen"][i] = 1
        note(incident, seen, preset, _SHAPES)
        # A broken rhythm crosses the right one now and then.
        wide = any(incident.signals[signal] >= self._bars[signal] for signal in (OFFBEAT, RISEN, FALLEN))
        patience = _RHYTHM_CALM_DAYS * self._season.slots_a_day if wide and state["season"][i] else 0.0
        calm = incident.calm >= max(preset.calm_slots, patience)
        if calm or incident.slots == 1 or incident.slots % preset.calm_slots == 0:
            incident.type = judge_type(incident, preset, _in_order(state, i), seen.shift, scale)
        lasting = not calm and is_new_normal(
            incident, preset, state["shifts"][i], self._season.slots_a_day, bool(state["season"][i])
        )
        if not incident.told and seen.time_ms >= state["quiet_until"][i]:
            incident.told = True
            judged.told.append(Told(row, "begin", replace(incident, signals=list(incident.signals))))
        if calm or lasting:
            incident.lasting = lasting
            del self._open[key]
            state["frozen"][i] = 0
            if incident.told:
                state["quiet_until"][i] = incident.last_ms + self.slot_ms + preset.quiet_ms
                judged.told.append(Told(row, "end", incident))
            if lasting:
                self._adopt(state, i)

    def _adopt(self, state: Arrays, i: int) -> None:
        """What has gone on for long is normal from now on."""
        rows = np.zeros(len(state["slow"]), dtype=bool)
        rows[i] = True
        last = _in_order(state, i)[-shifts.WINDOW :]
        level = float(np.median(last))
        state["slow"][i] = state["fast"][i] = level
        drifts.move_to(state, i, level)
        usual = float(np.exp(state["usual_moves"][i]))
        ratio = min(max(float(state["moves"][i]) / max(usual, 1e-3), 0.05), 20.0)
        if not 0.6 < ratio < 1.7:
            state["scale"][i] *= ratio
            state["hours"][i] *= ratio
            # What is measured in units of the scale is as usual again.
            state["moves"][i] = usual
        shifts.forget(state, rows, tails_too=False)
        rhythm.forget(state, rows, tails_too=False)
        state["longest_run"][i] = max(state["longest_run"][i], state["run"][i])

    def _follow_ahead(self, row: int, i: int, state: Arrays, seen: Seen, judged: Judged) -> None:
        key, preset = (row, AHEAD), self._preset
        incident = self._open.get(key)
        if incident is None:
            if seen.rarities[LIMIT] < preset.open_at or seen.time_ms < state["ahead_until"][i]:
                return
            incident = self._open[key] = Incident(AHEAD, seen.time_ms, seen.time_ms, "forecast_limit", told=True)
            incident.limit, incident.eta_ms = float(state["limit"][i]), float(state["eta_ms"][i])
            note(incident, seen, preset, _AHEADS)
            judged.told.append(Told(row, "begin", replace(incident, signals=list(incident.signals))))
            return
        note(incident, seen, preset, _AHEADS)
        if np.isfinite(state["eta_ms"][i]):
            incident.eta_ms = float(state["eta_ms"][i])
        blocks = max(1, season.HOUR_MS // self.slot_ms)
        if incident.calm >= max(preset.calm_slots, 6 * blocks):
            del self._open[key]
            state["ahead_until"][i] = incident.last_ms + self.slot_ms + preset.quiet_ms
            judged.told.append(Told(row, "end", incident))

    def open_incidents(self) -> list[Told]:
        """The incidents that are open and were told."""
        return [Told(row, "begin", incident) for (row, _), incident in sorted(self._open.items()) if incident.told]

    def to_record(self, row: int) -> bytes:
        """All that is known of one series, as a record of :data:`VERSION`: its fields, and its open incidents."""
        incidents = [self._open[key].to_head() for key in ((row, SHAPE), (row, AHEAD)) if key in self._open]
        return self._columns.to_record(row, KIND, VERSION, {"slot_ms": self.slot_ms, "incidents": incidents})

    def from_record(self, row: int, record: bytes) -> None:
        """Undo :meth:`to_record`: the series goes on in this row as if it had never stopped.

        Raises:
            BatchError: the record is none of a series, is damaged, of a version that this one does not know, or of
                slots of another length.
        """
        head: Mapping[str, Any] = self._columns.from_record(row, record, KIND, VERSION)
        if head.get("slot_ms") != self.slot_ms:
            raise BatchError(f"a record of slots of {head.get('slot_ms')} ms does not fit slots of {self.slot_ms} ms")
        try:
            for known in head["incidents"]:
                incident = Incident.from_head(known)
                self._open[row, incident.track] = incident
        except (KeyError, TypeError) as error:
            raise BatchError(f"the state of a series is damaged: {error}") from None

    def all_to_record(self) -> bytes:
        """All series in one record of :data:`VERSION`: their fields, and the open incidents by row."""
        incidents = [[row, incident.to_head()] for (row, _), incident in sorted(self._open.items())]
        return self._columns.all_to_record(_ALL, VERSION, {"slot_ms": self.slot_ms, "incidents": incidents})

    def all_from_record(self, record: bytes) -> None:
        """Undo :meth:`all_to_record`: these series, and no others, go on as if they had never stopped.

        Raises:
            BatchError: as :meth:`from_record` says.
        """
        head = self._columns.all_from_record(record, _ALL, VERSION)
        if head.get("slot_ms") != self.slot_ms:
            raise BatchError(f"a record of slots of {head.get('slot_ms')} ms does not fit slots of {self.slot_ms} ms")
        try:
            found = [(row, Incident.from_head(known)) for row, known in head["incidents"]]
        except (KeyError, TypeError, ValueError) as error:
            raise BatchError(f"the state of series is damaged: {error}") from None
        self._open = {(row, incident.track): incident for row, incident in found}


def _in_order(state: Arrays, i: int) -> Floats:
    """The last slots without their rhythm, oldest first."""
    at, ring = int(state["ring_at"][i]), state["ring"][i].astype(np.float64)
    if at < len(ring):
        return ring[: max(at, 1)]
    return np.roll(ring, -(at % len(ring)))


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
