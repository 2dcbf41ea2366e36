"""Anomaly documents of series, made by the typed detectors on made-up series."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from models.anomalies import anomaly_id, iso_ms
from models.series.fleet import Fleet, Told
from models.series.sentences import reason
from tests.models.report.data import Document, anomaly

SLOT = 600_000
DAY = 144
BEGIN = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1000


def noise(days: int, seed: int = 1, level: float = 50.0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, 2, days * DAY)


@dataclass
class Made:
    """A made-up series: a value a slot, NaN for none, and what else its documents say of it."""

    name: str
    values: np.ndarray
    keys: dict[str, Any] = field(default_factory=dict)
    limit: float | None = None


def told(made: list[Made]) -> list[Document]:
    """All documents: a begin and, if it ended, an end of each incident, in the order of telling."""
    fleet, found = Fleet(SLOT, len(made)), []
    recent = [deque[list[Any]](maxlen=120) for _ in made]
    for row, one in enumerate(made):
        fleet.set_limit(row, one.limit)
    for slot in range(max(len(one.values) for one in made)):
        at = BEGIN + slot * SLOT
        rows = np.array([row for row, one in enumerate(made) if slot < len(one.values)])
        values = np.array([made[row].values[slot] for row in rows])
        judged = fleet.update(rows, np.full(len(rows), at), values)
        for row, *numbers in zip(rows, values, judged.expected, judged.lower, judged.upper, strict=True):
            recent[row].append([iso_ms(at), *(None if np.isnan(number) else float(number) for number in numbers)])
        found += [document(one, made[one.row], list(recent[one.row])) for one in judged.told]
    return found


def document(one: Told, made: Made, recent: list[list[Any]]) -> Document:
    incident, name = one.incident, made.name
    series = {
        "id": name, "kind": name.split()[0], "template": "t-get", "slot_ms": SLOT, "stage": one.stage,
        "begin": iso_ms(incident.begin_ms),
        "end": iso_ms(incident.last_ms + SLOT) if one.stage == "end" else None, "peak": iso_ms(incident.peak_ms),
        "actual": incident.actual, "typical": incident.typical, "lower": incident.lower, "upper": incident.upper,
        "direction": incident.direction, "lasting": incident.lasting, "recent": recent, **made.keys,
    }  # fmt: skip
    if incident.limit is not None:
        series |= {"limit": incident.limit, "eta": iso_ms(int(incident.eta_ms)) if incident.eta_ms else None}
    return anomaly(
        incident.type, incident.begin_ms / 1000, 1, **{"@timestamp": iso_ms(incident.begin_ms)},
        id=anomaly_id("m", name, incident.track, incident.begin_ms), score=min(100.0, 100 * incident.score),
        source="", template="t-get", actual=str(incident.actual), typical=str(incident.typical), series=series,
        reason=reason(f'The number of lines of "GET <path>" ({name})', incident, SLOT) + ".",
    )  # fmt: skip


@cache
def series_anomalies() -> tuple[Document, ...]:
    """Incidents of each type on series of their own, two of one series close to each other, and one of two series."""
    spike, drop, step, silent, stuck, wide = (noise(8, seed) for seed in range(6))
    spike[700:703], spike[760] = 90, 15
    drop[900:910] = 22 + np.arange(10) % 3
    step[950:] -= 16
    silent[800:840] = np.nan
    stuck[800:840] = 51.25
    wide[900:1000] += np.random.default_rng(9).normal(0, 14, 100)
    hours = np.arange(20 * DAY) / DAY * 2 * np.pi
    rhythm = 400 + 300 * np.sin(hours) + np.random.default_rng(3).normal(0, 12, len(hours))
    rhythm[17 * DAY : 18 * DAY] = 400 + np.random.default_rng(4).normal(0, 12, DAY)
    climbing = 20 + 0.04 * np.arange(9 * DAY) + np.random.default_rng(5).normal(0, 0.7, 9 * DAY)
    found = told(
        [
            Made("lines t-get", spike),
            Made("category t-get status=200", drop, {"field": "status", "value": "200"}),
            Made("metric t-get took", step, {"field": "took"}),
            Made("lines t-put", silent),
            Made("metric t-put took", stuck, {"field": "took"}),
            Made("metric t-put size", wide, {"field": "size"}),
            Made("lines t-list", rhythm * 1000),
            Made("metric t-disk used", climbing, {"field": "used"}, limit=75.0),
        ]
    )
    pair = next(one for one in found if one["series"]["id"] == "category t-get status=200")
    shared = [[at, None if actual is None else actual * 0.3 + 4] for at, actual, *_ in pair["series"]["recent"]]
    other = {"id": "lines t-db", "kind": "lines", "template": "t-db", "recent": shared}
    both = pair["series"] | {"id": "lines t-web", "kind": "lines", "other": other, "lag_slots": 2, "slope": 0.3}
    reasoned = '"GET <path>" and "SELECT <table>" no longer go together.'
    found.append(pair | {"id": "c" * 20, "type": "correlation", "series": both, "reason": reasoned})
    return tuple(found)
