"""What was said of points, as documents: incidents, scores, dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isnan
from typing import Any

from models.anomalies import Document, anomaly_id, iso_ms, place_in_topic
from models.dead_letters import dead_line
from models.origins import Origin
from models.series.incidents import AHEAD, Incident
from models.series.scoring.points import NO_TIME, PointBatch
from models.series.scoring.scored import Scored, Turn
from models.series.scoring.settings import TYPED, WEIRWATCH
from models.series.sentences import number_in_words, reason
from models.source_reader import DeadLine

_HIGHEST_BELOW = 0.499999


def shown_score(score: float, alarm: bool, detector: str) -> float:
    """A score with six decimals; under ``weirwatch``, one just below an alarm's is not rounded up to one."""
    return round(score if alarm or detector == TYPED else min(score, _HIGHEST_BELOW), 6)


def shown_number(number: float) -> float | None:
    """A forecast or a bound with ten digits; None of NaN."""
    return None if isnan(number) else float(f"{number:.10g}")


def incident_documents(batch: PointBatch, found: Scored, detector: str) -> list[Document]:
    """The incidents that begin or end with the points of a batch; under ``weirwatch`` its alarms."""
    if detector == TYPED:
        return [_turn(batch, turn) for turn in found.turns]
    return [_alarm(batch, found, place) for place in found.alarm.nonzero()[0].tolist()]


def _turn(batch: PointBatch, turn: Turn) -> Document:
    incident = turn.incident
    name = batch.names[batch.series[turn.place]]
    return {
        "@timestamp": iso_ms(incident.begin_ms),
        # Begin and end have one id: the later takes the place of the earlier.
        "id": anomaly_id("series", TYPED, batch.scope, name, incident.track, incident.begin_ms),
        "detector": TYPED,
        "source": _source(batch),
        "series": name,
        "type": incident.type,
        "stage": turn.stage,
        "score": round(incident.score, 6),
        "end": iso_ms(incident.shown_last_ms + turn.slot_ms) if turn.stage == "end" else None,
        "peak": None if incident.actual is None else iso_ms(incident.peak_ms),
        "direction": incident.direction,
        "actual": incident.actual,
        "typical": _known(incident.typical),
        "lower": _known(incident.lower),
        "upper": _known(incident.upper),
        "lasting": incident.lasting,
        **(_ahead(incident) if incident.track == AHEAD else {}),
        "reason": reason(name, incident, turn.slot_ms),
    }


def _ahead(incident: Incident) -> Document:
    eta = incident.eta_ms
    return {"limit": incident.limit, "eta": None if eta is None or isnan(eta) else iso_ms(int(eta))}


def _alarm(batch: PointBatch, found: Scored, place: int) -> Document:
    name, time_ms = batch.names[batch.series[place]], int(batch.time_ms[place])
    value, expected = float(batch.values[place]), shown_number(found.expected[place])
    lower, upper = shown_number(found.lower[place]), shown_number(found.upper[place])
    usual = (
        f"{number_in_words(expected)} was expected"
        if lower is None or upper is None
        else f"{number_in_words(lower)}–{number_in_words(upper)} was usual lately"
    )
    # Of points without a time, or with the same, the place tells them apart.
    origin, position = batch.origin, int(batch.position[place])
    return {
        "@timestamp": None if time_ms == NO_TIME else iso_ms(time_ms),
        "id": anomaly_id("series", WEIRWATCH, origin, name, position),
        "detector": WEIRWATCH,
        "source": _source(batch),
        "series": name,
        **_place(batch, place),
        "score": shown_score(float(found.scores[place]), True, WEIRWATCH),
        "actual": value,
        "typical": expected,
        "lower": lower,
        "upper": upper,
        "reason": f"{name} is {number_in_words(value)}, in a way that it was not before; {usual}",
    }


def score_lines(batch: PointBatch, found: Scored, detector: str) -> Iterator[str]:
    """What is said of each point, as lines of JSON."""
    source = _source(batch)
    numbers = (found.scores, found.alarm, found.expected, found.lower, found.upper)
    rows = zip(*(column.tolist() for column in (batch.series, batch.time_ms, batch.values, *numbers)), strict=True)
    for place, (series, time_ms, value, score, alarm, *bounds) in enumerate(rows):
        expected, lower, upper = map(shown_number, bounds)
        document = {
            "source": source,
            "series": batch.names[series],
            **_place(batch, place),
            "timestamp": None if time_ms == NO_TIME else iso_ms(time_ms),
            "value": None if isnan(value) else value,
            "anomaly_score": shown_score(score, alarm, detector),
            "alarm": int(alarm),
            "expected": expected,
            "lower": lower,
            "upper": upper,
        }
        yield json.dumps(document, ensure_ascii=False)


def refused_letters(batch: PointBatch, found: Scored) -> list[Document]:
    """The dead letters of points that were not judged."""
    letters = []
    for place, why in sorted(found.refused.items()):
        time_ms, value = int(batch.time_ms[place]), float(batch.values[place])
        known = None if time_ms == NO_TIME else time_ms
        point: dict[str, Any] = {
            "series": batch.names[batch.series[place]],
            "timestamp": known,
            "value": None if isnan(value) else value,
        }
        raw = json.dumps(point, ensure_ascii=False).encode("utf-8", "replace")
        line = DeadLine(int(batch.position[place]), f"the point was not judged: {why}", raw, known)
        letters.append(dead_line(batch.origin, line, topic=batch.topic))
    return letters


def _source(batch: PointBatch) -> str:
    return Origin.parse(batch.origin).source if batch.topic else batch.origin


def _place(batch: PointBatch, place: int) -> Document:
    position = int(batch.position[place])
    return place_in_topic(batch.origin, position) if batch.topic else {"line": position}


def _known(number: float | None) -> float | None:
    return None if number is None or isnan(number) else number
