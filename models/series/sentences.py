"""Why an incident is one, in a sentence."""

from __future__ import annotations

from models.anomalies import human_duration, iso_ms
from models.series.incidents import AHEAD, CLIMBING, RISEN, SINKING, WIDER, Incident


def reason(name: str, incident: Incident, slot_ms: int) -> str:
    """One sentence: what the series did, what is typical, and for how long.

    Args:
        name: what to call the series.
        incident: open or closed.
        slot_ms: length of a slot, ms.
    """
    lasted = human_duration(incident.shown_last_ms - incident.begin_ms + slot_ms)
    actual, typical = number_in_words(incident.actual), typical_in_words(incident)
    if incident.track == AHEAD:
        limit = number_in_words(incident.limit)
        when = "" if incident.eta_ms is None else f" about {iso_ms(int(incident.eta_ms))[:16]}Z"
        return f"{name} will reach its limit of {limit}{when} if it goes on as in the last day"
    match incident.type:
        case "spike":
            return f"{name} rose to {actual}, typical {typical}, for {lasted}"
        case "drop":
            return f"{name} fell to {actual}, typical {typical}, for {lasted}"
        case "level_shift":
            up = incident.signals[RISEN] >= incident.signals[RISEN + 1]
            end = "and stayed" if incident.lasting else f"for {lasted}"
            return f"{name} went {'up' if up else 'down'} to another level, about {actual}, typical {typical}, {end}"
        case "trend":
            up = incident.signals[CLIMBING] >= incident.signals[SINKING]
            return f"{name} slowly {'climbs' if up else 'sinks'}, to {actual}, typical {typical}, for {lasted}"
        case "variance":
            wider = incident.signals[WIDER] >= incident.signals[WIDER + 1]
            return f"{name} varies {'more' if wider else 'less'} than it uses to, for {lasted}"
        case "flat":
            if incident.actual is None:
                return f"{name} says nothing any more, typical {typical}, for {lasted}"
            return f"{name} says nothing but {actual}, typical {typical}, for {lasted}"
        case "seasonality":
            return f"{name} does not follow its rhythm, {actual} where {typical} is typical, for {lasted}"
        case _:
            return f"{name} is odd: {actual}, typical {typical}, for {lasted}"


def typical_in_words(incident: Incident) -> str:
    """What was usual at its peak: the bounds if they are known, else what was expected."""
    if incident.lower is None or incident.upper is None:
        return number_in_words(incident.typical)
    return f"{number_in_words(incident.lower)}–{number_in_words(incident.upper)} at this time"


def number_in_words(value: float | None) -> str:
    """A number for people; ``nothing`` for none."""
    return "nothing" if value is None else f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
