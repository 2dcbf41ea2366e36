"""``seasonality``: the rhythm that a series had is broken.

Over the last half day the values are regressed on what the rhythm says (exponentially weighted moments). While the
rhythm holds the slope is about 1, whatever the level; 0 says that it has gone, less that it runs against the clock.
The statistic is the distance of the slope from 1, in units of its error.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors import tails
from models.series.detectors.baseline import Slot
from models.series.detectors.columns import Arrays, Bools, Field, Floats, joined
from models.series.detectors.season import DAY, Season

BROKEN_SLOPE = 0.5
"""With a slope below this a rhythm counts as broken."""

_DAYS = 0.3
_CLIP = 8.0
_LEAST_SWING = 1.0

FIELDS = joined(
    tails.fields("offbeat"),
    {
        "beat_mean": Field(0.0),
        "value_mean": Field(0.0),
        "beat_square": Field(0.0),
        "beat_value": Field(0.0),
        "beat_age": Field(0.0),
    },
)


def judge(state: Arrays, slot: Slot, season: Season) -> tuple[Floats, Floats, Floats]:
    """The rarity, the statistic and the slope. 0, 0 and 1 without a rhythm, or where it has hardly swung lately."""
    swing = state["beat_square"]
    slots = _DAYS * season.slots_a_day
    scale = np.square(slot.scale)
    known = (
        season.settled(state)
        & (state["season"] >= DAY)
        & (state["beat_age"] >= 2 * slots)
        & (swing > _LEAST_SWING * scale)
    )
    slope = np.where(known, state["beat_value"] / np.where(known, swing, 1.0), 1.0)
    statistic = np.where(known, np.maximum(1.0 - slope, 0.0) * np.sqrt(swing / scale * slots), 0.0)
    return np.where(known, tails.rarity(state, "offbeat", statistic), 0.0), statistic, slope


def learn(state: Arrays, slot: Slot, season: Season, statistic: Floats, learning: Bools) -> None:
    """Take a slot in; the moments follow every slot, the tail those that are learnt from."""
    age = state["beat_age"]
    pace = np.maximum(1.0 / (age + 1.0), 1.0 / (_DAYS * season.slots_a_day))
    bound = _CLIP * slot.scale
    value = np.clip(slot.value, slot.expected - bound, slot.expected + bound)
    beat, mean, middle = slot.rhythm, state["beat_mean"], state["value_mean"]
    mean += pace * (beat - mean)
    middle += pace * (value - middle)
    state["beat_square"] += pace * (np.square(beat - mean) - state["beat_square"])
    state["beat_value"] += pace * ((beat - mean) * (value - middle) - state["beat_value"])
    age += 1.0
    slots = _DAYS * season.slots_a_day
    tails.learn(state, "offbeat", statistic, learning & (age >= 2 * slots), season.slots_a_day, max(1.0, slots / 4))


def forget(state: Arrays, rows: Bools, tails_too: bool) -> None:
    """Begin anew in some rows."""
    state["beat_age"][rows] = 0.0
    if tails_too:
        tails.forget(state, "offbeat", rows)
