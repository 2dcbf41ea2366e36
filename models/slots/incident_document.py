"""What is told of an incident of a series: the anomaly documents of the types of :mod:`models.series.incidents`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from models.anomalies import Document, anomaly_id, build, iso_ms
from models.document import ModelDocument
from models.phrases import phrases
from models.series.incidents import AHEAD, CLIMBING, FALLEN, NARROWER, RISEN, SINKING, WIDER, Incident
from models.series.sentences import number_in_words, reason, typical_in_words
from models.slots.detected import Detected

BEGIN, END = "begin", "end"
"""Stages: the incident goes on, or is over."""

MOST_RECENT = 120
"""So many slots at most are told beside an incident."""

_RARE = 0.5
"""Lines a slot."""

_DIGITS, _RECENT_DIGITS = 9, 7


def incident_id(model: str, series: str, incident: Incident) -> str:
    """The id of an incident: the same when it begins and when it ends, whatever its type turns out to be."""
    return anomaly_id(model, series, incident.track, incident.begin_ms)


def incident_document(
    model: ModelDocument,
    series: Detected,
    incident: Incident,
    stage: str,
    learnt: int,
    recent: Sequence[tuple[int, float, float, float, float]],
) -> Document:
    """The anomaly document.

    Its score is 100 times that of the incident (a tenth of its rarity), at most 100.

    Args:
        model: the model in force.
        series: the series.
        incident: as it is now.
        stage: :data:`BEGIN` or :data:`END`.
        learnt: how many slots of the series had been seen when it began.
        recent: the last slots, oldest first: begin (epoch ms), value, what was expected, lower and upper bound; NaN for
            nothing.
    """
    slot_ms = series.key.slot_ms
    if series.counts:
        incident = replace(incident, typical=_from_nought(incident.typical), lower=_from_nought(incident.lower))
        recent = [(at, value, max(expected, 0.0), max(low, 0.0), high) for at, value, expected, low, high in recent]
    name = next((t.grok for t in model.templates if t.id == series.key.template), series.key.template)
    known = f"learnt from {learnt:,} slots"
    ahead = incident.track == AHEAD
    document = build(
        incident.type,
        identity=incident_id(model.id, series.id, incident),
        timestamp_ms=incident.begin_ms,
        score=min(100.0, 100.0 * incident.score),
        model_id=model.id,
        model_version=model.version,
        source="",
        evidence=[],
        actual=number_in_words(incident.actual),
        typical=f"below {number_in_words(incident.limit)}" if _below(incident) else typical_in_words(incident),
        reason=f"{reason(series.in_words(phrases([name])[0]), incident, slot_ms)} ({known}).",
        template=series.key.template,
    )
    told: Document = {"id": series.id, "kind": series.key.kind, "template": series.key.template}
    if series.key.field:
        told["field"] = series.key.field
    if series.value:
        told["value"] = series.value
    told |= {
        "slot_ms": slot_ms,
        "stage": stage,
        "begin": iso_ms(incident.begin_ms),
        "end": iso_ms(incident.shown_last_ms + slot_ms) if stage == END else None,
        "peak": iso_ms(incident.peak_ms),
        "actual": _rounded(incident.actual),
        "typical": _rounded(incident.typical),
        "lower": _rounded(incident.lower),
        "upper": _rounded(incident.upper),
        "direction": direction(incident),
        "lasting": incident.lasting,
    }
    if ahead:
        told["limit"] = incident.limit
        told["eta"] = None if incident.eta_ms is None else iso_ms(int(incident.eta_ms))
    told["recent"] = [
        [iso_ms(at), *(_rounded(number, _RECENT_DIGITS) for number in numbers)]
        for at, *numbers in recent[-MOST_RECENT:]
    ]
    document["series"] = told
    return document


def is_nothing_new(series: Detected, incident: Incident) -> bool:
    """Whether it only says that there is nothing where mostly there is nothing, as of a message that comes rarely.

    How long the next line of such a series will take is hard to tell from few: longer slots have more of them.
    """
    typical = incident.typical
    flat = incident.type == "flat" and incident.actual == 0.0
    return series.counts and flat and typical is not None and typical < _RARE


def direction(incident: Incident) -> str:
    """To which side it went, ``up`` or ``down``: for windows as they say, else by its peak."""
    signals = incident.signals
    match incident.type:
        case "level_shift":
            up = signals[RISEN] >= signals[FALLEN]
        case "trend":
            up = signals[CLIMBING] >= signals[SINKING]
        case "variance":
            up = signals[WIDER] >= signals[NARROWER]
        case "forecast_limit":
            up = incident.actual is None or incident.limit is None or incident.limit >= incident.actual
        case _:
            return incident.direction
    return "up" if up else "down"


def _from_nought(number: float | None) -> float | None:
    return None if number is None else max(number, 0.0)  # NaN stays what it is


def _below(incident: Incident) -> bool:
    return incident.track == AHEAD and incident.limit is not None and direction(incident) == "up"


def _rounded(number: float | None, digits: int = _DIGITS) -> float | None:
    """A number to so many digits; None for nothing."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.{digits}g}")
