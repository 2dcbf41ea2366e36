"""An incident of a series, as its anomaly document tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.report.digest import Anomaly, score_of
from models.report.points import Points, known_number, read_points
from models.report.text import duration, label, parse_time, plural, shorten, stamp
from models.report.value_axis import value_text

_NAME_CHARS = 120
_MINUTE = 60_000


@dataclass(slots=True, frozen=True)
class SeriesIncident:
    """What the report shows of it; times in epoch ms, NaN for a number that is not known.

    Attributes:
        id: of the document.
        series: name of the series, unique in the model.
        template: id of its template.
        type: type of the anomaly.
        score: 0 to 100.
        slot_ms: length of a slot, ms.
        begin: first odd slot.
        end: where the last one ends; None while the incident goes on.
        peak: the slot that was furthest off.
        actual: what the series held there.
        typical: what was expected there.
        lower: lower bound there.
        upper: upper bound there.
        down: it went down.
        lasting: it became normal.
        limit: that will be reached, of ``forecast_limit``.
        eta: when.
        points: the last slots.
        other: name of the other series, of ``correlation``; empty otherwise.
        other_points: the last slots of that.
        facts: further names and values to show.
    """

    id: str
    series: str
    template: str
    type: str
    score: float
    slot_ms: int
    begin: int
    end: int | None
    peak: int
    actual: float
    typical: float
    lower: float
    upper: float
    down: bool
    lasting: bool
    limit: float
    eta: int | None
    points: Points
    other: str
    other_points: Points
    facts: tuple[tuple[str, str], ...]

    def label(self) -> str:
        """Its type, for people."""
        return label(self.type)

    def span(self) -> str:
        """From when to when it was."""
        begun = f"{stamp(self.begin)} UTC"
        if self.end is None:
            return f"since {begun}"
        return f"{begun}, for {duration(max(self.end - self.begin, 0))}" + (", then normal" if self.lasting else "")

    def sentence(self) -> str:
        """Its type, when it was, and what was seen and expected at its peak."""
        usual = "" if math.isnan(self.typical) else f", {value_text(self.typical)} expected"
        if not math.isnan(self.lower) and not math.isnan(self.upper):
            usual = f", {value_text(self.lower)} to {value_text(self.upper)} usual"
        return f"{self.label()} {self.span()}: {value_text(self.actual)}{usual}"


def read_incident(anomaly: Anomaly) -> SeriesIncident | None:
    """The incident of an anomaly document; None if it is about no series, or its begin cannot be read."""
    told = anomaly.get("series")
    if not isinstance(told, Mapping) or not told.get("id"):
        return None
    begin = parse_time(told.get("begin") or anomaly.get("@timestamp"))
    if begin is None:
        return None
    slot_ms = known_number(told.get("slot_ms"))
    peak, other = parse_time(told.get("peak")), told.get("other")
    other = other if isinstance(other, Mapping) else {}
    return SeriesIncident(
        id=str(anomaly.get("id")),
        series=str(told["id"]),
        template=str(told.get("template") or ""),
        type=str(anomaly.get("type")),
        score=score_of(anomaly),
        slot_ms=int(slot_ms) if slot_ms >= 1 else _MINUTE,
        begin=begin,
        end=parse_time(told.get("end")) if told.get("end") else None,
        peak=begin if peak is None else peak,
        actual=known_number(told.get("actual")),
        typical=known_number(told.get("typical")),
        lower=known_number(told.get("lower")),
        upper=known_number(told.get("upper")),
        down=told.get("direction") == "down",
        lasting=told.get("lasting") is True,
        limit=known_number(told.get("limit")),
        eta=parse_time(told.get("eta")) if told.get("eta") else None,
        points=read_points(told.get("recent")),
        other=str(other.get("id") or ""),
        other_points=read_points(other.get("recent")),
        facts=tuple(_facts(told, other)),
    )


def _facts(told: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("Series", shorten(str(told["id"]), _NAME_CHARS))]
    if other:
        facts.append(("Follows", shorten(str(other.get("id") or ""), _NAME_CHARS)))
        lag, slope = known_number(told.get("lag_slots")), known_number(told.get("slope"))
        if not math.isnan(lag):
            facts.append(("Lag", plural(round(lag), "slot")))
        if not math.isnan(slope):
            facts.append(("Slope", value_text(slope)))
    slot_ms = known_number(told.get("slot_ms"))
    if slot_ms >= 1:
        facts.append(("Slots", duration(slot_ms)))
    for name, key in (("Began", "begin"), ("Ended", "end"), ("Peak", "peak"), ("Reached about", "eta")):
        at = parse_time(told.get(key)) if told.get(key) else None
        if at is not None:
            facts.append((name, f"{stamp(at // _MINUTE * _MINUTE if key == 'eta' else at)} UTC"))
    if told.get("stage") == "begin":
        facts.append(("Ended", "not yet"))
    if told.get("lasting") is True:
        facts.append(("Since then", "the new normal"))
    limit = known_number(told.get("limit"))
    if not math.isnan(limit):
        facts.append(("Limit", value_text(limit)))
    return facts
