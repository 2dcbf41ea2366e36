"""``flat``: a series says the same number again and again, or nothing at all, for longer than it ever did.

A run of so many equal slots has the probability p^n, p the share of slots that repeat the one before; and a run only
counts beyond the longest ones seen, since repeats come in clusters (nights without orders). Slots without a value are
judged in the same way.
"""

from __future__ import annotations

import numpy as np

from models.series.detectors.columns import Arrays, Bools, Field, Floats
from models.series.detectors.tails import HIGHEST

_LEAST_RUN = 6.0
_TIMES_LONGEST = 2.0
_LEAST_SLOTS = 100.0
_FORGET = 1.0 / 4_000.0
_LN10 = np.log(10.0)

FIELDS = {
    "last": Field(np.nan),
    "run": Field(0.0),
    "longest_run": Field(0.0),
    "repeats": Field(0.0),
    "gap": Field(0.0),
    "longest_gap": Field(0.0),
    "gaps": Field(0.0),
    "due": Field(0.0),
}


def judge_value(state: Arrays, value: Floats) -> Floats:
    """The rarity of the run of equal values that goes on in a slot, or ends."""
    run = np.where(value == state["last"], state["run"] + 1.0, 0.0)
    return _rarity(run, state["longest_run"], state["repeats"], state["due"])


def learn_value(state: Arrays, value: Floats, learning: Bools) -> None:
    """Take a slot with a value in; runs that are an incident are no measure of the usual."""
    same = value == state["last"]
    ended = ~same & learning
    state["longest_run"][:] = np.maximum(state["longest_run"] * (1.0 - _FORGET), np.where(ended, state["run"], 0.0))
    state["longest_gap"][:] = np.maximum(state["longest_gap"] * (1.0 - _FORGET), np.where(learning, state["gap"], 0.0))
    state["run"][:] = np.where(same, state["run"] + 1.0, 0.0)
    state["repeats"] += np.where(learning, same, 0.0)
    state["due"] += learning
    state["gap"][:] = 0.0
    state["last"][:] = value


def judge_gap(state: Arrays) -> Floats:
    """The rarity of the run of slots without a value, one more included."""
    return _rarity(state["gap"] + 1.0, state["longest_gap"], state["gaps"], state["due"])


def learn_gap(state: Arrays, learning: Bools) -> None:
    """Take a slot without a value in."""
    state["gap"] += 1.0
    state["gaps"] += learning
    state["due"] += learning


def _rarity(run: Floats, longest: Floats, repeats: Floats, slots: Floats) -> Floats:
    share = (repeats + 1.0) / (slots + 2.0)
    chance = run * -np.log10(np.minimum(share, 0.9))
    # At twice the longest run, half of the highest; so the run that alarms is some three times the longest.
    beyond = 0.5 * HIGHEST * run / (_TIMES_LONGEST * np.maximum(longest, 0.5 * _LEAST_RUN))
    found = np.minimum(np.minimum(chance, beyond), HIGHEST)
    return np.where((run >= _LEAST_RUN) & (slots >= _LEAST_SLOTS), found, 0.0)
