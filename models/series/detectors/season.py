"""The rhythm of a series, day and week, found by itself.

A profile of the day and one of the hours of the week are learnt as knots with lines between them, by least mean
squares with clipped errors (B. Widrow, M. E. Hoff, "Adaptive Switching Circuits", 1960). Each slot is first predicted
without a rhythm, with that of the day, and with both; a rhythm is believed once it has predicted clearly better, out
of sample, after enough days. That is decided once a day, so it does not flicker.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors.columns import Arrays, Bools, Field, Floats, Ints

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WEEK_HOURS = 168
DAY_KNOTS = 96
NONE, DAY, WEEK = 0, 1, 2
KNOWN_DAYS = 15.0
"""From then on a weekly rhythm would be known: until then a series with a daily one is not judged by its level."""

_LEAST_DAYS, _LEAST_WEEK_DAYS = 3.0, 14.0
_BELIEVED, _WEEK_BELIEVED = 0.8, 0.9
_LOST = 1.1
_WEEK_DAYS = 7.0
_DAYS_KEPT, _WEEKS_KEPT = 8.0, 4.0
_CLIP = 4.0

FIELDS = {
    "day": Field(0.0, DAY_KNOTS, "f4"),
    "week": Field(0.0, WEEK_HOURS, "f4"),
    "season": Field(NONE, 1, "i8"),
    "slots": Field(0.0),
    "plain_level": Field(0.0),
    "day_level": Field(0.0),
    "week_level": Field(0.0),
    "plain_error": Field(0.0),
    "day_error": Field(0.0),
    "week_error": Field(0.0),
}


class Season:
    """Learns rhythms of slots of one length.

    Args:
        slot_ms: length of a slot; a day holds ``DAY_MS / slot_ms`` of them.
    """

    def __init__(self, slot_ms: int) -> None:
        self.slots_a_day = max(1.0, DAY_MS / slot_ms)
        self._knots = int(min(DAY_KNOTS, self.slots_a_day))
        self._knot_ms = DAY_MS / self._knots
        # The squares of the weights of two knots sum up to 2/3 on average.
        self._day_rate = min(1.0, 1.5 * self._knots / self.slots_a_day)
        self._week_rate = min(1.0, 1.5 * 24.0 / self.slots_a_day)

    def profile(self, state: Arrays, time_ms: Ints) -> Floats:
        """What the rhythm that is believed adds at a time; 0 without one."""
        day, week = self._parts(state, time_ms)
        season = state["season"]
        return np.where(season >= DAY, day, 0.0) + np.where(season == WEEK, week, 0.0)

    def settled(self, state: Arrays) -> Bools:
        """Rows whose rhythm is known, or that seem to have none after three days."""
        none = state["season"] == NONE
        days = np.where(none, _LEAST_DAYS, KNOWN_DAYS)
        # A new rhythm is watched for a week with its weekend before it is the measure.
        week = none | (state["age"] >= _WEEK_DAYS * self.slots_a_day)
        settled: Bools = week & (state["slots"] >= days * self.slots_a_day)
        return settled

    def _parts(self, state: Arrays, time_ms: Ints) -> tuple[Floats, Floats]:
        rows = np.arange(len(time_ms))
        at, next_, share = self._day_place(time_ms)
        day = state["day"]
        hour, next_hour, hour_share = _week_place(time_ms)
        week = state["week"]
        return (
            (1.0 - share) * day[rows, at] + share * day[rows, next_],
            (1.0 - hour_share) * week[rows, hour] + hour_share * week[rows, next_hour],
        )

    def _day_place(self, time_ms: Ints) -> tuple[Ints, Ints, Floats]:
        place = (time_ms % DAY_MS) / self._knot_ms
        at = place.astype(np.int64)
        return at, (at + 1) % self._knots, place - at

    def learn(self, state: Arrays, time_ms: Ints, value: Floats, learning: Bools) -> Bools:
        """Take a slot in.

        Args:
            state: of the series.
            time_ms: begin of the slot, ms since 1970.
            value: finite.
            learning: the rows that learn; the others stay as they are.

        Returns:
            Rows in which another rhythm is believed from now on: what was learnt of the rest has to begin anew.
        """
        slots = state["slots"]
        # What seems odd before that may be the first weekend.
        learning = learning | (slots < KNOWN_DAYS * self.slots_a_day)
        first = learning & (slots == 0)
        for name in ("plain_level", "day_level", "week_level"):
            state[name][first] = value[first]
        day, week = self._parts(state, time_ms)
        days = slots / self.slots_a_day
        slow = np.maximum(1.0 / (slots + 1.0), 1.0 / self.slots_a_day)
        lately = np.maximum(1.0 / (slots + 1.0), 0.5 / self.slots_a_day)
        errors = []
        for name, rhythm in (("plain", 0.0), ("day", day), ("week", day + week)):
            level, spread = state[f"{name}_level"], state[f"{name}_error"]
            error = value - level - rhythm
            bound = np.where(days < 1.0, np.inf, _CLIP * spread)
            error = np.clip(error, -bound, bound)
            level += np.where(learning, slow * error, 0.0)
            spread += np.where(learning, lately * (np.abs(error) - spread), 0.0)
            errors.append(error)
        rate = np.where(learning, self._day_rate / np.minimum(days + 1.0, _DAYS_KEPT), 0.0)
        _move(state["day"], self._day_place(time_ms), rate * errors[1], self._knots)
        rate = self._week_rate / np.minimum(days / 7.0 + 1.0, _WEEKS_KEPT)
        _move(
            state["week"],
            _week_place(time_ms),
            np.where(learning & (days >= _LEAST_DAYS), rate * errors[2], 0.0),
            WEEK_HOURS,
        )
        slots += learning
        return self._decide(state, learning)

    def _decide(self, state: Arrays, learning: Bools) -> Bools:
        slots, season = state["slots"], state["season"]
        due = learning & (np.floor(slots / self.slots_a_day) > np.floor((slots - 1.0) / self.slots_a_day))
        if not due.any():
            return due
        days = np.floor(slots / self.slots_a_day)
        plain, day, week = state["plain_error"], state["day_error"], state["week_error"]
        bar = np.where(season >= DAY, _LOST, 1.0) * _BELIEVED
        wanted = np.where((days >= _LEAST_DAYS) & (day < bar * plain), DAY, NONE)
        bar = np.where(season == WEEK, _LOST, 1.0) * _WEEK_BELIEVED
        weekly = (days >= _LEAST_WEEK_DAYS) & (week < bar * np.minimum(day, 0.9 * plain))
        wanted = np.where(weekly, WEEK, wanted)
        changed = due & (wanted != season)
        season[changed] = wanted[changed]
        return changed


def _week_place(time_ms: Ints) -> tuple[Ints, Ints, Floats]:
    place = (time_ms / HOUR_MS) % WEEK_HOURS
    at = np.minimum(place.astype(np.int64), WEEK_HOURS - 1)
    return at, (at + 1) % WEEK_HOURS, place - at


def _move(knots: Floats, place: tuple[Ints, Ints, Floats], by: Floats, used: int) -> None:
    rows = np.arange(len(by))
    at, next_, share = place
    knots[rows, at] += (1.0 - share) * by
    knots[rows, next_] += share * by
    # What all knots have in common belongs to the level.
    knots -= (by / used)[:, None]
