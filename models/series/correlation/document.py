"""What is told of a pair that departs: the anomaly document of type ``correlation``."""

from __future__ import annotations

import math
from typing import Any

from models.anomalies import CORRELATION, Document, anomaly_id, build, human_duration, iso_ms
from models.document import ModelDocument
from models.phrases import phrases
from models.series.correlation.departure import Departure
from models.series.correlation.follow import Told
from models.series.correlation.pair import CATEGORY, METRIC, Correlation, SeriesRef


def correlation_document(model: ModelDocument, pair: Correlation, told: Told) -> Document:
    """The anomaly document. Its score is ten times the rarity; that of the end has the id of the begin.

    Args:
        model: the model in force.
        pair: the pair that departs.
        told: what is told of it.
    """
    departure, slot_ms = told.departure, model.series.slot_ms
    end_ms = departure.last_ms + slot_ms
    actual, led = _number(departure.actual), _number(departure.led)
    typical = f"{_number(departure.lower)} to {_number(departure.upper)}"
    before = f" {human_duration(pair.lag_slots * slot_ms)} before" if pair.lag_slots else " at that time"
    document = build(
        CORRELATION,
        identity=anomaly_id(model.id, pair.a.name, pair.b.name, departure.begin_ms),
        timestamp_ms=departure.begin_ms,
        score=100.0 * departure.score,
        model_id=model.id,
        model_version=model.version,
        source="",
        evidence=[],
        actual=f"{actual}, with {led}{before}",
        typical=f"{typical}, about {_number(departure.typical)}",
        reason=_reason(model, pair, departure, slot_ms),
        template=pair.b.template,
    )
    document["series"] = _ref(pair.b) | {
        "slot_ms": slot_ms,
        "stage": told.stage,
        "begin": iso_ms(departure.begin_ms),
        "end": iso_ms(end_ms),
        "peak": iso_ms(departure.peak_ms),
        "actual": _rounded(departure.actual),
        "typical": _rounded(departure.typical),
        "lower": _rounded(departure.lower),
        "upper": _rounded(departure.upper),
        "direction": departure.direction,
        "lasting": departure.lasting,
        "recent": [
            [iso_ms(time_ms), *map(_rounded, (b, expected, lower, upper))]
            for time_ms, _, b, expected, lower, upper in told.recent
        ],
    }
    document["other"] = _ref(pair.a) | {"recent": [[iso_ms(one[0]), _rounded(one[1])] for one in told.recent]}
    document["lag_slots"] = pair.lag_slots
    document["slope"] = pair.slope
    return document


def _reason(model: ModelDocument, pair: Correlation, departure: Departure, slot_ms: int) -> str:
    follows, leads = _in_words(model, pair.b), _in_words(model, pair.a)
    before = f" {human_duration(pair.lag_slots * slot_ms)} before" if pair.lag_slots else ""
    lasted = human_duration(departure.last_ms - departure.begin_ms + slot_ms)
    own = [words for words, odd in ((follows, departure.own_b), (leads, departure.own_a)) if odd]
    alone = f"; {' and '.join(own)} left {'its' if len(own) == 1 else 'their'} own level, too" if own else ""
    stays = ", and it stays so" if departure.lasting else ""
    return (
        f"From {iso_ms(departure.begin_ms)} on, for {lasted}, {follows} did not go with {leads}{before} as usual: "
        f"{_number(departure.actual)}, where {_number(departure.lower)} to {_number(departure.upper)} is normal "
        f"for {_number(departure.led)}{stays}{alone}."
    )


def _in_words(model: ModelDocument, ref: SeriesRef) -> str:
    grok = next((t.grok for t in model.templates if t.id == ref.template), ref.template)
    message = f'"{phrases([grok])[0]}"'
    if ref.kind == METRIC:
        return f"the mean {ref.field} of {message}"
    return f"the number of {message}" + (f" with {ref.field} {ref.value}" if ref.kind == CATEGORY else "")


def _ref(ref: SeriesRef) -> dict[str, Any]:
    return {"id": ref.name, **{key: value for key, value in ref.to_json().items() if key != "template"},
            "template": ref.template}  # fmt: skip


def _rounded(number: float) -> float | None:
    return None if math.isnan(number) else float(f"{number:.6g}")


def _number(value: float) -> str:
    return "nothing" if math.isnan(value) else f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
