"""Runs the detectors over cases and counts: precision and recall of each type, and false alarms a week.

An alarm counts for an injection of its own type if the incident overlaps it, six hours more allowed at its end. An
alarm of another type during an injection, a second one, or one elsewhere is false, and counts against the type that it
claims. Nothing is counted in the first 22 days, which are learnt from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.series.fleet import Fleet
from models.series.incidents import TYPES, Incident, Preset
from models.series.suite.cases import Case
from models.series.suite.families import BEGIN_MS, DAY_SLOTS, SLOT_MS, SLOTS, times

LEARNT_DAYS = 22
_LATE_SLOTS = 36


@dataclass(slots=True)
class Tally:
    """Counts over cases.

    Attributes:
        injected: by type.
        found: injections with an alarm of their type, by type.
        claimed: alarms by the type that they claim.
        right: those of them that are the first of an injection of that type.
        confused: (type injected or ``none``, type claimed) of the others.
        missed: (type, family) of injections without an alarm of their type.
        weeks: of series in which nothing is injected, or before it is.
        false_alarms: alarms there.
    """

    injected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    claimed: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    confused: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    weeks: float = 0.0
    false_alarms: int = 0

    def recall(self, kind: str) -> float:
        """The share of injections that were found as what they are; NaN without any."""
        return self.found[kind] / self.injected[kind] if self.injected[kind] else float("nan")

    def precision(self, kind: str) -> float:
        """The share of alarms of a type that were right; NaN without any."""
        return self.right[kind] / self.claimed[kind] if self.claimed[kind] else float("nan")

    def false_a_week(self) -> float:
        """False alarms a series and week where nothing is odd."""
        return self.false_alarms / self.weeks if self.weeks else float("nan")

    def kinds(self) -> list[str]:
        """The types that were injected, in their order."""
        return [kind for kind in TYPES if self.injected[kind]]


def alarms_of(cases: Sequence[Case], preset: Preset, step: Callable[[int], None] | None = None) -> list[list[Incident]]:
    """The told incidents of each case, as they were when they ended, or at the end of the series.

    Args:
        cases: all are watched at once.
        preset: when incidents begin and end.
        step: called with each slot that is done, for progress.
    """
    fleet = Fleet(SLOT_MS, len(cases), preset)
    for row, case in enumerate(cases):
        fleet.set_limit(row, case.limit)
    rows = np.arange(len(cases))
    values = np.column_stack([case.values for case in cases])
    found: list[list[Incident]] = [[] for _ in cases]
    for slot, time_ms in enumerate(times()):
        judged = fleet.update(rows, np.full(len(cases), time_ms), values[slot])
        for told in judged.told:
            if told.stage == "end":
                found[told.row].append(told.incident)
        if step is not None:
            step(slot)
    for told in fleet.open_incidents():
        found[told.row].append(told.incident)
    return found


def count(cases: Sequence[Case], alarms: Sequence[Sequence[Incident]]) -> Tally:
    """Compare what was told with what was injected."""
    tally = Tally()
    for case, own in zip(cases, alarms, strict=True):
        _count_case(tally, case, own)
    return tally


def _count_case(tally: Tally, case: Case, alarms: Sequence[Incident]) -> None:
    quiet_slots = (case.begin if case.type else SLOTS) - LEARNT_DAYS * DAY_SLOTS
    tally.weeks += quiet_slots / (7 * DAY_SLOTS)
    if case.type:
        tally.injected[case.type] += 1
    begin = BEGIN_MS + case.begin * SLOT_MS
    end = BEGIN_MS + (case.end + _LATE_SLOTS) * SLOT_MS
    found = False
    for alarm in sorted(alarms, key=lambda one: one.begin_ms):
        if alarm.begin_ms < BEGIN_MS + LEARNT_DAYS * DAY_SLOTS * SLOT_MS:
            continue
        tally.claimed[alarm.type] += 1
        within = case.type is not None and alarm.last_ms >= begin and alarm.begin_ms < end
        if within and alarm.type == case.type and not found:
            found = True
            tally.right[alarm.type] += 1
            tally.found[alarm.type] += 1
            continue
        tally.confused[case.type if within and case.type else "none", alarm.type] += 1
        if not case.type or alarm.begin_ms < begin:
            tally.false_alarms += 1
    if case.type and not found:
        tally.missed[case.type, case.family] += 1
